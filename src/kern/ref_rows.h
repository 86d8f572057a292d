/* Reference kernels that work on rows (layer normalisation, cross-entropy,
 * embedding), for a real type `real`; see ref_impl.h. */

static void ref_layernorm(real *y, eg_index ldy, real *xhat, eg_index ldh,
                          real *rstd, const real *x, eg_index ldx,
                          const real *w, const real *b, eg_index rows,
                          eg_index d, double eps)
{
    double n = d > 0 ? (double)d : 1;

    for (eg_index r = 0; r < rows; r++) {
        const real *xr = x + r * ldx;
        double mean = 0, var = 0, rs;

        for (eg_index i = 0; i < d; i++) mean += (double)xr[i];
        mean /= n;
        for (eg_index i = 0; i < d; i++) {
            double c = (double)xr[i] - mean;
            var += c * c;
        }
        rs = 1 / sqrt(var / n + eps);
        rstd[r] = (real)rs;
        for (eg_index i = 0; i < d; i++) {
            double h = ((double)xr[i] - mean) * rs;
            xhat[r * ldh + i] = (real)h;
            y[r * ldy + i] = (real)(h * (double)w[i] + (double)b[i]);
        }
    }
}

/* With g = dy w: dx += rstd (g - mean(g) - xhat mean(g xhat)). */
static void ref_layernorm_dx(real *dx, const real *dy, const real *xhat,
                             double rstd, const real *w, eg_index d)
{
    double n = d > 0 ? (double)d : 1, mg = 0, mgh = 0;

    for (eg_index i = 0; i < d; i++) {
        double g = (double)dy[i] * (double)w[i];
        mg += g;
        mgh += g * (double)xhat[i];
    }
    mg /= n;
    mgh /= n;
    for (eg_index i = 0; i < d; i++) {
        double g = (double)dy[i] * (double)w[i];
        double v = rstd * (g - mg - (double)xhat[i] * mgh);
        dx[i] = (real)((double)dx[i] + v);
    }
}

static void ref_layernorm_back(real *dx, eg_index lddx, real *dw, real *db,
                               const real *dy, eg_index lddy, const real *xhat,
                               eg_index ldh, const real *rstd, const real *w,
                               eg_index rows, eg_index d)
{
    for (eg_index r = 0; r < rows; r++) {
        ref_layernorm_dx(dx + r * lddx, dy + r * lddy, xhat + r * ldh,
                         (double)rstd[r], w, d);
    }
    for (eg_index i = 0; dw && i < d; i++) {
        double sum = (double)dw[i];
        for (eg_index r = 0; r < rows; r++) {
            sum += (double)dy[r * lddy + i] * (double)xhat[r * ldh + i];
        }
        dw[i] = (real)sum;
    }
    for (eg_index i = 0; db && i < d; i++) {
        double sum = (double)db[i];
        for (eg_index r = 0; r < rows; r++) sum += (double)dy[r * lddy + i];
        db[i] = (real)sum;
    }
}

static int32_t ref_argmax(const real *x, eg_index n)
{
    eg_index best = 0;
    for (eg_index i = 1; i < n; i++) {
        if (x[i] > x[best]) best = i;
    }
    return (int32_t)best;
}

static void ref_xent(real *dlogits, double *nll, int32_t *pred,
                     const real *logits, eg_index ld, const int32_t *target,
                     eg_index rows, eg_index V, real weight)
{
    for (eg_index r = 0; r < rows; r++) {
        const real *x = logits + r * ld;
        real *dx = dlogits ? dlogits + r * ld : NULL;
        double top, sum = 0;

        pred[r] = ref_argmax(x, V);
        nll[r] = 0;
        if (target[r] < 0) {
            for (eg_index i = 0; dx && i < V; i++) dx[i] = 0;
            continue;
        }
        top = (double)x[pred[r]];
        for (eg_index i = 0; i < V; i++) sum += exp((double)x[i] - top);
        nll[r] = log(sum) + top - (double)x[target[r]];
        for (eg_index i = 0; dx && i < V; i++) {
            double p = exp((double)x[i] - top) / sum;
            dx[i] = (real)((double)weight * (p - (i == target[r] ? 1 : 0)));
        }
    }
}

static void ref_embed(real *y, eg_index ldy, const real *e, eg_index lde,
                      const real *p, eg_index ldp, const int32_t *tokens,
                      eg_index rows, eg_index d)
{
    for (eg_index r = 0; r < rows; r++) {
        const real *row = e + tokens[r] * lde;
        for (eg_index i = 0; i < d; i++) {
            y[r * ldy + i] = p ? row[i] + p[r * ldp + i] : row[i];
        }
    }
}
