/* Backward kernels of the float64 set against central differences of the
 * forward ones, along every coordinate of a small case. The tests of the fast
 * sets lean on this one. */
#include "kern_test.h"

enum { MAX = 4096 };

static void fill(double *x, eg_index n, double amplitude)
{
    for (eg_index i = 0; i < n; i++) x[i] = amplitude * kt_uniform();
}

static double dot(const double *x, const double *y, eg_index n)
{
    double sum = 0;
    for (eg_index i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* Compares grad with the differences of f(ctx) in the n coordinates of x.
 * Central differences with h = 1e-5 leave about h^2 + eps/h = 1e-10. */
static void check(const char *what, double (*f)(void *), void *ctx, double *x,
                  const double *grad, eg_index n)
{
    const double h = 1e-5;
    double err = 0, norm = 0, cross = 0, norm_d = 0;
    bool same = true;

    for (eg_index i = 0; i < n; i++) {
        double x0 = x[i], up, down, d;
        x[i] = x0 + h;
        up = f(ctx);
        x[i] = x0 - h;
        down = f(ctx);
        x[i] = x0;
        d = (up - down) / (2 * h);
        err += (d - grad[i]) * (d - grad[i]);
        norm += grad[i] * grad[i];
        norm_d += d * d;
        cross += d * grad[i];
        same = same && (d >= grad[i] && d <= grad[i]);
    }
    printf("%-24s relative error %.2e, 1 - cosine %.1e\n", what,
           sqrt(err / norm), 1 - cross / sqrt(norm * norm_d));
    assert_true(norm > 0);
    assert_false(same);
    assert_true(sqrt(err / norm) <= 1e-8 * kt_tol_scale());
}

/* f = sum of weights times attention output */
typedef struct attn_ctx {
    double q[MAX], k[MAX], v[MAX], z[MAX], p[4 * MAX], dz[MAX], work[4 * MAX];
    int32_t limit[40];
    bool shared; /* values are the keys */
} attn_ctx;
#define ROWS ((eg_index)40)
#define KEYS ((eg_index)47)
#define DH ((eg_index)5)
#define DV ((eg_index)3)

static double attn_value(void *ctx)
{
    attn_ctx *c = ctx;
    eg_index dv = c->shared ? DH : DV;
    kt_truth()->attn(c->z, dv, c->p, c->q, DH, c->limit, c->k, DH,
                     c->shared ? c->k : c->v, dv, ROWS, DH, dv, 0.7, c->work);
    return dot(c->z, c->dz, ROWS * dv);
}

static void attn_grads(attn_ctx *c, double *dq, double *dk, double *dv_)
{
    eg_index dv = c->shared ? DH : DV;
    attn_value(c);
    kt_truth()->attn_back(dq, DH, dk, DH, dv_, dv, c->dz, dv, c->z, dv, c->p,
                          c->q, DH, c->limit, c->k, DH, c->shared ? c->k : c->v,
                          dv, ROWS, DH, dv, 0.7, c->work);
}

static void test_attn(void **state)
{
    static attn_ctx c;
    double dq[ROWS * DH], dk[KEYS * DH] = {0}, dv[KEYS * DV] = {0};
    (void)state;

    fill(c.q, ROWS * DH, 1);
    fill(c.k, KEYS * DH, 1);
    fill(c.v, KEYS * DV, 1);
    fill(c.dz, ROWS * DH, 1);
    for (int r = 0; r < ROWS; r++) c.limit[r] = 1 + r / 3 * 3 + (r > 20) * 7;
    attn_grads(&c, dq, dk, dv);
    check("attention, queries", attn_value, &c, c.q, dq, ROWS * DH);
    check("attention, keys", attn_value, &c, c.k, dk, KEYS * DH);
    check("attention, values", attn_value, &c, c.v, dv, KEYS * DV);

    c.shared = true;
    memset(dk, 0, sizeof dk);
    attn_grads(&c, dq, dk, dk);
    check("attention, keys = values", attn_value, &c, c.k, dk, KEYS * DH);
}

typedef struct norm_ctx {
    double x[MAX], w[MAX], b[MAX], y[MAX], h[MAX], rstd[MAX], dy[MAX];
} norm_ctx;
#define NORM_ROWS ((eg_index)6)
#define NORM_D ((eg_index)11)

static double norm_value(void *ctx)
{
    norm_ctx *c = ctx;
    kt_truth()->layernorm(c->y, NORM_D, c->h, NORM_D, c->rstd, c->x, NORM_D,
                          c->w, c->b, NORM_ROWS, NORM_D, 1e-5);
    return dot(c->y, c->dy, NORM_ROWS * NORM_D);
}

static void test_layernorm(void **state)
{
    static norm_ctx c;
    double dx[NORM_ROWS * NORM_D] = {0}, dw[NORM_D] = {0}, db[NORM_D] = {0};
    (void)state;

    fill(c.x, NORM_ROWS * NORM_D, 2);
    fill(c.w, NORM_D, 1);
    fill(c.b, NORM_D, 1);
    fill(c.dy, NORM_ROWS * NORM_D, 1);
    norm_value(&c);
    kt_truth()->layernorm_back(dx, NORM_D, dw, db, c.dy, NORM_D, c.h, NORM_D,
                               c.rstd, c.w, NORM_ROWS, NORM_D);
    check("layernorm, input", norm_value, &c, c.x, dx, NORM_ROWS * NORM_D);
    check("layernorm, gain", norm_value, &c, c.w, dw, NORM_D);
    check("layernorm, bias", norm_value, &c, c.b, db, NORM_D);
}

typedef struct elem_ctx {
    void (*f)(double *, const double *, eg_index);
    double x[MAX], y[MAX], dy[MAX];
} elem_ctx;
#define ELEMS ((eg_index)40)

static double elem_value(void *ctx)
{
    elem_ctx *c = ctx;
    c->f(c->y, c->x, ELEMS);
    return dot(c->y, c->dy, ELEMS);
}

static void test_activations(void **state)
{
    static elem_ctx c;
    double dx[ELEMS];
    (void)state;

    fill(c.x, ELEMS, 4); /* no entry within h of the kink of relu */
    fill(c.dy, ELEMS, 1);
    c.f = kt_truth()->gelu;
    kt_truth()->gelu_back(dx, c.dy, c.x, ELEMS);
    check("gelu", elem_value, &c, c.x, dx, ELEMS);
    c.f = kt_truth()->relu;
    kt_truth()->relu_back(dx, c.dy, c.x, ELEMS);
    check("relu", elem_value, &c, c.x, dx, ELEMS);
}

typedef struct xent_ctx {
    double x[MAX];
    int32_t target[8];
} xent_ctx;
#define XENT_ROWS ((eg_index)8)
#define XENT_V ((eg_index)9)

static double xent_value(void *ctx)
{
    xent_ctx *c = ctx;
    double nll[XENT_ROWS], sum = 0;
    int32_t pred[XENT_ROWS];
    kt_truth()->xent(NULL, nll, pred, c->x, XENT_V, c->target, XENT_ROWS,
                     XENT_V, 0.25);
    for (int r = 0; r < XENT_ROWS; r++) sum += 0.25 * nll[r];
    return sum;
}

static void test_xent(void **state)
{
    static xent_ctx c = {.target = {3, 0, -1, 8, 4, 4, 1, -5}};
    double dx[XENT_ROWS * XENT_V], nll[XENT_ROWS];
    int32_t pred[XENT_ROWS];
    (void)state;

    fill(c.x, XENT_ROWS * XENT_V, 3);
    kt_truth()->xent(dx, nll, pred, c.x, XENT_V, c.target, XENT_ROWS, XENT_V,
                     0.25);
    check("cross-entropy", xent_value, &c, c.x, dx, XENT_ROWS * XENT_V);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attn),
        cmocka_unit_test(test_layernorm),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_xent),
    };
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
