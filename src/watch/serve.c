/* HTTP by libmicrohttpd: one thread of its own, which never reads a file. What
 * is asked goes through guard.h to api.h; see serve.h. */
#include "watch/serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "engram/mem.h"
#include "engram/pool.h"
#include "watch/api.h"
#include "watch/clients.h"
#include "watch/httpd.h"
#include "watch/feeds.h"

enum {
    HEADERS = 16 << 10, /* bytes of a question, all its headers included */
    IDLE_S = 30,
    BUSY_S = 15
};

struct egi_server {
    egi_httpd httpd;
    struct MHD_Daemon *daemon;
    egi_model *model;
    egi_guard guard;
    egi_clients clients;
    egi_feeds streams;
    char address[64];
};

typedef enum MHD_Result result;

bool egi_server_able(char *text, size_t size)
{
    egi_httpd h;
    eg_err err = {0};

    if (egi_httpd_load(&h, &err) != EG_OK) {
        (void)snprintf(text, size, "%s", err.msg);
        return false;
    }
    (void)snprintf(text, size, "by libmicrohttpd %s", h.MHD_get_version());
    egi_httpd_drop(&h);
    return true;
}

/* ---- one question ----------------------------------------------------------
 */

typedef struct exchange {
    egi_server *s;
    struct MHD_Connection *connection;
    egi_client *client;
} exchange;

static const char *header(const exchange *x, const char *name)
{
    return x->s->httpd.MHD_lookup_connection_value(x->connection,
                                                   MHD_HEADER_KIND, name);
}

static const char *query(void *ctx, const char *name)
{
    const exchange *x = ctx;

    return x->s->httpd.MHD_lookup_connection_value(x->connection,
                                                   MHD_GET_ARGUMENT_KIND, name);
}

static void free_text(void *text)
{
    eg_free(text);
}

static struct MHD_Response *respond(const exchange *x, egi_answer *a)
{
    const egi_httpd *h = &x->s->httpd;
    struct MHD_Response *r;

    if (a->events)
        return egi_feeds_open(&x->s->streams, x->connection, a->run, a->sweep);
    if (!a->owned) {
        union { /* read only, whatever its type says */
            const char *text;
            void *bytes;
        } told = {.text = a->text};

        return h->MHD_create_response_from_buffer(a->size, told.bytes,
                                                  MHD_RESPMEM_PERSISTENT);
    }
    r = h->MHD_create_response_from_buffer_with_free_callback(a->size, a->owned,
                                                              free_text);
    if (!r) eg_free(a->owned);
    return r;
}

static result tell(const exchange *x, egi_answer *a)
{
    const egi_httpd *h = &x->s->httpd;
    struct MHD_Response *r = respond(x, a);
    result done = MHD_NO;

    if (!r) { /* too many streams, or no memory */
        egi_api_refusal(a, 503);
        r = respond(x, a);
        if (!r) return MHD_NO;
    }
    for (const egi_header *e = egi_api_headers; e->name; e++)
        (void)h->MHD_add_response_header(r, e->name, e->value);
    (void)h->MHD_add_response_header(r, "Content-Type", a->type);
    if (a->status == 405)
        (void)h->MHD_add_response_header(r, "Allow", "GET, HEAD");
    if (a->status != 200)
        (void)h->MHD_add_response_header(r, "Connection", "close");
    done = h->MHD_queue_response(x->connection, (unsigned)a->status, r);
    h->MHD_destroy_response(r);
    return done;
}

static bool has_body(const exchange *x)
{
    const char *length = header(x, "Content-Length");

    return header(x, "Transfer-Encoding") ||
           (length && strcmp(length, "0") != 0);
}

static const union MHD_ConnectionInfo *info(const exchange *x,
                                            enum MHD_ConnectionInfoType what)
{
    return x->s->httpd.MHD_get_connection_info(x->connection, what);
}

