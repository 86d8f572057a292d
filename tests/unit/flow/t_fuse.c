/* Merges that are located, and tokens that are fused once they have met. */
#include "system_helper.h"

/* ---- merges and fusing ---- */

typedef struct merges {
    int n;
    double t[64];
    eg_index left[64];
} merges;

static void merged(void *ctx, double t, eg_index components)
{
    merges *m = ctx;

    m->t[m->n] = t;
    m->left[m->n++] = components;
}

/* The specification's 328.37 is the first of its times, 0.01 apart, with all
 * inner products above 0.999; they pass it at 328.364. */
static void test_merges(void **state)
{
    static const double start[] = {
        0.99806638, 0.06215705,  0.97712061, 0.21268594,  -0.24578194,
        0.96932515, -0.97354734, 0.2284854,  -0.99892629, -0.04632772};
    static const struct {
        int method;
        double t, tol;
    } rows[] = {{EG_FLOW_DOP853, 328.36, 0.01}, {EG_FLOW_AUTHORS, 364.1, 1e-6}};
    const double times[] = {0, 500};
    eg_flow_spec spec = {.n = 5, .d = 2, .beta = 4};

    (void)state;
    for (int i = 0; i < 2; i++) {
        merges m = {0};
        eg_flow_solve how = {.method = rows[i].method,
                             .h = 0.1,
                             .delta = 1e-3,
                             .merged = merged,
                             .ctx = &m};
        eg_flow_stats stats;
        eg_flow *f = NULL;
        eg_err err = {0};
        double x[10];

        memcpy(x, start, sizeof x);
        assert_int_equal(eg_flow_new(&f, &spec, NULL, &err), EG_OK);
        assert_int_equal(eg_flow_run(f, x, times, 2, &how, &stats, &err),
                         EG_OK);
        for (int k = 0; k < m.n; k++)
            printf("  merge to %td at t = %.6g\n", m.left[k], m.t[k]);
        printf("last merge at %.6g, expected %g\n", m.t[m.n - 1], rows[i].t);
        assert_int_equal(m.left[m.n - 1], 1);
        assert_true(fabs(m.t[m.n - 1] - rows[i].t) <= rows[i].tol);
        eg_flow_free(f);
    }
}

static void test_fuse(void **state)
{
    static const char *const sets[] = {
        "n=24 d=3 beta=4 times=0,5,20,50,400",
        "n=24 d=3 beta=2 model=USA times=0,1,4,40",
        "n=24 d=2 beta=4 times=0,5,20,50,400 Q=1.1 V=0.9"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        flow_case plain = flow_open(sets[s], NULL, 3, 0);
        eg_flow_stats a, b;
        double *x = flow_history(&plain, &a), *y, worst;

        plain.setup->solve.fuse = true;
        y = flow_history(&plain, &b);
        worst =
            largest_difference(x, y, plain.setup->n_times * plain.n * plain.d);
        printf("%s: fused to %td, %lld steps in place of %lld, off by %.2g\n",
               sets[s], b.tokens_left, (long long)b.steps, (long long)a.steps,
               worst);
        assert_true(worst < 1e-9); /* tokens within it are one */
        assert_true(b.tokens_left < 4 && b.steps < a.steps);
        eg_free(y);
        y = flow_history(&plain, &b); /* all tokens are there again */
        eg_free(x);
        eg_free(y);
        flow_close(&plain);
    }
}

/* A chain of tokens, each near enough to the next to be one with it: what is
 * far along the chain stays apart. Pairs of equal tokens become one each. */
static void test_fuse_chain(void **state)
{
    for (int pairs = 0; pairs < 2; pairs++) {
        flow_case c = flow_open(
            "n=400 d=2 times=0,2e-9 method=rk4 h=1e-9 fuse=true", NULL, 3, 0);
        eg_flow_stats stats;

        (void)state;
        for (int i = 0; i < 400; i++) {
            int at = pairs ? i / 2 : i;
            double a = (pairs ? 0.01 : 7e-10) * at;

            c.setup->x0[2L * i] = cos(a);
            c.setup->x0[2L * i + 1] = sin(a);
        }
        double *x = flow_history(&c, &stats);
        double far = largest_difference(x, x + 800, 800);
        printf("%s: %td tokens left, moved by %.2g\n",
               pairs ? "pairs" : "chain", stats.tokens_left, far);
        assert_int_equal(stats.tokens_left, 200);
        assert_true(far < 2e-9);
        eg_free(x);
        flow_close(&c);
    }
}

/* A longer run asks for no more memory than a short one: neither watching
 * merges nor fusing allocates on the way. */
static void test_no_allocation(void **state)
{
    static const char *const sets[] = {"n=40 d=2 beta=4", "n=40 d=3 beta=4",
                                       "n=40 d=5 beta=4 fuse=true",
                                       "n=40 d=3 beta=4 norm=pre"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        flow_case c = flow_open(sets[s], NULL, 3, 0);
        int64_t asked[2];

        for (int late = 0; late < 2; late++) {
            const double times[] = {0, late ? 20 : 0.01};
            merges m = {0};
            eg_flow_solve how = {.delta = 1e-3,
                                 .merged = merged,
                                 .fuse = c.setup->solve.fuse,
                                 .ctx = &m};
            eg_flow_stats stats;
            double x[200];

            memcpy(x, c.setup->x0, (size_t)(c.n * c.d) * sizeof *x);
            asked[late] = eg_mem_query().n_allocs;
            assert_int_equal(
                eg_flow_run(c.flow, x, times, 2, &how, &stats, NULL), EG_OK);
            asked[late] = eg_mem_query().n_allocs - asked[late];
            printf("%s: %lld steps, %d merges, %lld allocations\n", sets[s],
                   (long long)stats.steps, m.n, (long long)asked[late]);
            assert_true(late == 0 || m.n > 2);
        }
        assert_true(asked[0] == asked[1]);
        flow_close(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_merges),
                                       cmocka_unit_test(test_fuse),
                                       cmocka_unit_test(test_fuse_chain),
                                       cmocka_unit_test(test_no_allocation)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
