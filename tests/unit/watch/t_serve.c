/* The server under hostile questions: what is refused, what is not told, and
 * that others are served meanwhile. Waits have an end that is a guard against
 * hanging, not a measure. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#include "engram/mem.h"
#include "engram/watch.h"
#include "watch/clients.h"
#include "watch/guard.h"
#include "watch/rundir.h"

enum { GUARD_MS = 60000, REPLY = 1 << 20 };

/* A server with runs, and a thread that keeps it going. */
static struct {
    char *root;
    eg_watch *watch;
    pthread_t thread;
    atomic_bool stop;
    int port, lock;
    char token[64], reply[REPLY];
} S;

static void *turn(void *ctx)
{
    eg_err err = {0};

    (void)ctx;
    while (!atomic_load(&S.stop))
        if (eg_watch_turn(S.watch, 0.02, &err) != EG_OK) abort();
    return NULL;
}

/* "http://127.0.0.1:8642/0123.../" */
static bool take_address(const char *address)
{
    static const char before[] = "http://127.0.0.1:";
    char *end;

    if (strncmp(address, before, sizeof before - 1) != 0) return false;
    S.port = (int)strtol(address + sizeof before - 1, &end, 10);
    if (*end != '/' || strlen(end) != EGI_TOKEN + 2) return false;
    (void)snprintf(S.token, sizeof S.token, "%.*s", EGI_TOKEN, end + 1);
    return true;
}

static int begin(void **state)
{
    eg_watch_opts o = {0};
    eg_err err = {0};

    (void)state;
    S.root = scratch_new();
    test_record(S.root, "a/1", "running", 200, 0);
    S.lock = test_lock(S.root, "a/1");
    test_rows(S.root, "a/1", 0, 5);
    o.root = S.root;
    if (eg_watch_open(&S.watch, &o, &err) != EG_OK) {
        print_message("%s\n", err.msg);
        return -1;
    }
    if (!take_address(eg_watch_address(S.watch))) return -1;
    return pthread_create(&S.thread, NULL, turn, NULL);
}

static int end(void **state)
{
    (void)state;
    atomic_store(&S.stop, true);
    (void)pthread_join(S.thread, NULL);
    eg_watch_close(S.watch);
    eg_lock_drop(S.lock);
    scratch_free(S.root);
    return 0;
}

/* A connection to 127.0.0.1, or -1. */
static int call_at(struct in_addr where)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)S.port),
                             .sin_addr = where};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
    (void)close(fd);
    return -1;
}

static int call(void)
{
    struct in_addr here = {htonl(INADDR_LOOPBACK)};
    int fd = call_at(here);

    assert_true(fd >= 0);
    return fd;
}

static void say_bytes(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, text, n, MSG_NOSIGNAL);

        if (k <= 0) return; /* it was ended: the reply tells */
        text += k;
        n -= (size_t)k;
    }
}

/* Waits for something to read; false: nothing came. */
static bool hears(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, ms) > 0;
}

/* All that is told until the other side ends it; its status, 0: none. */
static int reply_of(int fd)
{
    size_t n = 0;
    int status = 0;

    while (n < REPLY - 1) {
        ssize_t k;

        if (!hears(fd, GUARD_MS)) fail_msg("no end of an answer");
        k = recv(fd, S.reply + n, REPLY - 1 - n, 0);
        if (k <= 0) break;
        n += (size_t)k;
    }
    S.reply[n] = '\0';
    (void)close(fd);
    if (strncmp(S.reply, "HTTP/1.", 7) == 0)
        status = (int)strtol(S.reply + 8, NULL, 10);
    return status;
}

static int ask_raw(const char *text, size_t n)
{
    int fd = call();

    say_bytes(fd, text, n);
    return reply_of(fd);
}

/* A question, with TOKEN in its text for the token and HOST for the host. */
static int ask(const char *text)
{
    static char q[300000];
    char host[64];
    size_t n = 0;

    (void)snprintf(host, sizeof host, "127.0.0.1:%d", S.port);
    for (const char *p = text; *p;) {
        const char *put = strncmp(p, "TOKEN", 5) == 0  ? S.token
                          : strncmp(p, "HOST", 4) == 0 ? host
                                                       : NULL;

        if (put) {
            n += (size_t)snprintf(q + n, sizeof q - n, "%s", put);
            p += put == S.token ? 5 : 4;
        } else {
            q[n++] = *p++;
        }
    }
    return ask_raw(q, n);
}

