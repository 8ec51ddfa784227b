/* A client by libstrophe whose node is killed and that resumes its stream at another (XEP-0198). Makes the file
 * FOLDER/ready when it may be killed; prints "resumed ADDRESS" when it is connected again, and the bodies that come.
 * usage: resume JID PASSWORD HOST OTHER_HOST CAFILE FOLDER COUNT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "bodies.h"

static int connects;
static const char *folder;

static void on_state(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream, void *data) {
	xmpp_ctx_t *ctx = data;
	if (event != XMPP_CONN_CONNECT) {
		fprintf(stderr, "disconnected: error %d, stream error %d\n", error, stream ? (int)stream->type : -1);
		xmpp_stop(ctx);
		return;
	}
	if (connects++ > 0) {
		printf("resumed %s\n", xmpp_conn_get_bound_jid(conn));
		return;
	}
	xmpp_stanza_t *presence = xmpp_presence_new(ctx);
	xmpp_send(conn, presence);
	xmpp_stanza_release(presence);
}

/* ready says that the node may be killed: the stream is managed and the presence acknowledged. */
static int ready(xmpp_conn_t *conn, void *data) {
	(void)conn, (void)data;
	char path[4096];
	snprintf(path, sizeof path, "%s/ready", folder);
	FILE *f = fopen(path, "w");
	if (f)
		fclose(f);
	return 0;
}

static xmpp_conn_t *start(xmpp_ctx_t *ctx, char **argv, const char *host, xmpp_sm_state_t *sm) {
	xmpp_conn_t *conn = xmpp_conn_new(ctx);
	xmpp_conn_set_flags(conn, XMPP_CONN_FLAG_MANDATORY_TLS);
	xmpp_conn_set_cafile(conn, argv[5]);
	xmpp_conn_set_jid(conn, argv[1]);
	xmpp_conn_set_pass(conn, argv[2]);
	if (sm && xmpp_conn_set_sm_state(conn, sm) != XMPP_EOK)
		return NULL;
	xmpp_handler_add(conn, on_message, NULL, "message", NULL, ctx);
	if (xmpp_connect_client(conn, host, 5222, on_state, ctx) != XMPP_EOK)
		return NULL;
	return conn;
}

int main(int argc, char **argv) {
	if (argc != 8)
		return 2;
	signal(SIGPIPE, SIG_IGN); /* a server that was killed is what this is about */
	setvbuf(stdout, NULL, _IOLBF, 0);
	folder = argv[6];
	count = atoi(argv[7]);
	xmpp_initialize();
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, xmpp_get_default_logger(getenv("STROPHE_DEBUG") ? XMPP_LEVEL_DEBUG : XMPP_LEVEL_ERROR));
	xmpp_conn_t *conn = start(ctx, argv, argv[3], NULL);
	if (!conn)
		return 1;
	xmpp_timed_handler_add(conn, ready, 1000, NULL);
	xmpp_run(ctx);
	xmpp_sm_state_t *sm = xmpp_conn_get_sm_state(conn);
	xmpp_conn_release(conn);
	if (!sm) {
		fprintf(stderr, "there is no stream to resume\n");
		return 1;
	}
	conn = start(ctx, argv, argv[4], sm);
	if (!conn)
		return 1;
	xmpp_run(ctx);
	xmpp_conn_release(conn);
	xmpp_ctx_free(ctx);
	xmpp_shutdown();
	return received == count ? 0 : 1;
}
