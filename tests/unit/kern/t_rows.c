/* Layer normalisation, cross-entropy and embedding of every set against
 * float64. */
#include "kern_test.h"

static const eg_index widths[] = {0,  1,  2,  7,  8,   9,   15,  16, 17,
                                  31, 33, 64, 65, 127, 128, 200, 301};
enum { N_WIDTHS = sizeof widths / sizeof widths[0] };
#define ROWS ((eg_index)5)

static void layernorm_case(const kt_set *k, eg_index d, bool in_place,
                           double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    eg_index ld = d + 3;
    kt_buf x = kt_new(ROWS * ld, 1, 3), y = kt_new(ROWS * ld, 2, 1);
    kt_buf h = kt_new(ROWS * ld, 1, 1), rstd = kt_new(ROWS, 1, 1);
    kt_buf w = kt_input(d, 1, 1), b = kt_input(d, 1, 1);
    kt_buf dx = kt_new(ROWS * ld, 1, 1), dy = kt_input(ROWS * ld, 1, 1);
    kt_buf dw = kt_new(d, 1, 1), db = kt_new(d, 1, 1);
    kt_buf *all[] = {&x, &y, &h, &rstd, &w, &b, &dx, &dy, &dw, &db};
    kt_buf *out = in_place ? &x : &y;
    char what[64];

    snprintf(what, sizeof what, "%s layernorm d %td", k->name, d);
    k->layernorm(out->f, ld, h.f, ld, rstd.f, x.f, ld, w.f, b.f, ROWS, d, 1e-5);
    t->layernorm(out->d, ld, h.d, ld, rstd.d, x.d, ld, w.d, b.d, ROWS, d, 1e-5);
    /* from the same saved values: the two backward passes alone */
    kt_compare(&rstd, &rstd, 8 + (double)d / 8, 0, what, worst);
    kt_compare(&h, &h, 16 + (double)d / 4, 1, what, worst);
    kt_compare(out, out, 16 + (double)d / 4, 1, what, worst);
    for (eg_index i = 0; i < h.n; i++) h.d[i] = (double)h.f[i];
    for (eg_index i = 0; i < ROWS; i++) rstd.d[i] = (double)rstd.f[i];
    k->layernorm_back(dx.f, ld, dw.f, db.f, dy.f, ld, h.f, ld, rstd.f, w.f,
                      ROWS, d);
    t->layernorm_back(dx.d, ld, dw.d, db.d, dy.d, ld, h.d, ld, rstd.d, w.d,
                      ROWS, d);
    for (eg_index r = 0; r < ROWS; r++) {
        double top = fabs(rstd.d[r]) + 1;
        for (eg_index i = 0; i < ld; i++) {
            double tol = (16 + (double)d / 4) * KT_EPS * top;
            kt_close((double)dx.f[r * ld + i], dx.d[r * ld + i], tol, what,
                     r * ld + i, worst);
        }
    }
    kt_compare(&dw, &dw, 2 * ROWS, ROWS, what, worst);
    kt_compare(&db, &db, 2 * ROWS, ROWS, what, worst);
    k->layernorm_back(dx.f, ld, NULL, NULL, dy.f, ld, h.f, ld, rstd.f, w.f,
                      ROWS, d);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        kt_free(all[i], what);
    }
}

static void test_layernorm(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (int i = 0; i < N_WIDTHS; i++) {
            layernorm_case(k, widths[i], false, &worst);
            layernorm_case(k, widths[i], true, &worst);
        }
        printf("%-8s worst error / bound %.3f\n", k->name, worst);
    }
}

static void xent_case(const kt_set *k, eg_index V, int mode, double *worst)
{
    const eg_kern_f64 *t = kt_truth();
    eg_index ld = V + 5;
    kt_buf x = kt_new(ROWS * ld, 1, 6), dx = kt_new(ROWS * ld, 2, 1);
    kt_buf *out = mode == 1 ? &x : &dx;
    int32_t target[ROWS], pred[ROWS + 1] = {0}, pred_t[ROWS + 1] = {0};
    double nll[ROWS + 1], nll_t[ROWS + 1];
    char what[64];

    snprintf(what, sizeof what, "%s xent V %td mode %d", k->name, V, mode);
    for (eg_index r = 0; r < ROWS; r++) target[r] = (int32_t)((7 * r + 3) % V);
    target[2] = -1;
    for (eg_index r = 0; r < ROWS; r++) { /* ties: two equal maxima */
        eg_index a = (r * 5) % V, b = (r * 11 + 4) % V;
        x.f[r * ld + a] = x.f[r * ld + b] = 7;
        x.d[r * ld + a] = x.d[r * ld + b] = 7;
    }
    nll[ROWS] = nll_t[ROWS] = 99;
    pred[ROWS] = 99;
    k->xent(mode == 2 ? NULL : out->f, nll, pred, x.f, ld, target, ROWS, V,
            0.125f);
    t->xent(mode == 2 ? NULL : out->d, nll_t, pred_t, x.d, ld, target, ROWS, V,
            0.125);
    assert_true(nll[ROWS] == 99 && pred[ROWS] == 99);
    for (eg_index r = 0; r < ROWS; r++) {
        assert_int_equal(pred[r], pred_t[r]);
        /* the logarithm and the largest logit are float64 everywhere */
        double tol = (8 + (double)V / 8) * KT_EPS + 16 * DBL_EPSILON;
        kt_close(nll[r], nll_t[r], tol, what, r, worst);
    }
    assert_true(nll[2] == 0);
    kt_compare(out, out, 8 + (double)V / 8, 0.125, what, worst);
    kt_free(&x, what);
    kt_free(&dx, what);
}

