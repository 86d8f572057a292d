/* Attention of every set against float64: forward, kept pattern, backward,
 * with causal, repeated, jumping and constant limits, one row, rows that fill
 * no block, narrow and odd heads, shared values and keys, absent outputs; and
 * the same where heads are wide and rows many enough for the matrix unit. */
#include "kern_test.h"
#include "sanitized.h"

typedef enum limits { CAUSAL, REPEATED, JUMPING, CONSTANT, N_LIMITS } limits;

typedef struct shape {
    eg_index rows, dh, dv;
} shape;

static void fill_limits(int32_t *limit, eg_index rows, limits kind)
{
    int32_t last = 1;
    for (eg_index r = 0; r < rows; r++) {
        if (kind == CAUSAL) last = (int32_t)r + 1;
        if (kind == REPEATED && r % 5 == 4) last += 3;
        if (kind == JUMPING && r % 11 == 10) last += 41;
        if (kind == CONSTANT) last = 70;
        limit[r] = last;
    }
}

/* One head with every array. pad widens all strides. */
typedef struct head {
    shape s;
    eg_index keys, ld;
    int32_t *limit;
    kt_buf q, k, v, z, p, dz, dq, dk, dv, work;
    double *workd;
    char what[96];
} head;

static void head_init(head *h, const kt_set *k, shape s, limits kind, int pad)
{
    eg_index width = s.dh > s.dv ? s.dh : s.dv;

    h->s = s;
    h->ld = width + pad;
    h->limit = calloc((size_t)s.rows + 1, sizeof *h->limit);
    fill_limits(h->limit, s.rows, kind);
    h->keys = s.rows ? h->limit[s.rows - 1] : 0;
    snprintf(h->what, sizeof h->what,
             "%s rows %td dh %td dv %td limits %d pad %d", k->name, s.rows,
             s.dh, s.dv, (int)kind, pad);
    h->q = kt_input(s.rows * h->ld, pad, 2);
    h->k = kt_input(h->keys * h->ld, pad, 2);
    h->v = kt_input(h->keys * h->ld, pad, 1);
    h->z = kt_new(s.rows * h->ld, pad, 1);
    h->p = kt_new(k->attn_size(h->limit, s.rows), pad, 1);
    h->dz = kt_input(s.rows * h->ld, pad, 1);
    h->dq = kt_new(s.rows * h->ld, pad, 1);
    h->dk = kt_new(h->keys * h->ld, pad, 1);
    h->dv = kt_new(h->keys * h->ld, pad, 1);
    h->work = kt_new(k->attn_work(s.dh, s.dv, h->keys), 0, 1);
    h->workd = calloc((size_t)kt_truth()->attn_work(s.dh, s.dv, h->keys) + 1,
                      sizeof(double));
}

static void head_release(head *h)
{
    kt_buf *all[] = {&h->q,  &h->k,  &h->v,  &h->z,  &h->p,
                     &h->dz, &h->dq, &h->dk, &h->dv, &h->work};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        kt_free(all[i], h->what);
    }
    free(h->limit);
    free(h->workd);
}

static void head_forward(head *h, const kt_set *k)
{
    const eg_kern_f64 *t = kt_truth();
    double scale = 0.25;

    k->attn(h->z.f, h->ld, h->p.f, h->q.f, h->ld, h->limit, h->k.f, h->ld,
            h->v.f, h->ld, h->s.rows, h->s.dh, h->s.dv, (kt_real)scale,
            h->work.f);
    t->attn(h->z.d, h->ld, h->p.d, h->q.d, h->ld, h->limit, h->k.d, h->ld,
            h->v.d, h->ld, h->s.rows, h->s.dh, h->s.dv, scale, h->workd);
}

static void head_backward(head *h, const kt_set *k, bool dq, bool dk, bool dv)
{
    const eg_kern_f64 *t = kt_truth();
    double scale = 0.25;

    k->attn_back(dq ? h->dq.f : NULL, h->ld, dk ? h->dk.f : NULL, h->ld,
                 dv ? h->dv.f : NULL, h->ld, h->dz.f, h->ld, h->z.f, h->ld,
                 h->p.f, h->q.f, h->ld, h->limit, h->k.f, h->ld, h->v.f, h->ld,
                 h->s.rows, h->s.dh, h->s.dv, (kt_real)scale, h->work.f);
    t->attn_back(dq ? h->dq.d : NULL, h->ld, dk ? h->dk.d : NULL, h->ld,
                 dv ? h->dv.d : NULL, h->ld, h->dz.d, h->ld, h->z.d, h->ld,
                 h->p.d, h->q.d, h->ld, h->limit, h->k.d, h->ld, h->v.d, h->ld,
                 h->s.rows, h->s.dh, h->s.dv, scale, h->workd);
}

/* Scores carry an error of about dh eps |q||k| scale, which the exponential
 * turns into a relative error of the pattern. */
