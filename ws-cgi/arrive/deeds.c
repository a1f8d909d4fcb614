/*
 * deeds.c - who is penalised.  Refuses to be hard on those who were stopped,
 * who vanish, or who may not come in: networks fail, and people try.
 */

#include <signal.h>
#include <sys/wait.h>

#include "deeds.h"
#include "exits.h"
#include "log.h"

/* Signals of a fault of ours, which somebody may be about to use. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS,
	SIGTRAP };

static bool
is_crash(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == EXIT_US;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (WTERMSIG(status) == faults[i])
			return true;
	return false;
}

struct deed {
	enum penalty penalty;
	const char *text;
};

/*
 * Returns NULL if there is nothing to penalise.  What the process has said of
 * itself may be anything, if somebody has taken it over.
 */
static const struct deed *
deed_of(const struct child_end *end)
{
	static const struct deed crash = { PENALTY_CRASH,
		"its process has crashed" };
	static const struct deed protocol = { PENALTY_PROTOCOL,
		"it breaks the protocol" };
	static const struct deed handshake = { PENALTY_HANDSHAKE,
		"it lets handshakes run out" };
	static const struct deed auth = { PENALTY_AUTH,
		"it tries passwords or tokens" };

	if (end->deed == DEED_EXEMPT)
		return NULL;
	if (is_crash(end->status))
		return &crash;
	return end->deed == DEED_PROTOCOL ? &protocol :
	    end->deed == DEED_HANDSHAKE	  ? &handshake :
	    end->deed == DEED_AUTH	  ? &auth :
					    NULL;
}

void
deeds_judge(struct listener *l, const struct child_end *end)
{
	const struct limits *limits = l->what->limits;
	const struct source from = children_source(end->source);
	const struct deed *deed = deed_of(end);
	char name[ENDPOINT_TEXT];
	int64_t left;

	if (deed == NULL)
		return;
	left = penalties_add(&l->children.shared->penalties, &limits->penalties,
	    end->source, deed->penalty);
	if (left > 0)
		log_seldom(&l->punished, "%s is kept away for %d s: %s",
		    endpoint_source_name(&from, &limits->bits, name),
		    (int)(left / 1000), deed->text);
}
