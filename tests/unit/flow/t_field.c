/* Fields, drives, attention and one-step schemes: symmetries, invariants,
 * closed forms, threads, extreme inputs. */
#include "system_helper.h"

#include "engram/rng.h"
#include "flow/matrices.h"

static void field_of(const char *sets, double *dx, int threads)
{
    flow_case c = flow_open(sets, NULL, 7, threads);

    eg_flow_field(c.flow, 0.3, c.setup->x0, dx);
    flow_close(&c);
}

/* ---- the formulas, written down once more ---- */

static double weight(const flow_case *c, const double *x, eg_index i,
                     eg_index j)
{
    double s = 0;

    for (eg_index k = 0; k < c->d; k++) s += x[i * c->d + k] * x[j * c->d + k];
    return exp(c->setup->spec.beta * s);
}

static void test_formula(void **state)
{
    static const char *const sets[] = {"n=5 d=3 beta=2",
                                       "n=200 d=2 beta=-3",
                                       "n=131 d=7 beta=0 causal=true",
                                       "n=40 d=3 beta=2 causal=true model=USA",
                                       "n=64 d=3 beta=5 model=USA",
                                       "n=9 d=40 beta=5 model=USA_shifted"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        flow_case c = flow_open(sets[s], NULL, 3, 0);
        const double *x = c.setup->x0;
        const eg_flow_spec *p = &c.setup->spec;
        eg_index n = c.n, d = c.d;
        double *A = calloc((size_t)(n * d), sizeof *A), worst = 0, scale = 0;
        double *P = calloc((size_t)(n * n), sizeof *P);

        eg_flow_drive(c.flow, 0, x, A);
        eg_flow_attention(c.flow, 0, x, 0, P);
        for (eg_index i = 0; i < n; i++) {
            eg_index seen = p->causal ? i + 1 : n;
            double z = 0;

            for (eg_index j = 0; j < seen; j++) z += weight(&c, x, i, j);
            if (p->model != EG_FLOW_SA) z = (double)seen;
            if (p->model == EG_FLOW_USA_SHIFTED) z *= exp(p->beta);
            for (eg_index k = 0; k < d; k++) {
                double sum = 0, mine = 0;

                for (eg_index j = 0; j < seen; j++) {
                    sum += weight(&c, x, i, j) / z * x[j * d + k];
                    mine += P[i * n + j] * x[j * d + k];
                }
                worst = fmax(worst, fabs(sum - A[i * d + k]));
                worst = fmax(worst, fabs(mine - A[i * d + k]));
                scale = fmax(scale, fabs(sum));
            }
        }
        printf("%-36s drive off by %.2g of %.3g\n", sets[s], worst, scale);
        assert_true(worst <= 2e-14 * scale);
        free(A);
        free(P);
        flow_close(&c);
    }
}

/* ---- symmetries ---- */

static void random_rotation(double *R, eg_index d)
{
    eg_rng rng = eg_rng_make(5, EG_RNG_TEST, 0, 0);

    for (eg_index i = 0; i < d; i++) {
        double s = 0;

        for (eg_index k = 0; k < d; k++) R[i * d + k] = eg_rng_normal(&rng);
        for (eg_index j = 0; j < i; j++) {
            double dot = 0;

            for (eg_index k = 0; k < d; k++) dot += R[i * d + k] * R[j * d + k];
            for (eg_index k = 0; k < d; k++) R[i * d + k] -= dot * R[j * d + k];
        }
        for (eg_index k = 0; k < d; k++) s += R[i * d + k] * R[i * d + k];
        for (eg_index k = 0; k < d; k++) R[i * d + k] /= sqrt(s);
    }
}

static void test_rotation(void **state)
{
    flow_case c = flow_open("n=50 d=4 beta=6", NULL, 3, 0);
    double R[16], x[200], dx[200], dy[200], expect[200], worst;

    (void)state;
    random_rotation(R, 4);
    eg_flow_field(c.flow, 0, c.setup->x0, dx);
    for (eg_index i = 0; i < 50; i++) {
        egi_mat_apply(x + 4 * i, R, c.setup->x0 + 4 * i, 4, 4);
        egi_mat_apply(expect + 4 * i, R, dx + 4 * i, 4, 4);
    }
    eg_flow_field(c.flow, 0, x, dy);
    worst = largest_difference(dy, expect, 200);
    printf("rotated tokens: field off by %.2g\n", worst);
    assert_true(worst < 2e-15);
    flow_close(&c);
}

