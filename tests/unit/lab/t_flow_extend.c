/* Flow runs that are extended: the first part stays as it is, the second goes
 * on from it, and however they are stopped the bytes are those that the
 * configuration which is left behind gives at once. */
#include "lab/flow_run.h"

static const char early[] = "run: {name: t, kind: flow, seed: 7}\n"
                            "flow: {n: 12, d: 3, beta: 4, bins: 20, "
                            "times: [\"0:4:0.2\"]}\n";
static const char later[] = "flow.times=0:8:0.2,9:12:1";

static const char *const variant[] = {
    "flow.method=dop853",
    "flow.method=adams flow.rtol=1e-8",
    "flow.method=rk4 flow.h=0.05",
    "flow.method=authors flow.h=0.13", /* off the grid of times */
    "flow.method=lie flow.noise=0.01",
    "flow.fuse=true flow.delta=0.1",
};
enum { N_VARIANTS = sizeof variant / sizeof *variant };

static eg_lab_result extend(const eg_config *c, const char *name, int threads,
                            int stop_after)
{
    char dir[128];
    watcher w = {.stop_after = stop_after};
    eg_lab_opts o = {
        .dir = dir, .extend = later, .stop = stop, .progress = news, .ctx = &w};
    eg_lab_result r;
    eg_err err = {0};

    snprintf(dir, sizeof dir, "%s/%s", root, name);
    assert_int_equal(eg_pool_new(&o.pool, threads, &err), EG_OK);
    if (eg_lab_run(&r, c, &o, &err) != EG_OK) fail_msg("%s", err.msg);
    eg_pool_free(o.pool);
    return r;
}

/* The configuration that the run was left with, run at once. */
static eg_lab_result anew(const char *dir, const char *name)
{
    eg_config *c = eg_calloc(1, sizeof *c);
    eg_lab_result r;
    eg_folder f;
    eg_err err = {0};

    assert_non_null(c);
    assert_int_equal(eg_folder_open(&f, dir, &err), EG_OK);
    if (eg_config_load_run(c, &f, &err) != EG_OK) fail_msg("%s", err.msg);
    assert_int_equal(c->flow.parts.n, 1);
    r = run(c, name, 1, 0, false);
    eg_folder_close(&f);
    eg_free(c);
    return r;
}

static void first_rows_stay(const char *before, const char *after)
{
    eg_view a = array_of(before, "x"), b = array_of(after, "x");
    double most = 0;

    assert_true(a.shape[0] == 21 && b.shape[0] == 45);
    for (eg_index i = 0; i < eg_view_size(&a); i++)
        most = fmax(most, fabs(eg_view_at(&a, i) - eg_view_at(&b, i)));
    assert_true(most == 0);
    eg_view_release(&a);
    eg_view_release(&b);
}

/* How far x is from that of a run that had all times from the start. */
static double differs(const char *a, const char *b)
{
    eg_view x = array_of(a, "x"), y = array_of(b, "x");
    double most = 0;

    for (eg_index i = 0; i < eg_view_size(&x); i++)
        most = fmax(most, fabs(eg_view_at(&x, i) - eg_view_at(&y, i)));
    eg_view_release(&x);
    eg_view_release(&y);
    return most;
}

static void test_extend(void **state)
{
    (void)state;
    for (int v = 0; v < N_VARIANTS; v++) {
        eg_config *c = config_of(early, variant[v]);
        eg_config *all = config_of(base, variant[v]);
        char name[32];
        eg_lab_result before, r, whole, stopped;
        double off;

        snprintf(name, sizeof name, "b%d", v);
        before = run(c, name, 1, 0, false);
        snprintf(name, sizeof name, "x%d", v);
        (void)run(c, name, 2, 0, false);
        r = extend(c, name, 1, 0);
        assert_int_equal(r.outcome, EG_FINISHED);
        first_rows_stay(before.dir, r.dir);
        snprintf(name, sizeof name, "a%d", v);
        same_runs(r.dir, anew(r.dir, name).dir);
        /* stopped within the first part, and within the second */
        snprintf(name, sizeof name, "s%d", v);
        (void)run(c, name, 1, 7, false);
        (void)extend(c, name, 2, 5);
        stopped = extend(c, name, 1, 20);
        assert_int_equal(stopped.outcome, EG_INTERRUPTED);
        stopped = extend(c, name, 3, 0);
        assert_int_equal(stopped.outcome, EG_FINISHED);
        same_runs(r.dir, stopped.dir);
        assert_true(extend(c, name, 1, 0).untouched);
        snprintf(name, sizeof name, "w%d", v);
        whole = run(all, name, 1, 0, false);
        off = differs(whole.dir, r.dir);
        print_message("%s: off by %.2g from one that had all times at once\n",
                      variant[v], off);
        assert_true(off <= 1e-5);
        eg_free(c);
        eg_free(all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_extend)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
