/* Row kernels of the fast sets: layer normalisation, cross-entropy, embedding.
 * Sums run in W lanes; the two passes over a row hit the L1 cache. */

/* Sum of a row. */
static real row_sum(const real *x, eg_index n)
{
    vec s0 = {0}, s1 = {0};
    eg_index i = 0;

    for (; i + 2 * W <= n; i += 2 * W) {
        s0 += vload(x + i);
        s1 += vload(x + i + W);
    }
    for (; i + W <= n; i += W) s0 += vload(x + i);
    if (i < n) s1 += vload_n(x + i, n - i);
    return vsum(s0 + s1);
}

/* h = x - mean; returns the sum of squares of h. */
static real row_centre(real *h, const real *x, real mean, eg_index n)
{
    vec s0 = {0};
    eg_index i = 0;

    for (; i + W <= n; i += W) {
        vec c = vload(x + i) - mean;
        vstore(h + i, c);
        s0 += c * c;
    }
    if (i < n) {
        vec c = vload_n(x + i, n - i) - mean;
        vstore_n(h + i, c, n - i);
        c = vsel(vlanes() < (vint)(n - i), c, vset(0));
        s0 += c * c;
    }
    return vsum(s0);
}

static void fast_layernorm(real *y, eg_index ldy, real *xhat, eg_index ldh,
                           real *rstd, const real *x, eg_index ldx,
                           const real *w, const real *b, eg_index rows,
                           eg_index d, double eps)
{
    real n = d > 0 ? (real)d : 1;

    for (eg_index r = 0; r < rows; r++, y += ldy, xhat += ldh, x += ldx) {
        real mean = row_sum(x, d) / n;
        double var = (double)row_centre(xhat, x, mean, d) / (double)n;
        real rs = (real)(1 / sqrt(var + eps));
        eg_index i = 0;

        rstd[r] = rs;
        for (; i + W <= d; i += W) {
            vec h = vload(xhat + i) * rs;
            vstore(xhat + i, h);
            vstore(y + i, h * vload(w + i) + vload(b + i));
        }
        if (i < d) {
            eg_index k = d - i;
            vec h = vload_n(xhat + i, k) * rs;
            vstore_n(xhat + i, h, k);
            vstore_n(y + i, h * vload_n(w + i, k) + vload_n(b + i, k), k);
        }
    }
}

/* With g = dy w: dx += rstd (g - mean(g) - xhat mean(g xhat)). */
static void row_norm_back(real *dx, const real *dy, const real *xhat, real rstd,
                          const real *w, eg_index d)
{
    vec sg = {0}, sgh = {0};
    real n = d > 0 ? (real)d : 1, mg, mgh;
    eg_index i = 0, k;

    for (; i + W <= d; i += W) {
        vec g = vload(dy + i) * vload(w + i);
        sg += g;
        sgh += g * vload(xhat + i);
    }
    k = d - i;
    if (k > 0) {
        vec g = vload_n(dy + i, k) * vload_n(w + i, k);
        sg += g;
        sgh += g * vload_n(xhat + i, k);
    }
    mg = vsum(sg) / n;
    mgh = vsum(sgh) / n;
    for (i = 0; i + W <= d; i += W) {
        vec g = vload(dy + i) * vload(w + i);
        vec v = rstd * (g - mg - vload(xhat + i) * mgh);
        vstore(dx + i, vload(dx + i) + v);
    }
    if (k > 0) {
        vec g = vload_n(dy + i, k) * vload_n(w + i, k);
        vec v = rstd * (g - mg - vload_n(xhat + i, k) * mgh);
        vstore_n(dx + i, vload_n(dx + i, k) + v, k);
    }
}

/* y += a b */
static void row_muladd(real *y, const real *a, const real *b, eg_index n)
{
    eg_index i = 0;

    for (; i + W <= n; i += W) {
        vstore(y + i, vload(y + i) + vload(a + i) * vload(b + i));
    }
    if (i < n) {
        vec v = vload_n(a + i, n - i) * vload_n(b + i, n - i);
        vstore_n(y + i, vload_n(y + i, n - i) + v, n - i);
    }
}