static void test_permutation(void **state)
{
    static const char *const sets[] = {
        "n=50 d=3 beta=6", "n=50 d=3 Q=gaussian K=gaussian V=gaussian",
        "n=50 d=3 Q=gaussian,goe V=goe,2 model=USA"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        flow_case c = flow_open(sets[s], NULL, 3, 0);
        double x[150], dx[150], dy[150], worst = 0;

        eg_flow_field(c.flow, 0, c.setup->x0, dx);
        for (eg_index i = 0; i < 50; i++)
            memcpy(x + 3 * (i * 7 % 50), c.setup->x0 + 3 * i, 3 * sizeof *x);
        eg_flow_field(c.flow, 0, x, dy);
        for (eg_index i = 0; i < 50; i++)
            worst = fmax(worst, largest_difference(dx + 3 * i,
                                                   dy + 3 * (i * 7 % 50), 3));
        printf("%-44s permuted: field off by %.2g\n", sets[s], worst);
        assert_true(worst < 1e-14);
        flow_close(&c);
    }
}

/* A later token changes nothing before it. */
static void test_causal(void **state)
{
    flow_case c = flow_open("n=300 d=3 beta=4 causal=true", NULL, 3, 0);
    double *a = calloc(900, sizeof *a), *b = calloc(900, sizeof *b);

    (void)state;
    eg_flow_field(c.flow, 0, c.setup->x0, a);
    for (int k = 3 * 200; k < 900; k++) c.setup->x0[k] = k % 3 == 0;
    eg_flow_field(c.flow, 0, c.setup->x0, b);
    assert_memory_equal(a, b, 600 * sizeof *a);
    assert_memory_not_equal(a + 600, b + 600, 300 * sizeof *a);
    assert_true(fabs(a[0]) + fabs(a[1]) + fabs(a[2]) < 1e-15);
    free(a);
    free(b);
    flow_close(&c);
}

/* Several heads add up; an interval takes its matrices; a matrix that is the
 * identity in disguise costs nothing and changes nothing. */
static void test_heads(void **state)
{
    double one[60], two[60], both[60], worst;

    (void)state;
    field_of("n=20 d=3 beta=2 Q=0.5 V=2", one, 0);
    field_of("n=20 d=3 beta=2 K=-1.5 V=-0.25", two, 0);
    field_of("n=20 d=3 beta=2 Q=0.5,1 K=1,-1.5 V=2,-0.25", both, 0);
    for (int k = 0; k < 60; k++) one[k] += two[k];
    worst = largest_difference(one, both, 60);
    printf("two heads against their sum: %.2g\n", worst);
    assert_true(worst < 1e-15);
    field_of("n=20 d=3 beta=-6 V=2", one, 0);
    field_of("n=20 d=3 beta=2 Q=-3 V=2", two, 0);
    worst = largest_difference(one, two, 60);
    printf("multiples of the identity against beta: %.2g\n", worst);
    assert_true(worst < 1e-15);
}

/* Tokens of mass m stand for m tokens. */
static void test_masses(void **state)
{
    static const double mass[] = {1, 2, 3, 0, 1};
    static const eg_index rows[] = {0, 1, 1, 2, 2, 2, 4};

    (void)state;
    for (int model = EG_FLOW_SA; model <= EG_FLOW_USA_SHIFTED; model++) {
        flow_case c = flow_open("n=5 d=3", NULL, 3, 0);
        eg_flow_spec light = c.setup->spec, heavy;
        eg_flow *a = NULL, *b = NULL;
        double x[21], dx[15], dy[21], worst = 0;

        light.model = model;
        light.beta = 3;
        heavy = light;
        heavy.mass = mass;
        light.n = 7;
        for (eg_index i = 0; i < 7; i++)
            memcpy(x + 3 * i, c.setup->x0 + 3 * rows[i], 3 * sizeof *x);
        assert_int_equal(eg_flow_new(&a, &heavy, NULL, NULL), EG_OK);
        assert_int_equal(eg_flow_new(&b, &light, NULL, NULL), EG_OK);
        eg_flow_field(a, 0, c.setup->x0, dx);
        eg_flow_field(b, 0, x, dy);
        for (eg_index i = 0; i < 7; i++)
            worst = fmax(worst,
                         largest_difference(dx + 3 * rows[i], dy + 3 * i, 3));
        printf("masses, model %d: off by %.2g\n", model, worst);
        assert_true(worst < 1e-14);
        eg_flow_free(a);
        eg_flow_free(b);
        flow_close(&c);
    }
}

