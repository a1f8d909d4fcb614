/*
 * test_message.c - proves that message.h makes of frames the messages of RFC
 * 6455 5.4, whole or in any pieces; that each rule of 5.1 to 5.5, 7.4 and 8.1
 * is kept with its close code, at the first byte that tells; and that limits
 * hold for any length a head can claim.
 */

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "script.h"
#include "unit.h"

enum { MAX = 1 << 20, MAX_FRAMES = 1000 };

/* What came of some bytes: the messages and control frames, as a script. */
struct outcome {
	char *events;
	size_t taken;
	int code; /* 0 for no failure */
};

struct receiver {
	struct message m;
	uint8_t *bytes; /* all that is sent */
	size_t taken;
	FILE *message; /* that is not whole yet */
	char *text;
	size_t len;
};

static void
message_open(struct receiver *r)
{
	r->message = open_memstream(&r->text, &r->len);
	ck_assert_ptr_nonnull(r->message);
}

static void
note(struct receiver *r, const struct message_part *part, FILE *events)
{
	if (part->event == MESSAGE_CONTROL)
		script_frame(events, 0x80 | part->opcode, false, part->data,
		    part->len);
	if (part->event != MESSAGE_PART)
		return;
	ck_assert(part->first == (r->message == NULL));
	if (part->first)
		message_open(r);
	fwrite(part->data, 1, part->len, r->message);
	if (!part->last)
		return;
	fclose(r->message);
	r->message = NULL;
	script_frame(events, 0x80 | part->opcode, false, (uint8_t *)r->text,
	    r->len);
	free(r->text);
}

/* Take what can be taken of the first n bytes.  They stand alone in memory. */
static int
receive(struct receiver *r, size_t n, FILE *events)
{
	struct message_part part = { .event = MESSAGE_PART };
	uint8_t *copy;
	size_t size;
	ssize_t taken = 0;

	while (taken != -1 && part.event != MESSAGE_MORE && r->taken < n) {
		size = n - r->taken;
		copy = malloc(size);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, r->bytes + r->taken, size);
		taken = message_take(&r->m, copy, size, &part);
		memcpy(r->bytes + r->taken, copy, size);
		if (taken != -1) {
			note(r, &part, events);
			r->taken += (size_t)taken;
		}
		free(copy);
	}
	return taken == -1 ? -1 : 0;
}

/* Deliver n bytes up to each of the cuts, the last of which is n. */
static struct outcome
deliver(const struct message *m, const uint8_t *bytes, size_t n,
    const size_t *cuts)
{
	struct receiver r = { .m = *m, .bytes = malloc(n + 1) };
	struct outcome out = { 0 };
	char *events;
	size_t size;
	FILE *to = open_memstream(&events, &size);

	ck_assert(to != NULL && r.bytes != NULL);
	memcpy(r.bytes, bytes, n);
	while (receive(&r, *cuts, to) == 0 && *cuts < n)
		cuts++;
	fclose(to);
	out.events = script_text((uint8_t *)events, size);
	out.code = r.m.code;
	out.taken = r.taken;
	ck_assert((r.m.code == 0) == (r.m.why == NULL));
	if (r.message != NULL) {
		fclose(r.message);
		free(r.text);
	}
	free(events);
	free(r.bytes);
	return out;
}