#define OK_HEAD "Host: HOST\r\nConnection: close\r\n\r\n"

/* Until the answer is there: what is asked for first may have to be read. */
static int ask_ready(const char *text)
{
    int status = 0;

    for (int i = 0; i < 600; i++) {
        status = ask(text);
        if (!strstr(S.reply, "\"later\":true")) return status;
        (void)usleep(50000);
    }
    fail_msg("never ready: %s", text);
    return status;
}

/* ---- what is told ----------------------------------------------------------
 */

static void test_page(void **state)
{
    static const char *const header[] = {
        "Content-Security-Policy: default-src 'none'; script-src 'self';",
        "frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "X-Frame-Options: DENY",
        "Cache-Control: no-store",
        "Content-Type: text/html"};

    (void)state;
    assert_int_equal(ask("GET /TOKEN/ HTTP/1.1\r\n" OK_HEAD), 200);
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        if (!strstr(S.reply, header[i])) fail_msg("no %s", header[i]);
    assert_non_null(strstr(S.reply, "<!doctype html>"));
    assert_null(strstr(S.reply, S.token)); /* it need not be in the page */
    assert_int_equal(ask("HEAD /TOKEN/ HTTP/1.1\r\n" OK_HEAD), 200);
    assert_null(strstr(S.reply, "<!doctype html>"));
    assert_int_equal(ask("GET /TOKEN/report/core.js HTTP/1.1\r\n" OK_HEAD),
                     200);
    assert_int_equal(
        ask("GET /TOKEN/ HTTP/1.1\r\nOrigin: http://HOST\r\n" OK_HEAD), 200);
}

static void test_runs(void **state)
{
    (void)state;
    assert_int_equal(ask_ready("GET /TOKEN/api/runs HTTP/1.1\r\n" OK_HEAD),
                     200);
    assert_non_null(strstr(S.reply, "\"id\":\"a/1\""));
    assert_non_null(strstr(S.reply, "\"running\":1"));
    assert_int_equal(
        ask_ready("GET /TOKEN/api/run?run=a%2F1 HTTP/1.1\r\n" OK_HEAD), 200);
    assert_non_null(strstr(S.reply, "\"panels\""));
    for (int i = 0; i < 600; i++) {
        assert_int_equal(
            ask_ready("GET /TOKEN/api/curves?run=a/1 HTTP/1.1\r\n" OK_HEAD),
            200);
        if (strstr(S.reply, "\"loss\":[[0,10,20,30,40]")) break;
        (void)usleep(50000);
    }
    assert_non_null(
        strstr(S.reply, "\"loss\":[[0,10,20,30,40],[1000,990,980,970,960]]"));
    assert_non_null(strstr(S.reply, "\"quantities\":{\"loss\""));
}

/* A stream tells that there is news, and what a page then asks for has it. */
static void test_events(void **state)
{
    char text[512];
    int fd = call(), n;

    (void)state;
    n = snprintf(
        text, sizeof text,
        "GET /%s/events?run=a/1 HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
        S.token, S.port);
    say_bytes(fd, text, (size_t)n);
    for (int round = 0; round < 2; round++) {
        char got[8192] = "";
        size_t have = 0;
        const char *want = round ? "\"rows\":" : "data: {\"list\"";

        if (round) test_rows(S.root, "a/1", 50, 1);
        while (!strstr(got, want)) {
            ssize_t k;

            if (!hears(fd, GUARD_MS)) fail_msg("no news: %s", got);
            k = recv(fd, got + have, sizeof got - 1 - have, 0);
            if (k <= 0) fail_msg("the stream ended: %s", got);
            have += (size_t)k;
            got[have] = '\0';
        }
        if (!round) assert_non_null(strstr(got, "text/event-stream"));
    }
    (void)close(fd);
    for (int i = 0; i < 600; i++) {
        assert_int_equal(
            ask_ready("GET /TOKEN/api/curves?run=a/1 HTTP/1.1\r\n" OK_HEAD),
            200);
        if (strstr(S.reply, "\"loss\":[[0,10,20,30,40,50]")) return;
        (void)usleep(50000);
    }
    fail_msg("the new row is not told: %s", S.reply);
}

