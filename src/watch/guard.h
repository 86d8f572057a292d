/* Who may ask, and for what: judged before anything is looked at. */
#ifndef EG_WATCH_GUARD_H
#define EG_WATCH_GUARD_H

#include "engram/status.h"

enum { EGI_TOKEN = 32, EGI_MAX_URL = 512 }; /* characters */

typedef struct egi_guard {
    char token[EGI_TOKEN + 1]; /* random hexadecimal digits */
    int port;
} egi_guard;

/* A new token; EG_EIO: the system gives no random numbers. */
eg_status egi_guard_new(egi_guard *g, eg_err *err);

/* What a client sent; NULL: nothing of that name. */
typedef struct egi_request {
    const char *method, *url; /* url: decoded, without what is behind a ? */
    const char *host, *origin;
    bool body; /* it sends something along */
} egi_request;

/* 0: it may, and *path is what lies behind the token, as "api/runs"; else the
 * status of HTTP that refuses it: 405 but for GET and HEAD, 413 with a body,
 * 414 of a long url, 403 of another host (a name that was made to lead here), a
 * page of another origin, or without the token, whose comparison takes as long
 * whatever was sent. */
int egi_guard_judge(const egi_guard *g, const egi_request *q,
                    const char **path);

/* A whole number of a question's text, digits alone; false: it is none, or
 * above 2^53. */
bool egi_query_int(const char *text, int64_t *out);
/* A finite number. */
bool egi_query_real(const char *text, double *out);

#endif
