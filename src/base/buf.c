/* Text that grows: see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "engram/mem.h"
#include "base/num.h"

static bool reserve(egi_buf *b, size_t more)
{
    if (b->failed) return false;
    if (b->n + more + 1 > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        char *s;

        while (cap < b->n + more + 1) cap *= 2;
        s = eg_realloc(b->s, cap);
        if (!s) {
            b->failed = true;
            return false;
        }
        b->s = s;
        b->cap = cap;
    }
    return true;
}

void egi_buf_put(egi_buf *b, const char *bytes, size_t n)
{
    if (!reserve(b, n)) return;
    if (n > 0) memcpy(b->s + b->n, bytes, n);
    b->n += n;
    b->s[b->n] = '\0';
}

void egi_buf_add(egi_buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = egi_vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !reserve(b, (size_t)n)) return;
    va_start(ap, fmt);
    egi_vsnprintf(b->s + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

void egi_buf_release(egi_buf *b)
{
    eg_free(b->s);
    *b = (egi_buf){0};
}

eg_status egi_buf_take(egi_buf *b, char **out, eg_err *err)
{
    *out = NULL;
    egi_buf_put(b, "", 0);
    if (b->failed) {
        egi_buf_release(b);
        return EG_FAIL(err, EG_ENOMEM, "out of memory while writing text");
    }
    *out = b->s;
    *b = (egi_buf){0};
    return EG_OK;
}
