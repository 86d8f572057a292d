/* Files of tokenizers: vocab.bpe, tiktoken's, our own; behind a 0, the merges
 * of a vocab.json. What is read encodes any text and gives it back. */
#include "fuzz.h"

#include "engram/tokenizer.h"

static void round_trip(const eg_tokenizer *t, const char *s, size_t n)
{
    eg_ids ids = {0}, again = {0};
    char *text = NULL;
    size_t size = 0;
    eg_err err = {0};
    eg_status st = eg_tokenizer_encode(t, s, n, EG_ENCODE_REPLACE, &ids, &err);

    if (st != EG_OK) {
        fuzz_check_failure(st, &err);
        EG_ASSERT(ids.n == 0);
        eg_ids_release(&ids);
        return;
    }
    EG_ASSERT(eg_tokenizer_decode(t, ids.id, ids.n, true, &text, &size, &err) ==
              EG_OK);
    if (eg_tokenizer_kind_of(t) == EG_TOKENIZER_BPE) {
        EG_ASSERT(eg_tokenizer_encode(t, text, size, 0, &again, &err) == EG_OK);
        EG_ASSERT(again.n == ids.n);
        for (size_t i = 0; i < ids.n; i++) EG_ASSERT(again.id[i] == ids.id[i]);
    }
    eg_free(text);
    eg_ids_release(&ids);
    eg_ids_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    const char *s = (const char *)data;
    const char *zero = size > 0 ? memchr(s, '\0', size) : NULL;
    size_t n = zero ? (size_t)(zero - s) : size;
    eg_err err = {0};
    eg_tokenizer *t = NULL;
    eg_status st = eg_tokenizer_parse(&t, s, n, zero ? zero + 1 : NULL,
                                      zero ? size - n - 1 : 0, "fuzz", &err);

    if (st == EG_OK)
        round_trip(t, s, size);
    else
        fuzz_check_failure(st, &err);
    eg_tokenizer_free(t);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
