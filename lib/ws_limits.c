/*
 * ws_limits.c - how long a conversation may last and be idle, and how much may
 * come each second.  Time in which nobody listens to the peer is not held
 * against it; Pings are no conversation.  Refuses to know how one waits.
 */

#include "clock.h"
#include "conn.h"

void
conn_limits_begin(struct ws *ws)
{
	const struct ws_conf *c = &ws->conf;

	rate_begin(&ws->messages, c->message_rate);
	rate_begin(&ws->bytes, c->byte_rate);
	rate_begin(&ws->pings, c->ping_rate);
	ws->looks = ws->looked = ws->busy = ws->heard;
	ws->session = c->session > 0 ? ws->heard + c->session : CLOCK_NEVER;
	if (c->session > 0 && c->write > 0)
		ws->late = ws->session + c->write;
	ws->timed = c->session > 0 || c->idle > 0 || ws->messages.most > 0 ||
	    ws->bytes.most > 0;
}

static void
limits_pass(struct ws *ws, int64_t ms, bool listened)
{
	if (ms <= 0)
		return;
	rate_pass(&ws->messages, ms, listened);
	rate_pass(&ws->bytes, ms, listened);
	rate_pass(&ws->pings, ms, listened);
	ws->looked += ms;
}

/* What is found at once may have been said at any time since the last look. */
void
conn_looked(struct ws *ws, bool found)
{
	if (!ws->timed)
		return;
	limits_pass(ws, ws->looks - ws->looked, !found);
	limits_pass(ws, clock_ms() - ws->looked, true);
}

/* Who has failed, or said goodbye, has other limits. */
static bool
limits_hold(const struct ws *ws)
{
	return !conn_failed(ws) && ws->info.sent == 0;
}

int64_t
conn_session(const struct ws *ws)
{
	return ws->timed && limits_hold(ws) ? ws->session : CLOCK_NEVER;
}

static int64_t
limits_idle(const struct ws *ws)
{
	if (!ws->timed || ws->conf.idle <= 0 || !limits_hold(ws))
		return CLOCK_NEVER;
	return ws->busy + ws->conf.idle;
}

int64_t
conn_limit(const struct ws *ws)
{
	const int64_t idle = limits_idle(ws), session = conn_session(ws);

	return idle < session ? idle : session;
}

/* It is idle if it was when last looked at, and nothing has passed since. */
int
conn_limits(struct ws *ws)
{
	if (!ws->timed || !limits_hold(ws))
		return 0;
	ws->looks = clock_ms();
	if (ws->passed)
		ws->busy = ws->looks;
	ws->passed = false;
	if (ws->looks < ws->session && ws->looked < limits_idle(ws))
		return 0;
	ws->info.expired = true;
	if (ws->looks >= ws->session)
		return conn_fail(ws, WS_POLICY,
		    "the session has lasted %g s, which is the limit",
		    ws->conf.session / 1000.0);
	return conn_fail(ws, WS_GOING_AWAY, "idle for %g s, which is the limit",
	    ws->conf.idle / 1000.0);
}

/*
 * The peer breaks a rule, though none of RFC 6455.  Not for longer than a write
 * may be stalled does it keep us by reading slowly what was said before.
 */
static int
limits_broken(struct ws *ws, const struct rate *r, const char *what)
{
	const int64_t late = ws->heard + ws->conf.write;

	if (ws->conf.write > 0 && (ws->late == 0 || late < ws->late))
		ws->late = late;
	ws->get.code = WS_POLICY;
	return conn_fail(ws, WS_POLICY, "the %s sends over %lld %s a second",
	    ws->client ? "server" : "client", (long long)r->most, what);
}

static int
limits_take(struct ws *ws, struct rate *r, size_t n, const char *what)
{
	if (!limits_hold(ws) || rate_take(r, n))
		return 0;
	return limits_broken(ws, r, what);
}

int
conn_came(struct ws *ws, size_t bytes)
{
	return limits_take(ws, &ws->bytes, bytes, "bytes");
}

int
conn_message_came(struct ws *ws)
{
	return limits_take(ws, &ws->messages, 1, "messages");
}

/* As many Pongs are free as were asked for.  The last read tells the time. */
int
conn_ping_came(struct ws *ws, bool pong)
{
	if (pong && ws->owed > 0) {
		ws->owed--;
		return 0;
	}
	if (!ws->timed)
		limits_pass(ws, ws->heard - ws->looked, true);
	return limits_take(ws, &ws->pings, 1, "Pings");
}

void
conn_went(struct ws *ws, size_t bytes)
{
	if (ws->said == 0 || bytes == 0)
		return;
	ws->passed = true;
	ws->said -= bytes < ws->said ? bytes : ws->said;
}
