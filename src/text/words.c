/* Words: runs of what is no white space. */
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "text/own.h"

/* The next word of s[n] from *at on, its bytes; or, at a line's end, 1 and
 * *line; 0: there is none. */
static size_t next_word(const egi_classes *u, const char *s, size_t n,
                        size_t *at, bool *line)
{
    const unsigned char *c = (const unsigned char *)s;
    size_t end;
    int k;

    while (*at < n && c[*at] != '\n' &&
           egi_class_at(u, c + *at, &k) == EGI_SPACE)
        *at += (size_t)k;
    *line = *at < n && c[*at] == '\n';
    if (*line || *at == n) return *line;
    for (end = *at; end < n && egi_class_at(u, c + end, &k) != EGI_SPACE;)
        end += (size_t)k;
    return end - *at;
}

eg_status egi_encode_words(const eg_tokenizer *t, const char *s, size_t n,
                           eg_ids *ids, eg_err *err)
{
    bool line;

    for (size_t at = 0, k; (k = next_word(&t->classes, s, n, &at, &line)) > 0;
         at += k) {
        int32_t id = eg_tokenizer_id(t, s + at, k);
        eg_status st = egi_ids_room(ids, 1, err);

        if (st != EG_OK) return st;
        if (id < 0 || (t->special[id] && !line)) id = EGI_WORD_UNKNOWN;
        ids->id[ids->n++] = id;
    }
    return EG_OK;
}

/* ---- the most frequent ----------------------------------------------------
 */

typedef struct word {
    const char *s;
    size_t n;
} word;

typedef struct counted {
    word w;
    int64_t times;
} counted;

static int by_bytes(const void *a, const void *b)
{
    const word *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int c = memcmp(x->s, y->s, n);

    return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static int by_times(const void *a, const void *b)
{
    const counted *x = a, *y = b;

    if (x->times != y->times) return x->times < y->times ? 1 : -1;
    return by_bytes(&x->w, &y->w);
}

/* All words of a text, sorted by their bytes, then counted in place. */
static eg_status count_words(counted **out, size_t *n_out, const char *text,
                             size_t size, const egi_classes *u, eg_err *err)
{
    eg_status st = EG_OK;
    size_t n = 0, k = 0;
    word *all = NULL;
    counted *c = NULL;
    bool line;

    for (size_t at = 0, m; (m = next_word(u, text, size, &at, &line)); at += m)
        n += !line && m <= EG_TOKEN_BYTES;
    all = eg_calloc(n + 1, sizeof *all);
    c = eg_calloc(n + 1, sizeof *c);
    if (!all || !c) {
        st = EG_FAIL(err, EG_ENOMEM, "%zu words", n);
        eg_free(c);
        goto done;
    }
    n = 0;
    for (size_t at = 0, m; (m = next_word(u, text, size, &at, &line)); at += m)
        if (!line && m <= EG_TOKEN_BYTES) all[n++] = (word){text + at, m};
    qsort(all, n, sizeof *all, by_bytes);
    for (size_t i = 0; i < n; i++) {
        if (k == 0 || by_bytes(&c[k - 1].w, &all[i]) != 0)
            c[k++] = (counted){all[i], 0};
        c[k - 1].times++;
    }
    qsort(c, k, sizeof *c, by_times);
    *out = c;
    *n_out = k;
done:
    eg_free(all);
    return st;
}

static bool is_text(word w, const char *s)
{
    return w.n == strlen(s) && memcmp(w.s, s, w.n) == 0;
}

eg_status eg_tokenizer_words(eg_tokenizer **out, const char *text, size_t size,
                             int n, eg_err *err)
{
    static const char unknown[] = "<unk>", end[] = "<|endoftext|>";
    eg_status st = EG_OK;
    egi_classes *u = eg_calloc(1, sizeof *u);
    counted *c = NULL;
    size_t k = 0, bytes = 32;
    eg_tokenizer *t = NULL;
    int bad;

    *out = NULL;
    if (!u) return EG_FAIL(err, EG_ENOMEM, "classes of characters");
    if (n < 1 || n > EG_MOST_IDS - 3 ||
        egi_utf8_until(text, size, &bad) < size) {
        st = EG_FAIL(err, EG_EINVAL,
                     "a vocabulary of %d words: expected 1 to %d, of a text in "
                     "UTF-8",
                     n, EG_MOST_IDS - 3);
        goto done;
    }
    egi_classes_init(u);
    EG_TRY(count_words(&c, &k, text, size, u, err));
    for (size_t i = 0; i < k; i++) bytes += c[i].w.n;
    EG_TRY(egi_vocab_new(&t, EG_TOKENIZER_WORD, n + 3, bytes, err));
    egi_vocab_token(t, unknown, sizeof unknown - 1);
    egi_vocab_token(t, "\n", 1);
    egi_vocab_token(t, end, sizeof end - 1);
    for (int i = 0; i < 3; i++) t->special[i] = i != EGI_WORD_LINE;
    for (size_t i = 0; i < k && t->n < n + 3; i++)
        if (!is_text(c[i].w, unknown) && !is_text(c[i].w, end))
            egi_vocab_token(t, c[i].w.s, c[i].w.n);
    EG_TRY(egi_vocab_index(t, "words", err));
    egi_vocab_end(t, EGI_WORD_END);
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    eg_free(c);
    eg_free(u);
    return st;
}
