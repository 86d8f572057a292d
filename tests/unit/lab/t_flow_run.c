/* Flow runs: files in, arrays out, the same bytes whatever the number of
 * threads. */
#include <math.h>

#include "lab/flow_priv.h"
#include "lab/flow_run.h"
#include "lab/npy_rows.h"

/* ---- growing .npy files ----------------------------------------------------
 */

static void test_rows(void **state)
{
    const eg_index shape[] = {3};
    double row[3], back[3];
    char path[128];
    egi_rows r;
    egi_sum sum;
    eg_folder in;
    eg_view v;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_folder_open(&in, root, &err), EG_OK);
    assert_int_equal(egi_rows_open(&r, &in, "r.npy", EG_F64, 1, shape, 7, &err),
                     EG_OK);
    assert_int_equal(egi_rows_cut(&r, 0, &err), EG_OK);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++) row[k] = 10 * i + k;
        assert_int_equal(egi_rows_put(&r, row, &err), EG_OK);
    }
    egi_rows_release(&r); /* a killed process */

    snprintf(path, sizeof path, "%s/r.npy", root);
    assert_false(eg_file_exists(path));
    assert_int_equal(egi_rows_open(&r, &in, "r.npy", EG_I64, 1, shape, 7, &err),
                     EG_EFORMAT);
    print_message("%s\n", err.msg);
    assert_int_equal(egi_rows_open(&r, &in, "r.npy", EG_F64, 1, shape, 7, &err),
                     EG_OK);
    assert_int_equal(r.n, 5);
    assert_int_equal(egi_rows_cut(&r, 2, &err), EG_OK);
    row[1] = -1;
    assert_int_equal(egi_rows_put(&r, row, &err), EG_OK);
    assert_int_equal(egi_rows_read(&r, 1, back, &err), EG_OK);
    assert_true(back[0] == 10 && back[2] == 12);
    assert_int_equal(egi_rows_finish(&r, &sum, &err), EG_OK);

    assert_int_equal(eg_npy_read(&v, path, &err), EG_OK);
    assert_int_equal(v.ndim, 2);
    assert_int_equal(v.shape[0], 3);
    assert_int_equal(v.shape[1], 3);
    assert_true(eg_view_at(&v, 5) == 12 && eg_view_at(&v, 7) == -1);
    eg_view_release(&v);

    /* a finished file can be gone on with, and looking at it changes nothing */
    assert_int_equal(egi_rows_open(&r, &in, "r.npy", EG_F64, 1, shape, 7, &err),
                     EG_OK);
    assert_int_equal(r.n, 3);
    egi_rows_release(&r);
    assert_true(eg_folder_has(&in, "r.npy"));
    assert_false(eg_folder_has(&in, "r.npy.part"));

    /* one too short for a header begins anew */
    assert_int_equal(eg_file_write_in(&in, "r.npy.part", "short", 5, &err),
                     EG_OK);
    assert_int_equal(egi_rows_open(&r, &in, "r.npy", EG_F64, 1, shape, 7, &err),
                     EG_EFORMAT);
    assert_non_null(strstr(err.msg, "both r.npy and r.npy.part"));
    assert_true(eg_folder_remove(&in, "r.npy"));
    assert_int_equal(egi_rows_open(&r, &in, "r.npy", EG_F64, 1, shape, 7, &err),
                     EG_OK);
    assert_int_equal(r.n, 0);
    assert_int_equal(egi_rows_cut(&r, 0, &err), EG_OK);
    assert_int_equal(egi_rows_put(&r, row, &err), EG_OK);
    assert_int_equal(egi_rows_finish(&r, &sum, &err), EG_OK);
    assert_int_equal(eg_npy_read(&v, path, &err), EG_OK);
    assert_int_equal(v.shape[0], 1);
    eg_view_release(&v);
    eg_folder_close(&in);
}

/* ---- runs
 * -------------------------------------------------------------------- */

