/* Sums over pairs of particles, as a template for float and double:
 *     P_(name)     the name for this type
 *     P_REAL, P_VEC, P_LANES, P_SET, P_LOAD, P_STORE, P_EXP2, P_SUM, P_MAX
 *     P_ADD_WIDE   adds a vector to doubles in memory
 *     P_WIDE       vectors of i for d = 3 and 4
 *     P_DIFFERENCE 1: exponents from differences (see particles.h)
 *
 * Small d: a few vectors of i stand in registers with their sums, particles j
 * are broadcast, nothing else moves. w_ij = w_ji halves the exponentials: what
 * i gives to j is summed over lanes of i in `back`, for a block of j that stays
 * in the L1 cache. */

typedef P_(egi_cloud) P_(cloud);

enum {
    P_(BLOCK) = EGI_CLOUD_BLOCK, /* particles j at a time */
    P_(RECORD) = 2 * EGI_CLOUD_SMALL_D + 1,
    P_(BALLS) = 32, /* blocks of particles i whose centres are kept */
    P_(ROWS) = 128, /* the same where d is large */
    P_(TILE) = 8    /* columns in registers there */
};

/* A block of particles j: r, m x and m of each side by side. */
static void P_(gather)(P_REAL *rec, const P_(cloud) * c, eg_index j0,
                       eg_index n)
{
    eg_index d = c->d;

    for (eg_index j = 0; j < n; j++, rec += 2 * d + 1) {
        for (eg_index k = 0; k < d; k++) {
            rec[k] = c->r[k * c->ld + j0 + j];
            rec[d + k] = c->mx[k * c->ld + j0 + j];
        }
        rec[2 * d] = c->m[j0 + j];
    }
}

/* nv vectors of particles from i over n of a block; d, nv and both are folded
 * in by inlining. */
INLINE void P_(tile)(eg_index d, eg_index nv, bool both, const P_(cloud) * c,
                     eg_index i, const P_REAL *rec, eg_index n, P_VEC *back)
{
    P_VEC q[2][EGI_CLOUD_SMALL_D], sum[2][EGI_CLOUD_SMALL_D + 1];
    const P_REAL *m = c->m + i, *mx = c->mx + i;

#pragma GCC unroll 2
    for (eg_index v = 0; v < nv; v++) {
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++) {
            q[v][k] = P_LOAD(c->q + k * c->ld + i + v * P_LANES);
            if (!P_DIFFERENCE) q[v][k] += q[v][k];
            sum[v][k] = P_SET(0);
        }
        sum[v][d] = P_SET(0);
    }
#pragma GCC unroll 1
    for (eg_index j = 0; j < n; j++, rec += 2 * d + 1, back += d + 1) {
        P_VEC b[EGI_CLOUD_SMALL_D + 1];

        if (both) {
#pragma GCC unroll 9
            for (eg_index k = 0; k <= d; k++) b[k] = back[k];
        }
#pragma GCC unroll 2
        for (eg_index v = 0; v < nv; v++) {
            P_VEC t = P_SET(P_DIFFERENCE ? 0 : c->shift), w;
#pragma GCC unroll 8
            for (eg_index k = 0; k < d; k++) {
                P_VEC u = q[v][k] - rec[k];
                t = P_DIFFERENCE ? t - u * u : t + q[v][k] * rec[k];
            }
            w = P_EXP2(t);
#pragma GCC unroll 9
            for (eg_index k = 0; k <= d; k++) sum[v][k] += w * rec[d + k];
            if (both) {
#pragma GCC unroll 8
                for (eg_index k = 0; k < d; k++)
                    b[k] += w * P_LOAD(mx + k * c->ld + v * P_LANES);
                b[d] += w * P_LOAD(m + v * P_LANES);
            }
        }
        if (both) {
#pragma GCC unroll 9
            for (eg_index k = 0; k <= d; k++) back[k] = b[k];
        }
    }