static void test_threads(void **state)
{
    static const char *const sets[] = {
        "n=500 d=3 beta=9 causal=true", "n=500 d=3 beta=9",
        "n=700 d=2 beta=4 model=USA", "n=300 d=16 Q=gaussian V=gaussian,goe",
        "n=300 d=5 space=rescaled V=gaussian"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        double *one = calloc(5000, sizeof *one);
        double *more = calloc(5000, sizeof *more);

        field_of(sets[s], one, 1);
        for (int threads = 0; threads <= 8; threads++) {
            if (threads > 3 && threads < 8) continue;
            field_of(sets[s], more, threads);
            assert_memory_equal(one, more, 5000 * sizeof *one);
        }
        free(one);
        free(more);
    }
}

/* Evaluations allocate nothing, whichever way sums are formed. */
static void test_no_allocation(void **state)
{
    static const char *const sets[] = {"n=300 d=3",
                                       "n=5000 d=2",
                                       "n=3000 d=3 beta=1",
                                       "n=300 d=20",
                                       "n=300 d=3 Q=gaussian V=gaussian",
                                       "n=30 d=3 space=rescaled V=gaussian"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        flow_case c = flow_open(sets[s], NULL, 3, 2);
        double *dx = eg_calloc((size_t)(c.n * c.d), sizeof *dx);
        int64_t before = eg_mem_query().n_allocs;

        eg_flow_field(c.flow, 0, c.setup->x0, dx);
        eg_flow_field(c.flow, 0.5, c.setup->x0, dx);
        assert_true(eg_mem_query().n_allocs == before);
        assert_true(eg_flow_evaluations(c.flow) == 2);
        printf("%-40s %s\n", sets[s], eg_flow_why(c.flow));
        eg_free(dx);
        flow_close(&c);
    }
}

/* ---- invariants ---- */

/* USA: sum_i x_i ^ dx_i/dt = 0; SA: with weights Z_i. d = 2 here. */
static void test_angular(void **state)
{
    static const char *const sets[] = {"n=100 d=2 beta=4 model=USA",
                                       "n=100 d=2 beta=9 model=USA_shifted",
                                       "n=100 d=2 beta=4"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        flow_case c = flow_open(sets[s], NULL, 9, 0);
        const double *x = c.setup->x0;
        double dx[200], sum = 0, size = 0;

        eg_flow_field(c.flow, 0, x, dx);
        for (eg_index i = 0; i < 100; i++) {
            double w = x[2 * i] * dx[2 * i + 1] - x[2 * i + 1] * dx[2 * i];

            if (c.setup->spec.model == EG_FLOW_SA) {
                double z = 0;

                for (eg_index j = 0; j < 100; j++) z += weight(&c, x, i, j);
                w *= z / 100;
            }
            sum += w / 100;
            size = fmax(size, fabs(w));
        }
        printf("%-34s mean angular velocity %.2g, largest %.3g\n", sets[s], sum,
               size);
        assert_true(fabs(sum) < 1e-14 * fmax(size, 1));
        flow_close(&c);
    }
}

static double distance(const double *x, eg_index i, eg_index j, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++)
        s += (x[i * d + k] - x[j * d + k]) * (x[i * d + k] - x[j * d + k]);
    return sqrt(s);
}

static double cross_ratio(const double *x, eg_index d)
{
    return distance(x, 0, 1, d) * distance(x, 2, 3, d) /
           (distance(x, 0, 2, d) * distance(x, 1, 3, d));
}