static const struct stream {
	const char *name;
	const char *in;
	const char *want;
	int code;
	bool client; /* we are the client: frames come unmasked */
} streams[] = {
	/* RFC 6455 5.7 and the examples beside it. */
	{ "masked Hello", "{8185 37fa213d 7f9f4d5158}", "t(Hello)", 0, false },
	{ "unmasked Hello", "{8105 48656c6c6f}", "t(Hello)", 0, true },
	{ "Hel and lo", "{0103 48656c 8002 6c6f}", "t(Hello)", 0, true },
	{ "empty text", "{8180 37fa213d}", "t()", 0, false },
	{ "empty text from a server", "{8100}", "t()", 0, true },
	{ "ping Hello", "{8985 37fa213d 7f9f4d5158}", "ping(Hello)", 0, false },
	{ "pong Hello", "{8a85 37fa213d 7f9f4d5158}", "pong(Hello)", 0, false },
	{ "empty close", "{8880 37fa213d}", "close()", 0, false },
	{ "close 1000", "{8882 37fa213d 3412}", "close(1000)", 0, false },
	{ "close 1001", "{8882 37fa213d 3413}", "close(1001)", 0, false },
	{ "close 1002", "{8882 37fa213d 3410}", "close(1002)", 0, false },
	{ "close 1007", "{8882 37fa213d 3415}", "close(1007)", 0, false },
	{ "close 1009", "{8882 37fa213d 340b}", "close(1009)", 0, false },
	{ "close 1000 bye", "{8885 37fa213d 3412434452}", "close(1000 bye)", 0,
	    false },
	{ "close 3000 Go away!", "{880a 0bb8 476f206177617921}",
	    "close(3000 Go away!)", 0, true },
	{ "the key may be zero", "{8182 00000000 c3a9}", "t(\\c3\\a9)", 0,
	    false },
	{ "a character cut by a ping",
	    "{0182 37fa213d c765 8981 37fa213d 4f 8082 37fa213d af7a}",
	    "ping(x) t(\\f0\\9f\\98\\80)", 0, false },
	/* RFC 6455 5.4. */
	{ "binary, then text", "&b(\\00\\ff) &t(a)", "b(\\00\\ff) t(a)", 0,
	    false },
	{ "fragments of every size", "&t-() &+-(a) &+-() &+-(bc) &+()",
	    "t(abc)", 0, false },
	{ "empty fragments", "&b-() &+-() &+()", "b()", 0, false },
	{ "two fragmented messages", "&t-(a) &+(b) &b-(c) &+(d)", "t(ab) b(cd)",
	    0, false },
	{ "control frames between fragments",
	    "&t-(a) &ping(1) &+-(b) &pong(2) &close(1000) &+(c)",
	    "ping(1) pong(2) close(1000) t(abc)", 0, false },
	{ "an unsolicited pong", "&pong() &t(a)", "pong() t(a)", 0, false },
	{ "ping of 125 bytes", "&ping(*125)", "ping(*125)", 0, false },
	{ "126 bytes", "&t(*126)", "t(*126)", 0, false },
	{ "65536 bytes, fragmented", "&b-(*65535) &+(x)", "b(*65536)", 0,
	    false },
	/* RFC 6455 8.1: text is UTF-8 as a whole, not by fragments. */
	{ "a character in three fragments", "&t-(\\e2) &+-(\\82) &+(\\ac)",
	    "t(\\e2\\82\\ac)", 0, false },
	{ "and with ASCII behind it", "&t-(a\\e2\\82) &+-(\\ac) &+(b)",
	    "t(a\\e2\\82\\acb)", 0, false },
	{ "ASCII inside a character", "&t-(\\e2\\82) &+(abc)", "", 1007,
	    false },
	{ "binary is not checked", "&b(\\ff\\c3)", "b(\\ff\\c3)", 0, false },
	{ "each text begins anew", "&b(\\c3) &t(a)", "b(\\c3) t(a)", 0, false },
	{ "a wrong byte", "&t(a) &t(b\\ffc) &t(d)", "t(a)", 1007, false },
	{ "a text that ends inside a character", "&t(a) &t(\\e2\\82)", "t(a)",
	    1007, false },
	{ "the same in fragments", "&t-(\\e2) &ping() &+(\\82)", "ping()", 1007,
	    false },
	{ "and with an empty last one", "&t-(\\e2\\82) &+()", "", 1007, false },
	{ "a surrogate across fragments", "&t-(\\ed) &+(\\a0\\80)", "", 1007,
	    false },
	/* What came before a failure has been handed on: RFC 6455 7.1.7. */
	{ "legal, then reserved", "&t(a) &ping(b) &b-(c) {b080 00000000}",
	    "t(a) ping(b)", 1002, false },
	{ "nothing after a failure", "&t(a) {8100} &t(b)", "t(a)", 1002,
	    false },
};

static struct message
fresh(bool client)
{
	return (struct message){ .masked = !client,
		.max = MAX,
		.max_frame = UINT64_MAX,
		.max_frames = MAX_FRAMES };
}