static void head_compare(head *h, double *worst)
{
    double c = 8 + (double)h->s.dh;

    kt_compare(&h->p, &h->p, c, 1e-30, h->what, worst);
    kt_compare(&h->z, &h->z, c, 1, h->what, worst);
    kt_compare(&h->dq, &h->dq, 4 * c, 2, h->what, worst);
    kt_compare(&h->dk, &h->dk, 4 * c, 4, h->what, worst);
    kt_compare(&h->dv, &h->dv, 4 * c, 2, h->what, worst);
}

static const shape shapes[] = {
    {0, 8, 8},    {1, 1, 1},     {1, 16, 16},   {7, 8, 31},
    {31, 9, 7},   {32, 32, 32},  {33, 64, 16},  {64, 16, 64},
    {65, 33, 65}, {127, 24, 24}, {128, 48, 48}, {100, 128, 32},
};

/* Every shape with every kind of limits. */
static void compare_shapes(const kt_set *k, const shape *s, size_t n)
{
    double worst = 0;

    for (size_t i = 0; i < n; i++) {
        for (int kind = 0; kind < N_LIMITS; kind++) {
            head h;
            head_init(&h, k, s[i], (limits)kind, (kind & 1) * 3);
            head_forward(&h, k);
            head_backward(&h, k, true, true, true);
            head_compare(&h, &worst);
            head_release(&h);
        }
    }
    printf("%-8s worst error / bound %.3f\n", k->name, worst);
}

static void test_all(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        compare_shapes(k, shapes, sizeof shapes / sizeof shapes[0]);
    }
}

/* Rows and widths around whole groups of blocks, blocks and tiles; limits jump
 * over chunks of keys. */
static void test_large(void **state)
{
    static const shape large[] = {
        {256, 64, 64}, {257, 65, 64}, {272, 64, 80}, {303, 97, 66}};
    (void)state;
    KT_FOR_SETS(k)
    {
        compare_shapes(k, large, sizeof large / sizeof large[0]);
    }
}

/* More keys than one block of the sum over k. */
static void test_long(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        head h;
        head_init(&h, k, (shape){450, 20, 20}, CAUSAL, 0);
        head_forward(&h, k);
        head_backward(&h, k, true, true, true);
        head_compare(&h, &worst);
        head_release(&h);
        printf("%-8s worst error / bound %.3f\n", k->name, worst);
    }
}

/* Rows of the pattern sum to 1; a lane is zero beyond its limit, and so are
 * lanes without a row. */
static void check_pattern(const kt_set *k, shape s)
{
    eg_index lanes = (s.rows + 31) / 32 * 32;
    head h;
    const kt_real *p;

    head_init(&h, k, s, CAUSAL, 0);
    head_forward(&h, k);
    p = h.p.f;
    for (eg_index r = 0; r < lanes; r++) {
        eg_index last =
            r / 32 * 32 + 31 < s.rows ? r / 32 * 32 + 31 : s.rows - 1;
        eg_index keys = h.limit[last], own = r < s.rows ? h.limit[r] : 0;
        double sum = 0, worst = 0;
        for (eg_index key = 0; key < keys; key++) {
            kt_real x = p[key * EG_ATTN_BLOCK + r % 32];
            if (key >= own) assert_true(x == 0);
            sum += (double)x;
        }
        kt_close(sum, r < s.rows ? 1 : 0, 16 * KT_EPS, k->name, r, &worst);
        if (r % 32 == 31) p += keys * EG_ATTN_BLOCK;
    }
    head_release(&h);
}

static void test_pattern(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        check_pattern(k, (shape){75, 16, 16});
        check_pattern(k, (shape){267, 64, 64});
    }
}

/* Absent outputs change nothing in the others. */
static void check_absent(const kt_set *k, shape s, int mask)
{
    double worst = 0;
    head h;
    kt_buf dq, dk, dv;

    head_init(&h, k, s, CAUSAL, 0);
    head_forward(&h, k);
    dq = kt_copy(&h.dq, 0);
    dk = kt_copy(&h.dk, 0);
    dv = kt_copy(&h.dv, 0);
    head_backward(&h, k, mask & 1, mask & 2, mask & 4);
    head_compare(&h, &worst);
    if (!(mask & 1)) kt_compare(&h.dq, &dq, 0, 0, h.what, &worst);
    if (!(mask & 2)) kt_compare(&h.dk, &dk, 0, 0, h.what, &worst);
    if (!(mask & 4)) kt_compare(&h.dv, &dv, 0, 0, h.what, &worst);
    kt_free(&dq, h.what);
    kt_free(&dk, h.what);
    kt_free(&dv, h.what);
    head_release(&h);
}

