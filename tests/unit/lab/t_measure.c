/* The measure language on series with known answers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engram/claim.h"
#include "engram/mem.h"
#include "lab/judge.h"

static double steps[] = {0, 10, 20, 30, 40};
static double up[] = {0, .25, .5, .75, 1};
static double hill[] = {1, 3, 5, 4, 2};
static double half_up[] = {0, .125, .25, .375, .5};
static double curve_step[] = {10, 30};
static double curve_value[] = {.2, .95};
static double missing_step[] = {10, 35};
/* as metrics.jsonl gives what was written as null */
static double torn[] = {1, NAN, 3, INFINITY, 2};

static const eg_series series[] = {
    {"up", 5, 5, steps, up},
    {"hill", 5, 5, steps, hill},
    {"norm.blocks.0.attn.W_QK", 5, 5, steps, half_up},
    {"torn", 5, 5, steps, torn},
};
static const eg_series curve = {"known", 2, 2, curve_step, curve_value};
static const eg_series holes = {"holes", 2, 2, missing_step, curve_value};

/* run b has the series of run a, halved: only "up". */
static const eg_series other = {"up", 5, 5, steps, half_up};

static const eg_series *find(void *ctx, const char *run, const char *metric)
{
    (void)ctx;
    if (strcmp(run, "b") == 0) return strcmp(metric, "up") == 0 ? &other : NULL;
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        if (strcmp(series[i].name, metric) == 0) return &series[i];
    return NULL;
}

static const eg_series *find_curve(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "known") == 0) return &curve;
    return strcmp(name, "holes") == 0 ? &holes : NULL;
}

static void test_values(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"final(a.up)", 1},
        {"first(a.hill)", 1},
        {"at(a.up, 20)", .5},
        {"max(a.hill)", 5},
        {"max(a.hill, 30, 40)", 4},
        {"min(a.hill)", 1},
        {"min(a.hill, 10, 30)", 3},
        {"mean(a.hill)", 3},
        {"mean(a.up, 10, 30)", .5},
        {"argmax(a.hill)", 20},
        {"argmin(a.hill, 10, 40)", 40},
        {"rise(a.up, 0.5)", 20},
        {"rise(a.up, 0.51)", 30},
        {"fall(a.hill, 2)", 0},
        {"never_rises(a.up, 2)", 1},
        {"never_rises(a.up, 1)", 0},
        {"never_falls(a.up, -1)", 1},
        {"never_falls(a.up, 0)", 0},
        {"lost(a.up)", 0},
        {"lost(a.torn)", 2},
        {"lost(a.torn, 0, 20)", 1},
        {"lost(a.torn, 40, 50)", 0},
        {"first(a.torn) + final(a.torn) + at(a.torn, 20)", 6},
        {"rise(a.torn, 1)", 0},
        {"log(at(a.hill, 20) / final(a.up))", 1.6094379124341003},
        {"rise(a.up, .5) - rise(b.up, .5)", -20},
        {"final(a.up) / final(b.up)", 2},
        {"abs(final(b.up) - final(a.up))", .5},
        {"2 * (1 + 3) - -4 / 2", 10},
        {"final(a.norm.blocks.0.attn.W_QK)", .5},
        {"gap(a.up, known)", .2},
        {"at(a.up, 2 * 10)", .5},
        {"at(b.up, rise(a.hill, 5)) + mean(a.up, rise(b.up, .25), 40)", 1},
    };
    const eg_measure_source from = {find, find_curve, NULL};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        eg_measure *m = NULL;
        eg_err err = {0};
        double v;

        assert_int_equal(eg_measure_parse(&m, good[i].text, &err), EG_OK);
        assert_int_equal(eg_measure_eval(m, &v, &from, &err), EG_OK);
        print_message("%-40s %g\n", good[i].text, v);
        assert_true(fabs(v - good[i].value) < 1e-12);
        eg_measure_free(m);
    }
}

static void test_runs(void **state)
{
    eg_measure *m = NULL;
    eg_err err = {0};

    (void)state;
    assert_int_equal(
        eg_measure_parse(&m, "final(x.a) + final(y.a) - first(x.b)", &err),
        EG_OK);
    assert_string_equal(eg_measure_run(m, 0), "x");
    assert_string_equal(eg_measure_run(m, 1), "y");
    assert_null(eg_measure_run(m, 2));
    eg_measure_free(m);
}

