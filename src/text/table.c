/* A tokenizer from tables: tokens and merges as strings. What files hold comes
 * through here, too. */
#include "text/vocab.h"

#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"

static size_t length(const eg_token_table *v, int i)
{
    return v->bytes ? v->bytes[i] : strlen(v->token[i]);
}

/* Tokens into the pool. One that is not spelled in the alphabet is taken as it
 * stands, and is special. */
static eg_status add_tokens(eg_tokenizer **out, const eg_token_table *v,
                            const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    size_t total = 0;
    char *buf = NULL;
    eg_tokenizer *t = NULL;

    for (int i = 0; i < v->n; i++) {
        if (length(v, i) > 2 * EG_TOKEN_BYTES)
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: token %d has more than %zu bytes", name, i,
                           EG_TOKEN_BYTES);
        total += length(v, i);
    }
    buf = eg_calloc(2 * EG_TOKEN_BYTES + 1, 1);
    if (!buf) return EG_FAIL(err, EG_ENOMEM, "tokens of %s", name);
    EG_TRY(egi_vocab_new(&t, EG_TOKENIZER_BPE, v->n, total, err));
    for (int i = 0; i < v->n; i++) {
        const char *s = v->token[i];
        size_t n = length(v, i);
        eg_index k = v->alphabet && !(v->special && v->special[i])
                         ? egi_unspell(buf, s, n)
                         : -1;

        if (v->alphabet && k < 0) t->special[i] = true;
        if (v->special && v->special[i]) t->special[i] = true;
        if (k < 0)
            egi_vocab_token(t, s, n);
        else
            egi_vocab_token(t, buf, (size_t)k);
    }
    EG_TRY(egi_vocab_index(t, name, err));
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    eg_free(buf);
    return st;
}

/* The id of half a merge; -1: it is no token. both: room for two tokens. */
static int32_t half(const eg_tokenizer *t, const eg_token_table *v, char *both,
                    const char *s, size_t n, size_t *bytes)
{
    eg_index k = (eg_index)n;

    if (n > 2 * EG_TOKEN_BYTES) return -1;
    if (v->alphabet)
        k = egi_unspell(both, s, n);
    else
        memcpy(both, s, n);
    if (k < 0) return -1;
    *bytes = (size_t)k;
    return eg_tokenizer_id(t, both, *bytes);
}

static eg_status add_merge(eg_tokenizer *t, const eg_token_table *v, int i,
                           char *both, bool *made, const char *name,
                           eg_err *err)
{
    const char *line = v->merge[i], *space = strchr(line, ' ');
    size_t n = strlen(line), k = space ? (size_t)(space - line) : n;
    size_t a = 0, b = 0;
    int32_t left, right = -1, id;
    char buf[64];

    (void)eg_text_clean(buf, sizeof buf, line);
    left = half(t, v, both, line, k, &a);
    if (left >= 0 && k < n)
        right = half(t, v, both + a, line + k + 1, n - k - 1, &b);
    if (left < 0 || right < 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: merge %d, '%s': its %s half is no token", name, i,
                       buf, left < 0 ? "left" : "right");
    id = eg_tokenizer_id(t, both, a + b);
    if (id < 0)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: merge %d, '%s', makes no token of the vocabulary",
                       name, i, buf);
    if (!egi_vocab_pair(t, left, right, i, id))
        return EG_FAIL(err, EG_EFORMAT, "%s: merge %d, '%s', was there before",
                       name, i, buf);
    made[id] = true;
    return EG_OK;
}

static eg_status add_merges(eg_tokenizer *t, const eg_token_table *v,
                            const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    char *both = eg_calloc(4 * EG_TOKEN_BYTES + 2, 1);
    bool *made = eg_calloc((size_t)t->n + 1, sizeof *made);

    if (!both || !made) {
        st = EG_FAIL(err, EG_ENOMEM, "merges of %s", name);
        goto done;
    }
    EG_TRY(egi_vocab_pairs(t, v->n_merges, err));
    for (int i = 0; i < v->n_merges; i++)
        EG_TRY(add_merge(t, v, i, both, made, name, err));
    for (int i = 0; i < t->n && !v->special; i++)
        t->special[i] |= !made[i] && egi_token_len(t, i) > 1;
done:
    eg_free(both);
    eg_free(made);
    return st;
}

eg_status eg_tokenizer_table(eg_tokenizer **out, const eg_token_table *v,
                             const char *name, eg_err *err)
{
    const egi_pretok *pre = egi_pretok_find(v->pre ? v->pre : "gpt2");
    eg_status st = EG_OK;
    eg_tokenizer *t = NULL;

    *out = NULL;
    if (!pre) {
        char buf[64], known[128];

        (void)eg_text_clean(buf, sizeof buf, v->pre);
        egi_pretok_names(known, sizeof known);
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: cuts text as '%s'; known are %s", name, buf, known);
    }
    if (v->n < 1 || v->n > EG_MOST_IDS || v->n_merges < 0 ||
        v->n_merges > EG_MOST_IDS)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: %d tokens and %d merges; expected 1 to %d, and no "
                       "more merges than that",
                       name, v->n, v->n_merges, EG_MOST_IDS);
    if (v->eot >= v->n)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: id %d for the end of a text; there are %d tokens",
                       name, v->eot, v->n);
    EG_TRY(add_tokens(&t, v, name, err));
    EG_TRY(add_merges(t, v, name, err));
    t->pre = pre;
    egi_vocab_end(t, v->eot);
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    return st;
}
