/* Lines of text as patterns: every character is a word of random signs, so that
 * two lines are as far apart as they have characters that differ. */
#include "energy/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "engram/file.h"
#include "engram/mem.h"
#include "engram/rng.h"
#include "engram/text.h"

enum { FIRST = 1024 /* places of a list */ };

enum { BLANK = ' ', MOST_SYMBOLS = 65536, CODE = 32 };

typedef struct lines {
    uint32_t *code;    /* all characters, lines one behind another */
    eg_index n, cap;   /* characters */
    eg_index *end;     /* [d] where each line ends in code */
    eg_index d, d_cap; /* lines */
    eg_index width;
} lines;

static eg_status end_line(lines *l, const char *path, eg_err *err)
{
    eg_index from = l->d > 0 ? l->end[l->d - 1] : 0;

    if (l->n > from && l->code[l->n - 1] == '\r') l->n--;
    if (l->n == from) return EG_OK;
    if (!egi_grow(&l->end, &l->d_cap, l->d + 1, FIRST, sizeof *l->end))
        return EG_FAIL(err, EG_ENOMEM, "%s: %td lines", path, l->d);
    l->end[l->d++] = l->n;
    if (l->n - from > l->width) l->width = l->n - from;
    return EG_OK;
}

static eg_status read_lines(lines *l, const char *path, eg_err *err)
{
    char *bytes = NULL;
    size_t size = 0, at = 0;
    eg_index line = 1;
    eg_status st;

    EG_TRY(eg_file_read(&bytes, &size, path, EGI_STORE_BYTES, err));
    while (at < size) {
        uint32_t code = 0;
        int n = bytes[at] ? eg_text_char(bytes + at, &code) : 0;

        if (n == 0) {
            st = EG_FAIL(err, EG_EFORMAT,
                         "%s: line %td: expected UTF-8 text, found byte %d",
                         path, line, (unsigned char)bytes[at]);
            goto done;
        }
        at += (size_t)n;
        if (code == '\n') {
            EG_TRY(end_line(l, path, err));
            line++;
            continue;
        }
        if (!egi_grow(&l->code, &l->cap, l->n + 1, FIRST, sizeof *l->code)) {
            st = EG_FAIL(err, EG_ENOMEM, "%s: %td characters", path, l->n);
            goto done;
        }
        l->code[l->n++] = code == '\t' ? BLANK : code;
    }
    EG_TRY(end_line(l, path, err));
done:
    eg_free(bytes);
    return st;
}

static int by_code(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

int egi_store_symbol(const eg_store *s, uint32_t code)
{
    const uint32_t *found =
        bsearch(&code, s->symbol, (size_t)s->n_symbols, sizeof code, by_code);

    return found ? (int)(found - s->symbol) : -1;
}

/* The characters in use, and the blank. */
static eg_status symbols(eg_store *s, const lines *l, eg_err *err)
{
    eg_index n = 0;

    s->symbol = eg_calloc((size_t)l->n + 1, sizeof *s->symbol);
    if (!s->symbol) return EG_FAIL(err, EG_ENOMEM, "%td characters", l->n);
    memcpy(s->symbol, l->code, (size_t)l->n * sizeof *s->symbol);
    s->symbol[l->n] = BLANK;
    qsort(s->symbol, (size_t)l->n + 1, sizeof *s->symbol, by_code);
    for (eg_index i = 0; i <= l->n; i++)
        if (i == 0 || s->symbol[i] != s->symbol[n - 1])
            s->symbol[n++] = s->symbol[i];
    if (n > MOST_SYMBOLS)
        return EG_FAIL(err, EG_EINVAL,
                       "%td different characters: expected %d at most", n,
                       MOST_SYMBOLS);
    s->n_symbols = (int)n;
    return EG_OK;
}

static eg_status encode(eg_store *s, const lines *l, uint64_t seed, eg_err *err)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_USER, 0, 0);
    int blank = egi_store_symbol(s, BLANK);
    eg_index code = s->code, words = s->n_symbols * code;

    s->word = eg_calloc((size_t)words, sizeof *s->word);
    s->at = eg_calloc((size_t)(s->d * s->width), sizeof *s->at);
    s->pattern = eg_calloc((size_t)(s->d * s->n), sizeof *s->pattern);
    if (!s->word || !s->at || !s->pattern)
        return EG_FAIL(err, EG_ENOMEM, "%td lines of %td characters", s->d,
                       s->width);
    for (eg_index i = 0; i < words; i++)
        s->word[i] = eg_rng_below(&rng, 2) ? 1 : -1;
    for (eg_index i = 0; i < s->d; i++) {
        eg_index from = i > 0 ? l->end[i - 1] : 0, length = l->end[i] - from;

        for (eg_index x = 0; x < s->width; x++) {
            int k = x < length ? egi_store_symbol(s, l->code[from + x]) : blank;

            s->at[i * s->width + x] = k;
            memcpy(s->pattern + i * s->n + x * code, s->word + k * code,
                   (size_t)code * sizeof *s->word);
        }
    }
    return EG_OK;
}

eg_status egi_store_lines(eg_store *s, const char *const *path, int n_paths,
                          const eg_store_opts *o, eg_err *err)
{
    lines l = {0};
    eg_status st = EG_OK;

    s->code = o->code > 0 ? o->code : CODE;
    for (int i = 0; i < n_paths; i++) EG_TRY(read_lines(&l, path[i], err));
    if (l.d == 0) {
        st = EG_FAIL(err, EG_EINVAL, "%s: no line to store", path[0]);
        goto done;
    }
    if (l.width > EGI_STORE_ENTRIES / s->code / l.d) {
        st = EG_FAIL(err, EG_EINVAL,
                     "%td lines of up to %td characters, %d entries each: "
                     "expected %td entries at most in all",
                     l.d, l.width, s->code, EGI_STORE_ENTRIES);
        goto done;
    }
    s->d = l.d;
    s->width = l.width;
    s->height = 1;
    s->n = l.width * s->code;
    EG_TRY(symbols(s, &l, err));
    EG_TRY(encode(s, &l, o->seed, err));
done:
    eg_free(l.code);
    eg_free(l.end);
    return st;
}
