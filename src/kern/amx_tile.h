/* Products of float32 matrices on the matrix unit of x86 (AMX), which
 * multiplies bfloat16 and sums in float32.
 *
 * A number is the sum of three bfloat16 parts, a = a0 + a1 + a2 exactly: each
 * part is what the parts before it left, rounded to 8 bits. Of the nine
 * products of parts six are summed, the smallest first; the others, a1 b2,
 * a2 b1 and a2 b2, are below 2^-23 |a b| at worst and about 2^-27 on average,
 * which is less than the roundings of a float32 sum. Parts below 2^-126 count
 * as 0; infinities, and numbers above 3.38e38, give NaN.
 *
 * A tile is 16 rows of 64 bytes. An operand is laid out in strips of 16 rows
 * (left) or 16 columns (right), a strip in steps of 32 along the summed index
 * k, a step as three tiles, one for each part. Entry j of a tile's row holds
 * two neighbours in k: steps k and k + 16, so that no permutation is needed. */

enum {
    TILE = 16,             /* rows, and pairs or floats a row */
    STEP = 32,             /* of k a tile */
    TILE_FLOATS = 256,     /* 1 KiB */
    STEP_FLOATS = 3 * 256, /* the three parts */
};

typedef uint32_t uvec __attribute__((vector_size(64)));

INLINE eg_index steps_of(eg_index K)
{
    return (K + STEP - 1) / STEP;
}

/* Entries of a strip. */
INLINE eg_index strip_size(eg_index K)
{
    return steps_of(K) * STEP_FLOATS;
}

/* Tiles are configured by every kernel that uses them, and released by it:
 * the kernel of the operating system need not save them then. */
INLINE void tiles_on(void)
{
    struct {
        uint8_t palette, start, zero[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } c = {.palette = 1};

    for (int i = 0; i < 8; i++) {
        c.bytes[i] = 64;
        c.rows[i] = TILE;
    }
    __asm__ volatile("" : : "m"(c));
    _tile_loadconfig(&c);
}

INLINE void tiles_off(void)
{
    _tile_release();
}

/* The parts of a, each in the upper half of its lane. */
INLINE void split(vec a, uvec part[3])
{
    const uvec half = (uvec)iset(0x8000), top = (uvec)iset(-0x10000);

    part[0] = ((uvec)a + half) & top;
    a -= (vec)part[0];
    part[1] = ((uvec)a + half) & top;
    a -= (vec)part[1];
    part[2] = (uvec)a;
}

/* One row of the three tiles at p: lo in the lower halves, hi in the upper. */
INLINE void put_pairs(float *p, vec lo, vec hi)
{
    const uvec top = (uvec)iset(-0x10000);
    uvec l[3], h[3];

    split(lo, l);
    split(hi, h);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
        vstore(p + i * TILE_FLOATS, (vec)(l[i] >> 16 | (h[i] & top)));
    }
}

/* The first n entries, for any n. */
INLINE vec load_some(const float *p, eg_index n)
{
    return n >= W ? vload(p) : n > 0 ? vload_n(p, n) : vset(0);
}

/* Rows of a left operand: A(m, k) = a[m*rs + k], m < M <= 16. */
static void left_strip(float *p, const float *a, eg_index rs, eg_index M,
                       eg_index K)
{
    for (eg_index k = 0; k < K; k += STEP, p += STEP_FLOATS) {
        eg_index left = K - k;
        for (eg_index m = 0; m < TILE; m++) {
            const float *x = a + m * rs + k;
            if (m >= M) {
                put_pairs(p + m * W, vset(0), vset(0));
            } else if (left >= STEP) {
                put_pairs(p + m * W, vload(x), vload(x + W));
            } else {
                put_pairs(p + m * W, load_some(x, left),
                          load_some(x + W, left - W));
            }
        }
    }
}

/* Columns of a right operand: B(k, n) = b[k*rs + n], n < N <= 16. */
static void right_strip(float *p, const float *b, eg_index rs, eg_index K,
                        eg_index N)
{
    for (eg_index k = 0; k < K; k += STEP, p += STEP_FLOATS) {
        for (eg_index r = 0; r < TILE; r++) {
            const float *x = b + (k + r) * rs, *y = x + TILE * rs;
            if (N == W && K - k >= STEP) {
                put_pairs(p + r * W, vload(x), vload(y));
            } else {
                put_pairs(p + r * W, load_some(x, k + r < K ? N : 0),
                          load_some(y, k + r + TILE < K ? N : 0));
            }
        }
    }
}

