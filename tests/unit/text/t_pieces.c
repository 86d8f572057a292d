/* BERT's WordPiece with a vocabulary made here. The same code gave the ids of
 * Hugging Face's fast tokenizer on Tiny Shakespeare, a dictionary, and 2 MB of
 * random characters of all of Unicode. */
#include "text_helper.h"

static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\n"
                            "want\n##ed\nwa\n,\n.\ncafe\nnaive\n##e\n"
                            "\u65e5\n\u672c\n\u1100\n##\u1161\n1\n##2\n'\ns\n";

static const char *names(const eg_tokenizer *t, const char *text)
{
    static char out[512];
    eg_ids ids = {0};
    size_t k = 0, n;
    eg_err err = {0};

    if (eg_tokenizer_encode(t, text, strlen(text), 0, &ids, &err) != EG_OK)
        fail_msg("%s", err.msg);
    out[0] = '\0';
    for (size_t i = 0; i < ids.n; i++) {
        const char *s = eg_tokenizer_bytes(t, ids.id[i], &n);

        k += (size_t)snprintf(out + k, sizeof out - k, "%s%.*s", i ? " " : "",
                              (int)n, s);
    }
    eg_ids_release(&ids);
    return out;
}

static void test_pieces(void **state)
{
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"", ""},
        {"unaffable", "un ##aff ##able"},
        {"UNWANTED  wanted,Wanted.", "[UNK] want ##ed , want ##ed ."},
        {"unaffablex un", "[UNK] un"}, /* all of a word, or none */
        {"Caf\u00e9 cafe\u0301 NA\u00cfVE", "cafe cafe naive"},
        {"\u65e5\u672c", "\u65e5 \u672c"},
        {"\uac00", "\u1100 ##\u1161"},
        {"want\u00a0ed wa\x01nt\tun\u200b", "want [UNK] want un"},
        {"'s12", "' [UNK]"},
        {"[CLS] 12", "[UNK] [UNK] [UNK] 1 ##2"},
    };
    eg_tokenizer *t = tok_parse(vocab, NULL);
    char word[102];

    (void)state;
    assert_int_equal(eg_tokenizer_kind_of(t), EG_TOKENIZER_PIECE);
    assert_int_equal(eg_tokenizer_id(t, "[CLS]", 5), 2);
    assert_int_equal(eg_tokenizer_eot(t), 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(names(t, cases[i].text), cases[i].names);
    /* 100 characters are a word, 101 are none */
    (void)snprintf(word, sizeof word, "cafe%096d", 0);
    for (int i = 4; i < 100; i++) word[i] = 'e';
    assert_non_null(strstr(names(t, word), "cafe ##e ##e"));
    word[100] = 'e';
    word[101] = '\0';
    assert_string_equal(names(t, word), "[UNK]");
    eg_tokenizer_free(t);
}

/* Decoded, and written and read again. */
static void test_back(void **state)
{
    eg_tokenizer *t = tok_parse(vocab, NULL), *again = NULL;
    eg_ids ids = {0};
    char *text = NULL;
    size_t n;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_tokenizer_encode(t, "[CLS]Unaffable, wanted", 22,
                                         EG_ENCODE_SPECIAL, &ids, &err),
                     EG_OK);
    assert_int_equal(ids.id[0], 2);
    assert_int_equal(
        eg_tokenizer_decode(t, ids.id, ids.n, true, &text, &n, &err), EG_OK);
    assert_string_equal(text, "[CLS] unaffable , wanted");
    eg_free(text);
    eg_ids_release(&ids);
    assert_int_equal(eg_tokenizer_write(t, NULL, "t_pieces.json", &err), EG_OK);
    assert_int_equal(eg_tokenizer_open(&again, "t_pieces.json", &err), EG_OK);
    assert_string_equal(names(again, "unaffable"), "un ##aff ##able");
    eg_tokenizer_free(again);
    eg_tokenizer_free(t);
    (void)remove("t_pieces.json");
    tok_refused("a\n[UNK]\na\n", NULL, EG_EFORMAT, "are the same");
    tok_refused("a\n[UNK]\n\nb\n", NULL, EG_EFORMAT, "0 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
