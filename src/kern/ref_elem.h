/* Reference elementwise kernels and optimisers, for a real type `real`; see
 * ref_impl.h. NaN and infinities pass through. */

static void ref_relu(real *y, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

static void ref_relu_back(real *dx, const real *dy, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) dx[i] = x[i] <= 0 ? 0 : dy[i];
}

static void ref_clip(real *y, const real *x, real top, eg_index n)
{
    for (eg_index i = 0; i < n; i++)
        y[i] = x[i] > top ? top : x[i] < -top ? -top : x[i];
}

static void ref_clip_back(real *dx, const real *dy, const real *x, real top,
                          eg_index n)
{
    for (eg_index i = 0; i < n; i++)
        dx[i] = x[i] <= top && x[i] >= -top ? dy[i] : 0;
}

/* gelu(x) = x (1 + tanh u) / 2, u = sqrt(2/pi) (x + 0.044715 x^3). */
static const double REF_GELU_A = 0.79788456080286535588;
static const double REF_GELU_B = 0.044715;

static void ref_gelu(real *y, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        double v = (double)x[i];
        double u = REF_GELU_A * (v + REF_GELU_B * v * v * v);
        y[i] = (real)(0.5 * v * (1 + tanh(u)));
    }
}

static void ref_gelu_back(real *dx, const real *dy, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) {
        double v = (double)x[i];
        double u = REF_GELU_A * (v + REF_GELU_B * v * v * v);
        double du = REF_GELU_A * (1 + 3 * REF_GELU_B * v * v);
        double t = tanh(u);
        double slope = 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * du;
        dx[i] = (real)((double)dy[i] * slope);
    }
}

static void ref_add(real *y, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) y[i] += x[i];
}

static void ref_axpy(real *y, real a, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) y[i] += a * x[i];
}

static void ref_scale(real *y, real a, eg_index n)
{
    for (eg_index i = 0; i < n; i++) y[i] *= a;
}

static double ref_sumsq(const real *x, eg_index n)
{
    return ref_dot(x, x, n);
}

static void ref_sgd(real *w, real *m, const real *g, eg_index n, real lr,
                    real mu, real wd, int first)
{
    for (eg_index i = 0; i < n; i++) {
        double step = (double)g[i] + (double)wd * (double)w[i];
        if (m) {
            if (!first) step += (double)mu * (double)m[i];
            m[i] = (real)step;
        }
        w[i] = (real)((double)w[i] - (double)lr * step);
    }
}

static void ref_adam(real *w, real *m, real *v, const real *g, eg_index n,
                     double lr, double b1, double b2, double eps, double wd_l2,
                     double wd, double c1, double c2)
{
    for (eg_index i = 0; i < n; i++) {
        double wi = (double)w[i];
        double gi = (double)g[i] + wd_l2 * wi;
        double mi = b1 * (double)m[i] + (1 - b1) * gi;
        double vi = b2 * (double)v[i] + (1 - b2) * gi * gi;

        m[i] = (real)mi;
        v[i] = (real)vi;
        w[i] =
            (real)(wi * (1 - lr * wd) - lr * (mi / c1) / (sqrt(vi / c2) + eps));
    }
}
