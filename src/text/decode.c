/* Ids to text. */
#include <string.h>

#include "base/buf.h"
#include "text/own.h"

/* Between two words of a line stands a space. */
static bool apart(const eg_tokenizer *t, int32_t before, int32_t id)
{
    if (t->kind == EG_TOKENIZER_PIECE) return before >= 0;
    return t->kind == EG_TOKENIZER_WORD && before >= 0 &&
           before != EGI_WORD_LINE && id != EGI_WORD_LINE;
}

eg_status eg_tokenizer_decode(const eg_tokenizer *t, const int32_t *ids,
                              size_t n, bool text, char **out, size_t *size,
                              eg_err *err)
{
    egi_buf b = {0};
    eg_status st = EG_OK;
    int32_t before = -1;
    int bad;

    *out = NULL;
    *size = 0;
    egi_buf_put(&b, "", 0);
    for (size_t i = 0; i < n; i++) {
        size_t k;
        const char *s = eg_tokenizer_bytes(t, ids[i], &k);

        if (!s) {
            st = EG_FAIL(err, EG_EINVAL,
                         "id %d at place %zu: the vocabulary has 0 to %d",
                         (int)ids[i], i, t->n - 1);
            goto done;
        }
        if (t->kind == EG_TOKENIZER_PIECE && k > 2 && memcmp(s, "##", 2) == 0) {
            s += 2;
            k -= 2;
        } else if (apart(t, before, ids[i])) {
            egi_buf_put(&b, " ", 1);
        }
        egi_buf_put(&b, s, k);
        before = ids[i];
    }
    if (text && !b.failed && egi_utf8_until(b.s, b.n, &bad) < b.n) {
        EG_TRY(egi_utf8_mend(b.s, b.n, out, size, err));
        goto done;
    }
    *size = b.n;
    EG_TRY(egi_buf_take(&b, out, err));
done:
    if (st != EG_OK) *size = 0;
    egi_buf_release(&b);
    return st;
}
