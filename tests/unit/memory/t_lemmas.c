/* Lemmas 1 and 2, near-orthogonality, the key-query gradient and the
 * constructed model against the numbers of the specification (section 5 and
 * 2.1), within the spread over draws. */
#include "theory_helper.h"
#include "engram/task.h"
#include "memory/dense.h"
#include "memory/diffs.h"
#include "memory/lemma1.h"

static emitted seen;

static void test_table(void **state)
{
    (void)state;
    check_theory_table();
    assert_null(eg_theory_in(eg_memory_theories, "lemma3"));
}

static void test_orthogonality(void **state)
{
    (void)state;
    theory_run(&seen, "orthogonality", "dims=[64,256]");
    for (int64_t d = 64; d <= 256; d += 192) {
        check_mean(&seen, d, "dot_std", 1, 0, 6, 1000000);
        check_mean(&seen, d, "remap_std", 1, 0, 6, 1000000);
        /* E|w| = 1 - 1/(4d) + ..., and once more for the remapping */
        check_mean(&seen, d, "norm", 1 - .25 / (double)d, 1e-4, 6, 1000000);
        check_mean(&seen, d, "remap_norm", 1 - .5 / (double)d, 1e-4, 6,
                   1000000);
    }
}

static void test_lemma1_gradient(void **state)
{
    (void)state;
    theory_run(&seen, "lemma1_gradient", "dims=[16,64]");
    for (int64_t d = 16; d <= 64; d += 48) {
        check_range(&seen, d, "grad_norm", 1e-3, 10);
        check_range(&seen, d, "error_directions", 1e-18, 1e-8);
        check_range(&seen, d, "error_entries", 1e-18, 1e-8);
        check_range(&seen, d, "cosine", 1 - 1e-12, 1 + 1e-12);
        check_range(&seen, d, "convexity", 1e-6, 1);
    }
}

static void test_lemma1_step(void **state)
{
    static const int64_t d[] = {32, 64, 128, 256, 512};
    static const double expect[] = {.34, .51, .66, .79, .89};

    (void)state;
    theory_run(&seen, "lemma1_step", "dims=[32,64,128,256,512]");
    for (int i = 0; i < 5; i++)
        check_mean(&seen, d[i], "correlation", expect[i], .01, 6, 1);
}

static void test_lemma1_descent(void **state)
{
    (void)state;
    theory_run(&seen, "lemma1_descent",
               "dims=[32,64,128] steps=[1,10,100] draws=6");
    check_mean(&seen, 1, "kl_d32", 1.62, .01, 6, 5);
    check_mean(&seen, 1, "kl_uniform_d32", 2.23, .01, 6, 5);
    check_mean(&seen, 10, "kl_d32", 1.20, .01, 6, 5);
    check_mean(&seen, 10, "kl_uniform_d32", 2.05, .01, 6, 5);
    check_mean(&seen, 100, "kl_d32", .74, .01, 6, 5);
    check_mean(&seen, 100, "kl_uniform_d32", 1.83, .01, 6, 5);
    check_mean(&seen, 10, "kl_d64", 1.09, .01, 6, 5);
    check_mean(&seen, 100, "kl_d64", .44, .01, 6, 5);
    check_mean(&seen, 100, "kl_uniform_d64", 1.41, .01, 6, 5);
    check_mean(&seen, 10, "kl_d128", 1.04, .01, 6, 5);
    check_mean(&seen, 100, "kl_d128", .32, .01, 6, 5);
    check_mean(&seen, 100, "kl_uniform_d128", 1.26, .01, 6, 5);
}

/* Descent on scores is descent on W: the same embeddings, five steps on the
 * d x d matrix itself. */