static void
check(const struct stream *row, const uint8_t *bytes, size_t n,
    const size_t *cuts)
{
	const struct message m = fresh(row->client);
	struct outcome out = deliver(&m, bytes, n, cuts);

	if (strcmp(out.events, row->want) != 0 || out.code != row->code ||
	    (out.code == 0 && out.taken != n))
		ck_abort_msg("cut at %zu of %zu: %s, code %d, %zu taken",
		    cuts[0], n, out.events, out.code, out.taken);
	free(out.events);
}

START_TEST(same_at_every_split)
{
	const struct stream *row = &streams[_i];
	size_t n, cuts[2] = { 0, 0 }, step;
	uint8_t *bytes = script_bytes(row->in, &n);

	cuts[1] = n;
	step = n < 1000 ? 1 : 997;
	for (cuts[0] = 0; cuts[0] < n; cuts[0] += step)
		check(row, bytes, n, cuts);
	free(bytes);
}
END_TEST

START_TEST(same_byte_by_byte)
{
	const struct stream *row = &streams[_i];
	size_t n, *cuts;
	uint8_t *bytes = script_bytes(row->in, &n);

	cuts = calloc(n, sizeof(*cuts));
	ck_assert_ptr_nonnull(cuts);
	for (size_t i = 0; i < n; i++)
		cuts[i] = i + 1;
	check(row, bytes, n, cuts);
	free(cuts);
	free(bytes);
}
END_TEST

/* Is a message's end, a control frame or a failure what is taken next? */
static bool
takes_whole(struct message m, const uint8_t *bytes, size_t n)
{
	struct message_part part = { .event = MESSAGE_PART };
	uint8_t *copy = malloc(n + 1), *p = copy;
	ssize_t taken = 0;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	while (
	    n > 0 && taken != -1 && part.event == MESSAGE_PART && !part.last) {
		taken = message_take(&m, p, n, &part);
		p += taken == -1 ? 0 : taken;
		n -= taken == -1 ? 0 : (size_t)taken;
	}
	free(copy);
	return taken == -1 || part.event == MESSAGE_CONTROL || part.last;
}

/* After `from` bytes, with those up to any other waiting behind them. */
static void
foretell(const struct stream *row, uint8_t *bytes, size_t n, size_t from)
{
	struct message m = fresh(row->client);
	struct message_part part = { .event = MESSAGE_PART };
	size_t taken = 0;
	ssize_t r = 0;
	bool whole, ready;

	while (taken < from && part.event != MESSAGE_MORE) {
		r = message_take(&m, bytes + taken, from - taken, &part);
		if (r == -1)
			return;
		taken += (size_t)r;
	}
	for (size_t to = from; to <= n; to++) {
		whole = takes_whole(m, bytes + taken, to - taken);
		ready = message_ready(&m, bytes + taken, to - taken);
		if (ready ? !whole : whole && row->code == 0)
			ck_abort_msg("from %zu to %zu: %d", from, to, ready);
	}
}

/*
 * message_ready says what message_take will find, from any state.  It may
 * overlook a failure that is inside a payload, and nothing else.
 */
START_TEST(ready_foretells)
{
	const struct stream *row = &streams[_i];
	uint8_t *bytes;
	size_t n = 0, most = 1000;

	for (size_t from = 0; from <= n && n < most; from++) {
		bytes = script_bytes(row->in, &n);
		if (n < most)
			foretell(row, bytes, n, from);
		free(bytes);
	}
}
END_TEST

