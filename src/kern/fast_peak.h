/* The limits of the machine, in the vectors of a set: independent multiply-
 * adds in registers, and plain reading. See egi_peak. */

enum { PEAK_CHAINS = 12, PEAK_ROUNDS = 1000 };

/* Returns the FLOP done; *sink is 0.5 before and after. */
static double fma_loop(eg_index repeats, real *sink)
{
    vec sum[PEAK_CHAINS], a = vset(*sink), b = vset(1e-9f), all = {0};

#pragma GCC unroll 12
    for (int i = 0; i < PEAK_CHAINS; i++) sum[i] = vset((real)i);
#pragma GCC unroll 1
    for (eg_index r = 0; r < repeats * PEAK_ROUNDS; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < PEAK_CHAINS; i++) sum[i] = sum[i] * a + b;
    }
    for (int i = 0; i < PEAK_CHAINS; i++) all += sum[i];
    *sink = 0.5f + 0 * vsum(all);
    return 2.0 * VEC_W * PEAK_CHAINS * PEAK_ROUNDS * (double)repeats;
}

/* Sum of x[0..n-1], n a multiple of 8 vectors. */
static real read_loop(const real *x, eg_index n)
{
    vec sum[8] = {{0}};

    for (eg_index i = 0; i < n; i += 8 * W) {
#pragma GCC unroll 8
        for (eg_index j = 0; j < 8; j++) sum[j] += vload(x + i + j * W);
    }
    for (int j = 1; j < 8; j++) sum[0] += sum[j];
    return vsum(sum[0]);
}