static void test_xent(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (int i = 1; i < N_WIDTHS; i++) {
            for (int mode = 0; mode < 3; mode++) {
                xent_case(k, widths[i], mode, &worst);
            }
        }
        printf("%-8s worst error / bound %.3f\n", k->name, worst);
    }
}

/* Divergence must be visible; hidden tokens (-inf logits) must not be one. */
static void test_xent_extreme(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        kt_real x[3 * 40], dx[3 * 40];
        int32_t target[3] = {1, 1, 1}, pred[3];
        double nll[3];
        for (int i = 0; i < 120; i++) x[i] = (kt_real)(i % 3);
        x[5] = NAN;
        x[40 + 5] = INFINITY;
        x[80 + 5] = -INFINITY;
        k->xent(dx, nll, pred, x, 40, target, 3, 40, 1);
        assert_false(isfinite(nll[0]));
        assert_false(isfinite(nll[1]));
        assert_true(isnan(dx[3]));
        assert_true(isfinite(nll[2]) && dx[80 + 5] == 0);
        for (int r = 0; r < 3; r++) assert_in_range(pred[r], 0, 39);
    }
}

static void test_embed(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        for (int i = 0; i < N_WIDTHS; i++) {
            eg_index d = widths[i], ld = d + 2;
            const int32_t tokens[ROWS] = {3, 0, 3, 6, 1};
            kt_buf e = kt_input(7 * ld, 1, 1), p = kt_input(ROWS * ld, 1, 1);
            kt_buf y = kt_new(ROWS * ld, 1, 1), before = kt_copy(&y, 0);
            for (int with = 0; with < 2; with++) {
                k->embed(y.f, ld, e.f, ld, with ? p.f : NULL, ld, tokens, ROWS,
                         d);
                for (eg_index j = 0; j < y.n; j++) {
                    eg_index r = j / ld, c = j % ld;
                    kt_real want =
                        c < d ? e.f[tokens[r] * ld + c] : before.f[j];
                    if (with && c < d) want += p.f[j];
                    assert_true(y.f[j] == want);
                }
            }
            kt_free(&e, k->name);
            kt_free(&p, k->name);
            kt_free(&y, k->name);
            kt_free(&before, k->name);
        }
    }
}

/* Gathered rows and their scatter, with repeated tokens, gaps between the
 * positions, and every argument that may be NULL. */
static void check_table(const kt_set *k, const eg_kern_f64 *ref, eg_index n,
                        int with, double *worst)
{
    enum { V = 5, T = 9 };
    const int32_t token[T] = {3, 0, 3, 4, 1, 0, 2, 3, 3};
    const int32_t limit[ROWS] = {1, 2, 4, 8, 9};
    eg_index ld = n + 2, ldy = n + 3;
    kt_buf e = kt_input(V * ld, 1, 1), p = kt_input(T * ld, 1, 1);
    kt_buf s = kt_input(T, 1, 1), b = kt_input(n, 1, 1);
    kt_buf y = kt_new(ROWS * ldy, 1, 1), dy = kt_input(ROWS * ldy, 1, 1);
    kt_buf de = kt_new(V * ld, 1, 1), dp = kt_new(T * ld, 1, 1);
    kt_buf db = kt_new(n, 1, 1), dots = kt_new(ROWS, 1, 1);
    bool pos = with & 1, norm = with & 2;

    k->gather(y.f, ldy, e.f, pos ? p.f : NULL, ld, token, limit,
              norm ? s.f : NULL, norm ? b.f : NULL, ROWS, n);
    ref->gather(y.d, ldy, e.d, pos ? p.d : NULL, ld, token, limit,
                norm ? s.d : NULL, norm ? b.d : NULL, ROWS, n);
    kt_compare(&y, &y, 4, 2, k->name, worst);
    for (eg_index i = 0; i < y.n; i++) y.d[i] = (double)y.f[i];
    k->gather_back(de.f, pos ? dp.f : NULL, norm ? db.f : NULL,
                   norm ? dots.f : NULL, ld, token, limit, norm ? s.f : NULL,
                   dy.f, norm ? y.f : NULL, ldy, norm ? b.f : NULL, ROWS, n);
    ref->gather_back(de.d, pos ? dp.d : NULL, norm ? db.d : NULL,
                     norm ? dots.d : NULL, ld, token, limit, norm ? s.d : NULL,
                     dy.d, norm ? y.d : NULL, ldy, norm ? b.d : NULL, ROWS, n);
    kt_compare(&de, &de, 2 * ROWS, 1, k->name, worst);
    kt_compare(&dp, &dp, 2 * ROWS, 1, k->name, worst);
    kt_compare(&db, &db, 2 * ROWS, 1, k->name, worst);
    kt_compare(&dots, &dots, 4 + (double)n / 8, 4, k->name, worst);
    enum { N_BUFS = 10 };
    kt_buf *all[N_BUFS] = {&e, &p, &s, &b, &y, &dy, &de, &dp, &db, &dots};
    for (int i = 0; i < N_BUFS; i++) kt_free(all[i], k->name);
}

static void test_table(void **state)
{
    const eg_kern_f64 *ref = kt_truth();

    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (int i = 0; i < N_WIDTHS; i++)
            for (int with = 0; with < 4; with++)
                check_table(k, ref, widths[i], with, &worst);
        printf("  %-8s tables: %.2f of the tolerance\n", k->name, worst);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layernorm),    cmocka_unit_test(test_xent),
        cmocka_unit_test(test_xent_extreme), cmocka_unit_test(test_embed),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
