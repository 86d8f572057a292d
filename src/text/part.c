/* Parts of documents: put into a block, and read as UTF-8. */
#include <string.h>

#include "engram/mem.h"
#include "text/documents.h"
#include "text/unicode.h"

void egi_block_release(egi_block *b)
{
    eg_free(b->text);
    eg_free(b->part);
    *b = (egi_block){0};
}

eg_status egi_block_add(egi_block *b, const egi_part *p, const char *text,
                        eg_err *err)
{
    if (b->n_parts == b->room_parts) {
        int room = 2 * b->room_parts + 16;
        egi_part *part = eg_realloc(b->part, (size_t)room * sizeof *part);

        if (!part) return EG_FAIL(err, EG_ENOMEM, "%d documents", room);
        b->part = part;
        b->room_parts = room;
    }
    if (b->n + p->n > b->room) {
        size_t room = b->n + p->n + EGI_BLOCK;
        char *s = eg_realloc(b->text, room);

        if (!s) return EG_FAIL(err, EG_ENOMEM, "%zu bytes of text", room);
        b->text = s;
        b->room = room;
    }
    if (p->n > 0) memcpy(b->text + b->n, text, p->n);
    b->n += p->n;
    b->part[b->n_parts++] = *p;
    return EG_OK;
}

eg_status egi_part_fail(const egi_part *p, size_t byte, eg_status st,
                        const char *what, eg_err *err)
{
    if (p->line > 0)
        return EG_FAIL(err, st, "%s: line %lld: %s", p->path,
                       (long long)p->line, what);
    return EG_FAIL(err, st, "%s: byte %lld: %s", p->path,
                   (long long)p->byte + (long long)byte, what);
}

eg_status egi_part_utf8(const egi_part *p, bool replace, const char **s,
                        size_t *n, char **mended, eg_err *err)
{
    int bad;
    size_t good = egi_utf8_until(*s, p->n, &bad);
    eg_status st;

    *mended = NULL;
    *n = p->n;
    if (good == p->n) return EG_OK;
    if (!replace)
        return egi_part_fail(p, good, EG_EFORMAT,
                             "begins no character of UTF-8 (engram tokenize "
                             "--replace reads such bytes as U+FFFD)",
                             err);
    st = egi_utf8_mend(*s, p->n, mended, n, err);
    *s = *mended;
    return st;
}
