/* Tokenizers with vocabularies made here: merging against a plain loop, what
 * files say and what is wrong with them, specials, broken UTF-8. */
#include "text_helper.h"
#include "text/vocab.h"

/* Ġ is U+0120, a space in the alphabet. */
static const char merges[] = "#version: 0.2\n"
                             "a b\n"
                             "b a\n"
                             "ab ab\n"
                             "c ab\n"
                             "\u0120 a\n"
                             "cab b\n"
                             "a a\n"
                             "abab c\n";
enum { N_MERGES = 8 };

/* Joins the first of the least merges until there is none: strings, no tables.
 */
static int plain(char part[][64], const char *s)
{
    static const char *const rule[N_MERGES][2] = {
        {"a", "b"}, {"b", "a"},   {"ab", "ab"}, {"c", "ab"},
        {" ", "a"}, {"cab", "b"}, {"a", "a"},   {"abab", "c"}};
    int n = 0;

    for (; s[n]; n++) (void)snprintf(part[n], 64, "%c", s[n]);
    for (int r = 0; r < N_MERGES; r++)
        for (int i = 0; i + 1 < n; i++) {
            if (strcmp(part[i], rule[r][0]) != 0 ||
                strcmp(part[i + 1], rule[r][1]) != 0)
                continue;
            memcpy(part[i] + strlen(part[i]), part[i + 1], sizeof part[0] / 2);
            memmove(part[i + 1], part[i + 2],
                    (size_t)(--n - i - 1) * sizeof part[0]);
            r = -1; /* from the best again */
            break;
        }
    return n;
}

/* Words of 1 to 300 letters: both ways of merging. */
static void test_merging(void **state)
{
    static char part[301][64];
    eg_tokenizer *t = tok_parse(merges, NULL);
    eg_encoder *e;
    eg_rng rng = eg_rng_make(5, EG_RNG_USER, 0, 0);

    (void)state;
    assert_int_equal(eg_encoder_new(&e, t, NULL), EG_OK);
    for (int i = 0; i < 3000; i++) {
        char s[301];
        int n = 1 + (int)eg_rng_below(&rng, i % 2 ? 20 : 300), k;
        eg_ids ids = {0};

        for (int j = 0; j < n; j++) s[j] = "aabbc"[eg_rng_below(&rng, 5)];
        s[n] = '\0';
        k = plain(part, s);
        assert_int_equal(eg_encode(e, s, (size_t)n, 0, &ids, NULL), EG_OK);
        assert_int_equal(ids.n, k);
        for (int j = 0; j < k; j++)
            assert_int_equal(ids.id[j],
                             eg_tokenizer_id(t, part[j], strlen(part[j])));
        eg_ids_release(&ids);
    }
    eg_encoder_free(e);
    eg_tokenizer_free(t);
}

/* Merge i makes id 256 + i; the bytes have GPT-2's order. */
static void test_ids(void **state)
{
    static const struct {
        int byte, id;
    } order[] = {{0, 188},   {10, 198},  {32, 220},  {127, 221},
                 {160, 254}, {173, 255}, {255, 187}, {'!', 0}};
    eg_tokenizer *t = tok_parse(merges, NULL);
    bool seen[256] = {false};

    (void)state;
    assert_int_equal(eg_tokenizer_vocab(t), 256 + N_MERGES + 1);
    assert_int_equal(eg_tokenizer_id(t, "ab", 2), 256);
    assert_int_equal(eg_tokenizer_id(t, " a", 2), 260);
    assert_int_equal(eg_tokenizer_id(t, "ababc", 5), 263);
    assert_int_equal(eg_tokenizer_eot(t), 264);
    assert_true(eg_tokenizer_special(t, 264));
    assert_false(eg_tokenizer_special(t, 263));
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char b = (char)order[i].byte;

        assert_int_equal(eg_tokenizer_id(t, &b, 1), order[i].id);
    }
    for (int i = 0; i < 256; i++) {
        seen[egi_base_byte(i)] = true;
        assert_int_equal(egi_byte_of(egi_letter_of((unsigned char)i)), i);
    }
    for (int i = 0; i < 256; i++) assert_true(seen[i]);
    assert_int_equal(egi_letter_of(' '), 0x120);
    assert_int_equal(egi_letter_of('\n'), 0x10a);
    assert_int_equal(egi_byte_of(0x144), -1);
    eg_tokenizer_free(t);
}

