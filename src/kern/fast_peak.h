/* The limits of the machine, in the vectors of a set: independent multiply-
 * adds in registers, and plain reading. See egi_peak. */

enum { PEAK_CHAINS = 12, PEAK_ROUNDS = 1000 };

/* Returns the FLOP done; *sink is 0.5 before and after. */
static double fma_loop(eg_index repeats, double *sink)
{
    vec sum[PEAK_CHAINS], a = vset((real)*sink), b = vset((real)1e-9),
                          all = {0};

#pragma GCC unroll 12
    for (int i = 0; i < PEAK_CHAINS; i++) sum[i] = vset((real)i);
#pragma GCC unroll 1
    for (eg_index r = 0; r < repeats * PEAK_ROUNDS; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < PEAK_CHAINS; i++) sum[i] = sum[i] * a + b;
    }
    for (int i = 0; i < PEAK_CHAINS; i++) all += sum[i];
    *sink = 0.5 + 0 * (double)vsum(all);
    return 2.0 * (double)W * PEAK_CHAINS * PEAK_ROUNDS * (double)repeats;
}

/* The sum of what is in x; bytes: a multiple of 8 vectors. */
static double read_loop(const void *x, size_t bytes)
{
    const real *p = x, *end = p + bytes / sizeof *p;
    vec sum[8] = {{0}};

    for (; p < end; p += 8 * W) {
#pragma GCC unroll 8
        for (eg_index j = 0; j < 8; j++) sum[j] += vload(p + j * W);
    }
    for (int j = 1; j < 8; j++) sum[0] += sum[j];
    return (double)vsum(sum[0]);
}
