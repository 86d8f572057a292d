/* The loop whose rate is called peak: independent multiply-adds in registers,
 * nothing else. Returns the FLOP done; *sink keeps the compiler honest. */

enum { PEAK_CHAINS = 12, PEAK_ROUNDS = 1000 };

static double fma_loop(eg_index repeats, float *sink)
{
    vec sum[PEAK_CHAINS], a = vset(*sink), b = vset(1e-9f), all = {0};

#pragma GCC unroll 12
    for (int i = 0; i < PEAK_CHAINS; i++) sum[i] = vset((float)i);
#pragma GCC unroll 1
    for (eg_index r = 0; r < repeats * PEAK_ROUNDS; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < PEAK_CHAINS; i++) sum[i] = sum[i] * a + b;
    }
    for (int i = 0; i < PEAK_CHAINS; i++) all += sum[i];
    *sink = 0.5f + 0 * vsum(all);
    return 2.0 * W * PEAK_CHAINS * PEAK_ROUNDS * (double)repeats;
}
