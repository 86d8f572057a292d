/* Tokenizers that merge nothing: characters and words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engram/mem.h"
#include "text/own.h"

/* Bytes of a character of valid UTF-8. */
static size_t char_bytes(const char *s)
{
    unsigned char c = (unsigned char)s[0];

    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

eg_status egi_symbols_check(const eg_tokenizer *t, const char *name,
                            eg_err *err)
{
    static const char *const first[] = {"<unk>", "\n", "<|endoftext|>"};

    if (t->kind == EG_TOKENIZER_BPE) return EG_OK;
    if (t->kind == EG_TOKENIZER_PIECE)
        return eg_tokenizer_id(t, "[UNK]", 5) >= 0
                   ? EG_OK
                   : EG_FAIL(err, EG_EFORMAT, "%s: no token [UNK]", name);
    for (int32_t id = 0; id < t->n; id++) {
        const char *s = t->bytes + t->at[id];
        size_t n = egi_token_len(t, id);
        int bad;
        bool word = t->kind == EG_TOKENIZER_WORD;
        bool ok = word && id < 3
                      ? n == strlen(first[id]) && memcmp(s, first[id], n) == 0
                      : egi_utf8_until(s, n, &bad) == n &&
                            (word || t->special[id] || char_bytes(s) == n);

        if (!ok || (word && t->n < 3))
            return EG_FAIL(err, EG_EFORMAT,
                           "%s: token %d is no %s; a vocabulary of words "
                           "begins with <unk>, a line's end, <|endoftext|>",
                           name, (int)id, word ? "word" : "character");
    }
    return EG_OK;
}

/* ---- characters -----------------------------------------------------------
 */

eg_status egi_encode_chars(const eg_tokenizer *t, const char *s, size_t n,
                           size_t start, int64_t *left_out, eg_ids *ids,
                           eg_err *err)
{
    eg_status st = egi_ids_room(ids, n, err);

    for (size_t at = 0; st == EG_OK && at < n;) {
        size_t k = char_bytes(s + at);
        int32_t id = k == 1 ? t->byte[(unsigned char)s[at]]
                            : eg_tokenizer_id(t, s + at, k);
        bool known = id >= 0 && !t->special[id];
        char one[8] = {0}, show[32];

        if (!known && !left_out) {
            memcpy(one, s + at, k);
            (void)eg_text_clean(show, sizeof show, one);
            return EG_FAIL(err, EG_EINVAL,
                           "character '%s' at byte %zu of the text: the "
                           "vocabulary of %d characters does not have it",
                           show, start + at, t->n);
        }
        if (known)
            ids->id[ids->n++] = id;
        else
            ++*left_out;
        at += k;
    }
    return st;
}

eg_status egi_chars_seen(eg_tokenizer **out, const bool *seen, eg_err *err)
{
    eg_status st;
    eg_tokenizer *t = NULL;
    int n = 0;

    for (uint32_t c = 0; c < 0x110000; c++) n += seen[c];
    if (n == 0 || n > EG_MOST_IDS)
        return EG_FAIL(err, EG_EINVAL,
                       "a text of %d different characters; expected 1 to %d", n,
                       EG_MOST_IDS);
    EG_TRY(egi_vocab_new(&t, EG_TOKENIZER_CHAR, n, 4 * (size_t)n, err));
    for (uint32_t c = 0; c < 0x110000; c++) {
        char s[4];
        int k;

        if (!seen[c]) continue;
        k = egi_utf8_put(s, c);
        egi_vocab_token(t, s, (size_t)k);
    }
    EG_TRY(egi_vocab_index(t, "characters", err));
    egi_vocab_end(t, -1);
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    return st;
}

static eg_status no_utf8(const char *text, size_t at, eg_err *err)
{
    return EG_FAIL(err, EG_EFORMAT,
                   "byte %zu of the text, 0x%02x, begins no character of UTF-8",
                   at, (unsigned char)text[at]);
}

eg_status eg_tokenizer_chars(eg_tokenizer **out, const char *text, size_t size,
                             eg_err *err)
{
    eg_status st = EG_OK;
    bool *seen = eg_calloc(0x110000, sizeof *seen);
    int bad;
    size_t good = egi_utf8_until(text, size, &bad);

    *out = NULL;
    if (!seen) return EG_FAIL(err, EG_ENOMEM, "characters");
    if (good < size) {
        st = no_utf8(text, good, err);
        goto done;
    }
    for (size_t at = 0; at < size;) {
        uint32_t c;

        at += (size_t)egi_char_at((const unsigned char *)text + at, &c);
        seen[c] = true;
    }
    EG_TRY(egi_chars_seen(out, seen, err));
done:
    eg_free(seen);
    return st;
}
