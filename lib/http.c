/*
 * http.c - heads of requests and responses.  One pass to find the end, one to
 * cut it into strings; refuses to know what any field means.
 */

#include <stdlib.h>
#include <string.h>

#include "ascii.h"
#include "http.h"

static const struct http_status {
	int status;
	const char *phrase;
} http_statuses[] = {
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 412, "Precondition Failed" },
	{ 414, "URI Too Long" },
	{ 416, "Range Not Satisfiable" },
	{ 421, "Misdirected Request" },
	{ 426, "Upgrade Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *
http_phrase(int status)
{
	const size_t n = sizeof(http_statuses) / sizeof(http_statuses[0]);

	for (size_t i = 0; i < n; i++)
		if (http_statuses[i].status == status)
			return http_statuses[i].phrase;
	return "Status";
}

void
http_date(char date[HTTP_DATE], time_t when)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(date, HTTP_DATE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static long
http_refuse(int status, const char *reason, int *to, const char **why)
{
	*to = status;
	*why = reason;
	return -1;
}

static long
http_too_long(const struct http_scan *s, int *status, const char **why)
{
	if (!s->start)
		return http_refuse(414, "the request line is too long", status,
		    why);
	return http_refuse(431, "the request head is over 16384 bytes", status,
	    why);
}

long
http_end(struct http_scan *s, const uint8_t *p, size_t size, int *status,
    const char **why)
{
	size_t length;

	for (; s->seen < size; s->seen++) {
		if (s->seen == HTTP_HEAD_MAX)
			return http_too_long(s, status, why);
		if (p[s->seen] == '\0')
			return http_refuse(400, "the head holds a NUL", status,
			    why);
		if (p[s->seen] != '\n')
			continue;
		length = s->seen - s->line;
		if (length == 0 || p[s->seen - 1] != '\r')
			return http_refuse(400,
			    "a line of the head does not end with CR LF",
			    status, why);
		s->line = s->seen + 1;
		if (length > 1)
			s->start = true;
		else if (s->start)
			return (long)++s->seen;
	}
	return 0;
}

bool
http_is_token_char(char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool
http_is_token(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!http_is_token_char(p[i]))
			return false;
	return len > 0;
}

static bool
http_is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut off the line at *p, CR LF and all, and step over it. */
static char *
http_line(char **p)
{
	char *line = *p;
	char *lf = strchrnul(line, '\n');

	lf[-1] = '\0';
	*p = lf + 1; /* http_end has seen that it is there */
	return line;
}

/* Field values: visible characters, spaces, tabs, and bytes over 0x7f. */
static bool
http_is_text(const char *p)
{
	for (; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return false;
	return true;
}

static const char *
http_field_parse(struct http *h, char *line)
{
	char *colon = strchr(line, ':');
	char *end;

	if (http_is_space(*line))
		return "a header field is folded";
	if (colon == NULL || !http_is_token(line, (size_t)(colon - line)))
		return "a header field has no proper name";
	*colon++ = '\0';
	while (http_is_space(*colon))
		colon++;
	for (end = colon + strlen(colon); end > colon; end--)
		if (!http_is_space(end[-1]))
			break;
	*end = '\0';
	if (!http_is_text(colon))
		return "a header field's value holds a control character";
	h->field[h->fields++] = (struct http_field){
		.name = (uint16_t)(line - h->head),
		.value = (uint16_t)(colon - h->head),
	};
	return NULL;
}

static int
http_fields(struct http *h, char *p, const char **why)
{
	while (strncmp(p, "\r\n", 2) != 0) {
		if (h->fields == HTTP_FIELDS_MAX) {
			*why = "the request has over 100 header fields";
			return 431;
		}
		if ((*why = http_field_parse(h, http_line(&p))) != NULL)
			return 400;
	}
	return 0;
}

/* "HTTP/1.1" is 11.  Returns -1 for what is no version. */
static int
http_version(const char *p)
{
	if (strncmp(p, "HTTP/", 5) != 0 || p[5] < '0' || p[5] > '9' ||
	    p[6] != '.' || p[7] < '0' || p[7] > '9' || p[8] != '\0')
		return -1;
	return (p[5] - '0') * 10 + p[7] - '0';
}

static bool
http_is_target(const char *p)
{
	for (const char *c = p; *c != '\0'; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
			return false;
	return *p != '\0';
}

static int
http_request_line(struct http *h, char *line, const char **why)
{
	char *target = strchr(line, ' ');
	char *version = target == NULL ? NULL : strchr(target + 1, ' ');

	*why = "the request line is not METHOD TARGET HTTP/1.1";
	if (version == NULL)
		return 400;
	*target++ = '\0';
	*version++ = '\0';
	h->method = line;
	h->target = target;
	h->version = http_version(version);
	if (!http_is_token(line, strlen(line)) || !http_is_target(target) ||
	    h->version == -1)
		return 400;
	return 0;
}

/* RFC 9112 2.2: empty lines before the start line are passed over. */
static char *
http_start(char *p)
{
	while (strncmp(p, "\r\n", 2) == 0)
		p += 2;
	return p;
}

int
http_request(struct http *h, char *p, const char **why)
{
	int status;

	*h = (struct http){ .head = p };
	p = http_start(p);
	if ((status = http_request_line(h, http_line(&p), why)) != 0)
		return status;
	return http_fields(h, p, why);
}

int
http_response(struct http *h, char *p, const char **why)
{
	char *line;

	*h = (struct http){ .head = p };
	p = http_start(p);
	line = http_line(&p);
	*why = "the answer does not begin with HTTP/1.1 and a status";
	if (strlen(line) < 12 || line[8] != ' ' ||
	    strspn(line + 9, "0123456789") != 3 ||
	    (line[12] != ' ' && line[12] != '\0'))
		return 400;
	line[8] = '\0';
	h->version = http_version(line);
	h->status = (int)strtol(line + 9, NULL, 10);
	if (h->version == -1)
		return 400;
	return http_fields(h, p, why);
}

const char *
http_field_name(const struct http *h, size_t i)
{
	return h->head + h->field[i].name;
}

const char *
http_field_value(const struct http *h, size_t i)
{
	return h->head + h->field[i].value;
}

const char *
http_value(const struct http *h, const char *name)
{
	for (size_t i = 0; i < h->fields; i++)
		if (ascii_same(http_field_name(h, i), name))
			return http_field_value(h, i);
	return NULL;
}

size_t
http_count(const struct http *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->fields; i++)
		if (ascii_same(http_field_name(h, i), name))
			n++;
	return n;
}

static bool
http_list_field(struct http_list *l)
{
	while (l->rest == NULL || *l->rest == '\0') {
		if (l->http == NULL || l->field == l->http->fields)
			return false;
		if (ascii_same(http_field_name(l->http, l->field), l->name))
			l->rest = http_field_value(l->http, l->field);
		l->field++;
	}
	return true;
}

bool
http_list_next(struct http_list *l, const char **item, size_t *len)
{
	const char *end;

	while (http_list_field(l)) {
		while (http_is_space(*l->rest))
			l->rest++;
		*item = l->rest;
		end = strchrnul(l->rest, ',');
		l->rest = *end == ',' ? end + 1 : end;
		while (end > *item && http_is_space(end[-1]))
			end--;
		*len = (size_t)(end - *item);
		if (*len > 0)
			return true;
	}
	return false;
}

bool
http_list_has(const struct http *h, const char *name, const char *item)
{
	struct http_list l = { .http = h, .name = name };
	const char *p;
	size_t len;

	while (http_list_next(&l, &p, &len))
		if (len == strlen(item) && ascii_same_n(p, item, len))
			return true;
	return false;
}
