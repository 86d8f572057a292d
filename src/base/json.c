/* Values of jansson, printed and put together; see json.h. */
#include "base/json.h"

#include "base/buf.h"
#include "base/num.h"
#include "engram/mem.h"
#include "engram/text.h"

/* jansson looks at what this returns, but not behind the name of a member; the
 * buffer remembers. */
static int print_on(const char *bytes, size_t size, void *data)
{
    egi_buf *b = data;

    egi_buf_put(b, bytes, size);
    return b->failed ? -1 : 0;
}

/* jansson replaces the decimal point of the host's locale itself, but only one
 * that is a single byte; under the C locale there is nothing to replace. */
char *egi_json_print(const json_t *j, size_t flags)
{
    egi_buf b = {0};
    locale_t before = egi_locale_enter();
    int failed = json_dump_callback(j, print_on, &b, flags);
    char *text = NULL;

    egi_locale_leave(before);
    if (failed)
        egi_buf_release(&b);
    else
        (void)egi_buf_take(&b, &text, NULL);
    return text;
}

eg_status egi_json_status(const json_error_t *why)
{
    return json_error_code(why) == json_error_out_of_memory ? EG_ENOMEM
                                                            : EG_EFORMAT;
}

json_t *egi_json_whole(json_t *j, bool missing)
{
    if (!missing) return j;
    json_decref(j);
    return NULL;
}

json_t *egi_json_text(const char *s)
{
    json_t *j;
    char *copy = eg_strdup(s);
    uint32_t code;

    if (!copy) return NULL;
    for (char *p = copy; *p;) {
        int n = eg_text_char(p, &code);

        if (n == 0) *p = '?';
        p += n ? n : 1;
    }
    j = json_string_nocheck(copy);
    eg_free(copy);
    return j;
}