static void test_syntax_errors(void **state)
{
    static const struct {
        const char *text, *where;
    } bad[] = {
        {"", "column 1"},
        {"final", "column 1"},
        {"final(a)", "column 7"},
        {"final(a.)", "column 7"},
        {"final(a.x", "column 10"},
        {"final(a.x) +", "column 13"},
        {"finnal(a.x)", "column 1"},
        {"at(a.x)", "column 7"},
        {"max(a.x, 1)", "column 11"},
        {"final(a.x, 1)", "column 11"},
        {"final(a.x) final(a.x)", "column 12"},
        {"gap(a.x)", "column 8"},
        {"nan", "column 1"},
        {"1e999", "column 1"},
        {"never_rises(a.x)", "column 16"},
        {"lost(a.x, 1)", "column 12"},
        {"log()", "column 5"},
        {"((((((((((((((((((((((((((((((((((((((((1", "column"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eg_measure *m = NULL;
        eg_err err = {0};

        assert_int_equal(eg_measure_parse(&m, bad[i].text, &err), EG_EINVAL);
        print_message("%-24s %s\n", bad[i].text, err.msg);
        assert_non_null(strstr(err.msg, bad[i].where));
        assert_null(m);
    }
}

/* What is well written but not there, never happens or is not finite must be
 * an error that says so, not a number. */
static void test_missing(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"final(a.nothing)", "run a has no metric 'nothing'"},
        {"final(b.hill)", "run b has no metric 'hill'"},
        {"at(a.up, 15)", "a.up has no value at step 15"},
        {"max(a.up, 41, 50)", "a.up has no values there"},
        {"lost(a.up, 41, 50)", "a.up has no values there"},
        {"gap(a.up, unknown)", "no curve 'unknown'"},
        {"gap(a.up, holes)", "a.up has no value at step 35"},
        {"rise(a.up, 2)", "a.up never rises to 2: its largest is 1"},
        {"fall(a.up, -1)", "a.up never falls to -1: its smallest is 0"},
        {"rise(a.up, .5) - rise(b.up, .9)",
         "b.up never rises to 0.9: its largest is 0.5"},
        {"rise(b.up, .9) - rise(a.up, .5)",
         "b.up never rises to 0.9: its largest is 0.5"},
        {"max(a.torn)", "a.torn is not finite at step 10"},
        {"min(a.torn)", "a.torn is not finite at step 10"},
        {"mean(a.torn, 20, 40)", "a.torn is not finite at step 30"},
        {"argmax(a.torn)", "a.torn is not finite at step 10"},
        {"argmin(a.torn, 20, 30)", "a.torn is not finite at step 30"},
        {"at(a.torn, 10)", "a.torn is not finite at step 10"},
        {"at(a.torn, 30)", "a.torn is not finite at step 30"},
        {"rise(a.torn, 3)", "a.torn is not finite at step 10"},
        {"never_rises(a.torn, 9)", "a.torn is not finite at step 10"},
        {"gap(a.torn, known)", "a.torn is not finite at step 10"},
        {"1 / first(a.up)", "1 / 0 is no finite number"},
        {"log(first(a.up))", "log(0) is no finite number"},
        {"1e308 * final(a.hill) + 1", "1e+308 * 2 is no finite number"},
    };
    const eg_measure_source from = {find, find_curve, NULL};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eg_measure *m = NULL;
        eg_err err = {0};
        double v = 0;

        assert_int_equal(eg_measure_parse(&m, bad[i].text, &err), EG_OK);
        assert_int_equal(eg_measure_eval(m, &v, &from, &err), EG_EINVAL);
        assert_string_equal(err.msg, bad[i].why);
        assert_true(isnan(v));
        eg_measure_free(m);
    }
}

