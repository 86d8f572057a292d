/* Option tables: defaults, parsing, printing, and words for wrong values. */
#include <math.h>

#include "base/check.h"
#include "engram/fields.h"

#define DEMO_FIELDS(I, R, B, T, E, L)                   \
    I(n_layers, "2", 1, 64, "blocks")                   \
    I(steps, "1e6", 0, 9e18, "training steps")          \
    R(lr, "0.2", 0, 1, "learning rate")                 \
    R(beta, "inf", 0, HUGE_VAL, "inverse temperature")  \
    R(shift, "-1.5", -HUGE_VAL, HUGE_VAL, "any number") \
    B(tied, "no", "tied output")                        \
    T(name, "", "name of the run")                      \
    E(kind, "adam", "sgd|adam|adamw", "update rule")    \
    L(probes, "[]", "what to watch")
EG_FIELDS_STRUCT(demo, DEMO_FIELDS)
#define EG_FIELDS_OWNER demo
static EG_FIELDS_TABLE(demo_fields, DEMO_FIELDS)

static const eg_field *row(const char *name)
{
    const eg_field *f = eg_field_find(demo_fields, name);

    assert_non_null(f);
    return f;
}

static void test_defaults(void **state)
{
    demo d;

    (void)state;
    memset(&d, 0xff, sizeof d);
    eg_fields_default(demo_fields, &d);
    assert_int_equal(d.n_layers, 2);
    assert_int_equal(d.steps, 1000000);
    assert_true(d.lr == 0.2);
    assert_true(isinf(d.beta) && d.beta > 0);
    assert_true(d.shift == -1.5);
    assert_false(d.tied);
    assert_string_equal(d.name, "");
    assert_int_equal(d.kind, 1);
    assert_int_equal(d.probes.n, 0);
}

/* text is accepted by the field and printed as `shown`, which reads back as
 * the same bytes. */
static void check_accepts(const char *name, const char *text, const char *shown)
{
    static demo d, again;
    eg_err err = {0};
    char buf[8192];
    int n = 0;

    memset(&d, 0, sizeof d);
    memset(&again, 0, sizeof again);
    check_ok(eg_field_parse(row(name), &d, text, &err), &err);
    n = eg_field_format(row(name), &d, buf, sizeof buf);
    assert_string_equal(buf, shown);
    assert_int_equal(n, strlen(shown));
    check_ok(eg_field_parse(row(name), &again, buf, &err), &err);
    assert_memory_equal(&d, &again, sizeof d);
}

static void test_round_trips(void **state)
{
    (void)state;
    check_accepts("n_layers", "12", "12");
    check_accepts("n_layers", " 12\t", "12");
    check_accepts("steps", "3e5", "300000");
    check_accepts("steps", "1.5e3", "1500");
    check_accepts("steps", "4611686018427387905", "4611686018427387905");
    check_accepts("lr", "1e-3", "0.001");
    check_accepts("lr", ".5", "0.5");
    check_accepts("lr", "1", "1.0");
    check_accepts("lr", "0.1", "0.1");
    check_accepts("lr", "0.30000000000000004", "0.30000000000000004");
    check_accepts("lr", "4.9406564584124654e-324", "4.94065645841247e-324");
    check_accepts("lr", "1e-5", "1.0e-05");
    check_accepts("beta", "inf", ".inf");
    check_accepts("beta", ".inf", ".inf");
    check_accepts("shift", "-inf", "-.inf");
    check_accepts("shift", "+2.5E+2", "250.0");
    check_accepts("tied", "yes", "true");
    check_accepts("tied", "on", "true");
    check_accepts("tied", "True", "true");
    check_accepts("tied", "TRUE", "true");
    check_accepts("tied", "False", "false");
    check_accepts("tied", "FALSE", "false");
    check_accepts("tied", "Yes", "true");
    check_accepts("tied", "OFF", "false");
    check_accepts("tied", "true", "true");
    check_accepts("tied", "no", "false");
    check_accepts("tied", "off", "false");
    check_accepts("name", "two words: \"x\" ", "two words: \"x\" ");
    check_accepts("kind", "adamw", "adamw");
    check_accepts("probes", "[a, b]", "[a, b]");
    check_accepts("probes", "a,b , c.d", "[a, b, c.d]");
    check_accepts("probes", "[no, 010, Y, .5, a/b, _x]",
                  "[\"no\", \"010\", \"Y\", \".5\", a/b, _x]");
    check_accepts("probes", "[]", "[]");
    check_accepts("probes", "", "[]");
    check_accepts("probes", "[\"a, b\", \"\", \"q\\\"\\\\\"]",
                  "[\"a, b\", \"\", \"q\\\"\\\\\"]");
    check_accepts("probes", "two words", "[\"two words\"]");
    check_accepts("probes", "caf\xc3\xa9, \"\\u20ac\\xE9\"",
                  "[\"caf\xc3\xa9\", \"\xe2\x82\xac\xc3\xa9\"]");
    check_accepts("probes", "\xc2\x85", "[\"\\x85\"]");
    check_accepts("probes", "\xf0\x9f\xa7\xa0", "[\"\xf0\x9f\xa7\xa0\"]");
    check_accepts("probes", "\"tab\\tline\\n\\x01\"",
                  "[\"tab\\tline\\n\\x01\"]");
}

