/* Flow and theory runs that are stopped, killed and resumed end with the same
 * bytes as those left alone. */
#include "lab/flow_run.h"

static const char *const variant[] = {
    "flow.method=dop853",
    "flow.method=dopri5 flow.model=USA_shifted",
    "flow.method=adams flow.rtol=1e-8",
    "flow.method=bdf flow.rtol=1e-8",
    "flow.method=rk4 flow.h=0.05",
    "flow.method=authors flow.h=0.1",
    "flow.method=authors flow.h=0.13", /* off the grid of times */
    "flow.method=lie flow.noise=0.01",
    "flow.fuse=true flow.delta=0.1",
    "flow.norm=sqrt flow.method=heun",
    "flow.norm=peri",
};
enum { N_VARIANTS = sizeof variant / sizeof *variant };

/* Stopped at several places and resumed: the same bytes. */
static void test_resume(void **state)
{
    static const int place[] = {1, 2, 20, 44};

    (void)state;
    for (int v = 0; v < N_VARIANTS; v++) {
        eg_config *c = config_of(base, variant[v]);
        char a[32], b[32];
        eg_lab_result whole, part;

        snprintf(a, sizeof a, "a%d", v);
        whole = run(c, a, 1, 0, false);
        for (int p = 0; p < 4; p++) {
            snprintf(b, sizeof b, "b%d-%d", v, p);
            part = run(c, b, 1, place[p], false);
            assert_int_equal(part.outcome, EG_INTERRUPTED);
            assert_int_equal(part.steps_done, place[p]);
            if (!strstr(variant[v], "peri")) check_states(part.dir, place[p]);
            (void)run(c, b, 3, 5, true); /* once more, on the way */
            part = run(c, b, 2, 0, true);
            assert_int_equal(part.outcome, EG_FINISHED);
            if (strstr(variant[v], "peri")) {
                same_file(whole.dir, part.dir, "arrays/x.npy");
                same_file(whole.dir, part.dir, "metrics.jsonl");
            } else {
                same_runs(whole.dir, part.dir);
            }
        }
        print_message("%s: resumed alike\n", variant[v]);
        eg_free(c);
    }
}

/* Stopped between two times, far apart and with merges on the way: nothing
 * waits for the next one, and the rest ends with the same bytes. */
static void test_stop_between(void **state)
{
    static const char *const method[] = {"rk4", "dop853", "bdf"};
    const watcher soon = {.refuse_after = 20};

    (void)state;
    for (int k = 0; k < 3; k++) {
        char set[128], a[16], b[16];

        snprintf(set, sizeof set,
                 "flow.times=0,6,40 flow.delta=0.2 flow.h=0.05 flow.method=%s",
                 method[k]);
        snprintf(a, sizeof a, "w%d", k);
        snprintf(b, sizeof b, "m%d", k);
        eg_config *c = config_of(base, set);
        eg_lab_result whole = run(c, a, 1, 0, false);
        eg_lab_result part = watched(c, b, 1, soon, false);
        print_message("%s: %s\n", method[k], part.reason);
        assert_int_equal(part.outcome, EG_INTERRUPTED);
        assert_true(part.steps_done == 1 && part.solver_steps < 20);
        part = run(c, b, 2, 1, true); /* to the second time */
        assert_int_equal(part.steps_done, 2);
        part = watched(c, b, 3, soon, true);
        assert_true(part.steps_done == 2 && part.solver_steps < 20);
        part = run(c, b, 2, 0, true);
        assert_int_equal(part.outcome, EG_FINISHED);
        same_runs(whole.dir, part.dir);
        eg_free(c);
    }
}

/* A killed process leaves NAME.part files and a row or two more of metrics. */
static void test_killed(void **state)
{
    eg_config *c = config_of(base, "");
    eg_lab_result whole = run(c, "k-whole", 1, 0, false);
    eg_lab_result part = run(c, "k-part", 1, 30, false);
    char from[EG_PATH + 64], to[EG_PATH + 64];
    FILE *f;

    (void)state;
    for (int i = 0; i < 4; i++) {
        snprintf(from, sizeof from, "%s/%s", part.dir, kept[i]);
        snprintf(to, sizeof to, "%s/%s.part", part.dir, kept[i]);
        assert_int_equal(rename(from, to), 0);
    }
    f = fopen(to, "ab"); /* half a merge */
    assert_non_null(f);
    fputs("12345", f);
    fclose(f);
    part = run(c, "k-part", 1, 0, true);
    assert_int_equal(part.outcome, EG_FINISHED);
    same_runs(whole.dir, part.dir);
    /* and once more changes nothing */
    part = run(c, "k-part", 1, 0, true);
    assert_int_equal(part.outcome, EG_FINISHED);
    same_runs(whole.dir, part.dir);
    eg_free(c);
}

/* ---- theory runs go on, too
 * -------------------------------------------------- */

static void check_theory(const char *text, const char *name)
{
    eg_config *c = config_of(text, "");
    char stopped[32];
    eg_lab_result whole = run(c, name, 1, 0, false), part;
    size_t n = 0;
    char *log;

    snprintf(stopped, sizeof stopped, "%s-part", name);
    part = run(c, stopped, 1, 2, false);
    assert_int_equal(part.outcome, EG_INTERRUPTED);
    part = run(c, stopped, 2, 0, true);
    assert_int_equal(part.outcome, EG_FINISHED);
    same_file(whole.dir, part.dir, "metrics.jsonl");
    log = slurp(part.dir, "log", &n);
    print_message("%s", log);
    assert_non_null(strstr(log, "were there already"));
    eg_free(log);
    eg_free(c);
}

static void test_theory_resumes(void **state)
{
    (void)state;
    check_theory("run: {name: th, kind: theory, theory: lemma2}\n"
                 "theory: {draws: 3}\n",
                 "th");
    check_theory("run: {name: ph, kind: theory, theory: phase}\n"
                 "theory: {n: 8, d: 2, draws: 16, betas: [9, 1, 2, 400], "
                 "times: [1, 2]}\n",
                 "ph");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume), cmocka_unit_test(test_stop_between),
        cmocka_unit_test(test_killed), cmocka_unit_test(test_theory_resumes)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
