/* A client by libstrophe that signs in through one node and writes to a client on another, which echoes. Prints the
 * bound address and the mechanism, then the bodies that came back, a line each.
 * usage: client JID PASSWORD HOST CAFILE TARGET COUNT [CERTIFICATE KEY] */
#include <stdlib.h>
#include <string.h>
#include "bodies.h"

static const char *target;

static void log_line(void *data, xmpp_log_level_t level, const char *area, const char *line) {
	(void)data, (void)level, (void)area;
	const char *at = strstr(line, "mechanism=\"");
	if (at && strstr(line, "<auth"))
		printf("mechanism %.*s\n", (int)strcspn(at + 11, "\""), at + 11);
}

static void on_state(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream, void *data) {
	xmpp_ctx_t *ctx = data;
	if (event != XMPP_CONN_CONNECT) {
		if (received < count)
			fprintf(stderr, "disconnected: error %d, stream error %d\n", error, stream ? (int)stream->type : -1);
		xmpp_stop(ctx);
		return;
	}
	printf("bound %s\n", xmpp_conn_get_bound_jid(conn));
	xmpp_handler_add(conn, on_message, NULL, "message", NULL, ctx);
	xmpp_stanza_t *presence = xmpp_presence_new(ctx);
	xmpp_send(conn, presence);
	xmpp_stanza_release(presence);
	for (int i = 0; i < count; i++) {
		char body[16];
		snprintf(body, sizeof body, "%d", i);
		xmpp_stanza_t *message = xmpp_message_new(ctx, "chat", target, NULL);
		xmpp_message_set_body(message, body);
		xmpp_send(conn, message);
		xmpp_stanza_release(message);
	}
}

int main(int argc, char **argv) {
	if (argc != 7 && argc != 9)
		return 2;
	static const xmpp_log_t log = {log_line, NULL};
	setvbuf(stdout, NULL, _IOLBF, 0);
	target = argv[5];
	count = atoi(argv[6]);
	xmpp_initialize();
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, &log);
	xmpp_conn_t *conn = xmpp_conn_new(ctx);
	/* It ends its stream without a last acknowledgement, and would get what it did not acknowledge again: see resume.c. */
	xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_DISABLE_SM);
	xmpp_conn_set_cafile(conn, argv[4]);
	xmpp_conn_set_jid(conn, argv[1]);
	xmpp_conn_set_pass(conn, argv[2]);
	if (argc == 9)
		xmpp_conn_set_client_cert(conn, argv[7], argv[8]);
	if (xmpp_connect_client(conn, argv[3], 5222, on_state, ctx) != XMPP_EOK)
		return 1;
	xmpp_run(ctx);
	xmpp_conn_release(conn);
	xmpp_ctx_free(ctx);
	xmpp_shutdown();
	return received == count ? 0 : 1;
}
