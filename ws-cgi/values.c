/*
 * values.c - arguments of options, from text to what is kept.  Refuses what it
 * cannot keep exactly; knows nothing of options' names.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "arrive/limits.h"
#include "arrive/rights.h"
#include "admit/admit.h"
#include "ascii.h"
#include "bridge/format.h"
#include "bridge/spawn.h"
#include "network.h"
#include "values.h"

int
value_true(void *target, const char *arg, const char **why)
{
	(void)arg;
	(void)why;
	*(bool *)target = true;
	return 0;
}

int
value_text(void *target, const char *arg, const char **why)
{
	*why = "empty";
	*(const char **)target = arg;
	return *arg == '\0' ? -1 : 0;
}

int
value_log(void *target, const char *arg, const char **why)
{
	*why = "not stderr, syslog or a path with a slash";
	*(const char **)target = arg;
	if (strcmp(arg, "stderr") == 0 || strcmp(arg, "syslog") == 0)
		return 0;
	return strchr(arg, '/') == NULL ? -1 : 0;
}

int
value_user(void *target, const char *arg, const char **why)
{
	const struct passwd *pw = getpwnam(arg);
	struct rights *rights = target;

	*why = "not a user's name";
	if (pw == NULL)
		return -1;
	rights->user = arg;
	rights->uid = pw->pw_uid;
	rights->primary = pw->pw_gid;
	return 0;
}

int
value_group(void *target, const char *arg, const char **why)
{
	const struct group *gr = getgrnam(arg);

	*why = "not a group's name";
	if (gr == NULL)
		return -1;
	*(gid_t *)target = gr->gr_gid;
	return 0;
}

int
value_name(void *target, const char *arg, const char **why)
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

int
value_address(void *target, const char *arg, const char **why)
{
	struct addresses *all = target;
	struct address *longer;

	*why = "no memory";
	longer = reallocarray(all->address, all->count + 1, sizeof(*longer));
	if (longer == NULL)
		return -1;
	all->address = longer;
	return address_parse(&longer[all->count++], arg, why);
}

int
value_receive(void *target, const char *arg, const char **why)
{
	struct addresses *all = target;

	if (value_address(target, arg, why) == -1)
		return -1;
	all->address[all->count - 1].scgi = true;
	return 0;
}

int
value_descriptor(void *target, const char *arg, const char **why)
{
	const char *error;
	long long fd = strtonum(arg, 0, 65535, &error);

	*why = "descriptor 2 is for errors";
	if (error == NULL && fd == STDERR_FILENO)
		return -1;
	*why = "not the number of an open descriptor";
	if (error != NULL || *arg < '0' || *arg > '9' ||
	    fcntl((int)fd, F_GETFD) == -1)
		return -1;
	*(int *)target = (int)fd;
	return 0;
}

int
value_descriptors(void *target, const char *arg, const char **why)
{
	struct given *g = target;

	if (value_descriptor(&g->in, arg, why) == -1)
		return -1;
	g->out = g->in;
	return 0;
}

int
value_networks(void *target, const char *arg, const char **why)
{
	return networks_add(target, arg, why);
}

int
value_forwarded(void *target, const char *arg, const char **why)
{
	*why = "not x-forwarded-for or forwarded";
	*(bool *)target = ascii_same(arg, "forwarded");
	return *(bool *)target || ascii_same(arg, "x-forwarded-for") ? 0 : -1;
}

/* Seconds, with at most three decimals, to milliseconds. */
int
value_seconds(void *target, const char *arg, const char **why)
{
	char *end;
	double s;

	*why = "not a number of seconds from 0.001 to 86400, or never";
	if (strcmp(arg, "never") == 0) {
		*(int *)target = -1;
		return 0;
	}
	if (strspn(arg, "0123456789.") != strlen(arg))
		return -1;
	s = strtod(arg, &end);
	if (end == arg || *end != '\0' || s < 0.001 || s > 86400)
		return -1;
	*(int *)target = (int)(s * 1000 + 0.5);
	return 0;
}

int
value_size(void *target, const char *arg, const char **why)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	long long n;

	*why =
	    "not a number of bytes from 1 on (K, M or G may follow), or none";
	if (strcmp(arg, "none") == 0) {
		*(int64_t *)target = -1;
		return 0;
	}
	errno = 0;
	n = strtoll(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || errno != 0 || n < 1 || n >> 32 != 0)
		return -1;
	if (*end != '\0') {
		if ((unit = strchr(units, *end)) == NULL || end[1] != '\0')
			return -1;
		n <<= 10 * (unit - units + 1);
	}
	*(int64_t *)target = n;
	return 0;
}

int
value_number(void *target, const char *arg, const char **why)
{
	const char *error;
	int64_t n = -1;

	*why = "not a number from 1 to 1000000000, or none";
	if (strcmp(arg, "none") != 0) {
		n = strtonum(arg, 1, 1000000000, &error);
		if (error != NULL || *arg < '0' || *arg > '9')
			return -1;
	}
	*(int64_t *)target = n;
	return 0;
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
value_limit(void *target, const char *arg, const char **why)
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
value_resource(int resource)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (resources[i].resource == resource)
			return resources[i].name;
	return "?";
}

static int
value_within(int *target, const char *arg, int least, int most)
{
	const char *error;
	long long n = strtonum(arg, least, most, &error);

	if (error != NULL)
		return -1;
	*target = (int)n;
	return 0;
}

int
value_count(void *target, const char *arg, const char **why)
{
	*why = "not a number from 1 to 30000";
	return value_within(target, arg, 1, 30000);
}

int
value_most(void *target, const char *arg, const char **why)
{
	*why = "not a number from 1 to 30000, or none";
	*(int *)target = 0;
	return strcmp(arg, "none") == 0 ? 0 :
					  value_within(target, arg, 1, 30000);
}

