/* Many draws at once, with the bits of as many single ones: blocks of Philox
 * eight at a time where the processor can, and the logarithms and cosines of
 * many behind each other. */
#include <math.h>

#include "engram/rng.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_LANES
#include <immintrin.h>
#define LANES_TARGET __attribute__((target("avx512f,avx512dq")))
#endif

/* Blocks of four words that the lanes take at a time: two uniforms each. */
enum { LANES = 8, ROUNDS = 10 };

#ifdef HAS_LANES

static bool has_lanes(void)
{
    return __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq");
}

typedef struct words {
    __m512i c[4]; /* the low half of an entry counts */
} words;

/* Blocks ctr[0] to ctr[0] + LANES - 1 of the stream. The key goes on by the
 * golden ratio and the square root of 3 less 1, as in Random123. */
LANES_TARGET static inline words philox_lanes(const eg_rng *r)
{
    const __m512i m0 = _mm512_set1_epi64(0xD2511F53);
    const __m512i m1 = _mm512_set1_epi64(0xCD9E8D57);
    const __m512i each = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    uint32_t k0 = r->key[0], k1 = r->key[1];
    words w = {{_mm512_add_epi64(_mm512_set1_epi64(r->ctr[0]), each),
                _mm512_set1_epi64(r->ctr[1]), _mm512_set1_epi64(r->ctr[2]),
                _mm512_set1_epi64(r->ctr[3])}};

    for (int i = 0; i < ROUNDS; i++, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
        __m512i p0 = _mm512_mul_epu32(w.c[0], m0);
        __m512i p1 = _mm512_mul_epu32(w.c[2], m1);

        w.c[0] = _mm512_srli_epi64(p1, 32) ^ w.c[1] ^ _mm512_set1_epi64(k0);
        w.c[2] = _mm512_srli_epi64(p0, 32) ^ w.c[3] ^ _mm512_set1_epi64(k1);
        w.c[1] = p1;
        w.c[3] = p0;
    }
    return w;
}

/* eg_rng_uniform of two words, LANES times. */
LANES_TARGET static inline __m512d uniform_lanes(__m512i first, __m512i second)
{
    const __m512i low = _mm512_set1_epi64(0xffffffff);
    __m512i hi = _mm512_srli_epi64(first & low, 5);
    __m512i lo = _mm512_srli_epi64(second & low, 6);

    return _mm512_cvtepi64_pd(_mm512_slli_epi64(hi, 26) | lo) *
           _mm512_set1_pd(0x1p-53);
}

/* Whole blocks: 2 * LANES uniforms at a time, n / (2 * LANES) times. */
LANES_TARGET static eg_index lanes_uniforms(eg_rng *r, double *to, eg_index n)
{
    const __m512i left = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const __m512i right = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    eg_index i = 0;

    for (; i + 2 * (eg_index)LANES <= n; i += 2 * (eg_index)LANES) {
        words w = philox_lanes(r);
        __m512d a = uniform_lanes(w.c[0], w.c[1]);
        __m512d b = uniform_lanes(w.c[2], w.c[3]);

        EG_ASSERT(r->ctr[0] <= UINT32_MAX - LANES);
        r->ctr[0] += LANES;
        _mm512_storeu_pd(to + i, _mm512_permutex2var_pd(a, left, b));
        _mm512_storeu_pd(to + i + LANES, _mm512_permutex2var_pd(a, right, b));
    }
    return i;
}

#endif

void eg_rng_uniforms(eg_rng *r, double *to, eg_index n)
{
    eg_index i = 0;

    while (i < n && r->left != 0) to[i++] = eg_rng_uniform(r);
#ifdef HAS_LANES
    if (n - i >= (eg_index)2 * LANES && has_lanes())
        i += lanes_uniforms(r, to + i, n - i);
#endif
    while (i < n) to[i++] = eg_rng_uniform(r);
}

/* Normals of a part, and parts of the circle by which they are put in order. */
enum { PART = 256, ARCS = 64 };

/* at[0..n-1]: which of the pairs stand where when they go round the circle.
 * The cosine branches by where its argument is, and what comes in any order is
 * guessed wrongly every time. */
static void around(uint16_t *at, const double *pair, eg_index n)
{
    uint16_t from[ARCS + 1] = {0};

    for (eg_index i = 0; i < n; i++) from[1 + (int)(pair[2 * i + 1] * ARCS)]++;
    for (int k = 0; k < ARCS; k++) from[k + 1] += from[k];
    for (eg_index i = 0; i < n; i++)
        at[from[(int)(pair[2 * i + 1] * ARCS)]++] = (uint16_t)i;
}

/* eg_rng_normal of each pair of uniforms. */
static void of_pairs(double *to, const double *pair, eg_index n)
{
    uint16_t at[PART];

    around(at, pair, n);
    for (eg_index i = 0; i < n; i++)
        to[i] = sqrt(-2.0 * log(1.0 - pair[2 * i]));
    for (eg_index i = 0; i < n; i++)
        to[at[i]] *= cos(6.283185307179586476925 * pair[2 * at[i] + 1]);
}

void eg_rng_normals(eg_rng *r, double *to, eg_index n)
{
    double pair[2 * PART];

    for (eg_index i = 0; i < n; i += PART) {
        eg_index part = n - i < PART ? n - i : PART;

        eg_rng_uniforms(r, pair, 2 * part);
        of_pairs(to + i, pair, part);
    }
}
