/* The tokenizer inside a GGUF file. */
#include "models/vocab.h"

#include <string.h>

#include "engram/mem.h"

/* An array of texts, as pointers into the file and their lengths. */
typedef struct texts {
    uint64_t n;
    const char **text;
    size_t *bytes;
} texts;

static void texts_release(texts *t)
{
    eg_free(t->text);
    eg_free(t->bytes);
    *t = (texts){0};
}

static eg_status texts_of(texts *t, const egi_source *s, const char *key,
                          eg_err *err)
{
    const egi_meta *m = egi_meta_find(s, key);
    const unsigned char *at;

    *t = (texts){0};
    if (!m || m->type != EGI_META_ARRAY || m->of != EGI_META_TEXT)
        return EG_FAIL(err, EG_EFORMAT, "%s: has no list of texts %s", s->path,
                       key);
    if (m->n > EG_MOST_IDS)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: %s: expected at most %d texts, found %llu", s->path,
                       key, EG_MOST_IDS, (unsigned long long)m->n);
    t->text = eg_calloc((size_t)m->n + 1, sizeof *t->text);
    t->bytes = eg_calloc((size_t)m->n + 1, sizeof *t->bytes);
    if (!t->text || !t->bytes) {
        texts_release(t);
        return EG_FAIL(err, EG_ENOMEM, "%s: %s", s->path, key);
    }
    at = m->data;
    for (t->n = 0; t->n < m->n; t->n++) {
        uint64_t length;

        memcpy(&length, at, sizeof length);
        t->text[t->n] = (const char *)at + sizeof length;
        t->bytes[t->n] = (size_t)length;
        at += sizeof length + (size_t)length;
    }
    return EG_OK;
}

/* Merges end with a 0 for eg_tokenizer_table: copies, in one block. */
static eg_status ended(char **block, texts *t, const char *path, eg_err *err)
{
    size_t n = 1;
    char *at;

    for (uint64_t i = 0; i < t->n; i++) n += t->bytes[i] + 1;
    *block = at = eg_calloc(n, 1);
    if (!at) return EG_FAIL(err, EG_ENOMEM, "%s: merges", path);
    for (uint64_t i = 0; i < t->n; i++) {
        memcpy(at, t->text[i], t->bytes[i]);
        t->text[i] = at;
        at += t->bytes[i] + 1;
    }
    return EG_OK;
}

/* Tokens of a type other than 1 (normal) are special. */
static void mark_special(bool *special, const egi_source *s, uint64_t n)
{
    const egi_meta *m = egi_meta_find(s, "tokenizer.ggml.token_type");
    int32_t type;

    if (!m || m->type != EGI_META_ARRAY || m->of != EGI_META_I32) return;
    for (uint64_t i = 0; i < n && i < m->n; i++) {
        memcpy(&type, m->data + i * sizeof type, sizeof type);
        special[i] = type != 1;
    }
}

eg_status egi_gguf_tokenizer(eg_tokenizer **out, const egi_source *s,
                             eg_err *err)
{
    texts tokens = {0}, merges = {0};
    char *block = NULL, model[32] = "", pre[32] = "gpt2";
    bool *special = NULL;
    int64_t eot = -1;
    eg_status st = EG_OK;

    *out = NULL;
    if (!egi_meta_text(s, "tokenizer.ggml.model", model, sizeof model) ||
        strcmp(model, "gpt2") != 0)
        return EG_OK; /* none, or one that is no byte-level BPE */
    EG_TRY(texts_of(&tokens, s, "tokenizer.ggml.tokens", err));
    EG_TRY(texts_of(&merges, s, "tokenizer.ggml.merges", err));
    EG_TRY(ended(&block, &merges, s->path, err));
    special = eg_calloc((size_t)tokens.n + 1, sizeof *special);
    if (!special) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: tokens", s->path);
        goto done;
    }
    mark_special(special, s, tokens.n);
    (void)egi_meta_text(s, "tokenizer.ggml.pre", pre, sizeof pre);
    (void)egi_meta_int(s, "tokenizer.ggml.eos_token_id", &eot);
    if (eot >= (int64_t)tokens.n) eot = -1;
    EG_TRY(eg_tokenizer_table(out,
                              &(eg_token_table){.n = (int)tokens.n,
                                                .token = tokens.text,
                                                .bytes = tokens.bytes,
                                                .special = special,
                                                .n_merges = (int)merges.n,
                                                .merge = merges.text,
                                                .alphabet = true,
                                                .pre = pre,
                                                .eot = (int)eot},
                              s->path, err));
done:
    texts_release(&tokens);
    texts_release(&merges);
    eg_free(block);
    eg_free(special);
    return st;
}
