/* Reference causal attention of one head, for a real type `real`; see
 * ref_impl.h. The layout of the saved pattern is described in kern.h. */

static double ref_dot(const real *x, const real *y, eg_index n)
{
    double sum = 0;
    for (eg_index i = 0; i < n; i++) sum += (double)x[i] * (double)y[i];
    return sum;
}

static eg_index ref_attn_size(const int32_t *limit, eg_index rows)
{
    eg_index size = 0;
    for (eg_index r = 0; r < rows; r += EG_ATTN_BLOCK) {
        eg_index last = r + EG_ATTN_BLOCK < rows ? r + EG_ATTN_BLOCK : rows;
        size += (eg_index)limit[last - 1] * EG_ATTN_BLOCK;
    }
    return size;
}

/* Scores' gradients of one block, in the layout of the pattern. */
static eg_index ref_attn_work(eg_index dh, eg_index dv, eg_index max_limit)
{
    (void)dh;
    (void)dv;
    return max_limit * EG_ATTN_BLOCK;
}

static void ref_attn_scores(real *s, const real *q, const real *k, eg_index ldk,
                            eg_index limit, eg_index dh, real scale)
{
    for (eg_index i = 0; i < limit; i++) {
        s[i] = (real)((double)scale * ref_dot(q, k + i * ldk, dh));
    }
}

/* Softmax over one lane of the pattern; zeros from limit to keys. */
static void ref_softmax_lane(real *p, eg_index limit, eg_index keys)
{
    double top = (double)p[0], sum = 0;

    for (eg_index s = 1; s < limit; s++) {
        if ((double)p[s * EG_ATTN_BLOCK] > top) {
            top = (double)p[s * EG_ATTN_BLOCK];
        }
    }
    for (eg_index s = 0; s < limit; s++) {
        sum += exp((double)p[s * EG_ATTN_BLOCK] - top);
    }
    for (eg_index s = 0; s < limit; s++) {
        double e = exp((double)p[s * EG_ATTN_BLOCK] - top);
        p[s * EG_ATTN_BLOCK] = (real)(e / sum);
    }
    for (eg_index s = limit; s < keys; s++) p[s * EG_ATTN_BLOCK] = 0;
}

/* One row from its scores in p: softmax, then the mean of values. */
static void ref_attn_mix(real *z, real *p, eg_index limit, eg_index keys,
                         const real *v, eg_index ldv, eg_index dv)
{
    ref_softmax_lane(p, limit, keys);
    for (eg_index c = 0; c < dv; c++) {
        double sum = 0;
        for (eg_index s = 0; s < limit; s++) {
            sum += (double)p[s * EG_ATTN_BLOCK] * (double)v[s * ldv + c];
        }
        z[c] = (real)sum;
    }
}

/* Zeros in the lanes n.. of a block. */
static void ref_attn_absent(real *p, eg_index n, eg_index keys)
{
    for (eg_index s = 0; s < keys; s++) {
        for (eg_index i = n; i < EG_ATTN_BLOCK; i++) {
            p[s * EG_ATTN_BLOCK + i] = 0;
        }
    }
}

static void ref_attn(real *z, eg_index ldz, real *p, const real *q,
                     eg_index ldq, const int32_t *limit, const real *k,
                     eg_index ldk, const real *v, eg_index ldv, eg_index rows,
                     eg_index dh, eg_index dv, real scale,
                     real *work) /* NOLINT(readability-non-const-parameter) */
{
    (void)work;
    for (eg_index r0 = 0; r0 < rows; r0 += EG_ATTN_BLOCK) {
        eg_index n = rows - r0 < EG_ATTN_BLOCK ? rows - r0 : EG_ATTN_BLOCK;
        eg_index keys = limit[r0 + n - 1];

        for (eg_index i = 0; i < n; i++) {
            eg_index r = r0 + i;
            for (eg_index s = 0; s < limit[r]; s++) {
                double dot = ref_dot(q + r * ldq, k + s * ldk, dh);
                p[s * EG_ATTN_BLOCK + i] = (real)((double)scale * dot);
            }
            ref_attn_mix(z + r * ldz, p + i, limit[r], keys, v, ldv, dv);
        }
        ref_attn_absent(p, n, keys);
        p += keys * EG_ATTN_BLOCK;
    }
}

