/* Numbers as text: the same in every locale, and integers to the last digit. */
#include "base/check.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>

#include "base/json.h"
#include "base/num.h"
#include "engram/fields.h"
#include "locale_helper.h"

typedef struct opts {
    int64_t seed;
    double lr, any;
} opts;

static const eg_field fields[] = {
    {"seed", EG_FIELD_INT, offsetof(opts, seed), "1", 0, 9007199254740992.0,
     NULL, ""},
    {"lr", EG_FIELD_REAL, offsetof(opts, lr), "0.25", 0, 1, NULL, ""},
    {"any", EG_FIELD_REAL, offsetof(opts, any), "1e-5", -HUGE_VAL, HUGE_VAL,
     NULL, ""},
    {NULL, EG_FIELD_INT, 0, NULL, 0, 0, NULL, NULL}};

static void check_written(double v, const char *want)
{
    opts o = {.any = v};
    char buf[64];

    (void)eg_field_format(&fields[2], &o, buf, sizeof buf);
    assert_string_equal(buf, want);
}

static void test_reals_have_a_point(void **state)
{
    (void)state;
    check_written(0.75, "0.75");
    check_written(1e-5, "1.0e-05");
    check_written(1e20, "1.0e+20");
    check_written(1.25e-7, "1.25e-07");
    check_written(10000, "10000.0");
    check_written(-3, "-3.0");
    check_written(0, "0.0");
    check_written(0.1 + 0.2, "0.30000000000000004");
    check_written(HUGE_VAL, ".inf");
    check_written(-HUGE_VAL, "-.inf");
    check_written((double)NAN, ".nan");
}

static void check_int(const char *text, bool ok, int64_t want)
{
    int64_t v = 0;
    bool got = egi_int_parse(text, &v);

    if (got == ok && (!ok || v == want)) return;
    print_error("'%s': expected %d, %lld, found %d, %lld\n", text, ok,
                (long long)want, got, (long long)v);
    fail();
}

static void test_integers_to_the_last_digit(void **state)
{
    static const char *const none[] = {"",
                                       "x",
                                       ".",
                                       "1.5",
                                       "15e-1",
                                       "1e-1",
                                       "inf",
                                       "-.inf",
                                       "nan",
                                       "0x10",
                                       "1_000",
                                       "1e19",
                                       "1e64",
                                       "1e-64",
                                       "1e999",
                                       "1e",
                                       "--1",
                                       "1 2",
                                       "0o7",
                                       "1e9999999999999999999",
                                       "9223372036854775808",
                                       "-9223372036854775809",
                                       "92233720368547758.071e2"};

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        check_int(none[i], false, 0);
    check_int("0", true, 0);
    check_int("-0", true, 0);
    check_int("0e-99999", true, 0);
    check_int("0.00e9", true, 0);
    check_int(" +7 ", true, 7);
    check_int("010", true, 10);
    check_int("1e6", true, 1000000);
    check_int("2.50e1", true, 25);
    check_int("2500e-2", true, 25);
    check_int(".5e1", true, 5);
    check_int("5.", true, 5);
    check_int("9007199254740993", true, 9007199254740993);
    check_int("9007199254740993.0", true, 9007199254740993);
    check_int("9.007199254740993e15", true, 9007199254740993);
    check_int("-9007199254740993e0", true, -9007199254740993);
    check_int("9223372036854775807", true, INT64_MAX);
    check_int("-9223372036854775808", true, INT64_MIN);
    check_int("922337203685477580.7e1", true, INT64_MAX);
}

static void test_bounds_of_integers(void **state)
{
    static const char *const wrong[] = {"9007199254740993",
                                        "9007199254740993.0",
                                        "9.007199254740993e15",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "1e300",
                                        "-1",
                                        "0x10",
                                        "1.5",
                                        "inf"};
    opts o = {0};
    char want[128];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        eg_err err = {0};

        (void)snprintf(want, sizeof want,
                       "seed: expected a whole number from 0 to "
                       "9007199254740992, found '%s'",
                       wrong[i]);
        check_failed(eg_field_parse(&fields[0], &o, wrong[i], &err), EG_EINVAL,
                     &err, want);
    }
    assert_int_equal(eg_field_parse(&fields[0], &o, "9007199254740992", NULL),
                     EG_OK);
    assert_int_equal(o.seed, 9007199254740992);
    assert_int_equal(eg_field_parse(&fields[0], &o, "1e3", NULL), EG_OK);
    assert_int_equal(o.seed, 1000);
}

/* What is printed and read in the locale the host has now. */
static void check_here(void)
{
    opts o;
    char buf[64], *end = NULL;
    eg_err err = {0};
    json_t *j = NULL;
    char *text = NULL;

    eg_fields_default(fields, &o);
    assert_true(o.lr == 0.25 && o.any == 1e-5);
    assert_int_equal(eg_field_parse(&fields[1], &o, "0.75", &err), EG_OK);
    assert_true(o.lr == 0.75);
    (void)eg_field_format(&fields[1], &o, buf, sizeof buf);
    assert_string_equal(buf, "0.75");
    check_failed(eg_field_parse(&fields[1], &o, "0,75", &err), EG_EINVAL, &err,
                 "found '0,75'");
    (void)EG_FAIL(&err, EG_EINVAL, "found %g and %.3f", 0.5, 1.5);
    assert_string_equal(err.msg, "found 0.5 and 1.500");
    assert_true(egi_strtod("2.5;", &end) == 2.5 && *end == ';');
    j = egi_json_parse("[0.5, 1e-3]", 11, 0, NULL);
    assert_non_null(j);
    assert_true(json_real_value(json_array_get(j, 0)) == 0.5);
    text = egi_json_print(j, JSON_COMPACT);
    assert_string_equal(text, "[0.5,0.001]");
    eg_free(text);
    json_decref(j);
}

static void test_locale(void **state)
{
    static const char *const names[] = {
        "de_DE",
        "ps_AF"}; /* a point of two bytes, which jansson does not know */
    char buf[32];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!locale_set(names[i])) {
            print_message("no locale %s\n", names[i]);
            continue;
        }
        (void)snprintf(buf, sizeof buf, "%g", 0.5);
        assert_string_not_equal(buf, "0.5"); /* a locale worth the test */
        check_here();
        (void)snprintf(buf, sizeof buf, "%g", 0.5);
        assert_string_not_equal(buf, "0.5"); /* and the host still has it */
        locale_reset();
    }
}

static void *in_thread(void *ctx)
{
    (void)ctx;
    check_here();
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread[4];

    (void)state;
    assert_true(locale_set("de_DE"));
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, in_thread, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    locale_reset();
}

static void test_c_locale(void **state)
{
    (void)state;
    check_here();
}

int main(void)
{
    static const struct CMUnitTest any[] = {
        cmocka_unit_test(test_reals_have_a_point),
        cmocka_unit_test(test_integers_to_the_last_digit),
        cmocka_unit_test(test_bounds_of_integers),
        cmocka_unit_test(test_c_locale)};
    static const struct CMUnitTest comma[] = {cmocka_unit_test(test_locale),
                                              cmocka_unit_test(test_threads)};
    int failed = cmocka_run_group_tests(any, NULL, NULL);

    if (failed) return failed;
    locale_or_skip("de_DE");
    return cmocka_run_group_tests(comma, NULL, NULL);
}