/* Up to 16 rows of up to 16 floats, transposed. */
INLINE void load_turned(vec v[TILE], const float *x, eg_index stride,
                        eg_index rows, eg_index n)
{
    if (rows >= TILE && n >= W) {
#pragma GCC unroll 16
        for (int i = 0; i < TILE; i++) v[i] = vload(x + i * stride);
    } else {
        for (int i = 0; i < TILE; i++) {
            v[i] = load_some(x + i * stride, i < rows ? n : 0);
        }
    }
    vtranspose(v);
}

/* Rows of a left operand stored transposed: A(m, k) = a[m + k*cs]. */
static void left_strip_turned(float *p, const float *a, eg_index cs, eg_index M,
                              eg_index K)
{
    for (eg_index k = 0; k < K; k += STEP, p += STEP_FLOATS) {
        vec lo[TILE], hi[TILE];
        load_turned(lo, a + k * cs, cs, K - k, M);
        load_turned(hi, a + (k + TILE) * cs, cs, K - k - TILE, M);
        for (int m = 0; m < TILE; m++) put_pairs(p + m * W, lo[m], hi[m]);
    }
}

/* Columns of a right operand stored transposed: B(k, n) = b[n*cs + k]. */
static void right_strip_turned(float *p, const float *b, eg_index cs,
                               eg_index K, eg_index N)
{
    for (eg_index k = 0; k < K; k += STEP, p += STEP_FLOATS) {
        vec lo[TILE], hi[TILE];
        load_turned(lo, b + k, cs, N, K - k);
        load_turned(hi, b + k + TILE, cs, N, K - k - TILE);
        for (int r = 0; r < TILE; r++) put_pairs(p + r * W, lo[r], hi[r]);
    }
}

/* Sums of the products of two tiles of A (4, 5) with two of B (6, 7). */
#define TILE_PRODUCTS(mr, nr)                              \
    do {                                                   \
        _tile_dpbf16ps(0, 4, 6);                           \
        if ((nr) > 1) _tile_dpbf16ps(1, 4, 7);             \
        if ((mr) > 1) _tile_dpbf16ps(2, 5, 6);             \
        if ((mr) > 1 && (nr) > 1) _tile_dpbf16ps(3, 5, 7); \
    } while (0)
#define TILE_LOAD(first, second, two, p, stride)                \
    do {                                                        \
        _tile_loadd(first, p, 64);                              \
        if ((two) > 1) _tile_loadd(second, (p) + (stride), 64); \
    } while (0)

/* Adds mr x nr strips' products over the steps to tiles 0 to 3; strips are sa
 * and sb entries apart. */
INLINE void multiply(int mr, int nr, const float *a, eg_index sa,
                     const float *b, eg_index sb, eg_index steps)
{
    __asm__ volatile("" : : : "memory"); /* the operands are written */
    for (eg_index k = 0; k < steps; k++) {
        const float *a1 = a + TILE_FLOATS, *a2 = a1 + TILE_FLOATS;
        const float *b1 = b + TILE_FLOATS, *b2 = b1 + TILE_FLOATS;

        TILE_LOAD(4, 5, mr, a, sa);
        TILE_LOAD(6, 7, nr, b2, sb);
        TILE_PRODUCTS(mr, nr);
        TILE_LOAD(6, 7, nr, b1, sb);
        TILE_PRODUCTS(mr, nr);
        TILE_LOAD(4, 5, mr, a1, sa);
        TILE_PRODUCTS(mr, nr);
        TILE_LOAD(6, 7, nr, b, sb);
        TILE_PRODUCTS(mr, nr);
        TILE_LOAD(4, 5, mr, a2, sa);
        TILE_PRODUCTS(mr, nr);
        TILE_LOAD(4, 5, mr, a, sa);
        TILE_PRODUCTS(mr, nr);
        a += STEP_FLOATS;
        b += STEP_FLOATS;
    }
}

/* Tiles 0 to 3 from and to 32 x 32 floats, rows ld entries apart. */
INLINE void tiles_clear(void)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

INLINE void tiles_load(int mr, int nr, const float *c, eg_index ld)
{
    __asm__ volatile("" : : : "memory");
    _tile_loadd(0, c, 4 * ld);
    if (nr > 1) _tile_loadd(1, c + TILE, 4 * ld);
    if (mr > 1) _tile_loadd(2, c + TILE * ld, 4 * ld);
    if (mr > 1 && nr > 1) _tile_loadd(3, c + TILE * ld + TILE, 4 * ld);
}

INLINE void tiles_store(int mr, int nr, float *c, eg_index ld)
{
    _tile_stored(0, c, 4 * ld);
    if (nr > 1) _tile_stored(1, c + TILE, 4 * ld);
    if (mr > 1) _tile_stored(2, c + TILE * ld, 4 * ld);
    if (mr > 1 && nr > 1) _tile_stored(3, c + TILE * ld + TILE, 4 * ld);
    __asm__ volatile("" : : : "memory");
}
