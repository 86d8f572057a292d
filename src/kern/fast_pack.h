/* Right operands of the matrix products as panels of NR columns, the last one
 * filled up with zeros: panel j begins at j * NR * K, a row of it is NR
 * entries. */

static eg_index fast_pack_size(eg_index K, eg_index N)
{
    return K * ((N + NR - 1) / NR * NR);
}

/* One panel from row-major B: cols <= NR columns, the rest zero. */
static void pack_rows(real *pb, const real *b, eg_index rs, eg_index K,
                      eg_index cols)
{
    for (eg_index k = 0; k < K; k++, b += rs, pb += NR) {
        for (int j = 0; j < 2; j++) {
            eg_index left = cols - j * W;
            vec v = {0};
            __builtin_prefetch(b + COPY_AHEAD * rs + j * W);
            if (left >= W) {
                v = vload(b + j * W);
            } else if (left > 0) {
                v = vload_n(b + j * W, left);
            }
            vstore(pb + j * W, v);
        }
    }
}

/* W columns (cols of them real) of a panel from B with unit row stride. */
static void pack_turned(real *pb, const real *b, eg_index cs, eg_index K,
                        eg_index cols)
{
    eg_index k = 0;
    vec v[W];

    if (cols <= 0) {
        for (; k < K; k++) vstore(pb + k * NR, vset(0));
        return;
    }
    if (cols > W) cols = W;
    for (; k + W <= K; k += W) {
        if (cols == W) {
            vload_turned(v, b + k, cs);
        } else {
#pragma GCC unroll 16
            for (int j = 0; j < W; j++) {
                v[j] = j < cols ? vload(b + j * cs + k) : vset(0);
            }
            vtranspose(v);
        }
#pragma GCC unroll 16
        for (int j = 0; j < W; j++) vstore(pb + (k + j) * NR, v[j]);
    }
    for (; cols == W && k + VEC_PIECE <= K; k += VEC_PIECE) {
        vload_turned_piece(v, b + k, cs);
#pragma GCC unroll 4
        for (int j = 0; j < VEC_PIECE; j++) vstore(pb + (k + j) * NR, v[j]);
    }
    if (k == K) return;
    for (int j = 0; j < W; j++) {
        v[j] = j < cols ? vload_n(b + j * cs + k, K - k) : vset(0);
    }
    vtranspose(v);
    for (int j = 0; j < K - k; j++) vstore(pb + (k + j) * NR, v[j]);
}

/* Rows k0.. of columns n.. of B as a panel: cols <= NR of them real. */
static void pack_panel(real *pb, const real *b, eg_index rs, eg_index cs,
                       eg_index K, eg_index cols)
{
    if (cs == 1) {
        pack_rows(pb, b, rs, K, cols);
    } else {
        pack_turned(pb, b, cs, K, cols);
        pack_turned(pb + W, b + W * cs, cs, K, cols > W ? cols - W : 0);
    }
}

static void fast_pack(real *pb, const real *b, eg_index rs, eg_index cs,
                      eg_index K, eg_index N)
{
    for (eg_index n = 0; n < N; n += NR) {
        pack_panel(pb + n * K, b + n * cs, rs, cs, K, N - n < NR ? N - n : NR);
    }
}
