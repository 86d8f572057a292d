/* Pairs of two blocks of particles that are each close together, as a template
 * beside fast_pairs.h, with its parameters and the weights of fast_near_exp.h.
 *
 * Let q_i = a + u_i and r_j = b + v_j with a and b the blocks' centres. Then
 *     -|q_i - r_j|^2 = -|q_i - b|^2 + (2 <a - b, v_j> - |v_j|^2) + 2 <u_i, v_j>
 * where the first term belongs to i, the second to j, and the third is small:
 * 2^t of a pair is a polynomial in it, without the rounding and the scaling of
 * an exponential. What belongs to i multiplies its masses before and its sums
 * after the block, what belongs to j is in the coefficients. No digit is lost
 * that the plain differences would keep: the terms are of the size of the
 * distances that they are made of. */

/* A centre of n particles and how far they are from it, at most. */
typedef struct P_(ball) {
    P_REAL at[EGI_CLOUD_SMALL_D], radius;
} P_(ball);

static P_(ball) P_(around)(const P_REAL *x, eg_index ld, eg_index d, eg_index n)
{
    P_(ball) ball = {.radius = 0};
    P_REAL top[P_LANES];
    P_VEC far = P_SET(0);

    for (eg_index k = 0; k < d; k++) {
        P_VEC sum = P_SET(0);
        for (eg_index i = 0; i < n; i += P_LANES) sum += P_LOAD(x + k * ld + i);
        ball.at[k] = P_SUM(sum) / (P_REAL)n;
    }
    for (eg_index i = 0; i < n; i += P_LANES) {
        P_VEC s = P_SET(0);
        for (eg_index k = 0; k < d; k++) {
            P_VEC u = P_LOAD(x + k * ld + i) - ball.at[k];
            s += u * u;
        }
        far = P_MAX(s, far);
    }
    P_STORE(top, far);
    for (eg_index l = 0; l < P_LANES; l++)
        ball.radius = top[l] > ball.radius ? top[l] : ball.radius;
    ball.radius = (P_REAL)sqrt((double)ball.radius);
    return ball;
}

/* Particles j of a block, broadcast: one entry each of rows of a table. */
typedef struct P_(near) {
    P_(ball) b;
    eg_index n;
    P_REAL v[EGI_CLOUD_SMALL_D][P_(BLOCK)];     /* 2 (r_j - b) */
    P_REAL half[P_(BLOCK)];                     /* |r_j - b|^2 */
    P_REAL m[EGI_CLOUD_SMALL_D + 1][P_(BLOCK)]; /* m_j x_j, m_j */
    /* with the block i: v, and coefficients, times what belongs to j */
    P_REAL u[EGI_CLOUD_SMALL_D][P_(BLOCK)];
    P_REAL row[P_(NEAR_ROWS)][P_(BLOCK)];
} P_(near);

static void P_(near_block)(P_(near) * s, const P_(cloud) * c, eg_index j0,
                           eg_index n)
{
    s->n = n;
    s->b = P_(around)(c->r + j0, c->ld, c->d, n);
    for (eg_index j = 0; j < n; j += P_LANES) {
        P_VEC half = P_SET(0);
        for (eg_index k = 0; k < c->d; k++) {
            P_VEC v = P_LOAD(c->r + k * c->ld + j0 + j) - s->b.at[k];
            half += v * v;
            P_STORE(s->v[k] + j, v + v);
            P_STORE(s->m[k] + j, P_LOAD(c->mx + k * c->ld + j0 + j));
        }
        P_STORE(s->half + j, half);
        P_STORE(s->m[c->d] + j, P_LOAD(c->m + j0 + j));
    }
}

/* Whether the third term stays within the polynomial's range, and what belongs
 * to j within that of the numbers. */
static bool P_(near_enough)(const P_(near) * s, const P_(ball) * a, eg_index d)
{
    P_REAL apart = 0, v = s->b.radius;

    if (!(2 * a->radius * v <= P_(NEAR_MOST))) return false;
    for (eg_index k = 0; k < d; k++)
        apart += (a->at[k] - s->b.at[k]) * (a->at[k] - s->b.at[k]);
    return 4 * apart * v * v <= P_(NEAR_FAR) * P_(NEAR_FAR) &&
           v * v <= P_(NEAR_FAR);
}

INLINE void P_(near_meet)(P_(near) * s, const P_(ball) * a, eg_index d)
{
    for (eg_index j = 0; j < s->n; j += P_LANES) {
        P_VEC t = -P_LOAD(s->half + j), v[EGI_CLOUD_SMALL_D];

#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++) {
            v[k] = P_LOAD(s->v[k] + j);
            t += (a->at[k] - s->b.at[k]) * v[k];
        }
        t = P_(near_rows)(s->row[0] + j, P_(BLOCK), t);
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++) P_STORE(s->u[k] + j, t * v[k]);
    }
}

/* nv vectors of particles from i over the block j. */
INLINE void P_(near_tile)(eg_index d, eg_index nv, bool both,
                          const P_(cloud) * c, eg_index i, const P_(ball) * a,
                          const P_(near) * s, P_VEC *back)
{
    P_VEC u[P_(NEAR_WIDE)][EGI_CLOUD_SMALL_D], f[P_(NEAR_WIDE)];
    P_VEC sum[P_(NEAR_WIDE)][EGI_CLOUD_SMALL_D + 1];
    P_VEC m[P_(NEAR_WIDE)][EGI_CLOUD_SMALL_D + 1];

#pragma GCC unroll 4
    for (eg_index v = 0; v < nv; v++) {
        P_VEC t = P_SET(0);
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++) {
            P_VEC q = P_LOAD(c->q + k * c->ld + i + v * P_LANES);
            P_VEC e = q - s->b.at[k];
            t -= e * e;
            u[v][k] = q - a->at[k];
            sum[v][k] = P_SET(0);
        }
        f[v] = P_EXP2(t) * P_(NEAR_LEAD);
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++)
            m[v][k] = f[v] * P_LOAD(c->mx + k * c->ld + i + v * P_LANES);
        m[v][d] = f[v] * P_LOAD(c->m + i + v * P_LANES);
        sum[v][d] = P_SET(0);
    }
#pragma GCC unroll 1
    for (eg_index j = 0; j < s->n; j++, back += d + 1) {
        P_VEC w[P_(NEAR_WIDE)];

#pragma GCC unroll 4
        for (eg_index v = 0; v < nv; v++) {
            P_VEC x = P_SET(P_(NEAR_SHIFTED) ? s->row[0][j] : 0);
#pragma GCC unroll 8
            for (eg_index k = 0; k < d; k++) x += u[v][k] * s->u[k][j];
            w[v] = P_(near_weight)(x, s->row[0] + j, P_(BLOCK));
        }
#pragma GCC unroll 9
        for (eg_index k = 0; k <= d; k++) {
            P_VEC b = both ? back[k] : P_SET(0);
#pragma GCC unroll 4
            for (eg_index v = 0; v < nv; v++) {
                sum[v][k] += w[v] * s->m[k][j];
                if (both) b += w[v] * m[v][k];
            }
            if (both) back[k] = b;
        }
    }
#pragma GCC unroll 4
    for (eg_index v = 0; v < nv; v++) {
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++)
            P_ADD_WIDE(c->F + k * c->ld + i + v * P_LANES, f[v] * sum[v][k]);
        P_ADD_WIDE(c->S + i + v * P_LANES, f[v] * sum[v][d]);
    }
}
