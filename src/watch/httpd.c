/* See httpd.h. */
#include "watch/httpd.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libmicrohttpd.so.12"

/* *function, a pointer to a function, is what the library calls so; C knows no
 * conversion to one. */
static bool find(void *handle, void *function, const char *name)
{
    void *symbol = dlsym(handle, name);

    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

eg_status egi_httpd_load(egi_httpd *h, eg_err *err)
{
    bool all = true;

    *h = (egi_httpd){.handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)};
    if (!h->handle)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "the live page needs " LIBRARY
                       ": install libmicrohttpd12");
#define FIND(call) all = find(h->handle, &h->call, #call) && all;
    EGI_HTTPD_CALLS(FIND)
#undef FIND
    if (all) return EG_OK;
    egi_httpd_drop(h);
    return EG_FAIL(err, EG_EUNSUPPORTED,
                   LIBRARY " lacks what the live page needs: expected version "
                           "0.9.71 or later");
}

void egi_httpd_drop(egi_httpd *h)
{
    if (h->handle) (void)dlclose(h->handle);
    *h = (egi_httpd){0};
}
