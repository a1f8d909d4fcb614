/*
 * limits.c - what holds where the command line says nothing: the same for all
 * who listen.
 */

#include "limits.h"

void
limits_begin(struct limits *l)
{
	*l = (struct limits){
		.all = 1024,
		.source = 64,
		.bits = { 32, 64 },
		.penalties.seconds = { [PENALTY_CRASH] = 90,
		    [PENALTY_PROTOCOL] = 5,
		    [PENALTY_HANDSHAKE] = 10,
		    [PENALTY_AUTH] = 5,
		    [PENALTY_MIN] = 15,
		    [PENALTY_MAX] = 600 },
	};
}

int
limits_exempt(struct limits *l, const char **why)
{
	struct penalties_conf *p = &l->penalties;

	if (p->nobody || networks_any(&p->exempt))
		return 0;
	return networks_add(&p->exempt, "loopback", why);
}
