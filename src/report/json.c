/* Small JSON and text tools of the report. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "engram/text.h"
#include "report/report_impl.h"
#include "base/num.h"

eg_status egi_note(json_t *list, eg_err *err, const char *fmt, ...)
{
    char raw[1024], text[768];
    va_list ap;

    va_start(ap, fmt);
    (void)egi_vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);
    (void)eg_text_clean(text, sizeof text, raw);
    if (json_array_append_new(list, egi_json_text(text)) == 0) return EG_OK;
    return egi_report_no_memory(err);
}

eg_status egi_note_why(json_t *list, eg_status st, const eg_err *why,
                       eg_err *err)
{
    if (st == EG_OK) return EG_OK;
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why->msg);
    return egi_note(list, err, "%s", why->msg);
}

eg_status egi_report_no_memory(eg_err *err)
{
    return EG_FAIL(err, EG_ENOMEM, "report: out of memory");
}

json_t *egi_json_base64(const unsigned char *p, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = (n + 2) / 3 * 4;
    char *text = eg_calloc(len + 1, 1), *o = text;
    json_t *j;

    if (!text) return NULL;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned v = (unsigned)p[i] << 16;
        if (left > 1) v |= (unsigned)p[i + 1] << 8;
        if (left > 2) v |= p[i + 2];
        *o++ = digit[v >> 18];
        *o++ = digit[v >> 12 & 63];
        o[0] = o[1] = '=';
        if (left > 1) o[0] = digit[v >> 6 & 63];
        if (left > 2) o[1] = digit[v & 63];
        o += 2;
    }
    j = json_stringn(text, len);
    eg_free(text);
    return j;
}

char *egi_html_escape(const char *s)
{
    size_t room = 4 * strlen(s) + 1; /* of a byte that becomes \x1b */
    char *clean = eg_calloc(room, 1);
    char *out = clean ? eg_calloc(6 * room, 1) : NULL, *o = out;

    if (clean) (void)eg_text_clean(clean, room, s);
    for (const char *c = clean; out && *c; c++) {
        const char *e = *c == '&'    ? "&amp;"
                        : *c == '<'  ? "&lt;"
                        : *c == '>'  ? "&gt;"
                        : *c == '"'  ? "&quot;"
                        : *c == '\'' ? "&#39;"
                                     : NULL;
        if (!e) *o++ = *c;
        while (e && *e) *o++ = *e++;
    }
    eg_free(clean);
    return out;
}