#pragma GCC unroll 2
    for (eg_index v = 0; v < nv; v++) {
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++)
            P_ADD_WIDE(c->F + k * c->ld + i + v * P_LANES, sum[v][k]);
        P_ADD_WIDE(c->S + i + v * P_LANES, sum[v][d]);
    }
}

#include "kern/fast_near.h"

/* Particles i in blocks too: those near each other take the short way. */
INLINE void P_(block)(eg_index d, eg_index nv, bool both, const P_(cloud) * c,
                      eg_index i0, eg_index i1, eg_index j0, eg_index n,
                      const P_(ball) * ball)
{
    P_REAL rec[P_(BLOCK) * P_(RECORD)];
    P_VEC back[P_(BLOCK) * (EGI_CLOUD_SMALL_D + 1)];
    P_REAL total[P_(BLOCK) * (EGI_CLOUD_SMALL_D + 1)];
    P_(near) near;
    bool gathered = false;
    enum { NV = P_(NEAR_WIDE) };

    P_(near_block)(&near, c, j0, n);
    if (both) memset(back, 0, (size_t)(n * (d + 1)) * sizeof *back);
    for (eg_index i = i0; i < i1; i += P_(BLOCK), ball++) {
        eg_index end = i1 - i < P_(BLOCK) ? i1 : i + P_(BLOCK);

        if (P_(near_enough)(&near, ball, d)) {
            P_(near_meet)(&near, ball, d);
            for (eg_index k = i; k < end; k += NV * P_LANES)
                P_(near_tile)(d, NV, both, c, k, ball, &near, back);
        } else {
            if (!gathered) P_(gather)(rec, c, j0, n);
            gathered = true;
            for (eg_index k = i; k < end; k += nv * P_LANES)
                P_(tile)(d, nv, both, c, k, rec, n, back);
        }
    }
    if (!both) return;
    for (eg_index k = 0; k < n * (d + 1); k += 4) P_(sum4)(total + k, back + k);
    for (eg_index j = 0; j < n; j++) {
        for (eg_index k = 0; k < d; k++)
            c->F[k * c->ld + j0 + j] += (double)total[j * (d + 1) + k];
        c->S[j0 + j] += (double)total[j * (d + 1) + d];
    }
}

#define P_BLOCK_FN(d, nv)                                                   \
    static void P_(block##d)(const P_(cloud) * c, eg_index i0, eg_index i1, \
                             eg_index j0, eg_index n, bool both,            \
                             const P_(ball) * ball)                         \
    {                                                                       \
        if (both)                                                           \
            P_(block)(d, nv, true, c, i0, i1, j0, n, ball);                 \
        else                                                                \
            P_(block)(d, nv, false, c, i0, i1, j0, n, ball);                \
    }
P_BLOCK_FN(1, 2)
P_BLOCK_FN(2, 2)
P_BLOCK_FN(3, P_WIDE)
P_BLOCK_FN(4, P_WIDE)
P_BLOCK_FN(5, 1)
P_BLOCK_FN(6, 1)
P_BLOCK_FN(7, 1)
P_BLOCK_FN(8, 1)
#undef P_BLOCK_FN

static void P_(fast_pairs)(const P_(cloud) * c, eg_index i0, eg_index i1,
                           eg_index j0, eg_index j1, bool both)
{
    static void (*const block[])(const P_(cloud) *, eg_index, eg_index,
                                 eg_index, eg_index, bool, const P_(ball) *) = {
        P_(block1), P_(block2), P_(block3), P_(block4),
        P_(block5), P_(block6), P_(block7), P_(block8)};
    const eg_index most = (eg_index)P_(BALLS) * P_(BLOCK);
    P_(ball) ball[P_(BALLS)];

    for (; i0 < i1; i0 += most) {
        eg_index end = i1 - i0 < most ? i1 : i0 + most;

        for (eg_index i = i0; i < end; i += P_(BLOCK))
            ball[(i - i0) / P_(BLOCK)] =
                P_(around)(c->q + i, c->ld, c->d,
                           end - i < P_(BLOCK) ? end - i : P_(BLOCK));
        for (eg_index j = j0; j < j1; j += P_(BLOCK)) {
            eg_index n = j1 - j < P_(BLOCK) ? j1 - j : P_(BLOCK);
            block[c->d - 1](c, i0, end, j, n, both, ball);
        }
    }
}

