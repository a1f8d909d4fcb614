/*
 * tell.c - bounds in words, on standard output, in two columns.
 */

#include <inttypes.h>
#include <stdio.h>

#include "tell.h"

void
tell_text(const char *what, const char *text, const char *none)
{
	printf("  %-20s %s\n", what, text == NULL ? none : text);
}

void
tell_truth(const char *what, bool is)
{
	tell_text(what, is ? "yes" : "no", NULL);
}

void
tell_log(const char *where, bool json, bool verbose)
{
	printf("  %-20s %s%s\n", "log", where == NULL ? "stderr" : where,
	    json ? ", in JSON" : "");
	tell_truth("verbose", verbose);
}

void
tell_seconds(const char *what, int ms)
{
	if (ms < 0)
		tell_text(what, "never", NULL);
	else
		printf("  %-20s %g s\n", what, ms / 1000.0);
}

void
tell_most(const char *what, int64_t n, const char *unit)
{
	if (n < 0)
		tell_text(what, "none", NULL);
	else
		printf("  %-20s %" PRId64 "%s\n", what, n, unit);
}

void
tell_networks(const char *what, const struct networks *all)
{
	char text[NETWORK_TEXT];

	printf("  %-20s%s", what, all->local ? " unix" : "");
	for (size_t i = 0; i < all->count; i++)
		printf(" %s", network_text(&all->network[i], text));
	printf("%s\n", networks_any(all) ? "" : " nobody");
}

void
tell_counted(const char *what, int most, const char *who)
{
	if (most == 0)
		tell_text(what, "none", NULL);
	else
		printf("  %-20s %d, counted by %s\n", what, most, who);
}

void
tell_too_often(const struct limits *l)
{
	const struct penalties_conf *p = &l->penalties;

	tell_counted("source-rate", l->rate, "the listener");
	printf("  %-20s", "penalties");
	for (int i = 0; i < PENALTY_VALUES && p->seconds[PENALTY_MAX] > 0; i++)
		printf("%c%s=%d", i == 0 ? ' ' : ',', penalty_names[i],
		    p->seconds[i]);
	printf("%s\n", p->seconds[PENALTY_MAX] > 0 ? "" : " none");
	tell_networks("penalty-exempt", &p->exempt);
}

void
tell_listening(const struct rights *r, const char *pidfile, int stop_timeout)
{
	tell_seconds("stop-timeout", stop_timeout);
	tell_text("pidfile", pidfile, "none");
	tell_text("user", r->user, "who starts it");
	if (r->group == (gid_t)-1)
		tell_text("group", NULL, "the user's");
	else
		printf("  %-20s %d\n", "group", (int)r->group);
	tell_text("chroot", r->root, "none");
}
