/* Statuses, error sentences and assertions. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/status.h"
#include "engram/text.h"
#include "base/num.h"

const char *eg_status_name(eg_status st)
{
    static const char *const names[] = {
#define EG_STATUS_TEXT(id, text) text,
        EG_STATUS_LIST(EG_STATUS_TEXT)
#undef EG_STATUS_TEXT
    };
    size_t i = (size_t)st;

    return i < sizeof names / sizeof names[0] ? names[i] : "unknown status";
}

void eg_fail_(eg_err *err, eg_status st, const char *where, const char *fmt,
              ...)
{
    char raw[2 * sizeof(eg_err)];
    size_t n = 0;
    va_list ap;

    if (!err) return;
    err->status = st;
    err->where = where;
    va_start(ap, fmt);
    (void)egi_vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    /* what it was for is said where memory is asked for, the rest here */
    if (st == EG_ENOMEM && !strstr(raw, "memory"))
        n = eg_text_copy(err->msg, sizeof err->msg, "out of memory: ");
    (void)eg_text_clean(err->msg + n, sizeof err->msg - n, raw);
}

void eg_assert_fail_(const char *what, const char *where)
{
    (void)fprintf(stderr, "%s: assertion failed: %s\n", where, what);
    abort();
}
