/* Attention of precision bfloat16 from matrix products, for sets that have
 * bf16_gemm, bf16_pack_size and bf16_exp_lanes: per block of query rows, whose
 * pattern lies key by key in lanes (kern.h), S^T = K Q^T, softmax down the
 * lanes, Z = e V / sum; e, not divided yet, is what is rounded. Backward,
 * dP^T = V dZ^T, dS = P (scale dP - scale D) with D = dz.z; then
 * dV += P^T dZ, dK += dS^T Q, dQ = dS K. */

enum { BF16_LANES = EG_ATTN_BLOCK };

typedef struct bf16_block {
    const int32_t *limit;
    eg_index rows, keys;
} bf16_block;

static bf16_block bf16_block_at(const int32_t *limit, eg_index r, eg_index rows)
{
    eg_index n = rows - r < BF16_LANES ? rows - r : BF16_LANES;
    return (bf16_block){limit + r, n, limit[r + n - 1]};
}

static eg_index bf16_attn_work(eg_index dh, eg_index dv, eg_index max_limit)
{
    eg_index lanes = BF16_LANES, work = 0;
    const eg_index shape[][2] = {{dh, lanes}, {dv, lanes},     {lanes, dh},
                                 {lanes, dv}, {max_limit, dh}, {max_limit, dv}};

    for (int i = 0; i < 6; i++) {
        eg_index size = bf16_pack_size(shape[i][0], shape[i][1]);
        if (size > work) work = size;
    }
    return max_limit * lanes + work;
}

/* Scores to exponentials; 0 for keys that a lane does not see, and in lanes
 * without a row. factor: 1 / sum. */
static void bf16_softmax(float *p, float *factor, const bf16_block *b,
                         float scale)
{
    float top[BF16_LANES], sum[BF16_LANES];

    for (int j = 0; j < BF16_LANES; j++) {
        top[j] = -INFINITY;
        sum[j] = 0;
        for (eg_index s = 0; j < b->rows && s < b->limit[j]; s++) {
            float x = scale * p[s * BF16_LANES + j];
            if (!(x <= top[j])) top[j] = x;
        }
    }
    for (eg_index s = 0; s < b->keys; s++) {
        float *x = p + s * BF16_LANES;
        for (int j = 0; j < BF16_LANES; j++) {
            bool seen = j < b->rows && s < b->limit[j];
            x[j] = seen ? scale * x[j] - top[j] : -INFINITY;
        }
        bf16_exp_lanes(x);
        for (int j = 0; j < BF16_LANES; j++) sum[j] += x[j];
    }
    for (int j = 0; j < BF16_LANES; j++) {
        factor[j] = j < b->rows ? 1 / sum[j] : 0;
    }
}

static void bf16_attn(float *z, eg_index ldz, float *p, const float *q,
                      eg_index ldq, const int32_t *limit, const float *k,
                      eg_index ldk, const float *v, eg_index ldv, eg_index rows,
                      eg_index dh, eg_index dv, float scale, float *work)
{
    for (eg_index r = 0; r < rows; r += BF16_LANES) {
        bf16_block b = bf16_block_at(limit, r, rows);
        float factor[BF16_LANES];

        bf16_gemm(p, BF16_LANES, k, ldk, 1, q + r * ldq, 1, ldq, b.keys, b.rows,
                  dh, 1, 0, work);
        bf16_softmax(p, factor, &b, scale);
        bf16_gemm(z + r * ldz, ldz, p, 1, BF16_LANES, v, ldv, 1, b.rows, dv,
                  b.keys, 1, 0, work);
        for (eg_index i = 0; i < b.rows; i++) {
            for (eg_index j = 0; j < dv; j++) z[(r + i) * ldz + j] *= factor[i];
        }
        for (eg_index s = 0; s < b.keys; s++, p += BF16_LANES) {
            for (eg_index j = 0; j < b.rows; j++) p[j] *= factor[j];
        }
    }
}

/* dS [keys][lanes] of a block from dP, in place. */
static void bf16_score_grads(float *ds, const float *p, const float *pull,
                             const bf16_block *b, float scale)
{
    for (eg_index s = 0; s < b->keys; s++) {
        for (eg_index j = 0; j < b->rows; j++) {
            eg_index at = s * BF16_LANES + j;
            bool seen = s < b->limit[j];
            ds[at] = seen ? p[at] * (scale * ds[at] - pull[j]) : 0;
        }
    }
}

/* NOLINTNEXTLINE(readability-function-size): the table's 23 arguments */
static void bf16_attn_back(float *dq, eg_index lddq, float *dk, eg_index lddk,
                           float *dv_, eg_index lddv, const float *dz,
                           eg_index lddz, const float *z, eg_index ldz,
                           const float *p, const float *q, eg_index ldq,
                           const int32_t *limit, const float *k, eg_index ldk,
                           const float *v, eg_index ldv, eg_index rows,
                           eg_index dh, eg_index dv, float scale, float *work)
{
    float *ds = work;

    for (eg_index r = 0; r < rows; r += BF16_LANES) {
        bf16_block b = bf16_block_at(limit, r, rows);
        const float *dzr = dz + r * lddz, *qr = q + r * ldq;
        float pull[BF16_LANES];

        work = ds + b.keys * BF16_LANES;
        if (dv_) {
            bf16_gemm(dv_, lddv, p, BF16_LANES, 1, dzr, lddz, 1, b.keys, dv,
                      b.rows, 1, 1, work);
        }
        for (eg_index i = 0; i < b.rows; i++) {
            double sum = 0;
            for (eg_index j = 0; j < dv; j++) {
                sum += (double)dzr[i * lddz + j] * (double)z[(r + i) * ldz + j];
            }
            pull[i] = scale * (float)sum;
        }
        if (dq || dk) {
            bf16_gemm(ds, BF16_LANES, v, ldv, 1, dzr, 1, lddz, b.keys, b.rows,
                      dv, 1, 0, work);
            bf16_score_grads(ds, p, pull, &b, scale);
        }
        if (dk) {
            bf16_gemm(dk, lddk, ds, BF16_LANES, 1, qr, ldq, 1, b.keys, dh,
                      b.rows, 1, 1, work);
        }
        if (dq) {
            bf16_gemm(dq + r * lddq, lddq, ds, 1, BF16_LANES, k, ldk, 1, b.rows,
                      dh, b.keys, 1, 0, work);
        }
        p += b.keys * BF16_LANES;
    }
}
