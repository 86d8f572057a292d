/* Elementwise kernels, float64 sums and optimisers of the fast sets. NaN and
 * infinities pass through. */

/* y[i] = F(x[i]) over vectors; the tail through partial loads. */
#define MAP1(n, y, x, F)                          \
    do {                                          \
        eg_index i_ = 0, left_;                   \
        for (; i_ + W <= (n); i_ += W) {          \
            vstore((y) + i_, F(vload((x) + i_))); \
        }                                         \
        left_ = (n)-i_;                           \
        if (left_ > 0) {                          \
            vec x_ = vload_n((x) + i_, left_);    \
            vstore_n((y) + i_, F(x_), left_);     \
        }                                         \
    } while (0)

/* y[i] = F(a[i], b[i]). */
#define MAP2(n, y, a, b, F)                                                   \
    do {                                                                      \
        eg_index i_ = 0, left_;                                               \
        for (; i_ + W <= (n); i_ += W) {                                      \
            vstore((y) + i_, F(vload((a) + i_), vload((b) + i_)));            \
        }                                                                     \
        left_ = (n)-i_;                                                       \
        if (left_ > 0) {                                                      \
            vec a_ = vload_n((a) + i_, left_), b_ = vload_n((b) + i_, left_); \
            vstore_n((y) + i_, F(a_, b_), left_);                             \
        }                                                                     \
    } while (0)

INLINE vec relu_op(vec x)
{
    return vmax(vset(0), x);
}

static void fast_relu(real *y, const real *x, eg_index n)
{
    MAP1(n, y, x, relu_op);
}

INLINE vec relu_back_op(vec dy, vec x)
{
    return vsel(x <= 0, vset(0), dy);
}

static void fast_relu_back(real *dx, const real *dy, const real *x, eg_index n)
{
    MAP2(n, dx, dy, x, relu_back_op);
}

INLINE vec clip_op(vec x, vec top)
{
    return vmin(top, vmax(-top, x));
}

static void fast_clip(real *y, const real *x, real top, eg_index n)
{
    eg_index i = 0;

    for (; i + W <= n; i += W) vstore(y + i, clip_op(vload(x + i), vset(top)));
    if (i < n)
        vstore_n(y + i, clip_op(vload_n(x + i, n - i), vset(top)), n - i);
}

INLINE vec clip_back_op(vec dy, vec x, vec top)
{
    return vsel((x <= top) & (x >= -top), dy, vset(0));
}

static void fast_clip_back(real *dx, const real *dy, const real *x, real top,
                           eg_index n)
{
    eg_index i = 0;

    for (; i + W <= n; i += W)
        vstore(dx + i, clip_back_op(vload(dy + i), vload(x + i), vset(top)));
    if (i < n)
        vstore_n(dx + i,
                 clip_back_op(vload_n(dy + i, n - i), vload_n(x + i, n - i),
                              vset(top)),
                 n - i);
}

/* sqrt(8/pi), that times 0.044715 and 3 times the latter; e^GELU_MOST has a
 * reciprocal. */
#define GELU_A (real)1.5957691216057307
#define GELU_B (real)0.07135481627260025
#define GELU_3B (real)0.21406444881780075
#ifdef VEC_F64
#define GELU_MOST 707
#else
#define GELU_MOST 86
#endif

/* 1 / (1 + e^-2u), u = sqrt(2/pi) (x + 0.044715 x^3), so that gelu(x) is x
 * times it: the tanh form. */
INLINE vec gelu_gate(vec x)
{
    vec z = x * (-GELU_A - GELU_B * x * x);
    return vrcp(1 + vexp(vmin(vset(GELU_MOST), z)));
}

INLINE vec gelu_op(vec x)
{
    return x * gelu_gate(x);
}

static void fast_gelu(real *y, const real *x, eg_index n)
{
    MAP1(n, y, x, gelu_op);
}

/* Beyond 20 the slope is 0 or 1 and x^3 might overflow. */
INLINE vec gelu_back_op(vec dy, vec x)
{
    vec c = vmax(vset(-20), vmin(vset(20), x)), s = gelu_gate(c);
    vec du2 = GELU_A + GELU_3B * c * c;
    return dy * (s + c * s * (1 - s) * du2);
}

static void fast_gelu_back(real *dx, const real *dy, const real *x, eg_index n)
{
    MAP2(n, dx, dy, x, gelu_back_op);
}

INLINE vec add_op(vec y, vec x)
{
    return y + x;
}

