/* Text made fit to be shown, cut at characters, and "did you mean". */
#include "base/check.h"
#include "engram/text.h"

static void test_clean(void **state)
{
    static const struct {
        const char *raw, *clean;
    } cases[] = {
        {"plain, with spaces", "plain, with spaces"},
        {"k\xc3\xbchn \xe2\x82\xac \xf0\x9f\x98\x80",
         "k\xc3\xbchn \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\nb\tc\rd", "a\\nb\\tc\\x0dd"},
        {"\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"},
        {"\xc2\x9b[2J", "\\u009b[2J"}, /* CSI in one character */
        {"\xe2\x80\xae"
         "abc",
         "\\u202e"
         "abc"}, /* right to left */
        {"\xe2\x80\xa8"
         "x",
         "\\u2028"
         "x"},                               /* ends a line */
        {"\xff\xc3(", "\\xff\\xc3("},        /* no UTF-8 */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
        {"C:\\x1b", "C:\\x1b"},              /* clean already */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buf[64], again[64];

        assert_int_equal(eg_text_clean(buf, sizeof buf, cases[i].raw),
                         strlen(cases[i].clean));
        assert_string_equal(buf, cases[i].clean);
        (void)eg_text_clean(again, sizeof again, buf);
        assert_string_equal(again, buf);
    }
}

static void test_every_cut_is_between_characters(void **state)
{
    static const char raw[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\x1bz";
    static const size_t ends[] = {0, 1, 3, 6, 10, 11, 12};
    static const size_t shown[] = {0, 1, 3, 6, 10, 14, 15};
    char buf[32];

    (void)state;
    for (size_t size = 1; size <= sizeof raw; size++) {
        size_t fit = (size_t)eg_text_fit(raw, size - 1), n = 0, k = 0;

        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            if (ends[i] < size) n = ends[i];
            if (shown[i] < size) k = shown[i];
        }
        assert_int_equal(fit, n);
        assert_int_equal(eg_text_copy(buf, size, raw), n);
        assert_memory_equal(buf, raw, n);
        assert_int_equal(buf[n], '\0');
        assert_int_equal(eg_text_clean(buf, size, raw), k);
        assert_int_equal(strlen(buf), k);
    }
    assert_int_equal(eg_text_fit(raw, 1000), sizeof raw - 1);
    assert_int_equal(eg_text_copy(buf, 0, raw), 0);
    assert_int_equal(eg_text_clean(buf, 0, raw), 0);
}

static void test_errors_are_one_clean_line(void **state)
{
    eg_err err;
    char name[600] = "";

    (void)state;
    (void)EG_FAIL(&err, EG_EINVAL, "%s: no such run", "evil\x1b[2J\nname");
    assert_string_equal(err.msg, "evil\\x1b[2J\\nname: no such run");
    for (size_t i = 0; i < 199; i++) memcpy(name + 3 * i, "\xe2\x82\xac", 4);
    for (size_t skip = 0; skip < 3; skip++) {
        (void)EG_FAIL(&err, EG_EINVAL, "%s%s", &"xy"[2 - skip], name);
        assert_int_equal((strlen(err.msg) - skip) % 3, 0);
        assert_true(strlen(err.msg) > sizeof err.msg - 4);
    }
}

static void test_edit_distance(void **state)
{
    static const struct {
        const char *a, *b;
        int d;
    } cases[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"abc", "abc", 0},
        {"abc", "acb", 1},
        {"kitten", "sitting", 3},
        {"lr", "rl", 1},
        {"lerning", "learning", 1},
        {"ca", "abc", 3},
        {"abcd", "badc", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(eg_edit_distance(cases[i].a, cases[i].b), cases[i].d);
        assert_int_equal(eg_edit_distance(cases[i].b, cases[i].a), cases[i].d);
    }
}

static const char *nearest(const char *asked)
{
    static const char *const word[] = {"run",    "runs", "man",      "report",
                                       "doctor", "list", "optim.lr", NULL};
    eg_nearest near = {.asked = asked};

    for (int i = 0; word[i]; i++) eg_nearest_try(&near, word[i]);
    return near.best;
}

static void test_nearest_or_nothing(void **state)
{
    static const struct {
        const char *asked, *best;
    } cases[] = {
        {"rn", "run"},        {"rum", "run"},       {"nur", NULL},
        {"foo", NULL},        {"bar", NULL},        {"r", NULL},
        {"", NULL},           {"runns", "runs"},    {"lits", "list"},
        {"reprot", "report"}, {"dcotro", "doctor"}, {"optm.lrr", "optim.lr"},
        {"nonsense", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = nearest(cases[i].asked);

        if (!cases[i].best || !got)
            assert_true(got == cases[i].best);
        else
            assert_string_equal(got, cases[i].best);
    }
}

static void append(void *ctx, const char *piece, size_t n)
{
    char *to = ctx;

    assert_true(strlen(to) + n < 64);
    (void)strncat(to, piece, n);
}

static void test_csv(void **state)
{
    static const struct {
        const char *text, *field;
    } cases[] = {{"", ""},
                 {"plain text; 'so'", "plain text; 'so'"},
                 {"a,b", "\"a,b\""},
                 {"\"", "\"\"\"\""},
                 {"say \"no\"", "\"say \"\"no\"\"\""},
                 {"two\nlines", "\"two\nlines\""},
                 {"\r", "\"\r\""},
                 {"\"\",", "\"\"\"\"\",\""}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[64] = "", filed[64] = "";
        FILE *f = fmemopen(filed, sizeof filed, "w");

        eg_csv_field(cases[i].text, append, got);
        assert_string_equal(got, cases[i].field);
        assert_non_null(f);
        eg_csv_write(f, cases[i].text);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(filed, cases[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_every_cut_is_between_characters),
        cmocka_unit_test(test_errors_are_one_clean_line),
        cmocka_unit_test(test_edit_distance),
        cmocka_unit_test(test_nearest_or_nothing),
        cmocka_unit_test(test_csv),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
