/* The file of a tokenizer, tokenizer.engram.json. */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/sum.h"
#include "base/text.h"
#include "engram/mem.h"
#include "text/own.h"

/* Bytes as a part of a JSON string, in the alphabet; special ones as they are
 * spelled in the table. */
static void put_token(egi_buf *b, const eg_tokenizer *t, int32_t id)
{
    const char *s = t->bytes + t->at[id];
    size_t n = egi_token_len(t, id);

    for (size_t i = 0; i < n; i++) {
        char c[4];
        int k;

        if (s[i] == '"' || s[i] == '\\') egi_buf_put(b, "\\", 1);
        k = egi_utf8_put(c, egi_letter_of((unsigned char)s[i]));
        egi_buf_put(b, c, (size_t)k);
    }
}

/* The pairs by rank: order [n_pairs] points into the table. */
static const egi_pair **by_rank(const eg_tokenizer *t)
{
    const egi_pair **order = eg_calloc((size_t)t->n_pairs + 1, sizeof(void *));

    for (uint32_t i = 0; order && t->pair && i <= t->pair_mask; i++)
        if (t->pair[i].left >= 0) order[t->pair[i].rank] = &t->pair[i];
    return order;
}

static void put_head(egi_buf *b, const eg_tokenizer *t)
{
    static const char *const kinds[] = {"bpe", "char", "word", "piece"};

    egi_buf_add(b, "{" EGI_TOKENIZER_MARK ", \"version\": 1,\n");
    egi_buf_add(b, " \"kind\": \"%s\",", kinds[t->kind]);
    if (t->kind == EG_TOKENIZER_BPE)
        egi_buf_add(b, " \"cut\": \"%s\", \"by\": \"%s\",", t->pre->name,
                    t->by_ids  ? "ids"
                    : t->whole ? "whole"
                               : "pairs");
    egi_buf_add(b, "\n \"end_of_text\": %" PRId32 ",\n \"special\": [", t->eot);
    for (int i = 0, n = 0; i < t->n; i++)
        if (t->special[i]) egi_buf_add(b, "%s%d", n++ ? ", " : "", i);
    egi_buf_add(b, "],\n \"tokens\": [");
}

static eg_status print(const eg_tokenizer *t, egi_buf *b, eg_err *err)
{
    const egi_pair **order = NULL;

    put_head(b, t);
    for (int32_t i = 0; i < t->n; i++) {
        egi_buf_add(b, "%s\n  \"", i > 0 ? "," : "");
        put_token(b, t, i);
        egi_buf_put(b, "\"", 1);
    }
    egi_buf_add(b, "],\n \"merges\": [");
    if (!t->by_ids) {
        order = by_rank(t);
        if (!order) return EG_FAIL(err, EG_ENOMEM, "%d merges", t->n_pairs);
        for (int i = 0; i < t->n_pairs; i++) {
            egi_buf_add(b, "%s\n  \"", i > 0 ? "," : "");
            put_token(b, t, order[i]->left);
            egi_buf_put(b, " ", 1);
            put_token(b, t, order[i]->right);
            egi_buf_put(b, "\"", 1);
        }
    }
    egi_buf_add(b, "]}\n");
    eg_free(order);
    return EG_OK;
}

eg_status eg_tokenizer_write(const eg_tokenizer *t, const eg_folder *in,
                             const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    egi_buf b = {0};
    eg_outfile o = {0};

    EG_TRY(print(t, &b, err));
    EG_TRY(eg_outfile_open_own(&o, in, name, EGI_TOKENIZER_MARK, err));
    if (b.failed)
        st = EG_FAIL(err, EG_ENOMEM, "the text of %s", name);
    else
        eg_outfile_write(&o, b.s, b.n);
    if (st == EG_OK)
        st = eg_outfile_commit(&o, err);
    else
        eg_outfile_abort(&o);
done:
    egi_buf_release(&b);
    return st;
}

void eg_tokenizer_sum(const eg_tokenizer *t, char hex[33])
{
    egi_summer s;
    int32_t head[4] = {(int32_t)t->kind, t->whole, t->eot, t->n};

    egi_summer_init(&s);
    egi_summer_add(&s, head, sizeof head);
    egi_summer_add(&s, t->pre->name, strlen(t->pre->name));
    egi_summer_add(&s, t->at, ((size_t)t->n + 1) * sizeof *t->at);
    egi_summer_add(&s, t->bytes, t->at[t->n]);
    egi_summer_add(&s, t->special, (size_t)t->n);
    if (t->pair)
        egi_summer_add(&s, t->pair,
                       ((size_t)t->pair_mask + 1) * sizeof *t->pair);
    egi_sum_print(egi_summer_end(&s), hex);
}