/* t of two vectors i and P_TILE particles j. */
INLINE void P_(scores)(P_VEC t[P_(TILE)][2], const P_(cloud) * c, eg_index i,
                       eg_index j)
{
#pragma GCC unroll 8
    for (eg_index u = 0; u < P_(TILE); u++) t[u][0] = t[u][1] = P_SET(0);
#pragma GCC unroll 1
    for (eg_index k = 0; k < c->d; k++) {
        const P_REAL *r = c->r + k * c->ld + j;
        P_VEC q0 = P_LOAD(c->q + k * c->ld + i);
        P_VEC q1 = P_LOAD(c->q + k * c->ld + i + P_LANES);
#pragma GCC unroll 8
        for (eg_index u = 0; u < P_(TILE); u++) {
            t[u][0] += q0 * r[u];
            t[u][1] += q1 * r[u];
        }
    }
}

/* Adds sum_j w_ij m_j x_j to `cols` columns of F from k on. */
INLINE void P_(columns)(eg_index cols, const P_(cloud) * c, eg_index k,
                        eg_index i, eg_index j0, eg_index n, P_VEC (*w)[2])
{
    P_VEC sum[P_(TILE)][2];

#pragma GCC unroll 8
    for (eg_index u = 0; u < cols; u++) sum[u][0] = sum[u][1] = P_SET(0);
#pragma GCC unroll 1
    for (eg_index j = 0; j < n; j++) {
        const P_REAL *mx = c->mx + k * c->ld + j0 + j;
        P_VEC w0 = w[j][0], w1 = w[j][1];
#pragma GCC unroll 8
        for (eg_index u = 0; u < cols; u++) {
            sum[u][0] += w0 * mx[u * c->ld];
            sum[u][1] += w1 * mx[u * c->ld];
        }
    }
#pragma GCC unroll 8
    for (eg_index u = 0; u < cols; u++) {
        double *F = c->F + (k + u) * c->ld + i;
        P_ADD_WIDE(F, sum[u][0]);
        P_ADD_WIDE(F + P_LANES, sum[u][1]);
    }
}

/* Large d: scores as a matrix product, exponentials in place, a second product
 * into the sums. Two vectors of i, ROWS particles j at a time. */
static void P_(fast_rows)(const P_(cloud) * c, eg_index i0, eg_index i1,
                          eg_index j0, eg_index j1)
{
    P_VEC w[P_(ROWS)][2];

    for (eg_index i = i0; i < i1; i += 2 * P_LANES) {
        for (eg_index j = j0; j < j1; j += P_(ROWS)) {
            eg_index n = j1 - j < P_(ROWS) ? j1 - j : P_(ROWS), k = 0;
            P_VEC sum[2] = {P_SET(0), P_SET(0)};

            for (eg_index a = 0; a < n; a += P_(TILE)) {
                P_(scores)(w + a, c, i, j + a);
                for (eg_index b = a; b < a + P_(TILE); b++) {
                    for (eg_index v = 0; v < 2; v++) {
                        w[b][v] = P_EXP2(2 * w[b][v] + c->shift);
                        sum[v] += w[b][v] * c->m[j + b];
                    }
                }
            }
            P_ADD_WIDE(c->S + i, sum[0]);
            P_ADD_WIDE(c->S + i + P_LANES, sum[1]);
            for (; k + P_(TILE) <= c->d; k += P_(TILE))
                P_(columns)(P_(TILE), c, k, i, j, n, w);
            for (; k < c->d; k++) P_(columns)(1, c, k, i, j, n, w);
        }
    }
}

#undef P_
#undef P_REAL
#undef P_VEC
#undef P_LANES
#undef P_SET
#undef P_LOAD
#undef P_EXP2
#undef P_SUM
#undef P_ADD_WIDE
#undef P_DIFFERENCE
#undef P_WIDE
#undef P_MAX
#undef P_STORE
