/* Run directories in settings, questions to them, and what comes back. */
#include <math.h>

#include "base/check.h"
#include "engram/aggregate.h"
#include "scratch.h"

static char root[64];

static int set_up(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(root);
    return 0;
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[EG_PATH + 32];
    eg_err err = {0};

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    check_ok(eg_file_write(path, text, strlen(text), &err), &err);
}

typedef struct runs {
    char dir[32][EG_PATH];
    int n;
} runs;

/* One more run: rows of metrics, a configuration, a status. */
static char *add(runs *r, int seed, const char *config, const char *status,
                 const char *metrics)
{
    char *dir = r->dir[r->n], text[1024];
    eg_err err = {0};

    (void)snprintf(dir, EG_PATH, "%s/some/%03d", root, r->n++);
    check_ok(eg_mkdirs(dir, &err), &err);
    (void)snprintf(text, sizeof text, "run: {name: n%d, seed: %d}\n%s\n", r->n,
                   seed, config);
    put(dir, "config.yaml", text);
    (void)snprintf(text, sizeof text,
                   "{\"name\": \"some\", \"status\": \"%s\", \"start\": "
                   "\"2026-01-01T00:00:%02dZ\", \"seed\": %d}",
                   status, r->n, seed);
    put(dir, "run.json", text);
    put(dir, "metrics.jsonl", metrics);
    return dir;
}

static eg_ensemble opened(const runs *r, const char *by)
{
    eg_ensemble x;
    eg_strs keys = {.n = by != NULL};
    eg_err err = {0};

    if (by) (void)snprintf(keys.item[0], sizeof keys.item[0], "%s", by);
    check_ok(eg_ensemble_of_runs(&x, (const char(*)[EG_PATH])r->dir, r->n,
                                 by ? &keys : NULL, &err),
             &err);
    return x;
}

static eg_question question(const char *metric, const char *at)
{
    eg_question q = {.metric = ""};
    eg_err err = {0};

    (void)snprintf(q.metric, sizeof q.metric, "%s", metric);
    check_ok(eg_at_parse(&q.at, at, &err), &err);
    return q;
}

static void test_words(void **state)
{
    static const char *const good[] = {
        "last",           "max",          "min:loss",
        "max:a.b_c",      "step=40",      "first:acc>0.9",
        "first:acc>=0.9", "first:loss<1", "first:loss<=-2.5"};
    static const char *const bad[] = {
        "",          "lastly", "max:",       "maximum",     "step=",
        "step=x",    "first:", "first:acc",  "first:acc>x", "first:>1",
        "first:a=1", "step",   "first:a>1 ", "first:a>nan", "first:a>1..2"};
    eg_at at;
    eg_err err = {0};
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        check_ok(eg_at_parse(&at, good[i], &err), &err);
        eg_at_format(&at, text, sizeof text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (strcmp(bad[i], "first:a>1 ") == 0) continue; /* blanks may be */
        print_message("%s\n", bad[i]);
        check_failed(eg_at_parse(&at, bad[i], &err), EG_EINVAL, &err,
                     "expected last, max, min");
    }
}

#define ROWS                                                    \
    "{\"step\": 0, \"acc\": 0.1, \"loss\": 3}\n"                \
    "{\"step\": 10, \"acc\": 0.95, \"loss\": 1, \"rare\": 5}\n" \
    "{\"step\": 20, \"acc\": 0.9, \"loss\": null}\n"            \
    "{\"step\": 30, \"acc\": 0.95, \"loss\": 2}\n"