/* ---- what is refused -------------------------------------------------------
 */

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        int status;
    } c[] = {
        {"GET / HTTP/1.1\r\n" OK_HEAD, 403},
        {"GET /00000000000000000000000000000000/ HTTP/1.1\r\n" OK_HEAD, 403},
        {"GET /TOKEN HTTP/1.1\r\n" OK_HEAD, 403},
        {"GET /TOKEN/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
        {"GET /TOKEN/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 403},
        {"GET /TOKEN/ HTTP/1.0\r\n\r\n", 403},
        {"GET /TOKEN/ HTTP/1.1\r\nOrigin: http://evil.example\r\n" OK_HEAD,
         403},
        {"GET /TOKEN/ HTTP/1.1\r\nOrigin: null\r\n" OK_HEAD, 403},
        {"POST /TOKEN/ HTTP/1.1\r\nContent-Length: 3\r\n" OK_HEAD "abc", 405},
        {"DELETE /TOKEN/api/run?run=a/1 HTTP/1.1\r\n" OK_HEAD, 405},
        {"PUT /TOKEN/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" OK_HEAD
         "0\r\n\r\n",
         405},
        {"OPTIONS * HTTP/1.1\r\n" OK_HEAD, 405},
        {"GET /TOKEN/ HTTP/1.1\r\nContent-Length: 99999999999\r\n" OK_HEAD,
         413},
        {"GET /TOKEN/nothing HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN/report/page.css/ HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN/api/run HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN/api/curves?run=a/1&width0=-1 HTTP/1.1\r\n" OK_HEAD, 400},
        {"GET /TOKEN/api/curves?run=a/1&most=1e9 HTTP/1.1\r\n" OK_HEAD, 400},
        {"GET /TOKEN/api/curves?run=a/1&lo=nan HTTP/1.1\r\n" OK_HEAD, 400},
        /* ways to a file */
        {"GET /TOKEN/../../../../etc/passwd HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN//etc/passwd HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN/api/run?run=../../../etc/passwd HTTP/1.1\r\n" OK_HEAD,
         404},
        {"GET /TOKEN/api/run?run=%2fetc%2fpasswd HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN/api/run?run=a/1/../1 HTTP/1.1\r\n" OK_HEAD, 404},
        {"GET /TOKEN/api/maps?run=a/1%00.. HTTP/1.1\r\n" OK_HEAD, 0},
        {"GET /TOKEN/api/run?run= HTTP/1.1\r\n" OK_HEAD, 404},
    };

    (void)state;
    (void)ask_ready("GET /TOKEN/api/runs HTTP/1.1\r\n" OK_HEAD);
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        int status = ask(c[i].text);

        print_message("%d %.60s\n", status, c[i].text);
        if (c[i].status && status != c[i].status)
            fail_msg("%d, expected %d: %s", status, c[i].status, c[i].text);
        assert_null(strstr(S.reply, "root:"));
        if (status >= 400) assert_null(strstr(S.reply, "loss"));
    }
}

/* Too large, or no HTTP at all: an end in any case, and nothing told. */
static void test_oversized(void **state)
{
    static char text[200000];
    size_t n;

    (void)state;
    n = (size_t)snprintf(text, sizeof text, "GET /%s/", S.token);
    memset(text + n, 'x', 100000);
    n += 100000;
    n += (size_t)snprintf(text + n, sizeof text - n,
                          " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", S.port);
    assert_in_range(ask_raw(text, n), 0, 599);
    print_message("a long url: %.40s\n", S.reply);
    assert_true(strstr(S.reply, " 200 ") == NULL);

    n = (size_t)snprintf(text, sizeof text,
                         "GET /%s/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", S.token,
                         S.port);
    for (int i = 0; i < 3000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "X-%d: %040d\r\n", i,
                              i);
    n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
    (void)ask_raw(text, n);
    print_message("long headers: %.40s\n", S.reply);
    assert_true(strstr(S.reply, " 200 ") == NULL);

    for (size_t i = 0; i < 4096; i++) text[i] = (char)(i * 2654435761U >> 13);
    n = 4096 + (size_t)snprintf(text + 4096, sizeof text - 4096, "\n\r\n\r\n");
    (void)ask_raw(text, n);
    assert_true(strstr(S.reply, " 200 ") == NULL);
    assert_int_equal(ask("GET /TOKEN/ HTTP/1.1\r\n" OK_HEAD), 200);
}