/* dS = P (dP - dz.z) scale for n query rows; ds as the pattern, lane < n. */
static void ref_score_grads(real *ds, const real *p, const real *dz,
                            eg_index lddz, const real *z, eg_index ldz,
                            const int32_t *limit, const real *v, eg_index ldv,
                            eg_index n, eg_index dv, real scale)
{
    for (eg_index i = 0; i < n; i++) {
        double d = ref_dot(dz + i * lddz, z + i * ldz, dv);
        for (eg_index s = 0; s < limit[i]; s++) {
            double dp = ref_dot(dz + i * lddz, v + s * ldv, dv);
            double pi = (double)p[s * EG_ATTN_BLOCK + i];
            ds[s * EG_ATTN_BLOCK + i] = (real)(pi * (dp - d) * (double)scale);
        }
        for (eg_index s = limit[i]; s < limit[n - 1]; s++) {
            ds[s * EG_ATTN_BLOCK + i] = 0;
        }
    }
}

/* y[r,:] = sum_s ds[s,r] k[s,:] for n query rows. */
static void ref_query_grads(real *dq, eg_index lddq, const real *ds,
                            const int32_t *limit, const real *k, eg_index ldk,
                            eg_index n, eg_index dh)
{
    for (eg_index i = 0; i < n; i++) {
        for (eg_index c = 0; c < dh; c++) {
            double sum = 0;
            for (eg_index s = 0; s < limit[i]; s++) {
                sum +=
                    (double)ds[s * EG_ATTN_BLOCK + i] * (double)k[s * ldk + c];
            }
            dq[i * lddq + c] = (real)sum;
        }
    }
}

/* y[s,:] += sum_r m[s,r] x[r,:] over n query rows. */
static void ref_key_grads(real *y, eg_index ldy, const real *m, const real *x,
                          eg_index ldx, eg_index keys, eg_index n,
                          eg_index width)
{
    for (eg_index s = 0; s < keys; s++) {
        for (eg_index c = 0; c < width; c++) {
            double sum = (double)y[s * ldy + c];
            for (eg_index i = 0; i < n; i++) {
                sum +=
                    (double)m[s * EG_ATTN_BLOCK + i] * (double)x[i * ldx + c];
            }
            y[s * ldy + c] = (real)sum;
        }
    }
}

/* NOLINTNEXTLINE(readability-function-size): the table's 23 arguments */
static void ref_attn_back(real *dq, eg_index lddq, real *dk, eg_index lddk,
                          real *dv_, eg_index lddv, const real *dz,
                          eg_index lddz, const real *z, eg_index ldz,
                          const real *p, const real *q, eg_index ldq,
                          const int32_t *limit, const real *k, eg_index ldk,
                          const real *v, eg_index ldv, eg_index rows,
                          eg_index dh, eg_index dv, real scale, real *work)
{
    for (eg_index r = 0; r < rows; r += EG_ATTN_BLOCK) {
        eg_index n = rows - r < EG_ATTN_BLOCK ? rows - r : EG_ATTN_BLOCK;
        eg_index keys = limit[r + n - 1];

        if (dv_) ref_key_grads(dv_, lddv, p, dz + r * lddz, lddz, keys, n, dv);
        if (dq || dk) {
            ref_score_grads(work, p, dz + r * lddz, lddz, z + r * ldz, ldz,
                            limit + r, v, ldv, n, dv, scale);
        }
        if (dq) {
            ref_query_grads(dq + r * lddq, lddq, work, limit + r, k, ldk, n,
                            dh);
        }
        if (dk) {
            ref_key_grads(dk, lddk, work, q + r * ldq, ldq, keys, n, dh);
        }
        p += keys * EG_ATTN_BLOCK;
    }
}