static void test_whole_run(void **state)
{
    eg_config *c = config_of(base, "");
    eg_lab_result r = run(c, "whole", 2, 0, false);
    eg_metrics m;
    const eg_series *energy, *parts;
    eg_view hist = array_of(r.dir, "hist"), merges = array_of(r.dir, "merges");
    double pairs = 0;

    (void)state;
    assert_int_equal(r.outcome, EG_FINISHED);
    assert_int_equal(r.steps_done, 45);
    print_message("%lld steps, %lld evaluations\n", (long long)r.solver_steps,
                  (long long)r.evaluations);
    assert_true(r.evaluations > r.solver_steps && r.solver_steps > 0);
    check_states(r.dir, 45);

    assert_int_equal(hist.shape[0], 45);
    assert_int_equal(hist.shape[1], 20);
    for (int b = 0; b < 20; b++) pairs += eg_view_at(&hist, 44 * 20 + b);
    assert_true(pairs == 66);

    assert_int_equal(eg_metrics_read(&m, r.dir, NULL), EG_OK);
    energy = eg_metrics_find(&m, "energy");
    parts = eg_metrics_find(&m, "components");
    assert_int_equal(energy->n, 45);
    for (int i = 1; i < energy->n; i++) /* SA raises it */
        assert_true(energy->value[i] >= energy->value[i - 1] * (1 - 1e-14));
    print_message("energy %g -> %g, components %g -> %g, %td merges\n",
                  energy->value[0], energy->value[44], parts->value[0],
                  parts->value[44], merges.shape[0]);
    assert_true(parts->value[0] == 12 && parts->value[44] < 6);
    assert_int_equal(merges.shape[1], 2);
    assert_true(eg_view_at(&merges, 2 * merges.shape[0] - 1) ==
                parts->value[44]);
    assert_true(fabs(energy->value[44] -
                     eg_metrics_find(&m, "energy_shifted")->value[44] * exp(4) /
                         8) < 1e-12);
    eg_metrics_release(&m);
    eg_view_release(&hist);
    eg_view_release(&merges);
    eg_free(c);
}

/* Every way to form the sums. */
static void test_threads(void **state)
{
    static const char in_float32[] =
        "flow.n=700 flow.d=5 flow.method=rk4 flow.times=0,0.2 "
        "flow.precision=float32 flow.sum_tol=1e-5";
    static const char *const set[] = {
        "flow.n=200 flow.beta=9 flow.times=0:2:0.5",
        "flow.n=5000 flow.d=2 flow.sum=fourier flow.times=0,1",
        "flow.n=3000 flow.sum=harmonics flow.method=rk4 flow.times=0,0.2",
        in_float32,
        "flow.n=300 flow.V=gaussian flow.causal=true flow.times=0,0.5",
    };
    static const int threads[] = {1, 2, 3, 8};

    (void)state;
    for (int v = 0; v < 5; v++) {
        eg_config *c = config_of(base, set[v]);
        eg_lab_result r[4];

        for (int i = 0; i < 4; i++) {
            char name[16];

            snprintf(name, sizeof name, "t%d-%d", v, threads[i]);
            r[i] = run(c, name, threads[i], 0, false);
            same_file(r[0].dir, r[i].dir, "arrays/x.npy");
            same_file(r[0].dir, r[i].dir, "metrics.jsonl");
        }
        print_message("%s: alike\n", set[v]);
        eg_free(c);
    }
}

/* What was used is recorded: a series is float64 whatever was asked for. */
static void test_precision(void **state)
{
    static const char *const sum[] = {"direct", "fourier"}, *const used[] = {
                                                                "float32",
                                                                "float64"};

    (void)state;
    for (int k = 0; k < 2; k++) {
        char set[128], name[8];
        eg_run_info info;
        eg_err err = {0};

        snprintf(set, sizeof set,
                 "flow.precision=float32 flow.d=2 flow.method=rk4 "
                 "flow.times=0,1 flow.sum=%s",
                 sum[k]);
        snprintf(name, sizeof name, "p%d", k);
        eg_config *c = config_of(base, set);
        eg_lab_result r = run(c, name, 1, 0, false);
        assert_int_equal(eg_run_info_read(&info, r.dir, &err), EG_OK);
        assert_string_equal(info.precision, used[k]);
        eg_free(c);
    }
}

/* ---- files a flow takes in -------------------------------------------------
 */

static void put_array(const char *name, const double *data, int ndim,
                      eg_index a, eg_index b, eg_index d)
{
    char path[128];
    eg_view v = {data, EG_F64, ndim, {a, b, d}};
    eg_err err = {0};

    if (ndim == 2) v.shape[1] = d;
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(eg_npy_write(path, &v, &err), EG_OK);
}

/* Two batches of five tokens, the second one turned. */
static void make_batch(double x[2][5][2])
{
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < 5; i++) {
            x[b][i][0] = cos(i + 0.3 * b);
            x[b][i][1] = sin(i + 0.3 * b);
        }
}

