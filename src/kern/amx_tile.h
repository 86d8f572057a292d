/* Products of float32 matrices on the matrix unit of x86 (AMX), which
 * multiplies bfloat16 and sums in float32. amx.c and amx_bf16.c include this
 * file with PARTS 3 and 1.
 *
 * Three parts: a number is the sum of three bfloat16 parts, a = a0 + a1 + a2
 * exactly: each part is what the parts before it left, rounded to 8 bits. Of
 * the nine products of parts six are summed, the smallest first; the others, a1
 * b2, a2 b1 and a2 b2, are below 2^-23 |a b| at worst and about 2^-27 on
 * average, which is less than the roundings of a float32 sum. Parts below
 * 2^-126 count as 0; infinities, and numbers above 3.38e38, give NaN. One part:
 * operands are rounded to bfloat16; entries are those of bf16.h to the bit.
 *
 * A tile is 16 rows of 64 bytes. An operand is laid out in strips of 16 rows
 * (left) or 16 columns (right), a strip in steps of 32 along the summed index
 * k, a step as a tile for each part. Entry j of a tile's row holds
 * two neighbours in k: steps k and k + 16, so that no permutation is needed. */

enum {
    TILE = 16,         /* rows, and pairs or floats a row */
    STEP = 32,         /* of k a tile */
    TILE_FLOATS = 256, /* 1 KiB */
    STEP_FLOATS = PARTS * 256
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

#if PARTS == 1
/* Left whole: put_parts rounds. */
INLINE void split(vec a, uvec part[PARTS])
{
    part[0] = (uvec)a;
}

/* One row of the tile at p: lo in the lower halves, hi in the upper, rounded
 * to nearest even, 0 below 2^-126. */
INLINE void put_parts(float *p, const uvec lo[PARTS], const uvec hi[PARTS])
{
    const __m512i halves = _mm512_set_epi32(
        0x1f000f, 0x1e000e, 0x1d000d, 0x1c000c, 0x1b000b, 0x1a000a, 0x190009,
        0x180008, 0x170007, 0x160006, 0x150005, 0x140004, 0x130003, 0x120002,
        0x110001, 0x100000);
    __m512bh both = _mm512_cvtne2ps_pbh((__m512)hi[0], (__m512)lo[0]);

    vstore(p, (vec)_mm512_permutexvar_epi16(halves, (__m512i)both));
}
#else
/* The parts of a, each in the upper half of its lane. */
INLINE void split(vec a, uvec part[PARTS])
{
    const uvec half = (uvec)iset(0x8000), top = (uvec)iset(-0x10000);

    part[0] = ((uvec)a + half) & top;
    a -= (vec)part[0];
    part[1] = (uvec)a & top;
    a -= (vec)part[1];
    part[2] = (uvec)a;
}

/* One row of the three tiles at p: lo in the lower halves, hi in the upper. */
INLINE void put_parts(float *p, const uvec lo[PARTS], const uvec hi[PARTS])
{
    const uvec top = (uvec)iset(-0x10000);
#pragma GCC unroll 3
    for (eg_index i = 0; i < PARTS; i++) {
        vstore(p + i * TILE_FLOATS, (vec)(lo[i] >> 16 | (hi[i] & top)));
    }
}
#endif

INLINE void put_pairs(float *p, vec lo, vec hi)
{
    uvec l[PARTS], h[PARTS];

    split(lo, l);
    split(hi, h);
    put_parts(p, l, h);
}

/* The first n entries, for any n. */
INLINE vec load_some(const float *p, eg_index n)
{
    return n >= W ? vload(p) : n > 0 ? vload_n(p, n) : vset(0);
}

/* An operand on its way into parts: n rows (left) or columns (right) by K,
 * entry (i, k) at x[i*si + k*sk], one of the strides 1; or, with `panel` set,
 * columns in panels of NR, that many entries apart. Strips of it are `size`
 * entries apart at `to`. A step of a strip is done in SLOTS pieces: one for
 * each four products of tiles, or for each one of four. */
enum { SLOTS = PARTS == 1 ? 4 : 6, AHEAD_ROWS = 2 * TILE };

typedef struct feed {
    float *to;
    const float *x;
    eg_index si, sk, n, K, size;
    eg_index panel; /* or 0 */
    eg_index ahead; /* what lies so many entries further on is fetched */
    bool left;
    eg_index strip, step, slot; /* the next piece */
    float turned[TILE * STEP];  /* the step at hand in the other order */
} feed;

/* Makes f an operand to be split from the start; size and left are set apart.
 * Never by assignment: a copy of a struct would wait for all stores of tiles
 * before it. */
static void feed_begin(feed *f, float *to, const float *x, eg_index si,
                       eg_index sk, eg_index n, eg_index K)
{
    f->to = to;
    f->x = x;
    f->si = si;
    f->sk = sk;
    f->n = n;
    f->K = K;
    f->panel = 0;
    f->ahead = AHEAD_ROWS * si;
    f->strip = f->step = f->slot = 0;
}

/* Rows r0 to r1 of the tiles of a step: of a left operand lo and hi are 16
 * steps of k each, of a right one rows k and k + 16; ld entries from row to
 * row, n of them and k steps are there, the rest is 0. What lies `ahead`
 * entries further on is fetched. */
static void put_rows(float *p, const float *x, eg_index ld, eg_index r0,
                     eg_index r1, bool left, eg_index n, eg_index k,
                     eg_index ahead)
{
    eg_index far = left ? W : TILE * ld;

    x += r0 * ld;
    p += r0 * W;
    if (n >= TILE && k >= STEP) {
        for (eg_index r = r0; r < r1; r++, x += ld, p += W) {
            __builtin_prefetch(x + ahead, 0, 2);
            __builtin_prefetch(x + far + ahead, 0, 2);
            put_pairs(p, vload(x), vload(x + far));
        }
        return;
    }
    for (eg_index r = r0; r < r1; r++, x += ld, p += W) {
        eg_index lo = left ? r < n ? k : 0 : r < k ? n : 0;
        eg_index hi = left ? lo - W : r + TILE < k ? n : 0;
        put_pairs(p, load_some(x, lo), load_some(x + far, hi));
    }
}

/* Up to 16 rows of up to 16 floats, transposed: to[j*ld + i] = x[i*stride + j],
 * 0 where there are none. */
static void turn(float *to, eg_index ld, const float *x, eg_index stride,
                 eg_index rows, eg_index n, eg_index ahead)
{
    vec v[TILE];

    if (rows >= TILE && n >= W) {
#pragma GCC unroll 16
        for (int i = 0; i < TILE; i++) {
            __builtin_prefetch(x + i * stride + ahead, 0, 2);
            v[i] = vload(x + i * stride);
        }
    } else {
#pragma GCC unroll 16
        for (int i = 0; i < TILE; i++) {
            v[i] = load_some(x + i * stride, i < rows ? n : 0);
        }
    }
    vtranspose(v);
#pragma GCC unroll 16
    for (int i = 0; i < TILE; i++) vstore(to + i * ld, v[i]);
}

/* One piece of an operand that lies in the order of its tiles' rows. */
INLINE void piece_straight(feed *f, float *p, const float *x, eg_index n,
                           eg_index k)
{
    enum { ROWS = (TILE + SLOTS - 1) / SLOTS };
    eg_index r0 = f->slot * ROWS, r1 = r0 + ROWS < TILE ? r0 + ROWS : TILE;
    put_rows(p, x, f->left ? f->si : f->sk, r0, r1, f->left, n, k, f->ahead);
}

/* One piece of an operand that lies transposed: its halves are turned first. */
INLINE void piece_turned(feed *f, float *p, const float *x, eg_index n,
                         eg_index k)
{
    enum { ROWS = TILE / (SLOTS - 2) };
    eg_index half = f->slot * TILE, r0 = (f->slot - 2) * ROWS;

    if (f->slot < 2 && f->left) {
        turn(f->turned + half, STEP, x + half * f->sk, f->sk, k - half, n, 0);
    } else if (f->slot < 2) {
        turn(f->turned + half * TILE, TILE, x + half, f->si, n, k - half,
             f->ahead);
    } else {
        put_rows(p, f->turned, f->left ? STEP : TILE, r0, r0 + ROWS, f->left,
                 TILE, STEP, 0);
    }
}

/* Where the strip at hand begins. */
INLINE const float *strip_of(const feed *f)
{
    if (f->panel == 0) return f->x + f->strip * f->si;
    return f->x + f->strip / NR * f->panel + f->strip % NR;
}

/* Does the next piece; false when nothing is left. */
static bool feed_piece(feed *f)
{
    eg_index n = f->n - f->strip, k = f->K - f->step;
    const float *x;
    float *p;

    if (n <= 0 || k <= 0) return false;
    x = strip_of(f) + f->step * f->sk;
    p = f->to + f->strip / TILE * f->size + f->step / STEP * STEP_FLOATS;
    if (f->left ? f->sk == 1 : f->si == 1) {
        piece_straight(f, p, x, n, k);
    } else {
        piece_turned(f, p, x, n, k);
    }
    if (++f->slot < SLOTS) return true;
    f->slot = 0;
    f->step += STEP;
    if (f->step < f->K) return true;
    f->step = 0;
    f->strip += TILE;
    return true;
}

/* Does everything, a step of all strips before the next: for columns of rows,
 * which are read as they lie. */
static void feed_across(feed *f)
{
    for (eg_index k = 0; k < f->K; k += STEP) {
        for (eg_index n = 0; n < f->n; n += TILE) {
            f->strip = n;
            f->step = k;
            do (void)feed_piece(f);
            while (f->slot > 0);
        }
    }
}

/* Does the strips below n. */
static void feed_until(feed *f, eg_index n)
{
    while (f->strip < n && feed_piece(f)) {
    }
}

/* Sums of the products of two tiles of A (4, 5) with two of B (6, 7), and a
 * piece of vector work while the tile unit is busy: in small pieces it is free,
 * a large one stops the flow of instructions. */
INLINE void tile_products(int mr, int nr, void (*also)(void *), void *arg)
{
    _tile_dpbf16ps(0, 4, 6);
    if (nr > 1) _tile_dpbf16ps(1, 4, 7);
    if (mr > 1) _tile_dpbf16ps(2, 5, 6);
    if (mr > 1 && nr > 1) _tile_dpbf16ps(3, 5, 7);
    if (also) also(arg);
}

INLINE void tile_left(int mr, const float *p, eg_index stride)
{
    _tile_loadd(4, p, 64);
    if (mr > 1) _tile_loadd(5, p + stride, 64);
}

INLINE void tile_right(int nr, const float *p, eg_index stride)
{
    _tile_stream_loadd(6, p, 64);
    if (nr > 1) _tile_stream_loadd(7, p + stride, 64);
}

/* Adds mr x nr strips' products over the steps to tiles 0 to 3; strips are sa
 * and sb entries apart. B passes by the L1 cache, which A's strips, used again
 * and again, have for themselves. SLOTS times a step also(arg) is called,
 * unless NULL. */
INLINE void multiply(int mr, int nr, const float *a, eg_index sa,
                     const float *b, eg_index sb, eg_index steps,
                     void (*also)(void *), void *arg)
{
    __asm__ volatile("" : : : "memory"); /* the operands are written */
#if PARTS == 1
    for (eg_index k = 0; k < steps; k++) {
        tile_left(mr, a, sa);
        tile_right(nr, b, sb);
        _tile_dpbf16ps(0, 4, 6);
        if (also) also(arg);
        if (nr > 1) _tile_dpbf16ps(1, 4, 7);
        if (also) also(arg);
        if (mr > 1) _tile_dpbf16ps(2, 5, 6);
        if (also) also(arg);
        if (mr > 1 && nr > 1) _tile_dpbf16ps(3, 5, 7);
        if (also) also(arg);
        a += STEP_FLOATS;
        b += STEP_FLOATS;
    }
#else
    for (eg_index k = 0; k < steps; k++) {
        const float *a1 = a + TILE_FLOATS, *a2 = a1 + TILE_FLOATS;
        const float *b1 = b + TILE_FLOATS, *b2 = b1 + TILE_FLOATS;

        tile_left(mr, a, sa);
        tile_right(nr, b2, sb);
        tile_products(mr, nr, also, arg);
        tile_right(nr, b1, sb);
        tile_products(mr, nr, also, arg);
        tile_left(mr, a1, sa);
        tile_products(mr, nr, also, arg);
        tile_right(nr, b, sb);
        tile_products(mr, nr, also, arg);
        tile_left(mr, a2, sa);
        tile_products(mr, nr, also, arg);
        tile_left(mr, a, sa);
        tile_products(mr, nr, also, arg);
        a += STEP_FLOATS;
        b += STEP_FLOATS;
    }
#endif
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