static void fast_layernorm_back(real *dx, eg_index lddx, real *dw, real *db,
                                const real *dy, eg_index lddy, const real *xhat,
                                eg_index ldh, const real *rstd, const real *w,
                                eg_index rows, eg_index d)
{
    for (eg_index r = 0; r < rows; r++) {
        const real *dyr = dy + r * lddy, *hr = xhat + r * ldh;

        row_norm_back(dx + r * lddx, dyr, hr, rstd[r], w, d);
        if (dw) row_muladd(dw, dyr, hr, d);
        if (db) fast_add(db, dyr, d);
    }
}

/* Largest entry and the first place where it stands (0 if nowhere). */
static real row_top(const real *x, eg_index n, int32_t *where)
{
    vec t = vset(-INFINITY);
    eg_index i = 0;
    real top;

    for (; i + W <= n; i += W) t = vmax(vload(x + i), t);
    if (i < n) {
        ivec in = vlanes() < (vint)(n - i);
        t = vmax(vsel(in, vload_n(x + i, n - i), t), t);
    }
    top = vtop(t);
    *where = 0;
    for (i = 0; i < n; i += W) {
        eg_index k = n - i < W ? n - i : W;
        int at = vfirst(k < W ? vload_n(x + i, k) : vload(x + i), top);
        if (at < k) {
            *where = (int32_t)(i + at);
            break;
        }
    }
    return top;
}

/* e^x for x <= 0, below e^-64, of doubles e^-600, exactly 0: beside a 1 such
 * terms are far below a rounding, and denormal numbers, which they or their
 * products would be, take the processor a hundred times as long. */
INLINE vec exp_term(vec x)
{
    ivec none = x < vset(sizeof(real) == 4 ? -64 : -600);

    return vsel(none, vset(0), vexp(vsel(none, vset(0), x)));
}

/* Sum of e^(x - top); the terms are kept in e unless that is NULL. */
static real row_exp(real *e, const real *x, real top, eg_index n)
{
    vec s = {0};
    eg_index i = 0;

    for (; i + W <= n; i += W) {
        vec v = exp_term(vload(x + i) - top);
        s += v;
        if (e) vstore(e + i, v);
    }
    if (i < n) {
        vec v = exp_term(vload_n(x + i, n - i) - top);
        s += vsel(vlanes() < (vint)(n - i), v, vset(0));
        if (e) vstore_n(e + i, v, n - i);
    }
    return vsum(s);
}

static void fast_xent(real *dlogits, double *nll, int32_t *pred,
                      const real *logits, eg_index ld, const int32_t *target,
                      eg_index rows, eg_index V, real weight)
{
    for (eg_index r = 0; r < rows; r++) {
        const real *x = logits + r * ld;
        real *dx = dlogits ? dlogits + r * ld : NULL;
        real top = row_top(x, V, pred + r), sum;
        double at;

        nll[r] = 0;
        if (target[r] < 0) {
            if (dx && V) memset(dx, 0, (size_t)V * sizeof *dx);
            continue;
        }
        at = (double)x[target[r]];
        sum = row_exp(dx, x, top, V);
        nll[r] = log((double)sum) + (double)top - at;
        if (dx) {
            fast_scale(dx, weight / sum, V);
            dx[target[r]] -= weight;
        }
    }
}

static void fast_embed(real *y, eg_index ldy, const real *e, eg_index lde,
                       const real *p, eg_index ldp, const int32_t *tokens,
                       eg_index rows, eg_index d)
{
    for (eg_index r = 0; r < rows; r++, y += ldy) {
        const real *row = e + tokens[r] * lde, *pos;
        eg_index i = 0;

        if (!p) {
            if (d) memcpy(y, row, (size_t)d * sizeof *y);
            continue;
        }
        pos = p + r * ldp;
        for (; i + W <= d; i += W)
            vstore(y + i, vload(row + i) + vload(pos + i));
        if (i < d) {
            vec v = vload_n(row + i, d - i) + vload_n(pos + i, d - i);
            vstore_n(y + i, v, d - i);
        }
    }
}
