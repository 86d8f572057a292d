/* One column of C too many, or one step of k: with 65 symbols a row of cells
 * would do half a cell for the last column, and a step of 32 for the last k.
 * The vector unit does both. */

enum { LONE_N = 512, LONE_K = KC }; /* small products only */

INLINE bool is_lone_column(eg_index N, eg_index K)
{
    return PARTS > 1 && N > SIDE && N % TILE == 1 && N <= LONE_N && K <= LONE_K;
}

INLINE bool is_lone_step(eg_index N, eg_index K)
{
    return PARTS > 1 && K > STEP && K % STEP == 1 && N <= LONE_N && K <= LONE_K;
}

/* W entries of a row of parts, exactly: row `k` of a right operand, columns n
 * to n + 15; strips are `size` entries apart. */
static vec joined(const float *parts, eg_index size, eg_index k, eg_index n)
{
    const float *p =
        parts + n / TILE * size + k / STEP * STEP_FLOATS + k % TILE * W;
    const uvec top = (uvec)iset(-0x10000);
    vec sum = vset(0);

#pragma GCC unroll 3
    for (eg_index i = PARTS - 1; i >= 0; i--) {
        uvec x = (uvec)vload(p + i * TILE_FLOATS);
        sum = (vec)(k % STEP < TILE ? x << 16 : x & top) + sum;
    }
    return sum;
}

/* C[:, n] from column n of B, over all of k. */
static void lone_column(const product_args *p, eg_index n)
{
    float col[LONE_K];

    for (eg_index k = 0; k < p->K; k++) {
        col[k] = p->b ? p->b[k * p->brs + n * p->bcs]
                      : joined(p->pb, strip_size(p->K), k, n)[0];
    }
    (p->cs == 1 ? column_rows : column_turned)(p->c + n, p->ldc, p->a,
                                               p->cs == 1 ? p->rs : p->cs, col,
                                               p->M, p->K, p->alpha, p->acc);
}

/* C[:, :N] += alpha A[:, k] B[k, :N] */
static void lone_step(const product_args *p, eg_index k, eg_index N)
{
    float row[LONE_N + TILE];

    for (eg_index n = 0; n < N; n++) {
        if (p->b)
            row[n] = p->b[k * p->brs + n * p->bcs];
        else if (n % TILE == 0)
            vstore(row + n, joined(p->pb, strip_size(p->K), k, n));
    }
    for (eg_index m = 0; m < p->M; m++) {
        const vec a = vset(p->alpha * p->a[m * p->rs + k * p->cs]);
        float *c = p->c + m * p->ldc;
        eg_index n = 0;
        for (; n + W <= N; n += W)
            vstore(c + n, vload(c + n) + a * vload(row + n));
        if (n < N)
            vstore_n(c + n, vload_n(c + n, N - n) + a * vload_n(row + n, N - n),
                     N - n);
    }
}