static void test_absent(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        for (int mask = 0; mask < 8; mask++) {
            check_absent(k, (shape){45, 16, 24}, mask);
            check_absent(k, (shape){256, 64, 72}, mask);
        }
    }
}

/* Values that are the keys: both gradients go to one array. */
static void check_shared(const kt_set *k, shape s)
{
    const eg_kern_f64 *t = kt_truth();
    double worst = 0;
    head h;

    head_init(&h, k, s, CAUSAL, 0);
    k->attn(h.z.f, h.ld, h.p.f, h.q.f, h.ld, h.limit, h.k.f, h.ld, h.k.f, h.ld,
            s.rows, s.dh, s.dv, 0.25f, h.work.f);
    t->attn(h.z.d, h.ld, h.p.d, h.q.d, h.ld, h.limit, h.k.d, h.ld, h.k.d, h.ld,
            s.rows, s.dh, s.dv, 0.25, h.workd);
    k->attn_back(h.dq.f, h.ld, h.dk.f, h.ld, h.dk.f, h.ld, h.dz.f, h.ld, h.z.f,
                 h.ld, h.p.f, h.q.f, h.ld, h.limit, h.k.f, h.ld, h.k.f, h.ld,
                 s.rows, s.dh, s.dv, 0.25f, h.work.f);
    t->attn_back(h.dq.d, h.ld, h.dk.d, h.ld, h.dk.d, h.ld, h.dz.d, h.ld, h.z.d,
                 h.ld, h.p.d, h.q.d, h.ld, h.limit, h.k.d, h.ld, h.k.d, h.ld,
                 s.rows, s.dh, s.dv, 0.25, h.workd);
    head_compare(&h, &worst);
    head_release(&h);
}

static void test_shared(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        check_shared(k, (shape){77, 32, 32});
        check_shared(k, (shape){260, 64, 64});
    }
}

static void test_scores(void **state)
{
    const eg_kern_f64 *t = kt_truth();
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (eg_index dh = 0; dh <= 70; dh += 7) {
            kt_buf q = kt_input(dh, 1, 1), key = kt_input(33 * (dh + 2), 1, 1);
            kt_buf s = kt_new(33, 1, 1);
            k->attn_scores(s.f, q.f, key.f, dh + 2, 33, dh, 0.5f);
            t->attn_scores(s.d, q.d, key.d, dh + 2, 33, dh, 0.5);
            kt_compare(&s, &s, (double)dh + 1, (double)dh / 8, k->name, &worst);
            kt_free(&q, k->name);
            kt_free(&key, k->name);
            kt_free(&s, k->name);
        }
    }
}

/* A NaN in one query stays in its row; one in a key reaches the rows that see
 * it and no earlier one. Scores of +-200 do not overflow. */
static void check_extreme(const kt_set *k, shape s)
{
    double worst = 0;
    head h;

    head_init(&h, k, s, CAUSAL, 0);
    h.q.f[5 * h.ld + 3] = NAN;
    h.k.f[40 * h.ld] = NAN;
    head_forward(&h, k);
    for (eg_index i = 0; i < h.z.n; i++) {
        eg_index r = i / h.ld;
        assert_int_equal(isnan(h.z.f[i]) != 0, r == 5 || r >= 40);
    }
    head_release(&h);

    head_init(&h, k, s, CAUSAL, 0);
    for (eg_index i = 0; i < h.q.n; i++) {
        h.q.f[i] *= 32;
        h.q.d[i] *= 32;
    }
    head_forward(&h, k);
    kt_compare(&h.z, &h.z, 64 * 24, 1, h.what, &worst);
    head_release(&h);
}

static void test_extreme(void **state)
{
    (void)state;
    KT_FOR_SETS(k)
    {
        check_extreme(k, (shape){64, 16, 16});
        check_extreme(k, (shape){256, 64, 64});
    }
}

/* ------------------------------------------------- scores from two tables --
 */

/* One head with scores from tables of V (padded to ldt's needs) columns for
 * tokens and one a position. */
typedef struct tabled {
    eg_index rows, dv, V, keys, ld, ldt;
    int32_t *limit, *token;
    kt_buf te, tp, v, z, p, dz, dte, dtp, dv_, work;
    double *workd;
    char what[96];
} tabled;