/* The longest item, where every quote and escape counts. */
static void test_longest_items(void **state)
{
    char item[EG_STRS_LEN + 1], text[2 * EG_STRS_LEN], shown[2 * EG_STRS_LEN];

    (void)state;
    memset(item, 'i', sizeof item);
    item[3] = ' ';
    item[EG_STRS_LEN - 1] = '\0';
    (void)snprintf(text, sizeof text, "\"%s\"", item);
    (void)snprintf(shown, sizeof shown, "[\"%s\"]", item);
    check_accepts("probes", item, shown);
    check_accepts("probes", text, shown);
}

static void test_not_utf8(void **state)
{
    static const char *const wrong[] = {"\xff",
                                        "caf\xe9",
                                        "\x80",
                                        "\xc0\x80",
                                        "\xed\xa0\x80",
                                        "\xe2\x82",
                                        "\xf5\x80\x80\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xc3"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        eg_err err = {0};
        static demo d;

        check_failed(eg_field_parse(row("name"), &d, wrong[i], &err), EG_EINVAL,
                     &err, "bytes of UTF-8");
        check_failed(eg_field_parse(row("probes"), &d, wrong[i], &err),
                     EG_EINVAL, &err, "expected a list");
    }
}

static void test_every_double_reads_back(void **state)
{
    uint64_t bits = 88172645463325252;
    int n = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        demo d = {0}, again = {0};
        char buf[64];

        bits ^= bits << 13; /* Marsaglia's xorshift64: any bits will do */
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&d.shift, &bits, sizeof bits);
        if (isnan(d.shift)) continue;
        (void)eg_field_format(row("shift"), &d, buf, sizeof buf);
        assert_int_equal(eg_field_parse(row("shift"), &again, buf, NULL),
                         EG_OK);
        assert_memory_equal(&d.shift, &again.shift, sizeof d.shift);
        n++;
    }
    print_message("%d doubles\n", n);
}

static void check_refuses(const char *name, const char *text, const char *words)
{
    static demo d, before;
    eg_err err = {0};

    eg_fields_default(demo_fields, &d);
    before = d;
    check_failed(eg_field_parse(row(name), &d, text, &err), EG_EINVAL, &err,
                 words);
    assert_non_null(strstr(err.msg, name));
    assert_memory_equal(&d, &before, sizeof d);
}