static void test_descent_on_matrix(void **state)
{
    enum { D = 12, V = 65, VD = V * D, STEPS = 5 };
    static double e[V * D], u[V * D], w[D * D], grad[D * D];
    static double s[V * V], g[V * V], work[V * D];
    eg_rng rng = eg_rng_make(1, EG_RNG_THEORY, D, 0);
    double kl, uniform, lr = 20, decay = .01;
    eg_task_opts o;
    eg_task *task = NULL;
    egi_pairs p;

    (void)state;
    eg_fields_default(eg_task_fields, &o);
    assert_int_equal(eg_task_new(&task, &o, 0, NULL), EG_OK);
    p = (egi_pairs){V, eg_task_unigram(task), eg_task_bigram(task)};
    egi_fill_normal(e, VD, 1 / sqrt(D), &rng);
    egi_fill_normal(u, VD, 1 / sqrt(D), &rng);
    for (int k = 0; k < STEPS; k++) {
        egi_pairs_scores(s, e, u, w, V, D, work);
        (void)egi_pairs_loss(&p, s, g);
        egi_pairs_grad(grad, e, u, g, V, D, work);
        for (int i = 0; i < D * D; i++) w[i] -= lr * (grad[i] + decay * w[i]);
    }
    egi_pairs_scores(s, e, u, w, V, D, work);
    egi_pairs_kl(&p, s, &kl, &uniform);
    theory_run(&seen, "lemma1_descent",
               "dims=[12] steps=[5] draws=1 lr=20 weight_decay=.01");
    check_range(&seen, STEPS, "kl_d12", kl * (1 - 1e-12), kl * (1 + 1e-12));
    check_range(&seen, STEPS, "kl_uniform_d12", uniform * (1 - 1e-12),
                uniform * (1 + 1e-12));
    eg_task_free(task);
}

static void test_lemma1_span(void **state)
{
    (void)state;
    theory_run(&seen, "lemma1_span", "dims=[96,128] steps=20");
    for (int64_t d = 96; d <= 128; d += 32) {
        check_range(&seen, d, "residual", 0, 1e-13);
        check_range(&seen, d, "control", .05, 1); /* W_0 is outside */
        check_range(&seen, d, "moved", .1, 100);
        check_range(&seen, d, "w0_score", .9, 1.1);
    }
}

static void test_lemma2(void **state)
{
    static const int64_t d[] = {16, 32, 64, 128, 256};
    static const double accuracy[] = {.138, .428, .888, .9998, 1};
    static const double noise[] = {.88, .46, .27, .18, .12};

    (void)state;
    theory_run(&seen, "lemma2", "dims=[16,32,64,128,256]");
    for (int i = 0; i < 5; i++) {
        double formula = emitted_at(&seen, d[i], "noise_formula");

        check_mean(&seen, d[i], "accuracy", accuracy[i], .001, 6, 5);
        check_mean(&seen, d[i], "noise", noise[i], .01, 6, 5);
        check_range(&seen, d[i], "noise", .9 * formula, 1.1 * formula);
        /* 1 - 1/N and the spread of |w_U|^2 |w_E|^2 */
        check_mean(&seen, d[i], "signal", 1 - 1.0 / 65, 0, 6, 1000000);
    }
}

static void test_lemma2_samples(void **state)
{
    (void)state;
    theory_run(&seen, "lemma2_samples", "samples=[65,650,6500]");
    check_mean(&seen, 65, "accuracy", .54, .01, 6, 1);
    check_mean(&seen, 650, "accuracy", .97, .01, 6, 1);
    check_mean(&seen, 6500, "accuracy", 1, .001, 6, 1);
}

static void test_gradients_at_zero(void **state)
{
    (void)state;
    theory_run(&seen, "lemma2_gradient", "");
    check_range(&seen, 8, "error_directions", 1e-18, 1e-8);
    check_range(&seen, 32, "error_directions", 1e-18, 1e-8);
    check_range(&seen, 32, "grad_norm", 1e-3, 10);
    for (int scaled = 0; scaled < 2; scaled++) {
        theory_run(&seen, "key_query", scaled ? "scaled=true" : "");
        check_range(&seen, 12, "error_keys", 1e-18, 1e-7);
        check_range(&seen, 12, "error_values", 1e-18, 1e-7);
        check_range(&seen, 12, "forms", 0, 1e-13);
        check_range(&seen, 12, "grad_norm", 1e-3, 10);
    }
}