/* ---- who else is there -----------------------------------------------------
 */

/* No address of this machine but loopback answers. */
static void test_loopback(void **state)
{
    struct ifaddrs *all = NULL;
    int tried = 0;

    (void)state;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        struct sockaddr_in at;
        int fd;

        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET ||
            (i->ifa_flags & IFF_LOOPBACK))
            continue;
        memcpy(&at, i->ifa_addr, sizeof at);
        fd = call_at(at.sin_addr);
        if (fd >= 0) fail_msg("%s answers", inet_ntoa(at.sin_addr));
        tried++;
    }
    freeifaddrs(all);
    print_message("%d other addresses of this machine tried\n", tried);
}

/* Slow clients that never end their question, more than there are places. */
static void test_slow(void **state)
{
    enum { SLOW = 200 };
    static const char begun[] = "GET /0123 HTTP/1.1\r\nHost: 127";
    int fd[SLOW], ended = 0;

    (void)state;
    for (int i = 0; i < SLOW; i++) {
        fd[i] = call();
        say_bytes(fd[i], begun, sizeof begun - 1);
        if (i % 20 == 0)
            assert_int_equal(ask("GET /TOKEN/api/live HTTP/1.1\r\n" OK_HEAD),
                             200);
    }
    assert_int_equal(ask("GET /TOKEN/api/runs HTTP/1.1\r\n" OK_HEAD), 200);
    for (int i = 0; i < SLOW; i++) ended += hears(fd[i], 0);
    print_message("%d of %d slow clients were ended at once\n", ended, SLOW);
    assert_true(ended >= SLOW - EGI_STRANGERS - 1);
    /* the others have their time, and no more */
    for (int i = 0; i < SLOW; i++) {
        if (!hears(fd[i], GUARD_MS)) fail_msg("client %d was not ended", i);
        (void)close(fd[i]);
    }
}

/* Streams are counted too; one more is told to come back. */
static void test_many_streams(void **state)
{
    enum { MANY = 60 };
    int fd[MANY], refused = 0;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        char text[256];
        int n =
            snprintf(text, sizeof text,
                     "GET /%s/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
                     S.token, S.port);

        fd[i] = call();
        say_bytes(fd[i], text, (size_t)n);
    }
    for (int i = 0; i < MANY; i++) {
        char got[64] = "";

        assert_true(hears(fd[i], GUARD_MS));
        assert_true(recv(fd[i], got, sizeof got - 1, 0) > 0);
        refused += strstr(got, " 503 ") != NULL;
    }
    print_message("%d of %d streams were refused\n", refused, MANY);
    assert_in_range(refused, 1, MANY - 1);
    assert_int_equal(ask("GET /TOKEN/api/runs HTTP/1.1\r\n" OK_HEAD), 200);
    for (int i = 0; i < MANY; i++) (void)close(fd[i]);
}

/* A second server at the same port says why it cannot. */
static void test_port_taken(void **state)
{
    eg_watch *other;
    eg_err err = {0};
    const eg_watch_opts o = {.root = S.root, .port = S.port};

    (void)state;
    assert_int_equal(eg_watch_open(&other, &o, &err), EG_EIO);
    print_message("%s\n", err.msg);
    assert_null(other);
    assert_non_null(strstr(err.msg, "127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),         cmocka_unit_test(test_runs),
        cmocka_unit_test(test_events),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_oversized),    cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_many_streams), cmocka_unit_test(test_slow),
        cmocka_unit_test(test_port_taken),
    };
    char why[256];

    if (!eg_watch_able(why, sizeof why)) {
        print_message("skipped: %s\n", why);
        return 77;
    }
    return cmocka_run_group_tests(tests, begin, end);
}