/* The rules of RFC 6455 5.1 to 5.5: after what, which bytes, known when. */
static const struct rule {
	const char *name;
	const char *before;
	const char *bytes;
	size_t at; /* so many of them tell */
	int code;
	bool client;
} rules[] = {
	{ "5.1: unmasked from a client", "&t(a)", "8105", 2, 1002, false },
	{ "5.1: unmasked, long", "", "827f0000000000010000", 2, 1002, false },
	{ "5.1: unmasked control frame", "", "8900", 2, 1002, false },
	{ "5.1: masked from a server", "t(a)", "8185", 2, 1002, true },
	{ "5.2: RSV1", "&t(a)", "c180", 1, 1002, false },
	{ "5.2: RSV2", "", "a280", 1, 1002, false },
	{ "5.2: RSV3", "", "9180", 1, 1002, false },
	{ "5.2: all of RSV", "", "f180", 1, 1002, false },
	{ "5.2: RSV1 in a control frame", "", "c980", 1, 1002, false },
	{ "5.2: RSV1 in a continuation", "&t-(a)", "c080", 1, 1002, false },
	{ "5.2: reserved opcode 3", "", "8380", 1, 1002, false },
	{ "5.2: reserved opcode 7", "&t-(a)", "8780", 1, 1002, false },
	{ "5.2: reserved opcode B", "", "8b80", 1, 1002, false },
	{ "5.2: reserved opcode F", "", "8f80", 1, 1002, false },
	{ "5.2: 125 in two bytes", "", "81fe007d", 4, 1002, false },
	{ "5.2: 65535 in eight bytes", "", "81ff000000000000ffff", 10, 1002,
	    false },
	{ "5.2: 2^63", "", "82ff8000000000000000", 10, 1002, false },
	{ "5.2: 2^64 - 1", "&b-(a)", "80ffffffffffffffffff", 10, 1002, false },
	{ "5.4: orphan continuation", "", "8080", 1, 1002, false },
	{ "5.4: unfinished orphan", "&t(a)", "0080", 1, 1002, false },
	{ "5.4: orphan after the last", "&t-(a) &+(b)", "8080", 1, 1002,
	    false },
	{ "5.4: text in a message", "&t-(a)", "8180", 1, 1002, false },
	{ "5.4: binary in a message", "&t-(a) &ping()", "0280", 1, 1002,
	    false },
	{ "5.5: fragmented ping", "", "0980", 1, 1002, false },
	{ "5.5: fragmented close", "&t-(a)", "0880", 1, 1002, false },
	{ "5.5: ping of 126", "", "89fe", 2, 1002, false },
	{ "5.5: pong of 65536", "", "8aff", 2, 1002, false },
	{ "8.1: first byte", "", "8182 00000000 ff", 7, 1007, false },
	{ "8.1: second byte", "", "8185 00000000 c3c3", 8, 1007, false },
	{ "8.1: Autobahn 6.4.3", "",
	    "8195 00000000 cebae1bdb9cf83cebcceb5 f490", 19, 1007, false },
	{ "8.1: surrogate in fragments", "&t-(\\ed)", "0083 00000000 a0", 7,
	    1007, false },
	{ "8.1: ASCII inside a character", "&t-(\\e2\\82)", "0083 00000000 61",
	    7, 1007, false },
	{ "8.1: from a server", "t(a)", "8102 61ff", 4, 1007, true },
	{ "8.1: end inside a character", "&t-(\\e2\\82)", "8080 00000000", 6,
	    1007, false },
};

/* The message as it stands after whole frames of a script. */
static struct message
after(const char *script, bool client)
{
	struct message m = fresh(client);
	struct message_part part;
	size_t n;
	uint8_t *bytes = script_bytes(script, &n);
	ssize_t taken;

	for (size_t at = 0; at < n; at += (size_t)taken) {
		taken = message_take(&m, bytes + at, n - at, &part);
		ck_assert_int_gt(taken, 0);
	}
	free(bytes);
	return m;
}

START_TEST(fails_at_once)
{
	const struct rule *row = &rules[_i];
	const struct message m = after(row->before, row->client);
	uint8_t bytes[64];
	struct outcome out;

	unit_hex(bytes, row->bytes);
	for (size_t n = 1; n <= row->at; n++) {
		out = deliver(&m, bytes, n, &n);
		ck_assert_msg(out.code == (n < row->at ? 0 : row->code),
		    "code %d after %zu bytes", out.code, n);
		free(out.events);
	}
}
END_TEST

/* An extension owns RSV1: in a first frame only, and its text is not ours. */
START_TEST(rsv1_has_its_place)
{
	struct message m = fresh(false), in_message;
	struct message_part part;
	uint8_t first[] = { 0x41, 0x81, 0, 0, 0, 0, 0xff };
	uint8_t next[] = { 0xc0, 0x80, 0, 0, 0, 0 };
	uint8_t ping[] = { 0xc9, 0x80, 0, 0, 0, 0 };
	uint8_t rsv2[] = { 0xa1, 0x80, 0, 0, 0, 0 };

	m.rsv = FRAME_RSV1;
	ck_assert_int_eq(message_take(&m, rsv2, sizeof(rsv2), &part), -1);
	m = fresh(false);
	m.rsv = FRAME_RSV1;
	ck_assert_int_eq(message_take(&m, first, sizeof(first), &part),
	    sizeof(first));
	ck_assert_uint_eq(m.rsv_seen, FRAME_RSV1);
	in_message = m;
	ck_assert_int_eq(message_take(&m, next, sizeof(next), &part), -1);
	m = in_message;
	ck_assert_int_eq(message_take(&m, ping, sizeof(ping), &part), -1);
	next[0] = 0x80;
	m = in_message;
	ck_assert_int_eq(message_take(&m, next, sizeof(next), &part),
	    sizeof(next));
	ck_assert(part.last);
}
END_TEST