static void fast_add(real *y, const real *x, eg_index n)
{
    MAP2(n, y, y, x, add_op);
}

static void fast_axpy(real *y, real a, const real *x, eg_index n)
{
#define AXPY_OP(y_, x_) ((y_) + a * (x_))
    MAP2(n, y, y, x, AXPY_OP);
#undef AXPY_OP
}

static void fast_scale(real *y, real a, eg_index n)
{
#define SCALE_OP(y_) (a * (y_))
    MAP1(n, y, y, SCALE_OP);
#undef SCALE_OP
}

/* Four accumulators of DW doubles, then one fixed order. */
static double fast_dot(const real *x, const real *y, eg_index n)
{
    const eg_index H = DW;
    dvec s[4] = {{0}, {0}, {0}, {0}};
    double sum = 0;
    eg_index i = 0;

    for (; i + 4 * H <= n; i += 4 * H) {
#pragma GCC unroll 4
        for (eg_index j = 0; j < 4; j++) {
            s[j] += vload_wide(x + i + j * H) * vload_wide(y + i + j * H);
        }
    }
    for (; i + H <= n; i += H) s[0] += vload_wide(x + i) * vload_wide(y + i);
    s[0] = (s[0] + s[1]) + (s[2] + s[3]);
    for (eg_index j = 0; j < H; j++) sum += s[0][j];
    for (; i < n; i++) sum += (double)x[i] * (double)y[i];
    return sum;
}

static double fast_sumsq(const real *x, eg_index n)
{
    return fast_dot(x, x, n);
}

/* One vector of the momentum step; m is NULL without momentum. */
INLINE void sgd_step(vec *w, vec *m, vec g, real lr, real mu, real wd)
{
    vec step = g + wd * *w;
    if (m) {
        step += mu * *m;
        *m = step;
    }
    *w -= lr * step;
}

static void fast_sgd(real *w, real *m, const real *g, eg_index n, real lr,
                     real mu, real wd, int first)
{
    for (eg_index i = 0; i < n; i += W) {
        eg_index k = n - i < W ? n - i : W;
        bool whole = k == W;
        vec wi = whole ? vload(w + i) : vload_n(w + i, k), mi = {0};
        vec gi = whole ? vload(g + i) : vload_n(g + i, k);

        if (m && !first) mi = whole ? vload(m + i) : vload_n(m + i, k);
        sgd_step(&wi, m ? &mi : NULL, gi, lr, mu, wd);
        if (whole) {
            vstore(w + i, wi);
            if (m) vstore(m + i, mi);
        } else {
            vstore_n(w + i, wi, k);
            if (m) vstore_n(m + i, mi, k);
        }
    }
}

typedef struct adam_rates {
    real b1, a1, b2, a2; /* a = 1 - b */
    real wd_l2, keep;    /* keep = 1 - lr wd */
    real step, inv_c2, eps;
} adam_rates;

INLINE void adam_step(vec *w, vec *m, vec *v, vec g, const adam_rates *r)
{
    g += r->wd_l2 * *w;
    *m = r->b1 * *m + r->a1 * g;
    *v = r->b2 * *v + r->a2 * (g * g);
    *w = r->keep * *w - r->step * *m / (vsqrt(*v * r->inv_c2) + r->eps);
}

static void fast_adam(real *w, real *m, real *v, const real *g, eg_index n,
                      double lr, double b1, double b2, double eps, double wd_l2,
                      double wd, double c1, double c2)
{
    const adam_rates rates = {
        (real)b1,        (real)(1 - b1), (real)b2,
        (real)(1 - b2),  (real)wd_l2,    (real)(1 - lr * wd),
        (real)(lr / c1), (real)(1 / c2), (real)eps};
    eg_index i = 0, k;

    for (; i + W <= n; i += W) {
        vec wi = vload(w + i), mi = vload(m + i), vi = vload(v + i);
        adam_step(&wi, &mi, &vi, vload(g + i), &rates);
        vstore(w + i, wi);
        vstore(m + i, mi);
        vstore(v + i, vi);
    }
    k = n - i;
    if (k > 0) {
        vec wi = vload_n(w + i, k), mi = vload_n(m + i, k);
        vec vi = vload_n(v + i, k);
        adam_step(&wi, &mi, &vi, vload_n(g + i, k), &rates);
        vstore_n(w + i, wi, k);
        vstore_n(m + i, mi, k);
        vstore_n(v + i, vi, k);
    }
}
