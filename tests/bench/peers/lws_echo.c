/*
 * lws_echo PORT - an echo with libwebsockets, which waits by poll(2).  It is
 * given no extensions, so nothing is compressed.
 */

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

enum { READ = 256 * 1024, PIECE = 64 * 1024 }; /* 4 KiB each by default */

struct message {
	struct message *next;
	size_t size;
	enum lws_write_protocol type;
	unsigned char bytes[]; /* LWS_PRE for the head, and the payload */
};

struct session {
	struct message *first, **end; /* those that are whole, to be sent */
	struct message *partial;
};

/* A piece of a message.  The first of a frame makes room for all of it. */
static int
take(struct session *s, struct lws *wsi, const void *piece, size_t size)
{
	const size_t have = s->partial != NULL ? s->partial->size : 0;
	const size_t left = lws_remaining_packet_payload(wsi);
	struct message *m =
	    realloc(s->partial, sizeof(*m) + LWS_PRE + have + size + left);

	if (m == NULL)
		return -1;
	memcpy(m->bytes + LWS_PRE + have, piece, size);
	m->next = NULL;
	m->size = have + size;
	m->type = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
	s->partial = m;
	if (left > 0 || !lws_is_final_fragment(wsi))
		return 0;
	*s->end = m;
	s->end = &m->next;
	s->partial = NULL;
	return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
}

static void
drop(struct session *s)
{
	struct message *m = s->first;

	if ((s->first = m->next) == NULL)
		s->end = &s->first;
	free(m);
}

/* All that the socket takes: the library keeps the rest of the last. */
static int
give(struct session *s, struct lws *wsi)
{
	struct message *m;

	for (; (m = s->first) != NULL && !lws_partial_buffered(wsi); drop(s))
		if (lws_write(wsi, m->bytes + LWS_PRE, m->size, m->type) < 0)
			return -1;
	return m == NULL || lws_callback_on_writable(wsi) >= 0 ? 0 : -1;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *session,
    void *in, size_t size)
{
	struct session *s = session;

	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		s->end = &s->first;
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return take(s, wsi, in, size);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return give(s, wsi);
	case LWS_CALLBACK_CLOSED:
		while (s->first != NULL)
			drop(s);
		free(s->partial);
		return 0;
	default:
		return 0;
	}
}

int
main(int argc, char *argv[])
{
	const struct lws_protocols protocols[] = {
		{ .name = "echo",
		    .callback = on_event,
		    .rx_buffer_size = PIECE,
		    .per_session_data_size = sizeof(struct session) },
		{ .name = NULL },
	};
	const struct lws_context_creation_info info = {
		.iface = "127.0.0.1",
		.port = argc == 2 ? atoi(argv[1]) : 0,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DISABLE_IPV6,
		.pt_serv_buf_size = READ,
		.max_http_header_pool = 1024, /* handshakes at once */
	};
	struct lws_context *context;

	lws_set_log_level(LLL_ERR, NULL);
	if ((context = lws_create_context(&info)) == NULL)
		return 1;
	while (lws_service(context, 0) >= 0)
		continue;
	lws_context_destroy(context);
	return 1;
}