/* Ends of pieces, by a bar. */
static void test_pieces(void **state)
{
    static const struct {
        const char *cut, *text;
    } cases[] = {
        {"gpt2", "don|'t| say| 1234"},
        {"gpt2", "a|  | b|\n\n|\t|c"},
        {"gpt2", "a|   "},
        {"gpt2", "a| '|ll|'ll|''|ve"},
        {"gpt2", "\u00e9t\u00e9|\u00bd| \u00b2|x"},
        {"gpt2", "x|\u00a0|y| \u00a0|\u00a0|z"},
        {"gpt2", "a|\u180e|b|\x1c|c"},
        {"gpt2", "\u0663\u0664| \u65e5\u672c"},
        {"smollm", "a| |1|2|,| |3| x"},
        {"smollm", "a|   |1|\n|2|  | b|\t|9"},
        {"smollm", "\u00bd|\u2167| |\u0663|it|'s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const egi_pretok *p = egi_pretok_find(cases[i].cut);
        egi_classes *u = eg_calloc(1, sizeof *u);
        char text[128], found[128];
        size_t n = 0, k = 0;

        egi_classes_init(u);
        for (const char *c = cases[i].text; *c; c++)
            if (*c != '|') text[n++] = *c;
        for (size_t at = 0; at < n;) {
            size_t m = p->next(u, (const unsigned char *)text + at, n - at);

            if (at > 0) found[k++] = '|';
            memcpy(found + k, text + at, m);
            k += m;
            at += m;
        }
        found[k] = '\0';
        assert_string_equal(found, cases[i].text);
        eg_free(u);
    }
}

/* The same vocabulary from other files. */
static void test_forms(void **state)
{
    static const char text[] = "abababcab a aab  b";
    eg_tokenizer *bpe = tok_parse(merges, NULL), *t = NULL;
    char vocab[8192] = "{", want[256], sum[2][33];
    size_t n = 1;
    eg_err err = {0};

    (void)state;
    (void)snprintf(want, sizeof want, "%s",
                   tok_ids(bpe, text, sizeof text - 1, 0));
    for (int i = 0; i < 256; i++) {
        char c[4] = {0};
        uint32_t code = egi_letter_of(egi_base_byte(i));

        if (code < 0x80) {
            c[0] = (char)code;
        } else {
            c[0] = (char)(0xc0 | code >> 6);
            c[1] = (char)(0x80 | (code & 0x3f));
        }
        n += (size_t)snprintf(vocab + n, sizeof vocab - n, "\"%s%s\": %d, ",
                              c[0] == '"' || c[0] == '\\' ? "\\" : "", c, i);
    }
    (void)snprintf(vocab + n, sizeof vocab - n,
                   "\"ab\": 256, \"ba\": 257, \"abab\": 258, \"cab\": 259, "
                   "\"\\u0120a\": 260, \"cabb\": 261, \"aa\": 262, "
                   "\"ababc\": 263, \"<|endoftext|>\": 264}");
    t = tok_parse(vocab, merges);
    assert_string_equal(tok_ids(t, text, sizeof text - 1, 0), want);
    eg_tokenizer_sum(bpe, sum[0]);
    eg_tokenizer_sum(t, sum[1]);
    assert_string_equal(sum[0], sum[1]);
    assert_int_equal(eg_tokenizer_eot(t), 264);
    assert_int_equal(eg_tokenizer_write(t, NULL, "t_tokenizer.json", &err),
                     EG_OK);
    eg_tokenizer_free(t);
    assert_int_equal(eg_tokenizer_open(&t, "t_tokenizer.json", &err), EG_OK);
    assert_string_equal(tok_ids(t, text, sizeof text - 1, 0), want);
    eg_tokenizer_sum(t, sum[1]);
    assert_string_equal(sum[0], sum[1]);
    eg_tokenizer_free(t);
    eg_tokenizer_free(bpe);
    (void)remove("t_tokenizer.json");
}

/* Ranks of bytes, as tiktoken has them: "abc" is there, and nothing but the
 * whole word leads to it. */
static void test_tiktoken(void **state)
{
    char file[8192];
    size_t n = tok_byte_ranks(file, sizeof file, 256);
    eg_tokenizer *t;

    (void)state;
    (void)snprintf(file + n, sizeof file - n,
                   "YWI= 256\nYWJhYg== 257\n"
                   "Y2Jh 258\n");
    t = tok_parse(file, NULL);
    assert_int_equal(eg_tokenizer_vocab(t), 260);
    assert_int_equal(eg_tokenizer_eot(t), 259);
    assert_string_equal(tok_ids(t, "ababab", 6, 0), "257 256");
    assert_string_equal(tok_ids(t, "cba", 3, 0), "258");
    assert_string_equal(tok_ids(t, "cbab", 4, 0), "99 98 256");
    eg_tokenizer_free(t);
    n += 9;
    /* one rank without a token is that of <|endoftext|>, as in p50k_base */
    (void)snprintf(file + n, sizeof file - n, "YWJhYg== 258\n");
    t = tok_parse(file, NULL);
    assert_int_equal(eg_tokenizer_vocab(t), 259);
    assert_int_equal(eg_tokenizer_eot(t), 257);
    assert_string_equal(tok_ids(t, "ababab", 6, 0), "258 256");
    assert_string_equal(tok_ids(t, "a<|endoftext|>b", 15, EG_ENCODE_SPECIAL),
                        "97 257 98");
    eg_tokenizer_free(t);
    (void)snprintf(file + n, sizeof file - n, "YWJhYg== 259\n");
    tok_refused(file, NULL, EG_EFORMAT, "rank 259");
    /* a byte that no token stands for would be missed only when a text has it
     */
    (void)tok_byte_ranks(file, sizeof file, 255);
    tok_refused(file, NULL, EG_EFORMAT, "found none for byte 0xff");
}

static void test_refused(void **state)
{
    (void)state;
    tok_refused("", NULL, EG_EFORMAT, "is empty");
    tok_refused("a b\nab c\nabd e\n", NULL, EG_EFORMAT, "left half");
    tok_refused("a b\nabc d\nab c\n", NULL, EG_EFORMAT, "no line before");
    tok_refused("a b\n\nab c\n", NULL, EG_EFORMAT, "line 2");
    tok_refused("a b c\n", NULL, EG_EFORMAT, "line 1");
    tok_refused("a b\nb c\na b\n", NULL, EG_EFORMAT, "are the same");
    tok_refused("a\xff b\n", NULL, EG_EFORMAT, "half is no token");
    tok_refused("{\"a\": 0}", NULL, EG_EFORMAT, "without merges");
    tok_refused("{\"a\": 0, \"b\": 2}", "", EG_EFORMAT, "no gap");
    tok_refused("{\"a\": 0, \"b\": 0}", "", EG_EFORMAT, "id 0 twice");
    tok_refused("{\"a\": 0, \"a\": 1}", "", EG_EFORMAT, "");
    tok_refused("{\"a\": 0, \"b\": 1}", "a b\n", EG_EFORMAT, "makes no token");
    tok_refused("{\"a\": 0, \"b\": 1", "", EG_EFORMAT, "line 1");
}

/* One U+FFFD for each maximal part (Unicode 16, table 3-8). */
static void test_broken(void **state)
{
    static const char bad[] = "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"
                              "\xed\xa0\x80\xf4\x91\x92\x93\xff\x41"
                              "\x80\xbf\x42"
                              "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41";
    static const char fffd[] = "\ufffd";
    eg_tokenizer *t = tok_parse(merges, NULL);
    eg_ids ids = {0};
    eg_err err = {0};
    char *text, want[256] = "";
    size_t n = 0;
    const int parts[] = {8, -'A', 8, -'A', 2, -'B', 4, -'A'};

    (void)state;
    assert_int_equal(eg_tokenizer_encode(t, "ab\xc0", 3, 0, &ids, &err),
                     EG_EFORMAT);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, "byte 2"));
    assert_int_equal(ids.n, 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (int k = 0; k < (parts[i] < 0 ? 1 : parts[i]); k++) {
            if (parts[i] < 0)
                want[n++] = (char)-parts[i];
            else
                n += (size_t)snprintf(want + n, sizeof want - n, "%s", fffd);
        }
    assert_int_equal(eg_tokenizer_encode(t, bad, sizeof bad - 1,
                                         EG_ENCODE_REPLACE, &ids, &err),
                     EG_OK);
    assert_int_equal(
        eg_tokenizer_decode(t, ids.id, ids.n, false, &text, &n, &err), EG_OK);
    assert_string_equal(text, want);
    eg_free(text);
    /* half a character, of ids */
    ids.id[0] = eg_tokenizer_id(t, "\xe2", 1);
    ids.id[1] = eg_tokenizer_id(t, "\x82", 1);
    assert_int_equal(eg_tokenizer_decode(t, ids.id, 2, true, &text, &n, &err),
                     EG_OK);
    assert_string_equal(text, fffd);
    eg_free(text);
    ids.id[0] = 265;
    assert_int_equal(eg_tokenizer_decode(t, ids.id, 1, true, &text, &n, &err),
                     EG_EINVAL);
    assert_null(text);
    eg_ids_release(&ids);
    eg_tokenizer_free(t);
}

