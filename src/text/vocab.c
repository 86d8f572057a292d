/* A vocabulary as it is made: tokens in one pool, found by their bytes; pairs
 * found by their halves. */
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"

/* What a message says of a token. */
static const char *shown(char buf[64], const char *bytes, size_t n)
{
    char some[40];

    if (n >= sizeof some) n = sizeof some - 1;
    memcpy(some, bytes, n);
    some[n] = '\0';
    (void)eg_text_clean(buf, 64, some);
    return buf;
}

/* A power of two, at least twice n. */
static uint32_t places(int n)
{
    uint32_t size = 64;

    while (size < 2u * (uint32_t)n) size *= 2;
    return size;
}

eg_status egi_vocab_new(eg_tokenizer **out, eg_tokenizer_kind kind, int n,
                        size_t bytes, eg_err *err)
{
    eg_tokenizer *t = eg_calloc(1, sizeof *t);
    size_t rows = (size_t)n + 1;

    *out = NULL;
    if (t) {
        t->kind = kind;
        t->pre = egi_pretoks;
        t->eot = -1;
        t->mask = places(n) - 1;
        t->bytes = eg_calloc(bytes + 1, 1);
        t->at = eg_calloc(rows, sizeof *t->at);
        t->slot = eg_calloc((size_t)t->mask + 1, sizeof *t->slot);
        t->special = eg_calloc(rows, sizeof *t->special);
        t->specials = eg_calloc(rows, sizeof *t->specials);
    }
    if (!t || !t->bytes || !t->at || !t->slot || !t->special || !t->specials) {
        eg_tokenizer_free(t);
        return EG_FAIL(err, EG_ENOMEM, "a vocabulary of %d tokens", n);
    }
    egi_classes_init(&t->classes);
    for (uint32_t i = 0; i <= t->mask; i++) t->slot[i] = -1;
    for (int i = 0; i < 256; i++) t->byte[i] = -1;
    *out = t;
    return EG_OK;
}

void eg_tokenizer_free(eg_tokenizer *t)
{
    if (!t) return;
    eg_free(t->bytes);
    eg_free(t->at);
    eg_free(t->slot);
    eg_free(t->pair);
    eg_free(t->special);
    eg_free(t->specials);
    eg_free(t);
}

void egi_vocab_token(eg_tokenizer *t, const char *bytes, size_t size)
{
    if (size > 0) memcpy(t->bytes + t->at[t->n], bytes, size);
    t->n++;
    t->at[t->n] = t->at[t->n - 1] + size;
}

/* The place of these bytes, or the free one where they belong. */
static uint32_t place_of(const eg_tokenizer *t, const char *s, size_t n)
{
    uint32_t i = egi_hash_bytes(s, n) & t->mask;

    for (;; i = (i + 1) & t->mask) {
        int32_t id = t->slot[i];

        if (id < 0 || (egi_token_len(t, id) == n &&
                       memcmp(t->bytes + t->at[id], s, n) == 0))
            return i;
    }
}

eg_status egi_vocab_index(eg_tokenizer *t, const char *name, eg_err *err)
{
    char buf[64];

    for (int32_t id = 0; id < t->n; id++) {
        const char *s = t->bytes + t->at[id];
        size_t n = egi_token_len(t, id);
        uint32_t i = place_of(t, s, n);

        if (n == 0 || n > EG_TOKEN_BYTES)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: token %d has %zu bytes; expected 1 to %zu",
                           name, (int)id, n, EG_TOKEN_BYTES);
        if (t->slot[i] >= 0)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: tokens %d and %d are the same, '%s'", name,
                           (int)t->slot[i], (int)id, shown(buf, s, n));
        t->slot[i] = id;
        if (n == 1) t->byte[(unsigned char)s[0]] = id;
    }
    return EG_OK;
}

/* ---- pairs ----------------------------------------------------------------
 */

eg_status egi_vocab_pairs(eg_tokenizer *t, int n, eg_err *err)
{
    uint32_t size = places(n);

    t->pair = eg_calloc(size, sizeof *t->pair);
    if (!t->pair) return EG_FAIL(err, EG_ENOMEM, "%d merges", n);
    t->pair_mask = size - 1;
    for (uint32_t i = 0; i < size; i++) t->pair[i].left = -1;
    return EG_OK;
}

bool egi_vocab_pair(eg_tokenizer *t, int32_t left, int32_t right, int32_t rank,
                    int32_t id)
{
    uint32_t i = egi_hash_pair(left, right) & t->pair_mask;

    if (egi_pair_find(t, left, right)) return false;
    while (t->pair[i].left >= 0) i = (i + 1) & t->pair_mask;
    t->pair[i] = (egi_pair){left, right, rank, id};
    t->n_pairs++;
    EG_ASSERT((uint32_t)t->n_pairs <= t->pair_mask);
    return true;
}

/* f of every way to cut a token that is not special into two tokens. */
static int each_cut(eg_tokenizer *t, bool add)
{
    int n = 0;

    for (int32_t id = 0; id < t->n; id++) {
        const char *s = t->bytes + t->at[id];
        size_t size = egi_token_len(t, id);

        for (size_t k = 1; k < size && !t->special[id]; k++) {
            int32_t left = eg_tokenizer_id(t, s, k);
            int32_t right = left < 0 ? -1 : eg_tokenizer_id(t, s + k, size - k);

            if (right < 0 || t->special[left] || t->special[right]) continue;
            n++;
            if (add) (void)egi_vocab_pair(t, left, right, id, id);
        }
    }
    return n;
}

eg_status egi_vocab_pairs_of_ids(eg_tokenizer *t, eg_err *err)
{
    eg_status st = egi_vocab_pairs(t, each_cut(t, false), err);

    if (st == EG_OK) (void)each_cut(t, true);
    t->whole = t->by_ids = true;
    return st;
}

/* ---- the end --------------------------------------------------------------
 */

void egi_vocab_end(eg_tokenizer *t, int32_t eot)
{
    static const char end[] = "<|endoftext|>";
    int at[EG_TOKEN_BYTES + 2] = {0}; /* how many are longer than that */

    for (int32_t id = 0; id < t->n; id++)
        if (t->special[id]) at[egi_token_len(t, id) - 1]++;
    for (size_t k = EG_TOKEN_BYTES; k > 0; k--) at[k - 1] += at[k];
    t->n_specials = at[0];
    for (int32_t id = 0; id < t->n; id++)
        if (t->special[id]) t->specials[at[egi_token_len(t, id)]++] = id;
    t->eot = eot >= 0 ? eot : eg_tokenizer_id(t, end, sizeof end - 1);
}

/* ---- asked ----------------------------------------------------------------
 */

eg_tokenizer_kind eg_tokenizer_kind_of(const eg_tokenizer *t)
{
    return t->kind;
}

int eg_tokenizer_vocab(const eg_tokenizer *t)
{
    return t->n;
}

const char *eg_tokenizer_bytes(const eg_tokenizer *t, int32_t id, size_t *n)
{
    *n = 0;
    if (id < 0 || id >= t->n) return NULL;
    *n = egi_token_len(t, id);
    return t->bytes + t->at[id];
}

int32_t eg_tokenizer_id(const eg_tokenizer *t, const char *bytes, size_t n)
{
    return t->slot[place_of(t, bytes, n)];
}

bool eg_tokenizer_special(const eg_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->n && t->special[id];
}

int32_t eg_tokenizer_eot(const eg_tokenizer *t)
{
    return t->eot;
}
