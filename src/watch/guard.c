/* See guard.h. */
#include "watch/guard.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "base/num.h"

eg_status egi_guard_new(egi_guard *g, eg_err *err)
{
    static const char digit[] = "0123456789abcdef";
    unsigned char raw[EGI_TOKEN / 2];
    size_t got = 0;

    while (got < sizeof raw) {
        ssize_t n = getrandom(raw + got, sizeof raw - got, 0);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return EG_FAIL(err, EG_EIO, "no random numbers: %s",
                           strerror(errno));
        got += (size_t)n;
    }
    for (size_t i = 0; i < sizeof raw; i++) {
        g->token[2 * i] = digit[raw[i] >> 4];
        g->token[2 * i + 1] = digit[raw[i] & 15];
    }
    g->token[EGI_TOKEN] = '\0';
    return EG_OK;
}

/* As many characters are compared whatever they are. */
static bool same_token(const char *token, const char *found)
{
    char copy[EGI_TOKEN] = "";
    unsigned differs = 0;
    size_t n = strnlen(found, EGI_TOKEN);

    memcpy(copy, found, n);
    for (int i = 0; i < EGI_TOKEN; i++)
        differs |= (unsigned char)(copy[i] ^ token[i]);
    return differs == 0;
}

/* This machine by a name that nobody else can give out, and our port. */
static bool is_here(const char *host, int port)
{
    static const char *const name[] = {"127.0.0.1", "localhost", "[::1]"};
    char want[64];

    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        (void)snprintf(want, sizeof want, "%s:%d", name[i], port);
        if (strcmp(host, want) == 0) return true;
        if (port == 80 && strcmp(host, name[i]) == 0) return true;
    }
    return false;
}

int egi_guard_judge(const egi_guard *g, const egi_request *q, const char **path)
{
    static const char scheme[] = "http://";

    *path = NULL;
    if (strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0)
        return 405;
    if (!q->host || !is_here(q->host, g->port)) return 403;
    if (q->origin && (strncmp(q->origin, scheme, sizeof scheme - 1) != 0 ||
                      !is_here(q->origin + sizeof scheme - 1, g->port)))
        return 403;
    if (q->body) return 413;
    if (strlen(q->url) > EGI_MAX_URL) return 414;
    if (q->url[0] != '/' || !same_token(g->token, q->url + 1) ||
        q->url[1 + EGI_TOKEN] != '/')
        return 403;
    *path = q->url + 2 + EGI_TOKEN;
    return 0;
}

bool egi_query_int(const char *text, int64_t *out)
{
    int64_t v = 0;
    size_t n = strlen(text);

    if (n == 0 || n > 16 || strspn(text, "0123456789") != n) return false;
    for (size_t i = 0; i < n; i++) v = 10 * v + (text[i] - '0');
    if (v > (int64_t)1 << 53) return false;
    *out = v;
    return true;
}

bool egi_query_real(const char *text, double *out)
{
    double v;

    if (strlen(text) > 40 || !egi_real_parse(text, &v) || !isfinite(v))
        return false;
    *out = v;
    return true;
}
