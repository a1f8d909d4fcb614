/*
 * choices.c - what a service is to be like, from the arguments of options.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "admit/admit.h"
#include "admit/field.h"
#include "ascii.h"
#include "bridge/format.h"
#include "bridge/spawn.h"
#include "choices.h"
#include "http.h"
#include "values.h"

int
choice_name(void *target, const char *arg, const char **why)
{
	struct names *names = target;
	const char **longer;

	longer = reallocarray(names->name, names->count + 1, sizeof(*longer));
	*why = "no memory";
	if (longer == NULL)
		return -1;
	longer[names->count++] = arg;
	names->name = longer;
	return 0;
}

/* RFC 6455 4.1: it is a token, in which there is no "=". */
int
choice_protocol(void *target, const char *arg, const char **why)
{
	const size_t len = strcspn(arg, "=");

	*why = "not NAME or NAME=BRIDGE, the name of a subprotocol being a "
	       "token";
	if (!http_is_token(arg, len) ||
	    (arg[len] == '=' && strspn(arg + len, "= \t") == strlen(arg + len)))
		return -1;
	return choice_name(target, arg, why);
}

static const struct {
	const char *name;
	int resource;
} resources[] = {
	{ "as", RLIMIT_AS },
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "stack", RLIMIT_STACK },
};

/* Returns the resource's number, or -1, and what stands behind the "=". */
static int
resource_of(const char *arg, const char **value)
{
	const size_t len = strcspn(arg, "=");

	*value = arg + len + 1;
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (strlen(resources[i].name) == len && arg[len] == '=' &&
		    memcmp(resources[i].name, arg, len) == 0)
			return resources[i].resource;
	return -1;
}

/* A core and such may be of no bytes at all. */
static int
limit_of(const char *value, rlim_t *limit)
{
	const char *why;
	int64_t n = 0;

	if (strcmp(value, "0") != 0 && value_size(&n, value, &why) == -1)
		return -1;
	*limit = n == -1 ? RLIM_INFINITY : (rlim_t)n;
	return 0;
}

int
choice_limit(void *target, const char *arg, const char **why)
{
	struct spawn_limits *l = target;
	struct spawn_limit *longer;
	const char *value;
	const int resource = resource_of(arg, &value);
	rlim_t limit;

	*why = "not like as=256M, cpu=60, nofile=64 or core=none: see --help "
	       "for the names";
	if (resource == -1 || limit_of(value, &limit) == -1)
		return -1;
	*why = "no memory";
	longer = reallocarray(l->limit, l->count + 1, sizeof(*longer));
	if (longer == NULL)
		return -1;
	longer[l->count++] = (struct spawn_limit){ resource, limit };
	l->limit = longer;
	return 0;
}

const char *
choice_resource(int resource)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (resources[i].resource == resource)
			return resources[i].name;
	return "?";
}

static int
find_choice(int *target, const char *arg, const char *const choices[])
{
	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], arg) == 0) {
			*target = i;
			return 0;
		}
	return -1;
}

const char *const newline_names[] = {
	[NEWLINE_REFUSE] = "refuse",
	[NEWLINE_ESCAPE] = "escape",
	[NEWLINE_SPLIT] = "split",
	[NEWLINE_SPACE] = "space",
	NULL,
};

const char *const bad_text_names[] = {
	[BAD_TEXT_CLOSE] = "close",
	[BAD_TEXT_REPLACE] = "replace",
	[BAD_TEXT_BINARY] = "binary",
	NULL,
};

int
choice_newline(void *target, const char *arg, const char **why)
{
	int choice = 0;

	*why = "not refuse, escape, split or space";
	if (find_choice(&choice, arg, newline_names) == -1)
		return -1;
	*(enum newline_policy *)target = (enum newline_policy)choice;
	return 0;
}

int
choice_bad_text(void *target, const char *arg, const char **why)
{
	int choice = 0;

	*why = "not close, replace or binary";
	if (find_choice(&choice, arg, bad_text_names) == -1)
		return -1;
	*(enum bad_text_policy *)target = (enum bad_text_policy)choice;
	return 0;
}

const char *const stderr_names[] = {
	[STDERR_LOG] = "log",
	[STDERR_CLIENT] = "client",
	[STDERR_NONE] = "none",
	NULL,
};

int
choice_stderr(void *target, const char *arg, const char **why)
{
	int choice = 0;

	*why = "not log, client or none";
	if (find_choice(&choice, arg, stderr_names) == -1)
		return -1;
	*(enum stderr_policy *)target = (enum stderr_policy)choice;
	return 0;
}

int
choice_format(void *target, const char *arg, const char **why)
{
	*why = "not line, nul, netstring, json or raw";
	*(const struct format **)target = format_find(arg);
	return format_find(arg) == NULL ? -1 : 0;
}

int
choice_host(void *target, const char *arg, const char **why)
{
	struct authority a;

	*why = "not a name or an address, with or without a port";
	return request_authority(&a, arg) == -1 ? -1 :
						  choice_name(target, arg, why);
}

int
choice_origin(void *target, const char *arg, const char **why)
{
	const char *authority = strstr(arg, "://");
	struct authority a;

	*why = "not * or an origin like https://example.org:8443";
	if (strcmp(arg, "*") != 0 &&
	    (authority == NULL || authority == arg ||
		request_authority(&a, authority + 3) == -1))
		return -1;
	return choice_name(target, arg, why);
}

int
choice_header(void *target, const char *arg, const char **why)
{
	const size_t len = field_name(arg);

	*why = "not a field like 'Set-Cookie: a=b'";
	if (len == 0 || arg[len + 1] != ' ' || !field_is_value(arg))
		return -1;
	*why = "a field of the handshake's own";
	return field_is_ours(arg, len) ? -1 : choice_name(target, arg, why);
}

/* What has an underscore is refused in requests, and a list of ours is not. */
int
choice_field(void *target, const char *arg, const char **why)
{
	static const char *const others[] = { "Authorization", "Cookie", "Host",
		"Origin", "Proxy", "Proxy-Authorization" };
	const size_t len = strspn(arg,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789"
	    "abcdefghijklmnopqrstuvwxyz");

	*why = "not letters, digits and hyphens, as in X-Remote-User";
	if (len == 0 || arg[len] != '\0')
		return -1;
	*why = "a field that says something else";
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (ascii_same(arg, others[i]))
			return -1;
	*(const char **)target = arg;
	return field_is_ours(arg, len) ? -1 : 0;
}

int
choice_variable(void *target, const char *arg, const char **why)
{
	size_t len = strspn(arg,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
	    "abcdefghijklmnopqrstuvwxyz");

	*why = "not NAME or PREFIX_*";
	if (len == 0 || (*arg >= '0' && *arg <= '9') ||
	    (arg[len] != '\0' &&
		(arg[len - 1] != '_' || strcmp(arg + len, "*") != 0)))
		return -1;
	*why = "HTTP_ names are the client's: RFC 3875, section 4.1.18";
	return strncmp(arg, "HTTP_", 5) == 0 ? -1 :
					       choice_name(target, arg, why);
}