/* Cut off what stands before a comma, in a copy.  Returns the rest, or NULL. */
static const char *
first_item(char *out, size_t size, const char *list)
{
	const size_t len = strcspn(list, ",");

	strlcpy(out, list, len < size ? len + 1 : size);
	return list[len] == ',' ? list + len + 1 : NULL;
}

int
value_source_bits(void *target, const char *arg, const char **why)
{
	struct source_bits *bits = target;
	char v4[8];
	const char *v6 = first_item(v4, sizeof(v4), arg);

	*why = "not 8 to 32 bits of IPv4, and perhaps a comma and 32 to 64 of "
	       "IPv6";
	if (value_within(&bits->v4, v4, 8, 32) == -1)
		return -1;
	return v6 == NULL ? 0 : value_within(&bits->v6, v6, 32, 64);
}

/* "crash=90" */
static int
read_penalty(struct penalties_conf *p, const char *text)
{
	for (int i = 0; i < PENALTY_VALUES; i++) {
		const size_t len = strlen(penalty_names[i]);

		if (strncmp(text, penalty_names[i], len) == 0 &&
		    text[len] == '=')
			return value_within(&p->seconds[i], text + len + 1, 0,
			    86400);
	}
	return -1;
}

int
value_penalties(void *target, const char *arg, const char **why)
{
	struct penalties_conf *p = target;
	char item[32];

	*why =
	    "not none, or a list of crash=, protocol=, handshake=, auth=, min= "
	    "and max= with 0 to 86400 seconds";
	if (strcmp(arg, "none") == 0) {
		p->seconds[PENALTY_MAX] = 0;
		return 0;
	}
	for (const char *rest = arg; rest != NULL;) {
		rest = first_item(item, sizeof(item), rest);
		if (read_penalty(p, item) == -1)
			return -1;
	}
	return 0;
}

int
value_exempt(void *target, const char *arg, const char **why)
{
	struct penalties_conf *p = target;

	p->nobody = strcmp(arg, "none") == 0;
	return p->nobody ? 0 : networks_add(&p->exempt, arg, why);
}

int
value_window(void *target, const char *arg, const char **why)
{
	*why = "not a number of bits from 9 to 15";
	return value_within(target, arg, 9, 15);
}

int
value_level(void *target, const char *arg, const char **why)
{
	*why = "not a level from 1 to 9";
	return value_within(target, arg, 1, 9);
}

static int
value_choice(int *target, const char *arg, const char *const choices[])
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
value_newline(void *target, const char *arg, const char **why)
{
	int choice = 0;

	*why = "not refuse, escape, split or space";
	if (value_choice(&choice, arg, newline_names) == -1)
		return -1;
	*(enum newline_policy *)target = (enum newline_policy)choice;
	return 0;
}

int
value_bad_text(void *target, const char *arg, const char **why)
{
	int choice = 0;

	*why = "not close, replace or binary";
	if (value_choice(&choice, arg, bad_text_names) == -1)
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
value_stderr(void *target, const char *arg, const char **why)
{
	int choice = 0;

	*why = "not log, client or none";
	if (value_choice(&choice, arg, stderr_names) == -1)
		return -1;
	*(enum stderr_policy *)target = (enum stderr_policy)choice;
	return 0;
}

int
value_format(void *target, const char *arg, const char **why)
{
	*why = "not line, nul, netstring, json or raw";
	*(const struct format **)target = format_find(arg);
	return format_find(arg) == NULL ? -1 : 0;
}

int
value_directory(void *target, const char *arg, const char **why)
{
	struct stat st;

	*why = "not a directory that can be read";
	if (stat(arg, &st) == -1 || !S_ISDIR(st.st_mode) ||
	    access(arg, R_OK | X_OK) == -1)
		return -1;
	*(const char **)target = arg;
	return 0;
}

int
value_host(void *target, const char *arg, const char **why)
{
	struct authority a;

	*why = "not a name or an address, with or without a port";
	return request_authority(&a, arg) == -1 ? -1 :
						  value_name(target, arg, why);
}

int
value_origin(void *target, const char *arg, const char **why)
{
	const char *authority = strstr(arg, "://");
	struct authority a;

	*why = "not * or an origin like https://example.org:8443";
	if (strcmp(arg, "*") != 0 &&
	    (authority == NULL || authority == arg ||
		request_authority(&a, authority + 3) == -1))
		return -1;
	return value_name(target, arg, why);
}

/* Fields that the handshake writes, or that would mean something of it. */
static const char *const own_fields[] = { "Upgrade", "Connection",
	"Content-Length", "Transfer-Encoding", "Trailer" };

static bool
is_own_field(const char *name, size_t len)
{
	static const char prefix[] = "Sec-WebSocket-";

	if (len >= strlen(prefix) && ascii_same_n(name, prefix, strlen(prefix)))
		return true;
	for (size_t i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++)
		if (strlen(own_fields[i]) == len &&
		    ascii_same_n(name, own_fields[i], len))
			return true;
	return false;
}

/* RFC 9110 5.5: visible, with spaces and tabs between. */
static bool
is_field_value(const char *p)
{
	for (; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return false;
	return true;
}

int
value_header(void *target, const char *arg, const char **why)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strspn(arg, token);

	*why = "not a field like 'Set-Cookie: a=b'";
	if (len == 0 || strncmp(arg + len, ": ", 2) != 0 ||
	    !is_field_value(arg + len))
		return -1;
	*why = "a field of the handshake's own";
	return is_own_field(arg, len) ? -1 : value_name(target, arg, why);
}

int
value_variable(void *target, const char *arg, const char **why)
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
					       value_name(target, arg, why);
}
