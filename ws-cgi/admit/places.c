/*
 * places.c - who counts where.  Refuses to know how.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arrive/client.h"
#include "exits.h"
#include "places.h"
#include "slots.h"

enum { SHOWN = 100 }; /* bytes of a user's name in a reason */

/* Something that there may be no more than so many of. */
struct thing {
	enum slots_kind slots;
	enum child_key table;
	const void *key;
	size_t size;
	int max;
	const char *of, *name; /* for the log */
};

static int
full(const struct thing *t, char *why)
{
	snprintf(why, PLACES_TEXT, "%d connections %s%.*s", t->max, t->of,
	    SHOWN, t->name);
	return EXIT_PEER;
}

/* Who cannot count lets nobody in. */
static int
take_slot(const struct thing *t, const char *dir, char *why)
{
	const char *what;

	switch (slots_take(dir, t->slots, t->key, t->size, t->max, &what)) {
	case 0:
		return full(t, why);
	case 1:
		return 0;
	default:
		snprintf(why, PLACES_TEXT, "--slots %.*s %s: %s", SHOWN, dir,
		    what, strerror(errno));
		return EXIT_SYSTEM;
	}
}

/* Any text as a key of the table. */
static int
take_row(const struct thing *t, const struct child_place *p, char *why)
{
	const uint64_t key = slots_hash(t->key, t->size) + 1;

	return children_claim(p, t->table, key, t->max) ? 0 : full(t, why);
}

/* Somebody behind a proxy, whom the listener could not know. */
static int
take_behind(const struct arrival *a, const struct source *from,
    const struct limits *l, char *why)
{
	const uint64_t key = children_key(from);
	const struct thing t = { .max = l->source,
		.of = "from there",
		.name = "" };
	int64_t left = 0;

	if (penalties_exempt(&l->penalties, &a->client))
		children_tell(&a->place, DEED_EXEMPT);
	else
		left = penalties_left(&a->place.shared->penalties, key);
	if (left > 0) {
		snprintf(why, PLACES_TEXT, "it is penalised for %d s more",
		    (int)((left + 999) / 1000));
		return EXIT_PEER;
	}
	return children_claim(&a->place, CHILD_SOURCE, key, l->source) ?
	    0 :
	    full(&t, why);
}

static int
take_all(const struct limits *l, char *why)
{
	const struct thing t = { .slots = SLOTS_ALL,
		.key = "",
		.max = l->all,
		.of = "in all",
		.name = "" };

	return take_slot(&t, l->slots, why);
}

static int
take_source(const struct source *from, const struct limits *l, char *why)
{
	const struct thing t = {
		.slots = SLOTS_SOURCE,
		.key = &from->net,
		.size = sizeof(from->net),
		.max = l->source,
		.of = "from there",
		.name = "",
	};

	return take_slot(&t, l->slots, why);
}

int
places_come(struct arrival *a, const struct limits *l, const struct trust *t,
    char *why)
{
	const bool listened = a->place.shared != NULL;
	struct source from;
	int status;

	if (a->counted || (!listened && l->slots == NULL))
		return 0;
	if (!listened && !a->placed && (status = take_all(l, why)) != 0)
		return status;
	a->placed = true;
	from = client_source(t, a, &l->bits);
	if (!from.counted)
		return 0;
	a->counted = true;
	return listened ? take_behind(a, &from, l, why) :
			  take_source(&from, l, why);
}

static int
take_named(const struct arrival *a, const struct thing *t,
    const struct limits *l, char *why)
{
	if (t->key == NULL || t->max == 0)
		return 0;
	if (l->slots != NULL)
		return take_slot(t, l->slots, why);
	return a->place.shared == NULL ? 0 : take_row(t, &a->place, why);
}

int
places_enter(const struct arrival *a, const struct limits *l, const char *path,
    char *why)
{
	const char *name = client_user(a);
	const struct thing user = {
		.slots = SLOTS_USER,
		.table = CHILD_USER,
		.key = name,
		.size = name == NULL ? 0 : strlen(name),
		.max = l->user,
		.of = "of user ",
		.name = name == NULL ? "" : name,
	};
	const struct thing to = {
		.slots = SLOTS_PATH,
		.table = CHILD_PATH,
		.key = path,
		.size = strlen(path),
		.max = l->path,
		.of = "to that path",
		.name = "",
	};
	int status = take_named(a, &user, l, why);

	return status != 0 ? status : take_named(a, &to, l, why);
}

/*
 * What no working client does.  Browsers open connections that they then do not
 * need, and speak TLS where there is none: these have not spoken.
 */
static enum child_deed
deed_of(const struct ws_info *info)
{
	switch (info->failed) {
	case WS_PROTOCOL:
	case WS_INVALID:
	case WS_TOO_BIG:
		return DEED_PROTOCOL;
	default:
		break;
	}
	switch (info->spoke ? info->status : 0) {
	case 400:
	case 414:
	case 431:
	case 505:
		return DEED_PROTOCOL;
	case 408:
		return DEED_HANDSHAKE;
	default:
		return DEED_NOTHING;
	}
}

void
places_leave(const struct arrival *a, const struct ws_info *info)
{
	const enum child_deed deed = deed_of(info);

	if (deed != DEED_NOTHING && a->place.shared != NULL)
		children_tell(&a->place, deed);
}
