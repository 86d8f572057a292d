/* Products of a small matrix with vectors, and its update: the reference. */

static void ref_vecmat(real *y, const real *x, const real *a, eg_index m,
                       eg_index n)
{
    for (eg_index j = 0; j < n; j++) {
        double sum = 0;

        for (eg_index i = 0; i < m; i++)
            sum += (double)x[i] * (double)a[i * n + j];
        y[j] = (real)sum;
    }
}

static void ref_rowdot(real *y, const real *a, const real *x, eg_index ldx,
                       eg_index m, eg_index n)
{
    for (eg_index i = 0; i < m; i++)
        y[i] = (real)ref_dot(a + i * n, x + i * ldx, n);
}

static void ref_rank1(real *y, const real *a, const real *g, eg_index gs,
                      const real *x, const real *z, eg_index m, eg_index n)
{
    for (eg_index i = 0; i < m; i++)
        for (eg_index j = 0; j < n; j++) {
            real kept = g ? g[i * gs] * a[i * n + j] : a[i * n + j];

            y[i * n + j] = kept + x[i] * z[j];
        }
}

static void ref_muladd(real *y, const real *a, const real *x, eg_index n)
{
    for (eg_index i = 0; i < n; i++) y[i] += a[i] * x[i];
}