/* A wrong constant must show: that is what controls of claims set. */
static void test_impostors(void **state)
{
    (void)state;
    theory_run(&seen, "lemma1_gradient", "dims=[16] impostor=0.01");
    check_range(&seen, 16, "error_directions", 1e-4, 1);
    check_range(&seen, 16, "error_entries", 1e-4, 1);
    theory_run(&seen, "lemma2_gradient", "dims=[8] impostor=0.01");
    check_range(&seen, 8, "error_directions", 1e-4, 1);
    theory_run(&seen, "key_query", "dims=[12] impostor=0.01");
    check_range(&seen, 12, "error_keys", 1e-4, 1);
    check_range(&seen, 12, "error_values", 1e-4, 1);
    theory_run(&seen, "orthogonality", "dims=[256] impostor=0.21");
    check_range(&seen, 256, "dot_std", 1.15, 1.27);
    check_range(&seen, 256, "remap_norm", 1.05, 1.15);
    theory_run(&seen, "lemma1_span", "dims=[96] steps=2 impostor=0.44");
    check_range(&seen, 96, "w0_score", 1.1, 1.3);
    theory_run(&seen, "lemma2", "dims=[64] draws=2 impostor=0.5");
    check_range(&seen, 64, "signal", 1.35, 1.65);
}

/* A loss that is no number anywhere, or in one place. */
static double lost_everywhere(void *ctx, const double *w)
{
    (void)ctx;
    (void)w;
    return (double)NAN;
}

static double lost_once(void *ctx, const double *w)
{
    int *calls = ctx;

    return ++*calls == 4 ? (double)NAN : w[0] * w[0];
}

static void test_lost_losses(void **state)
{
    double w[2] = {1, 0}, grad[2] = {2, 0}, v[2];
    eg_rng rng = eg_rng_make(1, EG_RNG_THEORY, 1, 0);
    int calls = 0;
    egi_diffs r;

    (void)state;
    r = egi_diffs_check(lost_everywhere, NULL, w, grad, 2, 3, 1e-3, &rng, v);
    assert_true(isnan(r.directions) && isnan(r.entries) && isnan(r.curvature));
    r = egi_diffs_check(lost_once, &calls, w, grad, 2, 3, 1e-3, &rng, v);
    assert_true(isnan(r.directions) && isnan(r.curvature));
    assert_true(r.entries < 1e-9);
}

static void test_constructed(void **state)
{
    (void)state;
    theory_run(&seen, "constructed", "dims=[64,128,256] n_sequences=6 draws=4");
    check_mean(&seen, 64, "accuracy", .13, .01, 4, 1);
    check_mean(&seen, 128, "accuracy", .55, .01, 4, 1);
    check_mean(&seen, 256, "accuracy", .96, .01, 4, 1);
    check_mean(&seen, 64, "attends_previous", .31, .01, 4, 1);
    check_mean(&seen, 128, "attends_previous", .78, .01, 4, 1);
    check_mean(&seen, 256, "attends_previous", .998, .001, 4, 1);
}

static void test_threads(void **state)
{
    static const char *const runs[][2] = {
        {"lemma2", "dims=[16,32] n_ctx=16"},
        {"lemma1_descent", "dims=[32,40] steps=[3] draws=3"},
        {"constructed", "dims=[64] n_ctx=40 n_sequences=3"},
        {"orthogonality", "dims=[16] draws=5"}};
    static emitted other;
    eg_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (int threads = 1; threads <= 5; threads += 2) {
            theory_try(&seen, runs[i][0], runs[i][1], 2, &err);
            theory_try(&other, runs[i][0], runs[i][1], threads, &err);
            assert_true(seen.n > 0);
            assert_memory_equal(&seen, &other,
                                offsetof(emitted, row) +
                                    sizeof *seen.row * (size_t)seen.n);
        }
}