static void test_relations(void **state)
{
    static const struct {
        const char *expected, *tolerance;
        double good[2], bad[2];
    } r[] = {
        {">= 0.9", "0", {.9, 2}, {.899, -1}},
        {">= 0.9", "0.02", {.881, 1}, {.879, NAN}},
        {"> 0", "0", {1e-9, 1}, {0, -1}},
        {"<= 5", "10 %", {5.5, -3}, {5.51, NAN}},
        {"< 0", "0", {-1e300, -1}, {0, -INFINITY}},
        {">= 1", "0", {1, 1e300}, {NAN, INFINITY}},
        {"0.96", "0.03", {.931, .989}, {.92, 1}},
        {"100", "20%", {80, 120}, {79, INFINITY}},
        {"0.3 .. 0.4", "0", {.3, .4}, {.29, .41}},
        {"-2 .. -1", "0.5", {-2.5, -.5}, {-2.6, -.4}},
        {"0", "0", {0, 0}, {1e-30, -1e-30}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof r / sizeof *r; i++) {
        egi_relation rel;
        egi_tolerance tol;

        assert_int_equal(egi_relation_parse(&rel, r[i].expected, NULL), EG_OK);
        assert_int_equal(egi_tolerance_parse(&tol, r[i].tolerance, NULL),
                         EG_OK);
        print_message("%s +- %s\n", r[i].expected, r[i].tolerance);
        for (int k = 0; k < 2; k++) {
            assert_true(egi_relation_holds(&rel, &tol, r[i].good[k]));
            assert_false(egi_relation_holds(&rel, &tol, r[i].bad[k]));
        }
    }
}

static void test_bad_relations(void **state)
{
    static const char *const bad[] = {"",       ">=",      "=> 1", "1 ..",
                                      "2 .. 1", "about 3", "1 2",  "nan",
                                      ">= x",   "<= inf"};
    static const char *const bad_tolerance[] = {"", "-1", "x", "1 % of it"};
    egi_relation rel;
    egi_tolerance tol;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(egi_relation_parse(&rel, bad[i], NULL), EG_EINVAL);
    for (size_t i = 0; i < sizeof bad_tolerance / sizeof *bad_tolerance; i++)
        assert_int_equal(egi_tolerance_parse(&tol, bad_tolerance[i], NULL),
                         EG_EINVAL);
}

static void test_seeds(void **state)
{
    eg_seeds s = {0};

    (void)state;
    assert_int_equal(eg_seeds_add(&s, "1-3, 7,9-9", NULL), EG_OK);
    assert_int_equal(s.n, 5);
    assert_int_equal(s.seed[3], 7);
    assert_int_equal(s.seed[4], 9);
    s.n = 0;
    assert_int_equal(eg_seeds_add(&s, "3-1", NULL), EG_EINVAL);
    s.n = 0;
    assert_int_equal(eg_seeds_add(&s, "1-1000", NULL), EG_EINVAL);
    s.n = 0;
    assert_int_equal(eg_seeds_add(&s, "-1", NULL), EG_EINVAL);
    s.n = 0;
    assert_int_equal(eg_seeds_add(&s, "1,,2", NULL), EG_EINVAL);
    s.n = 0;
    assert_int_equal(
        eg_seeds_add(&s, "1e3, 9007199254740990-9007199254740992", NULL),
        EG_OK);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.seed[0], 1000);
    assert_int_equal(s.seed[3], EG_SEED_MAX);
}

/* One sentence wherever a seed stands. */
static void test_seed_out_of_range(void **state)
{
    static const char *const wrong[] = {"9007199254740993",
                                        "9007199254740993.0",
                                        "9.007199254740993e15",
                                        "99999999999999999999",
                                        "-5",
                                        "0x10",
                                        "1e-3",
                                        "1.5",
                                        "x"};
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    char want[160], text[64], list[64];

    (void)state;
    assert_non_null(cfg);
    eg_config_default(cfg);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        eg_seeds s = {0};
        eg_err err = {0}, set = {0};

        snprintf(want, sizeof want,
                 "seed: expected a whole number from 0 to 9007199254740992, "
                 "found '%s'",
                 wrong[i]);
        snprintf(text, sizeof text, "run.seed=%s", wrong[i]);
        snprintf(list, sizeof list, "1,%s", wrong[i]);
        assert_int_equal(eg_seeds_add(&s, list, &err), EG_EINVAL);
        assert_string_equal(err.msg, want);
        assert_int_equal(eg_config_set(cfg, text, &set), EG_EINVAL);
        assert_string_equal(set.msg + strlen("run: "), want);
    }
    eg_free(cfg);
}

static double reduced(eg_claim_result *r, egi_over over, const eg_node *ref)
{
    const egi_terms t = {.over = over, .reference = ref};

    return egi_reduce(r, &t, NULL);
}