static const char from_files[] =
    "run: {name: f, kind: flow}\n"
    "flow: {x0: \"batch.npy[1]\", V: [v.npy], times: [0, 1, 2]}\n";

static void test_inputs(void **state)
{
    double x[2][5][2], v[4] = {1, 0.1, -0.1, 1};
    eg_config *c, *again = eg_calloc(1, sizeof *again);
    eg_lab_result r, r2;
    char path[EG_PATH + 32], dir[EG_PATH];
    eg_view a;
    eg_err err = {0};

    (void)state;
    make_batch(x);
    put_array("batch.npy", &x[0][0][0], 3, 2, 5, 2);
    put_array("v.npy", v, 2, 2, 0, 2);
    c = config_of(from_files, "");
    r = run(c, "f", 1, 0, false);
    a = array_of(r.dir, "x");
    assert_int_equal(a.shape[1], 5);
    for (int i = 0; i < 10; i++)
        assert_true(fabs(eg_view_at(&a, i) - (&x[1][0][0])[i]) < 1e-15);
    eg_view_release(&a);

    /* the directory alone runs again, elsewhere, to the same bytes */
    snprintf(path, sizeof path, "%s/config.yaml", r.dir);
    assert_int_equal(eg_config_load(again, path, &err), EG_OK);
    print_message("x0: %s\nV: %s\n", again->flow.x0, again->flow.V.item[0]);
    assert_non_null(strstr(again->flow.x0, "arrays/batch.1-"));
    r2 = run(again, "f2", 1, 0, false);
    for (int i = 0; i < 2; i++) same_file(r.dir, r2.dir, kept[i]);
    same_file(r.dir, r2.dir, "config.yaml");

    /* found again by what the files hold, not by their names */
    snprintf(dir, sizeof dir, "%s", r.dir);
    assert_int_equal(run(c, "f", 1, 0, true).outcome, EG_FINISHED);
    v[1] = 0.2;
    put_array("v.npy", v, 2, 2, 0, 2);
    {
        eg_lab_opts o = {.dir = dir, .resume = true};

        assert_int_equal(eg_lab_run(&r, c, &o, &err), EG_EINVAL);
        print_message("%s\n", err.msg);
        assert_non_null(strstr(err.msg, "another configuration"));
    }
    eg_free(again);
    eg_free(c);
}

static void test_input_errors(void **state)
{
    static const struct {
        const char *set, *expect;
        eg_status status;
    } bad[] = {
        {"flow.x0=/nowhere/x.npy", "flow.x0: /nowhere/x.npy", EG_EIO},
        {"flow.x0=batch.npy[2]", "no entry 2", EG_ESHAPE},
        {"flow.x0=batch.npy[0][9]", "no entry 9", EG_ESHAPE},
        {"flow.x0=batch.npy", "x0", EG_ESHAPE},
        {"flow.mass=heavy", "flow.mass: expected a .npy or .csv", EG_EINVAL},
        {"flow.Q=[\"batch.npy[1]\"]", "Q", EG_ESHAPE},
        {"flow.x0=circle", "x0: expected uniform", EG_EINVAL},
    };
    double x[2][5][2];

    (void)state;
    make_batch(x);
    put_array("batch.npy", &x[0][0][0], 3, 2, 5, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char dir[128], yaml[512];
        eg_config *c;
        eg_lab_opts o = {.dir = dir};
        eg_lab_result r;
        eg_err err = {0};
        eg_status st;
        const char *eq = strchr(bad[i].set, '=');

        snprintf(dir, sizeof dir, "%s/bad%zu", root, i);
        snprintf(yaml, sizeof yaml,
                 "run: {kind: flow}\nflow:\n  d: 2\n  times: [0, 1]\n  "
                 "%.*s: %s\n",
                 (int)(eq - bad[i].set - 5), bad[i].set + 5, eq + 1);
        c = config_of(yaml, "");
        st = eg_lab_run(&r, c, &o, &err);
        print_message("%s\n", err.msg);
        assert_int_equal(st, bad[i].status);
        assert_non_null(strstr(err.msg, bad[i].expect));
        snprintf(yaml, sizeof yaml, "%s/arrays/x.npy", dir);
        assert_false(eg_file_exists(yaml));
        eg_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_whole_run),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_precision),
        cmocka_unit_test(test_inputs),  cmocka_unit_test(test_input_errors)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