/* Called once a question's headers are there, and again when it is whole. */
static result asked(void *ctx, struct MHD_Connection *connection,
                    const char *url, const char *method, const char *version,
                    const char *upload, size_t *upload_size, void **state)
{
    exchange x = {.s = ctx, .connection = connection};
    const union MHD_ConnectionInfo *i =
        info(&x, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    egi_request q = {.method = method,
                     .url = url,
                     .host = header(&x, "Host"),
                     .origin = header(&x, "Origin"),
                     .body = has_body(&x) || *upload_size > 0};
    const char *path = NULL;
    int refused = egi_guard_judge(&x.s->guard, &q, &path);
    egi_answer a;

    (void)version;
    (void)upload;
    x.client = i ? i->socket_context : NULL;
    if (!x.client) return MHD_NO;
    if (refused) {
        egi_api_refusal(&a, refused);
        return tell(&x, &a);
    }
    if (!*state) {
        *state = x.client;
        return MHD_YES;
    }
    egi_api_answer(&a, x.s->model, path, query, &x);
    if (a.events && strcmp(method, "HEAD") == 0) a.events = false;
    egi_clients_set(&x.s->clients, x.client, a.events ? EGI_STREAM : EGI_TAKING,
                    eg_clock());
    return tell(&x, &a);
}

/* ---- connections -----------------------------------------------------------
 */

static void come_and_go(void *ctx, struct MHD_Connection *connection,
                        void **client, enum MHD_ConnectionNotificationCode what)
{
    exchange x = {.s = ctx, .connection = connection};
    const union MHD_ConnectionInfo *i =
        info(&x, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*client) egi_clients_leave(&x.s->clients, *client);
        *client = NULL;
    } else if (i) {
        *client = egi_clients_enter(&x.s->clients, i->connect_fd, eg_clock());
    }
}

static void completed(void *ctx, struct MHD_Connection *connection,
                      void **state, enum MHD_RequestTerminationCode how)
{
    egi_server *s = ctx;

    (void)connection;
    (void)how;
    if (*state) egi_clients_set(&s->clients, *state, EGI_ASKING, eg_clock());
    *state = NULL;
}

/* ---- the server ------------------------------------------------------------
 */

/* A socket that hears this machine alone. */
static eg_status listen_here(int *fd, int *port, eg_err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)*port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int one = 1;

    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0) return EG_FAIL(err, EG_EIO, "no socket: %s", strerror(errno));
    (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(*fd, (struct sockaddr *)&at, size) != 0 || listen(*fd, 64) != 0 ||
        getsockname(*fd, (struct sockaddr *)&at, &size) != 0) {
        int why = errno;

        (void)close(*fd);
        *fd = -1;
        return EG_FAIL(err, EG_EIO, "cannot listen on 127.0.0.1:%d: %s", *port,
                       strerror(why));
    }
    *port = ntohs(at.sin_port);
    return EG_OK;
}

static eg_status start(egi_server *s, int fd, eg_err *err)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
                     MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME;

    s->daemon = s->httpd.MHD_start_daemon(
        flags, 0, NULL, NULL, asked, s, MHD_OPTION_LISTEN_SOCKET,
        (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)EGI_CLIENTS - 8,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS,
        MHD_OPTION_NOTIFY_CONNECTION, come_and_go, s,
        MHD_OPTION_NOTIFY_COMPLETED, completed, s, MHD_OPTION_END);
    if (s->daemon) return EG_OK;
    (void)close(fd);
    return EG_FAIL(err, EG_EIO, "libmicrohttpd does not start");
}

eg_status egi_server_open(egi_server **out, egi_model *m, int port, eg_err *err)
{
    egi_server *s = eg_calloc(1, sizeof *s);
    int fd = -1;
    eg_status st = EG_OK;

    *out = NULL;
    if (!s) return EG_FAIL(err, EG_ENOMEM, "server: out of memory");
    s->model = m;
    egi_clients_init(&s->clients);
    egi_feeds_init(&s->streams, m, &s->httpd);
    EG_TRY(egi_httpd_load(&s->httpd, err));
    EG_TRY(egi_guard_new(&s->guard, err));
    EG_TRY(listen_here(&fd, &port, err));
    s->guard.port = port;
    (void)snprintf(s->address, sizeof s->address, "http://127.0.0.1:%d/%s/",
                   port, s->guard.token);
    EG_TRY(start(s, fd, err));
    *out = s;
done:
    if (st != EG_OK) egi_server_close(s);
    return st;
}

void egi_server_close(egi_server *s)
{
    if (!s) return;
    egi_feeds_end(&s->streams);
    if (s->daemon) s->httpd.MHD_stop_daemon(s->daemon);
    egi_httpd_drop(&s->httpd);
    egi_feeds_release(&s->streams);
    egi_clients_release(&s->clients);
    eg_free(s);
}

const char *egi_server_address(const egi_server *s)
{
    return s->address;
}

void egi_server_tell(egi_server *s)
{
    egi_feeds_tell(&s->streams);
}

void egi_server_tidy(egi_server *s)
{
    (void)egi_clients_tidy(&s->clients, eg_clock());
}

bool egi_server_busy(egi_server *s)
{
    return egi_clients_count(&s->clients, EGI_STREAM) > 0 ||
           eg_clock() - egi_clients_asked(&s->clients) < BUSY_S;
}