static void test_answers(void **state)
{
    static const struct {
        const char *metric, *at;
        double want, until;
    } row[] = {
        {"acc", "last", 0.95, 30},
        {"loss", "last", 2, 30},
        {"acc", "max", 0.95, 30},
        {"step", "max:acc", 10, 30},
        {"loss", "max:acc", 1, 30},
        {"step", "min:loss", 10, 30},
        {"loss", "step=10", 1, 30},
        {"loss", "step=20", NAN, 30},
        {"loss", "step=11", NAN, 30},
        {"step", "first:acc>0.9", 10, 30},
        {"step", "first:acc<0.2", 0, 30},
        {"step", "first:acc>0.95", INFINITY, 30},
        {"step", "first:acc>=0.95", 10, 30},
        {"loss", "first:acc>0.9", 1, 30},
        {"loss", "first:acc>2", NAN, 30},
        {"rare", "first:acc>0.9", 5, 30},
        {"rare", "max:loss", NAN, 30},
        {"step", "first:rare>1", 10, 10},
        {"step", "first:rare>9", INFINITY, 10},
        {"step", "last", 30, 30},
        {"none", "last", NAN, 30},
        {"step", "first:none>1", NAN, 30},
        {"step", "first:loss<2", 10, 30},
    };
    eg_metrics m;
    eg_err err = {0};

    (void)state;
    check_ok(eg_metrics_parse(&m, ROWS, strlen(ROWS), "rows", &err), &err);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        eg_question q = question(row[i].metric, row[i].at);
        double until, got = eg_question_answer(&q, &m, &until);

        print_message("%s at %s: %g\n", row[i].metric, row[i].at, got);
        assert_true(got == row[i].want || (isnan(got) && isnan(row[i].want)));
        assert_true(until == row[i].until);
    }
    eg_metrics_release(&m);
}

/* Two keys differ, values are not in order; one run is done twice, one is
 * damaged, names differ. */
static void test_settings(void **state)
{
    static const char one[] = "{\"step\": 0, \"loss\": 1}\n";
    runs *r = calloc(1, sizeof *r);
    eg_ensemble x;

    (void)state;
    assert_non_null(r);
    add(r, 2, "optim: {lr: 0.1}\nmodel: {mixer: softmax}", "finished", one);
    add(r, 1, "optim: {lr: 0.1}\nmodel: {mixer: softmax}", "finished", one);
    add(r, 1, "optim: {lr: 0.02}\nmodel: {mixer: linear}", "killed", one);
    add(r, 1, "optim: {lr: 0.02}\nmodel: {mixer: softmax}", "finished", one);
    add(r, 1, "optim: {lr: 1}\nmodel: {mixer: softmax}", "finished", one);
    add(r, 1, "optim: {lr: 0.10}\nmodel: {mixer: softmax}", "killed", one);
    add(r, 2, "optim: {lr: 1.0e-1}", "finished", one);
    put(add(r, 9, "", "finished", one), "config.yaml", "nonsense: 3\n");
    x = opened(r, NULL);
    assert_int_equal(x.n_axes, 2);
    assert_string_equal(x.axis[0].key, "model.mixer");
    assert_false(x.axis[0].numeric);
    assert_string_equal(x.axis[0].value[0], "[softmax]");
    assert_string_equal(x.axis[1].key, "optim.lr");
    assert_true(x.axis[1].numeric);
    assert_int_equal(x.axis[1].n, 3);
    assert_true(x.axis[1].number[0] == 0.02 && x.axis[1].number[2] == 1);
    assert_int_equal(x.n_settings, 4);
    assert_int_equal(x.n_doubles, 2);
    assert_int_equal(x.n_unread, 1);
    assert_non_null(strstr(x.why, "nonsense"));
    assert_int_equal(x.n_runs, 5);
    assert_string_equal(x.setting[1].label,
                        "model.mixer=[softmax] optim.lr=0.1");
    assert_int_equal(x.setting[1].n_runs, 2);
    assert_int_equal(x.setting[1].run[0].seed, 1);
    assert_string_equal(x.setting[1].run[0].dir, r->dir[1]); /* finished */
    assert_string_equal(x.setting[1].run[1].dir, r->dir[6]); /* newest */
    assert_string_equal(x.setting[3].label,
                        "model.mixer=[linear] optim.lr=0.02");
    assert_int_equal(x.setting[3].n_runs, 1);
    eg_ensemble_release(&x);
    x = opened(r, "optim.lr");
    assert_int_equal(x.n_axes, 1);
    assert_int_equal(x.n_settings, 3);
    assert_int_equal(x.setting[0].n_runs, 2);
    eg_ensemble_release(&x);
    free(r);
}

