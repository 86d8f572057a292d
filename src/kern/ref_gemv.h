/* A large matrix times one vector, from either side: the reference. */

static void ref_gemv(real *y, const real *x, const real *a, eg_index lda,
                     eg_index m, eg_index n)
{
    for (eg_index j = 0; j < n; j++) {
        double sum = 0;

        for (eg_index i = 0; i < m; i++)
            sum += (double)x[i] * (double)a[i * lda + j];
        y[j] = (real)sum;
    }
}

/* x = softmax(scale x) */
static void ref_softmax(real *x, real scale, eg_index n)
{
    double top = -HUGE_VAL, sum = 0;

    for (eg_index i = 0; i < n; i++) {
        double s = (double)scale * (double)x[i];

        if (s > top) top = s;
    }
    for (eg_index i = 0; i < n; i++)
        sum += exp((double)scale * (double)x[i] - top);
    for (eg_index i = 0; i < n; i++)
        x[i] = (real)(exp((double)scale * (double)x[i] - top) / sum);
}

static void ref_gemv_t(real *y, const real *a, eg_index lda, const real *x,
                       eg_index m, eg_index n)
{
    for (eg_index i = 0; i < m; i++) y[i] = (real)ref_dot(a + i * lda, x, n);
}
