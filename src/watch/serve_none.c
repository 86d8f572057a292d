/* A build without libmicrohttpd: see serve.h. */
#include <stdio.h>
#include "watch/serve.h"

#define MISSING \
    "this build has no web server: install libmicrohttpd-dev and build again"

bool egi_server_able(char *text, size_t size)
{
    (void)snprintf(text, size, "%s", MISSING);
    return false;
}

eg_status egi_server_open(egi_server **out, egi_model *m, int port, eg_err *err)
{
    (void)m;
    (void)port;
    *out = NULL;
    return EG_FAIL(err, EG_EUNSUPPORTED, "%s", MISSING);
}

void egi_server_close(egi_server *s)
{
    (void)s;
}

const char *egi_server_address(const egi_server *s)
{
    (void)s;
    return "";
}

void egi_server_tell(egi_server *s)
{
    (void)s;
}

void egi_server_tidy(egi_server *s)
{
    (void)s;
}

bool egi_server_busy(egi_server *s)
{
    (void)s;
    return false;
}
