/* tokenizer.json: what is read of it and what is refused; and the ways to cut
 * text that came after GPT-2's. The pieces are those that Python's package
 * `regex` makes with the expressions of the models and, gpt4 and o200k, of
 * tiktoken 0.14. */
#include "text_helper.h"
#include "text/vocab.h"

/* ---- cuts -----------------------------------------------------------------
 */

/* Ends of pieces, by a bar. */
static void check_cut(const char *cut, const char *pieces)
{
    const egi_pretok *p = egi_pretok_find(cut);
    egi_classes *u = eg_calloc(1, sizeof *u);
    char text[256], found[256];
    size_t n = 0, k = 0;

    egi_classes_init(u);
    for (const char *c = pieces; *c; c++)
        if (*c != '|') text[n++] = *c;
    for (size_t at = 0; at < n;) {
        size_t m = p->next(u, (const unsigned char *)text + at, n - at);

        if (at > 0) found[k++] = '|';
        memcpy(found + k, text + at, m);
        k += m;
        at += m;
    }
    found[k] = '\0';
    if (strcmp(found, pieces) != 0)
        fail_msg("%s: expected '%s', found '%s'", cut, pieces, found);
    eg_free(u);
}

static void test_cuts(void **state)
{
    /* in all three */
    static const char *const wide[] = {
        "Hello| world|!",  "don|'t| DON|'T| x|'Ll|'RE",
        "it|'\u017f",      "''|s",
        "(foo|_bar|\tbaz", " |\u00a0x|\u00a0| y",
        "a|.\n\n|b",       " ...\r\n\r\n|x",
        "a| \n\n|b",       "x|  \n\n| | y",
        "a\u00e9|\u0301b", "\n\n|ab"};
    static const struct {
        const char *cut, *pieces;
    } each[] = {
        {"gpt4", "123| |456|7| |89"},
        {"llama3", "123| |456|7| |89"},
        {"qwen2", "1|2|3| |4|5|6|7| |8|9"},
        {"gpt4", "a| \n  "},
        {"llama3", "a| \n|  "},
        {"qwen2", "a| \n|  "},
        {"llama3", "\u00bd\u0663|x"},
        {"qwen2", "\u00bd|\u0663|x"},
        /* capitals begin a word, and give back what follows a letter that has
         * no case, if no small one comes */
        {"o200k", "Hello| world|!"},
        {"o200k", "get|Item| HTTPServer|X"},
        {"o200k", "\u4e2d|A|!"},
        {"o200k", "A\u4e2d\u6587B\u00e9|\u00c9"},
        {"o200k", "\u01c5a\u02b0|B"},
        {"o200k", "don't| DON'T| x'Ll| it'\u017f|'s| '|re"},
        {"o200k", "\u0301|A|!\u0301a\u0301"},
        {"o200k", "(foo|_bar|\tbaz|\r\n|x"},
        {"o200k", "http|://|a|/b|.\n/\n|c"},
        {"o200k", "123|4|a| |567"},
        {"o200k", "a| \n|  |\u00a0x|\u00a0| y"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        check_cut("gpt4", wide[i]);
        check_cut("llama3", wide[i]);
        check_cut("qwen2", wide[i]);
    }
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        check_cut(each[i].cut, each[i].pieces);
    assert_ptr_equal(egi_pretok_find("llama-bpe"), egi_pretok_find("llama3"));
    assert_ptr_equal(egi_pretok_find("gpt-4o"), egi_pretok_find("o200k"));
    assert_null(egi_pretok_find("o300k"));
}

/* ---- tokenizer.json -------------------------------------------------------
 */

/* Ids 0 to 255 are the bytes in GPT-2's order; what follows is merged or added.
 */
static void put_vocab(char *to, size_t size)
{
    size_t n = 0;

    for (int i = 0; i < 256; i++) {
        char c[4] = {0};
        uint32_t code = egi_letter_of(egi_base_byte(i));

        if (code < 0x80) {
            c[0] = (char)code;
        } else {
            c[0] = (char)(0xc0 | code >> 6);
            c[1] = (char)(0x80 | (code & 0x3f));
        }
        n += (size_t)snprintf(to + n, size - n, "\"%s%s\": %d, ",
                              c[0] == '"' || c[0] == '\\' ? "\\" : "", c, i);
    }
    (void)snprintf(to + n, size - n,
                   "\"ab\": 256, \"12\": 257, \"abc\": 258, \"ca\": 259, "
                   "\"cab\": 260");
}

#define GPT2 "{\"type\": \"ByteLevel\", \"add_prefix_space\": false}"
#define DIGITS "{\"type\": \"Digits\", \"individual_digits\": true}"
#define BYTES                                                                \
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": " \
    "false}"
#define SPLIT(regex)                                                  \
    "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" regex "\"}, " \
    "\"behavior\": \"Isolated\", \"invert\": false}"
#define SEQUENCE(a, b) \
    "{\"type\": \"Sequence\", \"pretokenizers\": [" a ", " b "]}"
#define QWEN2                                                                \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"  \
    "\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|" \
    "\\\\s+(?!\\\\S)|\\\\s+"
#define END                                                             \
    "{\"id\": 261, \"content\": \"<|endoftext|>\", \"special\": true, " \
    "\"lstrip\": false}"

/* A file with these parts. */
static const char *file_of(const char *pre, const char *added,
                           const char *model, const char *root)
{
    static char file[16384];
    char vocab[8192];

    put_vocab(vocab, sizeof vocab);
    (void)snprintf(file, sizeof file,
                   "{\"version\": \"1.0\", \"pre_tokenizer\": %s, "
                   "\"added_tokens\": [%s], %s \"model\": {%s \"vocab\": {%s}, "
                   "\"merges\": [\"a b\", [\"1\", \"2\"], \"c a\", \"ab c\"]}}",
                   pre, added, root, model, vocab);
    return file;
}

static void check_ids(const char *file, const char *text, const char *ids)
{
    eg_tokenizer *t = tok_parse(file, NULL), *again;
    char sum[2][33];
    eg_err err = {0};

    assert_string_equal(tok_ids(t, text, strlen(text), EG_ENCODE_SPECIAL), ids);
    eg_tokenizer_sum(t, sum[0]);
    assert_int_equal(eg_tokenizer_write(t, NULL, "t_hf.json", &err), EG_OK);
    eg_tokenizer_free(t);
    assert_int_equal(eg_tokenizer_open(&again, "t_hf.json", &err), EG_OK);
    eg_tokenizer_sum(again, sum[1]);
    assert_string_equal(sum[0], sum[1]);
    assert_string_equal(tok_ids(again, text, strlen(text), EG_ENCODE_SPECIAL),
                        ids);
    eg_tokenizer_free(again);
    (void)remove("t_hf.json");
}

static void test_read(void **state)
{
    static const char text[] = "abc 12<|endoftext|>cab";

    (void)state;
    check_ids(file_of(GPT2, END, "", ""), text, "258 220 257 261 66 256");
    check_ids(file_of(SEQUENCE(DIGITS, GPT2), END, "\"type\": \"BPE\",", ""),
              text, "258 220 16 17 261 66 256");
    check_ids(file_of(SEQUENCE(SPLIT(QWEN2), BYTES), END, "", ""), text,
              "258 220 16 17 261 66 256");
    /* "cab" is a token that no merges make */
    check_ids(file_of(GPT2, END, "\"ignore_merges\": true,", ""), text,
              "258 220 257 261 260");
    check_ids(file_of(GPT2, END, "\"dropout\": null, \"byte_fallback\": false,",
                      "\"normalizer\": null,"),
              "ca", "259");
}

static void refused(const char *file, const char *part)
{
    tok_refused(file, NULL, EG_EUNSUPPORTED, part);
}

static void test_refused(void **state)
{
    (void)state;
    refused(file_of("null", END, "", ""), "cut without ByteLevel");
    refused(file_of("{\"type\": \"ByteLevel\"}", END, "", ""),
            "add_prefix_space");
    refused(file_of("{\"type\": \"Metaspace\"}", END, "", ""), "'Metaspace'");
    refused(file_of(SEQUENCE(SPLIT("\\\\d+"), BYTES), END, "", ""), "\\d+");
    refused(file_of(BYTES, END, "", ""), "such sequence of cuts");
    refused(file_of(SEQUENCE(SPLIT(QWEN2), GPT2), END, "", ""),
            "such sequence of cuts");
    refused(file_of(GPT2, END, "", "\"normalizer\": {\"type\": \"NFC\"},"),
            "'NFC'");
    refused(file_of(GPT2, END, "\"type\": \"Unigram\",", ""), "'Unigram'");
    refused(file_of(GPT2, END, "\"dropout\": 0.1,", ""), "'dropout'");
    refused(file_of(GPT2, END, "\"byte_fallback\": true,", ""),
            "'byte_fallback'");
    refused(file_of(GPT2, "{\"id\": 261, \"content\": \"  \"}", "", ""),
            "not special");
    refused(file_of(GPT2,
                    "{\"id\": 261, \"content\": \"<m>\", \"special\": true, "
                    "\"lstrip\": true}",
                    "", ""),
            "lstrip");
    refused("{\"model\": {\"type\": \"Unigram\", \"vocab\": []}}", "'Unigram'");
    refused("{\"model\": {}}", "model without a vocab");
    tok_refused(
        file_of(GPT2, "{\"content\": \"x\", \"special\": true}", "", ""), NULL,
        EG_EFORMAT, "added_tokens[0]");
    tok_refused(file_of(GPT2,
                        "{\"id\": 300, \"content\": \"<e>\", \"special\": "
                        "true}",
                        "", ""),
                NULL, EG_EFORMAT, "no gap");
    tok_refused(file_of(GPT2,
                        "{\"id\": 7, \"content\": \"ab\", \"special\": true}",
                        "", ""),
                NULL, EG_EFORMAT, "no other than in the vocabulary");
}

#define BERT                                                                  \
    "{\"normalizer\": {\"type\": \"BertNormalizer\", \"lowercase\": %s}, "    \
    "\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, "                   \
    "\"added_tokens\": [{\"id\": 2, \"content\": \"[SEP]\", \"special\": "    \
    "true}], \"model\": {\"type\": \"WordPiece\", "                           \
    "\"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", "       \
    "\"max_input_chars_per_word\": 100, \"vocab\": {\"un\": 3, \"##do\": 1, " \
    "\"[UNK]\": 0}}}"

static void test_pieces(void **state)
{
    char file[1024];
    eg_tokenizer *t;

    (void)state;
    (void)snprintf(file, sizeof file, BERT, "true");
    t = tok_parse(file, NULL);
    assert_int_equal(eg_tokenizer_kind_of(t), EG_TOKENIZER_PIECE);
    assert_string_equal(tok_ids(t, "Undo redo", 9, 0), "3 1 0");
    assert_int_equal(eg_tokenizer_eot(t), 2);
    eg_tokenizer_free(t);
    (void)snprintf(file, sizeof file, BERT, "false");
    refused(file, "lower case");
}

/* ---- tiktoken -------------------------------------------------------------
 */

/* Ranks of all bytes, then of tokens [n] in base64. */
static const char *ranks(const char *const *token, int n)
{
    static char file[8192];
    size_t at = tok_byte_ranks(file, sizeof file, 256);

    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(file + at, sizeof file - at, "%s %d\n", token[i],
                               256 + i);
    return file;
}

/* The cut is the one that leaves tokens whole. */
static void test_tiktoken(void **state)
{
    /* "ab", " ab"; "(ab", ".\n"; ten of "a b" and so on */
    static const char *const old[] = {"YWI=", "IGFi"},
                             *const wide[] = {"YWI=", "KGFi", "Lgo="},
                             *const cased[] = {"ZG9uJ3Q="}, /* "don't" */
                                 *const none[] = {"YSBi", "YyBk", "ZSBm",
                                                  "ZyBo"};
    eg_tokenizer *t = tok_parse(ranks(old, 2), NULL);

    (void)state;
    assert_string_equal(t->pre->name, "gpt2");
    eg_tokenizer_free(t);
    t = tok_parse(ranks(wide, 3), NULL);
    assert_string_equal(t->pre->name, "gpt4");
    assert_string_equal(tok_ids(t, "(ab.\n", 5, 0), "257 258");
    eg_tokenizer_free(t);
    t = tok_parse(ranks(cased, 1), NULL);
    assert_string_equal(t->pre->name, "o200k");
    assert_string_equal(tok_ids(t, "don't", 5, 0), "256");
    eg_tokenizer_free(t);
    tok_refused(ranks(none, 4), NULL, EG_EUNSUPPORTED, "takes 4 of 261 apart");
}

/* Six letters, 'a' to 'p', of the bits of i, with rank i. */
static size_t letters_rank(char *to, size_t size, int i)
{
    char text[9] = {0};

    for (int half = 0; half < 2; half++) {
        int word = 0, bits = i >> (half ? 0 : 12);

        for (int k = 8; k >= 0; k -= 4)
            word = word << 8 | ('a' + (bits >> k & 15));
        for (int k = 0; k < 4; k++)
            text[4 * half + k] = tok_base64[word >> (18 - 6 * k) & 63];
    }
    return (size_t)snprintf(to, size, "%s %d\n", text, i);
}

/* As many ranks as cl100k_base and o200k_base have leave an id out before that
 * of <|endoftext|>. */
static void test_end(void **state)
{
    static const int each[][2] = {
        {1000, 1000}, {100256, 100257}, {199997, 199997}, {199998, 199999}};
    const size_t size = (size_t)5 << 20;
    char *file = eg_calloc(size, 1);

    (void)state;
    for (size_t e = 0; e < sizeof each / sizeof *each; e++) {
        size_t at = tok_byte_ranks(file, size, 256);
        eg_tokenizer *t;

        for (int i = 256; i < each[e][0]; i++)
            at += letters_rank(file + at, size - at, i);
        t = tok_parse(file, NULL);
        assert_int_equal(eg_tokenizer_eot(t), each[e][1]);
        assert_int_equal(eg_tokenizer_vocab(t), each[e][1] + 1);
        eg_tokenizer_free(t);
    }
    eg_free(file);
}

/* ---- a folder -------------------------------------------------------------
 */

/* tokenizer.json comes before vocab.json, which does not say its cut. */
static void test_folder(void **state)
{
    eg_folder f = {.fd = -1};
    eg_tokenizer *t = NULL;
    const char *file = file_of(SEQUENCE(DIGITS, GPT2), END, "", "");
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_folder_make(&f, "t_hf_folder", &err), EG_OK);
    assert_int_equal(eg_tokenizer_beside(&t, "t_hf_folder/model.bin", &err),
                     EG_OK);
    assert_null(t);
    assert_int_equal(eg_file_write_in(&f, "vocab.json", "{\"a\": 0}", 8, &err),
                     EG_OK);
    assert_int_equal(
        eg_file_write_in(&f, "tokenizer.json", file, strlen(file), &err),
        EG_OK);
    assert_int_equal(eg_tokenizer_beside(&t, "t_hf_folder/model.bin", &err),
                     EG_OK);
    assert_string_equal(t->pre->name, "smollm");
    eg_tokenizer_free(t);
    assert_int_equal(eg_tokenizer_open(&t, "t_hf_folder", &err), EG_OK);
    eg_tokenizer_free(t);
    (void)remove("t_hf_folder/vocab.json");
    (void)remove("t_hf_folder/tokenizer.json");
    eg_folder_close(&f);
    (void)remove("t_hf_folder");
}

/* Every allocation may fail. */
static void test_memory(void **state)
{
    const char *file = file_of(SEQUENCE(SPLIT(QWEN2), BYTES), END, "", "");
    int64_t live = eg_mem_query().live_bytes;
    eg_status st = EG_ENOMEM;

    (void)state;
    for (int64_t k = 1; st != EG_OK; k += 1 + k / 50) {
        eg_tokenizer *t = NULL;
        eg_err err = {0};

        eg_mem_fail_after(k);
        st = eg_tokenizer_parse(&t, file, strlen(file), NULL, 0, "test", &err);
        eg_mem_fail_after(0);
        if (st != EG_OK) assert_int_equal(st, EG_ENOMEM);
        eg_tokenizer_free(t);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),     cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_tiktoken), cmocka_unit_test(test_end),
        cmocka_unit_test(test_folder),   cmocka_unit_test(test_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
