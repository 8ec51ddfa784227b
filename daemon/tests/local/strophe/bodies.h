/* What both clients do with messages: they print the bodies, a line each, and end behind the last. */
#include <stdio.h>
#include <strophe.h>

static int count, received;

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data) {
	xmpp_ctx_t *ctx = data;
	char *body = xmpp_message_get_body(stanza);
	if (body) {
		printf("%s\n", body);
		xmpp_free(ctx, body);
		if (++received == count)
			xmpp_disconnect(conn);
	}
	return 1;
}