/* What a GGUF file holds: ids in another order, several specials, a cut. */
static void test_table(void **state)
{
    static const char *const token[] = {"<|end|>", "<|end|>x", "a",  "b",
                                        "1",       "2",        "ab", "\u0120"},
                             *const merge[] = {"a b"};
    eg_token_table v = {.n = 8,
                        .token = token,
                        .n_merges = 1,
                        .merge = merge,
                        .alphabet = true,
                        .pre = "smollm",
                        .eot = 0};
    eg_tokenizer *t;
    eg_ids ids = {0};
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_tokenizer_table(&t, &v, "test", &err), EG_OK);
    assert_string_equal(tok_ids(t, "ab 12", 5, 0), "6 7 4 5");
    assert_string_equal(tok_ids(t, "a<|end|>xb<|end|>", 17, EG_ENCODE_SPECIAL),
                        "2 1 3 0");
    assert_int_equal(eg_tokenizer_encode(t, "abc", 3, 0, &ids, &err),
                     EG_EINVAL);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, "0x63 at byte 2"));
    eg_tokenizer_free(t);
    v.pre = "o300k";
    assert_int_equal(eg_tokenizer_table(&t, &v, "test", &err), EG_EUNSUPPORTED);
    eg_ids_release(&ids);
}

static void test_symbols(void **state)
{
    static const char text[] = "b\u00e9a\nb b";
    eg_tokenizer *t;
    eg_ids ids = {0};
    eg_err err = {0};
    char *back;
    size_t n;

    (void)state;
    assert_int_equal(eg_tokenizer_chars(&t, text, sizeof text - 1, &err),
                     EG_OK);
    assert_int_equal(eg_tokenizer_vocab(t), 5);
    assert_string_equal(tok_ids(t, text, sizeof text - 1, 0), "3 4 2 0 3 1 3");
    assert_int_equal(eg_tokenizer_encode(t, "bz", 2, 0, &ids, &err), EG_EINVAL);
    print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, "'z' at byte 1"));
    assert_string_equal(tok_ids(t, "bz\u00e8a", 5, EG_ENCODE_KNOWN), "3 2");
    eg_tokenizer_free(t);

    assert_int_equal(eg_tokenizer_words(&t, "to be or\nnot to be", 18, 2, &err),
                     EG_OK);
    assert_int_equal(eg_tokenizer_vocab(t), 5);
    assert_string_equal(tok_ids(t, "not to  be\n", 11, 0), "0 4 3 1");
    assert_int_equal(eg_tokenizer_encode(t, "to be\nto", 8, 0, &ids, &err),
                     EG_OK);
    assert_int_equal(
        eg_tokenizer_decode(t, ids.id, ids.n, true, &back, &n, &err), EG_OK);
    assert_string_equal(back, "to be\nto");
    eg_free(back);
    eg_ids_release(&ids);
    assert_int_equal(eg_tokenizer_write(t, NULL, "t_words.json", &err), EG_OK);
    eg_tokenizer_free(t);
    assert_int_equal(eg_tokenizer_open(&t, "t_words.json", &err), EG_OK);
    assert_string_equal(tok_ids(t, "not to  be\n", 11, 0), "0 4 3 1");
    eg_tokenizer_free(t);
    (void)remove("t_words.json");
}

/* Every allocation may fail: the right status, and nothing kept. */
static void test_memory(void **state)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_status st = EG_ENOMEM;

    (void)state;
    for (int64_t k = 1; st != EG_OK; k++) {
        eg_tokenizer *t = NULL;
        eg_ids ids = {0};
        char word[400];
        eg_err err = {0};

        memset(word, 'a', sizeof word);
        eg_mem_fail_after(k);
        st = eg_tokenizer_parse(&t, merges, sizeof merges - 1, NULL, 0, "test",
                                &err);
        if (st == EG_OK)
            st = eg_tokenizer_encode(t, word, sizeof word, 0, &ids, &err);
        eg_mem_fail_after(0);
        if (st != EG_OK) assert_int_equal(st, EG_ENOMEM);
        eg_ids_release(&ids);
        eg_tokenizer_free(t);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merging),  cmocka_unit_test(test_ids),
        cmocka_unit_test(test_pieces),   cmocka_unit_test(test_forms),
        cmocka_unit_test(test_tiktoken), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_broken),   cmocka_unit_test(test_table),
        cmocka_unit_test(test_symbols),  cmocka_unit_test(test_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