static void test_settings_refused(void **state)
{
    static const char one[] = "{\"step\": 0, \"loss\": 1}\n";
    runs *r = calloc(1, sizeof *r);
    const char(*dirs)[EG_PATH] = (const char(*)[EG_PATH])r->dir;
    eg_strs by = {1, {"optim.kind"}};
    eg_ensemble x;
    eg_aggregate a;
    eg_question q = question("los", "last");
    eg_err err = {0};

    (void)state;
    assert_non_null(r);
    add(r, 1, "optim: {lr: 0.1}", "finished", one);
    add(r, 1, "optim: {lr: 0.2}", "finished", one);
    check_failed(eg_ensemble_of_runs(&x, dirs, r->n, &by, &err), EG_EINVAL,
                 &err,
                 "do not differ in 'optim.kind'; they differ in optim.lr");
    x = opened(r, NULL);
    check_failed(eg_aggregate_make(&a, &x, &q, 1, NULL, &err), EG_EINVAL, &err,
                 "no run has the metric 'los'; did you mean 'loss'?");
    q = question("step", "max");
    check_failed(eg_aggregate_make(&a, &x, &q, 1, NULL, &err), EG_EINVAL, &err,
                 "is the step itself: of what?");
    for (int i = 1;; i++) {
        eg_ensemble y;
        eg_status st;

        eg_mem_fail_after(i);
        st = eg_ensemble_of_runs(&y, dirs, r->n, NULL, &err);
        eg_mem_fail_after(0);
        if (st != EG_OK) {
            assert_int_equal(st, EG_ENOMEM);
            continue;
        }
        assert_int_equal(y.n_settings, 2);
        eg_ensemble_release(&y);
        break;
    }
    eg_ensemble_release(&x);
    add(r, 1, "", "finished", one);
    put(r->dir[2], "config.yaml", "run: {kind: flow}\n");
    check_failed(eg_ensemble_of_runs(&x, dirs, r->n, NULL, &err), EG_EINVAL,
                 &err, "another kind");
    free(r);
}

/* Steps at which acc passes: 10, 30, never, and one run without metrics. */
static void test_estimates(void **state)
{
    runs *r = calloc(1, sizeof *r);
    eg_ensemble x;
    eg_aggregate a;
    eg_question q[] = {question("step", "first:acc>0.5"),
                       question("acc", "last")};
    const eg_answer *e;
    eg_band b;
    eg_err err = {0};

    (void)state;
    assert_non_null(r);
    add(r, 1, "", "finished",
        "{\"step\": 0, \"acc\": 0}\n{\"step\": 10, \"acc\": 1}\n"
        "{\"step\": 30, \"acc\": 1}\n");
    add(r, 2, "", "finished",
        "{\"step\": 0, \"acc\": 0.25}\n{\"step\": 10, \"acc\": 0.25}\n"
        "{\"step\": 30, \"acc\": 0.75}\n");
    add(r, 3, "", "interrupted",
        "{\"step\": 0, \"acc\": 0.5}\n{\"step\": 10, \"acc\": null}\n");
    add(r, 4, "", "failed", "");
    x = opened(r, NULL);
    assert_int_equal(x.n_settings, 1);
    assert_int_equal(x.n_axes, 0);
    assert_string_equal(x.setting[0].label, "");
    check_ok(eg_aggregate_make(&a, &x, q, 2, NULL, &err), &err);
    e = eg_aggregate_at(&a, 0, 0);
    assert_int_equal(e->estimate.n, 2);
    assert_int_equal(e->estimate.n_never, 1);
    assert_int_equal(e->estimate.n_missing, 1);
    assert_true(e->value[0] == 10 && e->value[1] == 30 && isinf(e->value[2]) &&
                isnan(e->value[3]));
    assert_true(e->until[2] == 10);
    /* of three at risk one comes at 10, then one goes: S = 2/3, 0 */
    assert_true(e->estimate.median == 30);
    e = eg_aggregate_at(&a, 1, 0);
    assert_true(e->estimate.mean == 0.875 && e->estimate.n_missing == 2);
    eg_aggregate_release(&a);
    check_ok(eg_band_make(&b, &x, 0, "acc", 0, NULL, &err), &err);
    assert_int_equal(b.n, 3);
    assert_true(b.step[1] == 10 && b.runs[0] == 3 && b.runs[1] == 2);
    assert_true(b.mean[0] == 0.25 && b.median[0] == 0.25 && b.low[0] == 0 &&
                b.high[0] == 0.5);
    assert_true(b.mean[2] == 0.875);
    eg_band_release(&b);
    check_ok(eg_band_make(&b, &x, 0, "acc", 2, NULL, &err), &err);
    assert_true(b.n == 2 && b.step[0] == 0 && b.step[1] == 30);
    eg_band_release(&b);
    check_ok(eg_band_make(&b, &x, 0, "nothing", 2, NULL, &err), &err);
    assert_int_equal(b.n, 0);
    eg_band_release(&b);
    eg_ensemble_release(&x);
    free(r);
}

