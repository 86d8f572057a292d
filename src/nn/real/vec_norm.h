/* The norm of one vector of d entries, for mixers that normalise between one
 * token and the next; an op over rows is nn/ops/layernorm.h. */

/* hat = (x - mean) / std, std = sqrt(variance + eps); returns 1 / std, 0 for a
 * variance of 0 without eps. */
static real vec_norm(eg_index d, double eps, real *hat, const real *x)
{
    double mean = 0, var = 0;
    real rstd;

    for (eg_index i = 0; i < d; i++) mean += (double)x[i];
    mean /= (double)d;
    for (eg_index i = 0; i < d; i++) {
        double off = (double)x[i] - mean;
        var += off * off;
    }
    var = var / (double)d + eps;
    rstd = (real)(var > 0 ? 1 / sqrt(var) : 0);
    for (eg_index i = 0; i < d; i++)
        hat[i] = (real)((double)x[i] - mean) * rstd;
    return rstd;
}

/* Back: y = s (x - mean(x) - hat mean(x hat)), x the gradient of hat and s what
 * vec_norm returned. */
static void vec_norm_back(eg_index d, real *y, const real *x, const real *hat,
                          real s)
{
    double mean = 0, along = 0;

    for (eg_index i = 0; i < d; i++) {
        mean += (double)x[i];
        along += (double)x[i] * (double)hat[i];
    }
    mean /= (double)d;
    along /= (double)d;
    for (eg_index i = 0; i < d; i++)
        y[i] = s * (x[i] - (real)mean - hat[i] * (real)along);
}
