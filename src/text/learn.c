/* Characters and words of a corpus. */
#include <string.h>

#include "engram/mem.h"
#include "text/documents.h"
#include "text/own.h"
#include "text/unicode.h"

#define MOST_BYTES ((size_t)1 << 30)

typedef struct pile {
    char *text; /* words: documents with a line's end between them */
    size_t n, room;
    bool *seen; /* characters */
} pile;

static eg_status pile_words(pile *p, const char *s, size_t n, eg_err *err)
{
    if (!p->text || p->n + n + 1 > p->room) {
        size_t room = 2 * p->room + n + (1 << 20);
        char *more = eg_realloc(p->text, room);

        if (!more) return EG_FAIL(err, EG_ENOMEM, "%zu bytes of text", room);
        p->text = more;
        p->room = room;
    }
    if (n > 0) memcpy(p->text + p->n, s, n);
    p->n += n;
    p->text[p->n++] = '\n';
    return EG_OK;
}

static void see_chars(bool *seen, const char *s, size_t n)
{
    for (size_t at = 0; at < n;) {
        uint32_t c;

        at += (size_t)egi_char_at((const unsigned char *)s + at, &c);
        seen[c] = true;
    }
}

/* One part: of two documents no word is one. */
static eg_status take(pile *p, const egi_part *part, const char *s,
                      bool replace, bool chars, eg_err *err)
{
    char *mended;
    size_t n;
    eg_status st = egi_part_utf8(part, replace, &s, &n, &mended, err);

    if (st != EG_OK) return st;
    if (chars)
        see_chars(p->seen, s, n);
    else
        st = pile_words(p, s, n, err);
    eg_free(mended);
    return st;
}

static eg_status take_block(pile *p, const egi_block *b, bool replace,
                            bool chars, eg_err *err)
{
    const char *s = b->text;
    eg_status st = EG_OK;

    for (int i = 0; i < b->n_parts && st == EG_OK; i++) {
        st = take(p, &b->part[i], s, replace, chars, err);
        s += b->part[i].n;
    }
    return st;
}

eg_status eg_tokenizer_learn(eg_tokenizer **out, const eg_corpus *c,
                             eg_tokenizer_kind kind, int n, eg_err *err)
{
    bool chars = kind == EG_TOKENIZER_CHAR;
    egi_reader r = {.source = {.in = {.fd = -1}}};
    egi_block b = {0};
    pile p = {0};
    eg_status st = EG_OK;

    *out = NULL;
    EG_ASSERT(kind != EG_TOKENIZER_BPE);
    p.seen = eg_calloc(0x110000, sizeof *p.seen);
    if (!p.seen) {
        st = EG_FAIL(err, EG_ENOMEM, "characters");
        goto done;
    }
    EG_TRY(egi_reader_open(&r, c, err));
    while (chars || p.n < MOST_BYTES) {
        EG_TRY(egi_reader_next(&r, &b, err));
        if (b.n_parts == 0) break;
        EG_TRY(take_block(&p, &b, c->replace, chars, err));
    }
    if (r.bytes == 0)
        st = EG_FAIL(err, EG_EINVAL, "%s: the corpus has no text", c->path[0]);
    else if (chars)
        st = egi_chars_seen(out, p.seen, err);
    else
        st = eg_tokenizer_words(out, p.text ? p.text : "", p.n, n, err);
done:
    egi_reader_close(&r);
    egi_block_release(&b);
    eg_free(p.text);
    eg_free(p.seen);
    return st;
}