/* Limits against any claim: len > limit - have, and nothing overflows. */
static const uint64_t claims[] = { 0, 1, 125, 126, 127, 65535, 65536, INT32_MAX,
	1ULL << 31, (1ULL << 31) + 1, UINT32_MAX, 1ULL << 32, (1ULL << 32) + 1,
	INT64_MAX - 1, INT64_MAX, 1ULL << 63, (1ULL << 63) + 1, UINT64_MAX };

static size_t
claim(uint8_t *p, uint8_t first, uint64_t length)
{
	int bytes = length > 65535 ? 8 : length > 125 ? 2 : 0;
	size_t n = 0;

	p[n++] = first;
	p[n++] = (uint8_t)(0x80 |
	    (bytes == 8	       ? 127 :
		    bytes == 2 ? 126 :
				 length));
	for (int i = bytes; i > 0; i--)
		p[n++] = (uint8_t)(length >> 8 * (i - 1));
	memset(p + n, 0, 4);
	return n + 4;
}

/* The code for a claim, after `have` bytes of a message. */
static int
claimed(uint64_t length, uint64_t max, uint8_t have, uint8_t rsv)
{
	struct message m = {
		.masked = true,
		.max = max,
		.max_frame = UINT64_MAX,
		.max_frames = 9,
		.rsv = rsv,
	};
	const uint8_t first = (uint8_t)(0x02 | rsv << 4);
	struct message_part part;
	uint8_t bytes[256];
	size_t n;

	if (have > 0) {
		n = claim(bytes, first, have);
		memset(bytes + n, 0, have);
		if (message_take(&m, bytes, n + have, &part) == -1)
			return m.code;
	}
	n = claim(bytes, have > 0 ? 0x80 : 0x80 | first, length);
	message_take(&m, bytes, n, &part);
	return m.code;
}

static const struct part_before {
	const char *name;
	uint8_t have;
} before[] = {
	{ "limits on one frame", 0 },
	{ "limits with 1 byte before", 1 },
	{ "limits with 100 bytes before", 100 },
};

START_TEST(limits_hold)
{
	const uint8_t have = before[_i].have;

	for (size_t i = 0; i < COUNT(claims); i++)
		for (size_t j = 0; j < COUNT(claims); j++)
			for (int by = -1; by <= 1; by++) {
				uint64_t max = claims[j] + (uint64_t)by;
				int want = claims[i] >> 63 != 0 ? 1002 : 0;

				if (have > max)
					want = 1009;
				else if (want == 0 && claims[i] > max - have)
					want = 1009;
				if (claimed(claims[i], max, have, 0) != want)
					ck_abort_msg("%ju of %ju after %u",
					    (uintmax_t)claims[i],
					    (uintmax_t)max, have);
			}
}
END_TEST