/* loss = 3 width^-0.5, times 1.1 and 1 / 1.1 for two seeds, for two mixers. */
static void test_laws(void **state)
{
    runs *r = calloc(1, sizeof *r);
    eg_ensemble x;
    eg_aggregate a;
    eg_question q = question("loss", "last");
    eg_law *law;
    int n;
    eg_err err = {0};

    (void)state;
    assert_non_null(r);
    for (int m = 0; m < 2; m++)
        for (int d = 16; d <= 128; d *= 2)
            for (int seed = 1; seed <= 2; seed++) {
                char config[100], row[100];

                (void)snprintf(config, sizeof config,
                               "model: {d_model: %d, mixer: %s}", d,
                               m ? "linear" : "[softmax]");
                (void)snprintf(row, sizeof row,
                               "{\"step\": 5, \"loss\": %.17g}\n",
                               (m && d == 64 ? -1 : 1) * 3 / sqrt(d) *
                                   (seed == 1 ? 1.1 : 1 / 1.1));
                add(r, seed, config, "finished", row);
            }
    x = opened(r, NULL);
    check_ok(eg_aggregate_make(&a, &x, &q, 1, NULL, &err), &err);
    assert_string_equal(x.axis[0].key, "model.d_model");
    check_ok(eg_laws_make(&law, &n, &x, &a, 0, 0, NULL, &err), &err);
    assert_int_equal(n, 2);
    print_message("%s: slope %g [%g, %g], factor %g [%g, %g]\n%s: %s\n",
                  law[0].label, law[0].line.slope, law[0].slope_low,
                  law[0].slope_high, law[0].factor, law[0].factor_low,
                  law[0].factor_high, law[1].label, law[1].why);
    assert_string_equal(law[0].label, "model.mixer=[softmax]");
    assert_true(fabs(law[0].line.slope + 0.5) < 1e-12);
    assert_true(fabs(law[0].factor - 3) < 1e-11);
    assert_true(law[0].slope_low < -0.5 && law[0].slope_high > -0.5);
    assert_true(law[0].slope_low > -0.7 && law[0].slope_high < -0.3);
    assert_int_equal(law[0].n, 8);
    assert_non_null(strstr(law[1].why, "positive"));
    eg_laws_free(law, n);
    check_failed(eg_laws_make(&law, &n, &x, &a, 0, 1, NULL, &err), EG_EINVAL,
                 &err, "against model.mixer: expected positive numbers");
    eg_aggregate_release(&a);
    eg_ensemble_release(&x);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_answers),
        cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_estimates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_laws, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