static void tabled_init(tabled *h, const kt_set *k, shape s, limits kind,
                        int pad)
{
    const eg_kern_f64 *t = kt_truth();

    *h = (tabled){.rows = s.rows, .V = s.dh, .dv = s.dv, .ld = s.dv + pad};
    h->limit = calloc((size_t)s.rows + 1, sizeof *h->limit);
    fill_limits(h->limit, s.rows, kind);
    h->keys = s.rows ? h->limit[s.rows - 1] : 0;
    h->token = calloc((size_t)h->keys + 1, sizeof *h->token);
    for (eg_index i = 0; i < h->keys; i++)
        h->token[i] = (int32_t)((i * i + 3 * i / 2) % h->V);
    h->ldt = h->V + h->keys + pad;
    snprintf(h->what, sizeof h->what, "%s rows %td V %td dv %td limits %d",
             k->name, s.rows, s.dh, s.dv, (int)kind);
    h->te = kt_input(h->V * h->ldt, pad, 2);
    h->tp = kt_input(h->keys * h->ldt, pad, 2);
    h->v = kt_input(h->keys * h->ld, pad, 1);
    h->z = kt_new(s.rows * h->ld, pad, 1);
    h->p = kt_new(k->attn_size(h->limit, s.rows), pad, 1);
    h->dz = kt_input(s.rows * h->ld, pad, 1);
    h->dte = kt_new(h->V * h->ldt, pad, 1);
    h->dtp = kt_new(h->keys * h->ldt, pad, 1);
    h->dv_ = kt_new(h->keys * h->ld, pad, 1);
    h->work = kt_new(k->attn_table_work(h->V, s.dv, h->keys), 0, 1);
    h->workd = calloc((size_t)t->attn_table_work(h->V, s.dv, h->keys) + 1,
                      sizeof(double));
}

static void tabled_release(tabled *h)
{
    kt_buf *all[] = {&h->te, &h->tp,  &h->v,   &h->z,   &h->p,
                     &h->dz, &h->dte, &h->dtp, &h->dv_, &h->work};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        kt_free(all[i], h->what);
    free(h->limit);
    free(h->token);
    free(h->workd);
}

/* mask: 1 positions have a table, 2 the tables' gradients are wanted, 4 those
 * of values. */
static void tabled_run(tabled *h, const kt_set *k, int mask)
{
    const eg_kern_f64 *t = kt_truth();
    bool pos = mask & 1, grads = mask & 2, values = mask & 4;

    k->attn_table(h->z.f, h->ld, h->p.f, h->te.f, pos ? h->tp.f : NULL, h->ldt,
                  h->V, h->token, h->limit, h->v.f, h->ld, h->rows, h->dv,
                  h->work.f);
    t->attn_table(h->z.d, h->ld, h->p.d, h->te.d, pos ? h->tp.d : NULL, h->ldt,
                  h->V, h->token, h->limit, h->v.d, h->ld, h->rows, h->dv,
                  h->workd);
    k->attn_table_back(grads ? h->dte.f : NULL, grads && pos ? h->dtp.f : NULL,
                       h->ldt, h->V, h->token, values ? h->dv_.f : NULL, h->ld,
                       h->dz.f, h->ld, h->z.f, h->ld, h->p.f, h->limit, h->v.f,
                       h->ld, h->rows, h->dv, h->work.f);
    t->attn_table_back(grads ? h->dte.d : NULL, grads && pos ? h->dtp.d : NULL,
                       h->ldt, h->V, h->token, values ? h->dv_.d : NULL, h->ld,
                       h->dz.d, h->ld, h->z.d, h->ld, h->p.d, h->limit, h->v.d,
                       h->ld, h->rows, h->dv, h->workd);
}

static void tabled_compare(tabled *h, double *worst)
{
    double c = 16 + (double)h->dv;

    kt_compare(&h->p, &h->p, 16, 1e-30, h->what, worst);
    kt_compare(&h->z, &h->z, 16, 1, h->what, worst);
    kt_compare(&h->dte, &h->dte, 4 * c, 2, h->what, worst);
    kt_compare(&h->dtp, &h->dtp, 4 * c, 2, h->what, worst);
    kt_compare(&h->dv_, &h->dv_, 4 * c, 2, h->what, worst);
}

/* Prime to the numbers of forms. */
enum { STRIDE = SANITIZED ? 5 : 1 };

static void test_tables(void **state)
{
    static const shape s[] = {{0, 3, 8},     {1, 1, 1},    {7, 5, 9},
                              {33, 16, 32},  {64, 80, 64}, {100, 37, 65},
                              {256, 80, 128}};
    (void)state;
    KT_FOR_SETS(k)
    {
        double worst = 0;
        for (size_t i = 0; i < sizeof s / sizeof *s; i++)
            for (int mask = 0; mask < 8 * N_LIMITS; mask += STRIDE) {
                tabled h;
                tabled_init(&h, k, s[i], (limits)(mask / 8), mask % 3);
                tabled_run(&h, k, mask % 8);
                tabled_compare(&h, &worst);
                tabled_release(&h);
            }
        printf("%-8s worst error / bound %.3f\n", k->name, worst);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),    cmocka_unit_test(test_large),
        cmocka_unit_test(test_long),   cmocka_unit_test(test_pattern),
        cmocka_unit_test(test_absent), cmocka_unit_test(test_shared),
        cmocka_unit_test(test_scores), cmocka_unit_test(test_extreme),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests_name("attn", tests, NULL, NULL);
}