/* What is compressed may be longer than what it inflates to, by an eighth. */
START_TEST(compressed_may_be_longer)
{
	static const struct {
		uint64_t length, max;
		uint8_t have;
		int code;
	} rows[] = {
		{ 64, 0, 0, 0 },
		{ 65, 0, 0, 1009 },
		{ 8 * 9 + 64, 64, 0, 0 },
		{ 8 * 9 + 65, 64, 0, 1009 },
		{ 8 * 9 + 63, 64, 1, 0 },
		{ 8 * 9 + 64, 64, 1, 1009 },
		{ INT64_MAX, UINT64_MAX, 100, 0 },
		{ INT64_MAX, UINT64_MAX / 2, 0, 0 },
		{ 1ULL << 63, UINT64_MAX, 0, 1002 },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_int_eq(claimed(rows[i].length, rows[i].max,
				     rows[i].have, FRAME_RSV1),
		    rows[i].code);
}
END_TEST

static const struct count {
	const char *name;
	const char *in;
	uint64_t max_frames;
	uint64_t max_frame;
	int code;
} counts[] = {
	{ "as many frames as may be", "&b-(a) &+-(b) &+(c)", 3, 9, 0 },
	{ "a frame too many", "&b-(a) &+-(b) &+(c)", 2, 9, 1009 },
	{ "empty frames count", "&b-() &+-() &+-()", 2, 9, 1009 },
	{ "a frame for each message", "&b(a) &b(b) &b(c)", 1, 9, 0 },
	{ "control frames don't count", "&b-() &ping() &ping() &+()", 2, 9, 0 },
	{ "frames as long as may be", "&b-(1234) &+(5678)", 2, 4, 0 },
	{ "a frame too long", "&b(12345)", 2, 4, 1009 },
	{ "a later frame too long", "&b-(1) &+(12345)", 2, 4, 1009 },
	{ "a frame too long, of which the head is here", "{82 85 00000000}", 2,
	    4, 1009 },
	{ "control frames may be longer", "&ping(12345) &close(1000 bye)", 2, 4,
	    0 },
};

START_TEST(frames_are_counted)
{
	const struct count *row = &counts[_i];
	struct message m = fresh(false);
	struct outcome out;
	size_t n;
	uint8_t *bytes = script_bytes(row->in, &n);

	m.max_frames = row->max_frames;
	m.max_frame = row->max_frame;
	out = deliver(&m, bytes, n, &n);
	ck_assert_int_eq(out.code, row->code);
	free(out.events);
	free(bytes);
}
END_TEST

/* RFC 6455 7.4.1 and .2, and what IANA has registered since. */
static const struct range {
	unsigned first, last;
} sendable[] = { { 1000, 1003 }, { 1007, 1014 }, { 3000, 3999 },
	{ 4000, 4999 } };

static bool
is_sendable(unsigned code)
{
	for (size_t i = 0; i < COUNT(sendable); i++)
		if (code >= sendable[i].first && code <= sendable[i].last)
			return true;
	return false;
}

START_TEST(knows_every_code)
{
	for (unsigned code = 0; code < 65536; code++) {
		const uint8_t p[2] = { (uint8_t)(code >> 8), (uint8_t)code };
		struct message m = { 0 };
		int want = is_sendable(code) ? (int)code : -1;

		if (message_code_valid(code) != is_sendable(code) ||
		    message_close(&m, p, 2) != want ||
		    m.code != (want == -1 ? 1002 : 0))
			ck_abort_msg("%u", code);
	}
}
END_TEST

static const struct closing {
	const char *name;
	const char *bytes;
	int want;
	int code;
} closings[] = {
	{ "no code", "", 1005, 0 },
	{ "half a code", "03", -1, 1002 },
	{ "1000", "03e8", 1000, 0 },
	{ "1000 bye", "03e8 627965", 1000, 0 },
	{ "1005 on the wire", "03ed", -1, 1002 },
	{ "4999 and a character", "1387 e282ac", 4999, 0 },
	{ "a reason with a wrong byte", "03e8 62ff", -1, 1007 },
	{ "a reason that ends inside a character", "03e8 e282", -1, 1007 },
	{ "a surrogate in the reason", "03e8 eda080", -1, 1007 },
};

START_TEST(reads_closings)
{
	const struct closing *row = &closings[_i];
	struct message m = { 0 };
	uint8_t bytes[16];
	size_t n = unit_hex(bytes, row->bytes);

	ck_assert_int_eq(message_close(&m, bytes, n), row->want);
	ck_assert_int_eq(m.code, row->code);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("message");

	UNIT_ROWS(s, same_at_every_split, streams);
	UNIT_ROWS(s, same_byte_by_byte, streams);
	UNIT_ROWS(s, ready_foretells, streams);
	UNIT_ROWS(s, fails_at_once, rules);
	UNIT_ROWS(s, limits_hold, before);
	UNIT_ROWS(s, frames_are_counted, counts);
	UNIT_ROWS(s, reads_closings, closings);
	unit_test(s, "all close codes", knows_every_code);
	unit_test(s, "RSV1", rsv1_has_its_place);
	unit_test(s, "compressed may be longer", compressed_may_be_longer);
	return unit_run(s);
}
