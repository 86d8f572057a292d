/* See blocks.h. */
#include "lab/blocks.h"

#include <string.h>

#include "engram/mem.h"

enum { FIRST = 1 << 20 }; /* bytes of a block, unless a line is longer */

void egi_blocks_open(egi_blocks *b, eg_infile *f)
{
    *b = (egi_blocks){.f = f};
}

/* What is left moves to the front; the buffer grows when that fills it. */
static eg_status make_room(egi_blocks *b, eg_err *err)
{
    if (b->from > 0) memmove(b->buf, b->buf + b->from, b->n - b->from);
    b->n -= b->from;
    b->from = 0;
    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : FIRST;
        char *buf = eg_realloc(b->buf, cap);

        if (!buf)
            return EG_FAIL(err, EG_ENOMEM,
                           "%s: no memory for a line of %zu "
                           "bytes",
                           b->f->path, b->n);
        b->buf = buf;
        b->cap = cap;
    }
    return EG_OK;
}

/* The last \n from `from` on, or NULL. */
static char *last_end(char *buf, size_t from, size_t n)
{
    while (n > from)
        if (buf[--n] == '\n') return buf + n;
    return NULL;
}

eg_status egi_blocks_next(egi_blocks *b, const char **text, size_t *size,
                          eg_err *err)
{
    *size = 0;
    while (!b->end) {
        eg_status st = make_room(b, err);
        const char *end;
        size_t old = b->n, got = 0;

        if (st == EG_OK)
            st = eg_infile_read(b->f, b->buf + b->n, b->cap - b->n, &got, err);
        if (st != EG_OK) return st;
        if (b->sum) egi_summer_add(b->sum, b->buf + b->n, got);
        b->bytes += (int64_t)got;
        b->end = got == 0;
        b->n += got;
        end = last_end(b->buf, old, b->n);
        if (!end) continue;
        *text = b->buf;
        *size = b->from = (size_t)(end - b->buf) + 1;
        return EG_OK;
    }
    return EG_OK;
}

void egi_blocks_release(egi_blocks *b)
{
    eg_free(b->buf);
    b->buf = NULL;
}
