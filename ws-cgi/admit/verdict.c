/*
 * verdict.c - a hook's words, taken apart in place.  Promises that no variable
 * has a name which means something to others, and that no field is one of ours;
 * never sees a descriptor, and does not know who asked.
 */

#include <string.h>

#include "ascii.h"
#include "field.h"
#include "user.h"
#include "verdict.h"

static int
wrong(const char **why, const char *what)
{
	*why = what;
	return -1;
}

/* A field of those that we read; of its name, what tells it from its kind. */
struct said {
	char *name, *value;
};

/* RFC 3875 6.3.3.  Who sends what is no refusal has something else in mind. */
static int
hear_status(struct verdict *v, const struct said *s, const char **why)
{
	char *value = s->value;

	if (strspn(value, "0123456789") != 3 ||
	    (value[3] != '\0' && value[3] != ' '))
		return wrong(why, "its Status is not three digits");
	if (v->status != 0)
		return wrong(why, "there is a Status already");
	value[3] = '\0';
	v->status = ascii_number(value, 999);
	if (v->status < 300 || v->status == 304 || v->status > 599)
		return wrong(why,
		    "its Status is no refusal: not from 300 to "
		    "599, or 304");
	return 0;
}

static int
hear_protocol(struct verdict *v, const struct said *s, const char **why)
{
	if (v->protocol != NULL)
		return wrong(why, "there is a Sec-WebSocket-Protocol already");
	v->protocol = s->value;
	return 0;
}

static int
hear_user(struct verdict *v, const char *value, const char **why)
{
	if (v->user != NULL)
		return wrong(why, "there is that variable already");
	v->user = value;
	return user_check(value, why);
}

/* Nobody but the program behind looks for such a name. */
static bool
is_free(const char *name)
{
	static const char prefix[] = "ADMIT_";
	const size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 && name[len] != '\0' &&
	    name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")] == '\0';
}

static bool
is_there(const struct verdict *v, const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < v->variables; i++)
		if (strncmp(v->variable[i], name, len) == 0 &&
		    v->variable[i][len] == '=')
			return true;
	return false;
}

/* Shells of 2014 run what begins like a function. */
static int
hear_variable(struct verdict *v, const struct said *s, const char **why)
{
	char *equals = s->name + strlen(s->name);

	if (strcmp(s->name, "REMOTE_USER") == 0)
		return hear_user(v, s->value, why);
	if (!is_free(s->name))
		return wrong(why,
		    "a variable is REMOTE_USER, or ADMIT_ and then capitals, "
		    "digits and underscores");
	if (is_there(v, s->name))
		return wrong(why, "there is that variable already");
	if (v->variables == VERDICT_MOST)
		return wrong(why, "there are over 32 variables");
	if (strncmp(s->value, "() {", 4) == 0)
		return wrong(why, "its value begins with () {");
	*equals = '=';
	memmove(equals + 1, s->value, strlen(s->value) + 1);
	v->variable[v->variables++] = s->name;
	return 0;
}

/* What we read ourselves; a name that ends in "-" stands for all such. */
static const struct heard {
	const char *name;
	int (*hear)(struct verdict *, const struct said *, const char **why);
} heard[] = {
	{ "Status", hear_status },
	{ "Variable-", hear_variable },
	{ "Sec-WebSocket-Protocol", hear_protocol },
};

/* Returns where the rest of the name begins, or NULL. */
static char *
is_heard(const struct heard *h, char *name)
{
	const size_t len = strlen(h->name);

	if (!ascii_same_n(name, h->name, len) ||
	    (name[len] != '\0' && h->name[len - 1] != '-'))
		return NULL;
	return name + len;
}

static int
hear_other(struct verdict *v, char *line, size_t name, const char **why)
{
	if (field_is_ours(line, name) ||
	    (name == 4 && ascii_same_n(line, "Date", name)))
		return wrong(why, "the field is ours to send");
	if (v->fields == VERDICT_MOST)
		return wrong(why, "there are over 32 fields");
	v->field[v->fields++] = line;
	return 0;
}

static void
trim(char *line)
{
	size_t len = strlen(line);

	while (len > 0 && strchr(" \t", line[len - 1]) != NULL)
		line[--len] = '\0';
}

static int
hear(struct verdict *v, char *line, const char **why)
{
	const size_t len = field_name(line);
	struct said s = { .value = line + len + 1 };

	if (len == 0)
		return wrong(why, "it is no field, NAME: value");
	if (!field_is_value(line))
		return wrong(why, "it holds a control character");
	trim(s.value);
	s.value += strspn(s.value, " \t");
	line[len] = '\0';
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		if ((s.name = is_heard(&heard[i], line)) != NULL)
			return heard[i].hear(v, &s, why);
	line[len] = ':';
	return hear_other(v, line, len, why);
}

/* The text from here to its end, of which lines are cut off. */
struct rest {
	char *at, *end;
	int line;
};

/* The next line, without its end.  Returns 0, or -1 for one with a NUL. */
static int
next_line(struct rest *r, char **line)
{
	const size_t left = (size_t)(r->end - r->at);
	char *newline = memchr(r->at, '\n', left);
	char *end = newline == NULL ? r->end : newline;

	*line = r->at;
	r->at = newline == NULL ? r->end : newline + 1;
	r->line++;
	if (newline != NULL && end > *line && end[-1] == '\r')
		end--;
	*end = '\0';
	return strlen(*line) == (size_t)(end - *line) ? 0 : -1;
}

static int
hear_fields(struct verdict *v, struct rest *r, const char **why)
{
	char *line;

	while (r->at < r->end) {
		if (next_line(r, &line) == -1)
			return wrong(why, "it holds a NUL");
		if (*line == '\0')
			return 0;
		if (hear(v, line, why) == -1)
			return -1;
	}
	return 0;
}

/* Do these go together?  RFC 9110 15.5.2 wants a challenge. */
static int
agree(struct verdict *v, const char **why)
{
	if (v->status == 0 &&
	    (v->size > 0 || verdict_field(v, "Content-Type") != NULL ||
		verdict_field(v, "Location") != NULL))
		return wrong(why, "there is an answer, but no Status for it");
	if (v->status == 401 && verdict_field(v, "WWW-Authenticate") == NULL)
		return wrong(why,
		    "its Status is 401, and there is no WWW-Authenticate");
	return 0;
}

int
verdict_read(struct verdict *v, char *text, size_t size, bool refused,
    int *line, const char **why)
{
	struct rest r = { 0 };

	r.at = text;
	r.end = text + size;
	*v = (struct verdict){ 0 };
	*line = 0;
	if (hear_fields(v, &r, why) == -1) {
		*line = r.line;
		return -1;
	}
	v->body = r.at;
	v->size = (size_t)(r.end - r.at);
	if (v->status == 0 && refused)
		v->status = 403;
	return agree(v, why);
}

const char *
verdict_field(const struct verdict *v, const char *name)
{
	const size_t len = strlen(name);
	const char *value;

	for (size_t i = 0; i < v->fields; i++)
		if (ascii_same_n(v->field[i], name, len) &&
		    v->field[i][len] == ':') {
			value = v->field[i] + len + 1;
			return value + strspn(value, " \t");
		}
	return NULL;
}
