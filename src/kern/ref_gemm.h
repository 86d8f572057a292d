/* Reference matrix products, for a real type `real`; see ref_impl.h.
 *
 * "Packed" is a plain row-major copy: the reference wins nothing by packing
 * but has to offer the same entries as the fast sets. */

enum { REF_COLS = 256 }; /* columns of C summed side by side */

static eg_index ref_pack_size(eg_index K, eg_index N)
{
    return K * N;
}

static void ref_pack(real *pb, const real *b, eg_index rs, eg_index cs,
                     eg_index K, eg_index N)
{
    for (eg_index k = 0; k < K; k++) {
        for (eg_index n = 0; n < N; n++) pb[k * N + n] = b[k * rs + n * cs];
    }
}

/* One row of C, up to REF_COLS columns, B row-major with row stride ldb. */
static void ref_gemm_row(real *c, const real *a, eg_index cs, const real *b,
                         eg_index ldb, eg_index N, eg_index K, real alpha,
                         int acc)
{
    double sum[REF_COLS];

    for (eg_index n = 0; n < N; n++) sum[n] = 0;
    for (eg_index k = 0; k < K; k++) {
        double f = (double)a[k * cs];
        const real *row = b + k * ldb;
        for (eg_index n = 0; n < N; n++) sum[n] += f * (double)row[n];
    }
    for (eg_index n = 0; n < N; n++) {
        double old = acc ? (double)c[n] : 0;
        c[n] = (real)(old + (double)alpha * sum[n]);
    }
}

static void ref_gemm_rows(real *c, eg_index ldc, const real *a, eg_index rs,
                          eg_index cs, const real *b, eg_index ldb, eg_index M,
                          eg_index N, eg_index K, real alpha, int acc)
{
    for (eg_index n = 0; n < N; n += REF_COLS) {
        eg_index cols = N - n < REF_COLS ? N - n : REF_COLS;
        for (eg_index m = 0; m < M; m++) {
            ref_gemm_row(c + m * ldc + n, a + m * rs, cs, b + n, ldb, cols, K,
                         alpha, acc);
        }
    }
}

static void ref_gemm_packed(real *c, eg_index ldc, const real *a, eg_index rs,
                            eg_index cs, const real *pb, eg_index M, eg_index N,
                            eg_index K, real alpha, int acc)
{
    ref_gemm_rows(c, ldc, a, rs, cs, pb, N, M, N, K, alpha, acc);
}

static void ref_gemm(real *c, eg_index ldc, const real *a, eg_index rs,
                     eg_index cs, const real *b, eg_index brs, eg_index bcs,
                     eg_index M, eg_index N, eg_index K, real alpha, int acc,
                     real *work)
{
    if (bcs == 1) {
        ref_gemm_rows(c, ldc, a, rs, cs, b, brs, M, N, K, alpha, acc);
        return;
    }
    ref_pack(work, b, brs, bcs, K, N);
    ref_gemm_rows(c, ldc, a, rs, cs, work, N, M, N, K, alpha, acc);
}