/* An event that may never come: its step, or how long it was waited for. */
static void test_events(void **state)
{
    static const struct {
        const char *text;
        double value;
    } row[] = {{"rise(a.up, 0.5)", 20},
               {"rise(a.up, 2)", HUGE_VAL},
               {"fall(a.hill, 2)", 0},
               {"fall(a.hill, 0)", HUGE_VAL}};
    const eg_measure_source from = {find, find_curve, NULL};
    eg_measure *m = NULL;
    double value, until;
    eg_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(eg_measure_parse(&m, row[i].text, &err), EG_OK);
        assert_true(egi_measure_is_event(m));
        assert_int_equal(egi_measure_event(m, &value, &until, &from, &err),
                         EG_OK);
        print_message("%s: %g of %g\n", row[i].text, value, until);
        assert_true(value == row[i].value && until == 40);
        eg_measure_free(m);
    }
    assert_int_equal(eg_measure_parse(&m, "rise(a.torn, 9)", &err), EG_OK);
    assert_int_equal(egi_measure_event(m, &value, &until, &from, &err),
                     EG_EINVAL); /* what is lost is no event that never was */
    eg_measure_free(m);
    assert_int_equal(eg_measure_parse(&m, "rise(a.up, 2) + 0", &err), EG_OK);
    assert_false(egi_measure_is_event(m));
    eg_measure_free(m);
}

/* Values over seeds, reduced: 1 2 4 5, mean 3, sd sqrt(10/3). */
static void test_reductions(void **state)
{
    eg_claim_result r = {.n_seeds = 4, .value = {4, 1, 5, 2}};
    const char *text = "[7, 9]";
    eg_yaml *y = NULL;
    const double sd = sqrt(10.0 / 3.0);

    (void)state;
    assert_int_equal(eg_yaml_parse(&y, text, strlen(text), "r", NULL), EG_OK);
    assert_true(reduced(&r, EGI_MEAN, NULL) == 3);
    assert_true(r.low >= 1 && r.low < 3 && r.high <= 5 && r.high > 3);
    assert_true(reduced(&r, EGI_MEDIAN, NULL) == 3);
    assert_true(reduced(&r, EGI_MIN, NULL) == 1);
    assert_true(reduced(&r, EGI_MAX, NULL) == 5);
    assert_true(fabs(reduced(&r, EGI_SD, NULL) - sd) < 1e-12);
    assert_true(fabs(reduced(&r, EGI_DISTANCE, eg_yaml_root(y)) - 5 / sd) <
                1e-12);
    assert_true(reduced(&r, EGI_MEAN_LOW, NULL) == r.low);
    assert_true(reduced(&r, EGI_MEDIAN_HIGH, NULL) == r.high && r.high == 5);
    r.value[2] = HUGE_VAL; /* 1 2 4 and never: the median is the same */
    assert_true(reduced(&r, EGI_MEDIAN, NULL) == 3);
    assert_true(isinf(reduced(&r, EGI_MEDIAN_HIGH, NULL)));
    assert_true(isnan(reduced(&r, EGI_MEAN, NULL)));
    assert_int_equal(r.n_never, 1);
    r.n_seeds = 1; /* one seed has no spread to compare with */
    assert_true(isnan(reduced(&r, EGI_DISTANCE, eg_yaml_root(y))));
    assert_true(isnan(reduced(&r, EGI_MEAN_LOW, NULL)));
    eg_yaml_free(y);
}

static void test_ids(void **state)
{
    static const char id[] = "birth/theory/lemma2-d64";
    static const char *const yes[] = {"all",
                                      "birth",
                                      "theory",
                                      "lemma2-d64",
                                      "birth/theory",
                                      "theory/lemma2-d64",
                                      "birth/theory/lemma2-d64"};
    static const char *const no[] = {
        "", "birth/", "lemma2", "birt", "birth/lemma2-d64", "theory/lemma2"};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(eg_claim_matches(id, yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(eg_claim_matches(id, no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_runs),
                                       cmocka_unit_test(test_syntax_errors),
                                       cmocka_unit_test(test_missing),
                                       cmocka_unit_test(test_relations),
                                       cmocka_unit_test(test_bad_relations),
                                       cmocka_unit_test(test_seeds),
                                       cmocka_unit_test(test_seed_out_of_range),
                                       cmocka_unit_test(test_seed_out_of_range),
                                       cmocka_unit_test(test_events),
                                       cmocka_unit_test(test_reductions),
                                       cmocka_unit_test(test_ids)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