static void test_cross_ratio(void **state)
{
    static const char *const sets[] = {"n=20 d=2", "n=20 d=3", "n=20 d=5"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        char text[128];
        eg_flow_stats stats;
        double *x, worst = 0;
        flow_case c;

        (void)snprintf(text, sizeof text,
                       "%s beta=0 times=0:3:0.5 rtol=1e-13 atol=1e-15",
                       sets[s]);
        c = flow_open(text, NULL, 2, 0);
        x = flow_history(&c, &stats);
        for (eg_index i = 1; i < c.setup->n_times; i++)
            worst = fmax(worst, fabs(cross_ratio(x + i * c.n * c.d, c.d) /
                                         cross_ratio(x, c.d) -
                                     1));
        printf("beta = 0, %s: cross-ratio kept to %.2g\n", sets[s], worst);
        assert_true(worst < 1e-12);
        eg_free(x);
        flow_close(&c);
    }
}

/* dE/dt along the field against (1/n) sum |v|^2 (times Z/n for SA). */
static void test_energy(void **state)
{
    static const char *const sets[] = {"n=20 d=3 beta=3",
                                       "n=20 d=3 beta=3 model=USA"};

    (void)state;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        flow_case c = flow_open(sets[s], NULL, 4, 0);
        double *x = c.setup->x0, v[60], y[60], e[2], h = 1e-5, expect = 0;

        eg_flow_field(c.flow, 0, x, v);
        for (int side = 0; side < 2; side++) {
            for (int k = 0; k < 60; k++) y[k] = x[k] + (side ? h : -h) * v[k];
            for (eg_index i = 0; i < 20; i++) {
                double r =
                    sqrt(y[3 * i] * y[3 * i] + y[3 * i + 1] * y[3 * i + 1] +
                         y[3 * i + 2] * y[3 * i + 2]);

                for (int k = 0; k < 3; k++) y[3 * i + k] /= r;
            }
            e[side] = eg_flow_energy(y, 20, 3, 3, NULL);
        }
        for (eg_index i = 0; i < 20; i++) {
            double v2 = v[3 * i] * v[3 * i] + v[3 * i + 1] * v[3 * i + 1] +
                        v[3 * i + 2] * v[3 * i + 2];
            double z = 0;

            for (int j = 0; j < 20; j++) z += weight(&c, x, i, j) / 20;
            expect += v2 * (s == 0 ? z : 1) / 20;
        }
        printf("%s: dE/dt %.12g, formula %.12g\n", sets[s],
               (e[1] - e[0]) / (2 * h), expect);
        assert_true(fabs((e[1] - e[0]) / (2 * h) / expect - 1) < 1e-8);
        flow_close(&c);
    }
}

/* ---- extremes ---- */

static void finite_field(const char *sets)
{
    static double dx[8000];
    flow_case c = flow_open(sets, NULL, 1, 0);
    double top = 0;

    eg_flow_field(c.flow, 0, c.setup->x0, dx);
    for (eg_index k = 0; k < c.n * c.d; k++) {
        assert_true(isfinite(dx[k]));
        top = fmax(top, fabs(dx[k]));
    }
    printf("%-52s largest speed %.3g\n", sets, top);
    flow_close(&c);
}

static void test_extremes(void **state)
{
    (void)state;
    finite_field("n=64 d=3 beta=4000");
    finite_field("n=64 d=3 beta=-4000");
    finite_field("n=64 d=2 beta=1e6");
    finite_field("n=64 d=3 beta=4000 model=USA_shifted");
    finite_field("n=64 d=3 beta=4000 causal=true");
    finite_field("n=64 d=3 beta=4000 Q=gaussian K=gaussian");
    finite_field("n=64 d=3 beta=0 V=0");
    finite_field("n=64 d=3 Q=0 K=0");
    finite_field("n=64 d=3 V=0 norm=nGPT");
    finite_field("n=64 d=3 V=0 norm=peri");
    finite_field("n=1 d=3");
    finite_field("n=1 d=1 beta=700 model=USA");
    finite_field("n=200 d=3 space=euclidean x0=cube x0_size=1000");
    finite_field("n=20 d=2 space=rescaled x0=cube x0_size=1000");
}

/* A token without mass, alone at huge beta: its weights are those of the
 * nearest one that has some. */