static void test_wrong_numbers(void **state)
{
    static const char *const wrong[] = {
        "",
        "x",
        "1_000",
        "1 2",
        "0x10",
        "nan",
        "1e",
        "1e+",
        ".",
        "--1",
        "1e999",
        "inf",
        "-1",
        "1,5",
        "1.5.",
        "infinity",
        "1f",
        "000000000000000000000000000000000000000000000000000000000000000000"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check_refuses("lr", wrong[i], "expected a number from 0 to 1, found");
        check_refuses("n_layers", wrong[i],
                      "expected a whole number from 1 to 64, found");
    }
    check_refuses("lr", "1.0000001",
                  "lr: expected a number from 0 to 1, found "
                  "'1.0000001'");
    check_refuses("n_layers", "2.5", "found '2.5'");
    check_refuses("n_layers", "65", "found '65'");
    check_refuses("steps", "99999999999999999999", "whole number");
    check_refuses("steps", "1e19", "whole number");
    check_refuses("beta", "nan", "expected a number of at least 0");
    check_refuses("beta", "1e999", "expected a number of at least 0");
    check_refuses("shift", "x", "expected a number, found 'x'");
}

static void test_wrong_words(void **state)
{
    char longer[400];

    (void)state;
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    check_refuses("tied", "maybe", "expected true or false, found 'maybe'");
    check_refuses("tied", "tRUE", "expected true or false");
    check_refuses("kind", "adma",
                  "expected one of sgd, adam, adamw, found 'adma'; did you "
                  "mean 'adam'?");
    check_refuses("kind", "momentum", "adamw, found 'momentum'");
    check_refuses("kind", "", "one of sgd");
    check_refuses("kind", "sgd|adam", "one of sgd");
    check_refuses("name", longer, "text of at most 255 bytes");
    check_refuses("probes", longer, "items of 95 bytes");
}

static void test_wrong_lists(void **state)
{
    static const char *const wrong[] = {
        "[a",       "a]",        "[a,]",   "a,,b",    ",",
        "[a] b",    "[[a]]",     "\"open", "\"a\" b", "\"\\q\"",
        "\"\\x0\"", "\"\\x00\"", "\"a\\",  "[\"a\\]"};
    char many[200] = "a", *at = many + 1;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check_refuses("probes", wrong[i], "expected a list [a, b]");
    }
    for (int i = 1; i < EG_STRS_MAX; i++) at = put_text(at, ",a");
    assert_int_equal(eg_field_parse(row("probes"), &(demo){0}, many, NULL),
                     EG_OK);
    (void)put_text(at, ",a");
    check_refuses("probes", many, "at most 64 items");
}

static void test_format_into_a_short_buffer(void **state)
{
    demo d;
    char buf[6] = "?????";

    (void)state;
    eg_fields_default(demo_fields, &d);
    assert_int_equal(eg_field_format(row("steps"), &d, buf, 4), 7);
    assert_string_equal(buf, "100");
    assert_int_equal(buf[4], '?');
    assert_int_equal(eg_field_format(row("steps"), &d, NULL, 0), 7);
}

static void test_choices(void **state)
{
    char buf[16];

    (void)state;
    assert_true(eg_choice("a|bc|d", 0, buf, sizeof buf));
    assert_string_equal(buf, "a");
    assert_true(eg_choice("a|bc|d", 1, buf, sizeof buf));
    assert_string_equal(buf, "bc");
    assert_true(eg_choice("a|bc|d", 2, buf, sizeof buf));
    assert_string_equal(buf, "d");
    assert_false(eg_choice("a|bc|d", 3, buf, sizeof buf));
    assert_false(eg_choice("a|bc|d", -1, buf, sizeof buf));
}

static void test_find(void **state)
{
    (void)state;
    assert_string_equal(row("lr")->help, "learning rate");
    assert_null(eg_field_find(demo_fields, "lrr"));
    assert_null(eg_field_find(demo_fields, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_longest_items),
        cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_every_double_reads_back),
        cmocka_unit_test(test_wrong_numbers),
        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_wrong_lists),
        cmocka_unit_test(test_format_into_a_short_buffer),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_find),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