static void test_bad_options(void **state)
{
    static const char *const runs[][3] = {
        {"lemma2", "dims=[12,x]", "'x'"},
        {"lemma2", "dims=[0]", "dims"},
        {"lemma1_step", "stats=nowhere", "nowhere"},
        {"lemma1_descent", "steps=[5,5]", "ascend"},
        {"constructed", "n_triggers=64 n_ctx=8 stats=/no/such", "/no/such"}};

    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        eg_err err = {0};
        int64_t live = eg_mem_query().live_bytes;

        assert_int_not_equal(theory_try(&seen, runs[i][0], runs[i][1], 2, &err),
                             EG_OK);
        printf("%s %s: %s\n", runs[i][0], runs[i][1], err.msg);
        assert_non_null(strstr(err.msg, runs[i][2]));
        assert_int_equal(seen.n, 0);
        assert_int_equal(eg_mem_query().live_bytes, live);
    }
}

/* Options of a check: defaults, then one list of small values. */
static void out_of_memory(const char *name, const char *list, const char *text)
{
    const eg_theory *t = eg_theory_in(eg_memory_theories, name);
    void *opts = eg_calloc(1, t->options_size);
    const eg_field *draws = eg_field_find(t->fields, "draws");

    eg_fields_default(t->fields, opts);
    assert_int_equal(
        eg_field_parse(eg_field_find(t->fields, list), opts, text, NULL),
        EG_OK);
    if (draws) assert_int_equal(eg_field_parse(draws, opts, "2", NULL), EG_OK);
    check_out_of_memory(name, opts);
    eg_free(opts);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    out_of_memory("orthogonality", "dims", "[8]");
    out_of_memory("lemma1_gradient", "dims", "[4]");
    out_of_memory("lemma1_step", "dims", "[4]");
    out_of_memory("lemma1_span", "dims", "[4]");
    out_of_memory("lemma1_descent", "steps", "[1]");
    out_of_memory("lemma2", "dims", "[4]");
    out_of_memory("lemma2_samples", "samples", "[4]");
    out_of_memory("lemma2_gradient", "dims", "[4]");
    out_of_memory("key_query", "dims", "[4]");
}

/* progress returning false: what was emitted stands, no error. */
static bool stop_late(void *ctx, double done)
{
    (void)ctx;
    return done < .4;
}

static void test_stop(void **state)
{
    const eg_theory *t = eg_theory_in(eg_memory_theories, "orthogonality");
    eg_theory_out out = {.emit = keep, .progress = stop_late, .ctx = &seen};
    eg_theory_orthogonality o;
    eg_pool *pool = NULL;

    (void)state;
    memset(&seen, 0, sizeof seen);
    eg_fields_default(t->fields, &o);
    assert_int_equal(eg_field_parse(eg_field_find(t->fields, "dims"), &o,
                                    "[4, 5, 6, 7]", NULL),
                     EG_OK);
    assert_int_equal(eg_pool_new(&pool, 2, NULL), EG_OK);
    assert_int_equal(t->run(&o, 1, pool, &out, NULL), EG_OK);
    eg_pool_free(pool);
    assert_int_equal(seen.n, 2 * 8); /* two of four widths */
    assert_int_equal(seen.row[seen.n - 1].step, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_orthogonality),
        cmocka_unit_test(test_lemma1_gradient),
        cmocka_unit_test(test_lemma1_step),
        cmocka_unit_test(test_lemma1_descent),
        cmocka_unit_test(test_descent_on_matrix),
        cmocka_unit_test(test_lemma1_span),
        cmocka_unit_test(test_lemma2),
        cmocka_unit_test(test_lemma2_samples),
        cmocka_unit_test(test_gradients_at_zero),
        cmocka_unit_test(test_impostors),
        cmocka_unit_test(test_lost_losses),
        cmocka_unit_test(test_constructed),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
