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
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "arrive/arrive.h"
#include "arrive/limits.h"
#include "arrive/rights.h"
#include "ascii.h"
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
value_redirect(void *target, const char *arg, const char **why)
{
	struct addresses *all = target;

	if (value_address(target, arg, why) == -1)
		return -1;
	all->address[all->count - 1].redirect = ADDRESS_HTTPS;
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