static void test_massless(void **state)
{
    static const double mass[] = {1, 0, 1};
    static const double x[] = {1, 0, 0, 1, -0.6, 0.8};
    eg_flow_spec spec = {.n = 3, .d = 2, .beta = 4000, .mass = mass};
    eg_flow *f = NULL;
    double A[6];

    (void)state;
    assert_int_equal(eg_flow_new(&f, &spec, NULL, NULL), EG_OK);
    eg_flow_drive(f, 0, x, A);
    printf("massless token's drive: %g %g\n", A[2], A[3]);
    assert_true(fabs(A[2] + 0.6) < 1e-12 && fabs(A[3] - 0.8) < 1e-12);
    eg_flow_free(f);
}

/* w s(a x + b) with numbers that can be checked by hand. */
static void test_feed_forward(void **state)
{
    static const double w[] = {1, 2, 0, -1}, a[] = {1, 0, 0, 1}, b[] = {1, -1};
    static const double x[] = {0, 1, 1, 0};
    /* s(1), s(0), s(2), s(-1); gelu in the form with tanh */
    static const double s[][4] = {
        {1, 0, 2, 0},
        {0.84119199060827676, 0, 1.9545976940877750, -0.15880800939172324},
        {0.76159415595576489, 0, 0.96402758007581688, -0.76159415595576489}};

    (void)state;
    for (int kind = EG_FLOW_FFN_RELU; kind <= EG_FLOW_FFN_TANH; kind++) {
        const double *v = s[kind - EG_FLOW_FFN_RELU];
        const double expect[] = {v[0] + 2 * v[1], -v[1], v[2] + 2 * v[3],
                                 -v[3]};
        static const double zero[4] = {0};
        eg_flow_spec spec = {
            .n = 2, .d = 2, .V = zero, .ffn = kind, .d_mlp = 2};
        eg_flow *f = NULL;
        double A[4];

        spec.w = w;
        spec.a = a;
        spec.b = b;
        assert_int_equal(eg_flow_new(&f, &spec, NULL, NULL), EG_OK);
        eg_flow_drive(f, 0, x, A);
        printf("feed-forward %d: off by %.2g\n", kind,
               largest_difference(A, expect, 4));
        assert_true(largest_difference(A, expect, 4) < 1e-15);
        eg_flow_free(f);
    }
}

static void test_antipodal(void **state)
{
    flow_case c = flow_open("n=2 d=3 x0=equiangular x0_size=-1 beta=4 "
                            "times=0,10,1000",
                            NULL, 1, 0);
    eg_flow_stats stats;
    double *x = flow_history(&c, &stats);

    (void)state;
    printf("antipodal pair after t = 1000: moved %.2g\n",
           largest_difference(x, x + 12, 6));
    assert_true(largest_difference(x, x + 12, 6) < 1e-9);
    eg_free(x);
    flow_close(&c);
}

/* exp(tV) against a rotation, a Jordan block and its own square. */
static void test_expm(void **state)
{
    double rotation[] = {0, -1, 1, 0}, jordan[] = {2, 1, 0, 2}, E[9], F[9];
    double work[6 * 9], big[9], worst;

    (void)state;
    egi_expm(E, rotation, 100, 2, work);
    assert_true(fabs(E[0] - cos(100)) < 1e-13 && fabs(E[2] - sin(100)) < 1e-13);
    egi_expm(E, jordan, 3, 2, work);
    assert_true(fabs(E[0] / exp(6) - 1) < 1e-14 &&
                fabs(E[1] / (3 * exp(6)) - 1) < 1e-14 && fabs(E[2]) < 1e-11);
    for (int i = 0; i < 9; i++) big[i] = sin(1 + i * i);
    egi_expm(E, big, 2, 3, work);
    egi_expm(F, big, 1, 3, work);
    egi_mat_mul(work, F, F, 3);
    worst = largest_difference(E, work, 9);
    printf("exp(2V) against exp(V)^2: %.2g\n", worst);
    assert_true(worst < 1e-13);
    egi_expm(E, big, 1e9, 3, work);
    assert_false(isfinite(E[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula),       cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_permutation),   cmocka_unit_test(test_causal),
        cmocka_unit_test(test_heads),         cmocka_unit_test(test_masses),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_angular),
        cmocka_unit_test(test_cross_ratio),   cmocka_unit_test(test_energy),
        cmocka_unit_test(test_extremes),      cmocka_unit_test(test_antipodal),
        cmocka_unit_test(test_no_allocation), cmocka_unit_test(test_massless),
        cmocka_unit_test(test_feed_forward),  cmocka_unit_test(test_expm)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
