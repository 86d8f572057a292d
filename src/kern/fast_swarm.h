/* Many small systems at once, one a lane, in float64. Entries of x and A are
 * [n, d] vectors of EGI_SWARM_LANES systems. */

#define SWARM ((eg_index)EGI_SWARM_LANES)

enum {
    SWARM_SMALL_D = 8,
    SWARM_ROWS = 2, /* particles at a time up to that d */
    SWARM_ROWS_D = 4,
    SWARM_TILE = 4 /* particles by particles in registers, large d */
};

/* 2^t, t = sum_k bx_k y_k - b: the weight of a pair. */
INLINE dvec swarm_weight(eg_index d, double b, const dvec *bx, const dvec *y)
{
    dvec t = dset(-b);

#pragma GCC unroll 8
    for (eg_index k = 0; k < d; k++) t += bx[k] * y[k];
    return dexp2(t);
}

/* `rows` particles from i on among themselves and with all that follow, both
 * directions; d and rows are folded in by inlining. */
INLINE void swarm_rows(eg_index d, eg_index rows, double *A, double *Z,
                       const double *x, eg_index n, double b, eg_index i)
{
    dvec xi[SWARM_ROWS][SWARM_SMALL_D], bx[SWARM_ROWS][SWARM_SMALL_D];
    dvec sum[SWARM_ROWS][SWARM_SMALL_D], z[SWARM_ROWS];

#pragma GCC unroll 4
    for (eg_index r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++) {
            const eg_index at = ((i + r) * d + k) * SWARM;
            xi[r][k] = dload(x + at);
            bx[r][k] = b * xi[r][k];
            sum[r][k] = dload(A + at);
        }
        z[r] = dload(Z + (i + r) * SWARM);
    }
#pragma GCC unroll 4
    for (eg_index r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (eg_index s = r + 1; s < rows; s++) {
            dvec w = swarm_weight(d, b, bx[r], xi[s]);
            z[r] += w;
            z[s] += w;
#pragma GCC unroll 8
            for (eg_index k = 0; k < d; k++) {
                sum[r][k] += w * xi[s][k];
                sum[s][k] += w * xi[r][k];
            }
        }
    }
#pragma GCC unroll 1
    for (eg_index j = i + rows; j < n; j++) {
        dvec y[SWARM_SMALL_D], w[SWARM_ROWS], zj = dload(Z + j * SWARM);

#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++) y[k] = dload(x + (j * d + k) * SWARM);
#pragma GCC unroll 4
        for (eg_index r = 0; r < rows; r++) {
            w[r] = swarm_weight(d, b, bx[r], y);
            z[r] += w[r];
            zj += w[r];
        }
        dstore(Z + j * SWARM, zj);
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++) {
            double *a = A + (j * d + k) * SWARM;
            dvec v = dload(a);
#pragma GCC unroll 4
            for (eg_index r = 0; r < rows; r++) {
                sum[r][k] += w[r] * y[k];
                v += w[r] * xi[r][k];
            }
            dstore(a, v);
        }
    }
#pragma GCC unroll 4
    for (eg_index r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (eg_index k = 0; k < d; k++)
            dstore(A + ((i + r) * d + k) * SWARM, sum[r][k]);
        dstore(Z + (i + r) * SWARM, z[r]);
    }
}

/* All pairs once; x, A and Z start at the lanes of one vector. */
INLINE void swarm_small(eg_index d, double *A, double *Z, const double *x,
                        eg_index n, double b)
{
    const eg_index rows = d <= SWARM_ROWS_D ? SWARM_ROWS : 1;
    eg_index i = 0;

    for (eg_index j = 0; j < n; j++) {
        for (eg_index k = 0; k < d; k++) {
            const eg_index at = (j * d + k) * SWARM;
            dstore(A + at, dload(x + at)); /* its own weight is 1 */
        }
        dstore(Z + j * SWARM, dset(1));
    }
    for (; i + rows <= n; i += rows) swarm_rows(d, rows, A, Z, x, n, b, i);
    for (; i < n; i++) swarm_rows(d, 1, A, Z, x, n, b, i);
}

/* Dot products of particles i.. and j.., at most SWARM_TILE of each. */
INLINE void swarm_dots(dvec t[SWARM_TILE][SWARM_TILE], const double *const *xi,
                       const double *const *xj, eg_index d)
{
#pragma GCC unroll 4
    for (eg_index a = 0; a < SWARM_TILE; a++)
#pragma GCC unroll 4
        for (eg_index b = 0; b < SWARM_TILE; b++) t[a][b] = dset(0);
#pragma GCC unroll 1
    for (eg_index k = 0; k < d * SWARM; k += SWARM) {
        dvec y[SWARM_TILE];
#pragma GCC unroll 4
        for (eg_index b = 0; b < SWARM_TILE; b++) y[b] = dload(xj[b] + k);
#pragma GCC unroll 4
        for (eg_index a = 0; a < SWARM_TILE; a++) {
            dvec v = dload(xi[a] + k);
#pragma GCC unroll 4
            for (eg_index b = 0; b < SWARM_TILE; b++) t[a][b] += v * y[b];
        }
    }
}

/* A_i = sum_j w_ij x_j for `rows` particles and up to 4 columns from k on. */
INLINE void swarm_sums(double *A, const double *x, const double *w, eg_index n,
                       eg_index d, eg_index i, eg_index rows, eg_index k)
{
    eg_index cols = d - k < SWARM_TILE ? d - k : SWARM_TILE;
    dvec sum[SWARM_TILE][SWARM_TILE];
    eg_index at[SWARM_TILE];

#pragma GCC unroll 4
    for (eg_index c = 0; c < SWARM_TILE; c++) {
        at[c] = (k + (c < cols ? c : 0)) * SWARM;
#pragma GCC unroll 4
        for (eg_index a = 0; a < SWARM_TILE; a++) sum[a][c] = dset(0);
    }
#pragma GCC unroll 1
    for (eg_index j = 0; j < n; j++) {
        dvec y[SWARM_TILE];
#pragma GCC unroll 4
        for (eg_index c = 0; c < SWARM_TILE; c++)
            y[c] = dload(x + j * d * SWARM + at[c]);
#pragma GCC unroll 4
        for (eg_index a = 0; a < SWARM_TILE; a++) {
            dvec v = dload(w + (a * n + j) * SWARM);
#pragma GCC unroll 4
            for (eg_index c = 0; c < SWARM_TILE; c++) sum[a][c] += v * y[c];
        }
    }
    for (eg_index a = 0; a < rows; a++)
        for (eg_index c = 0; c < cols; c++)
            dstore(A + ((i + a) * d + k + c) * SWARM, sum[a][c]);
}

/* A tile of rows at a time: scores, weights, sums. */
static void swarm_large(double *A, double *Z, const double *x, eg_index n,
                        eg_index d, double b, double *w)
{
    for (eg_index i = 0; i < n; i += SWARM_TILE) {
        eg_index rows = n - i < SWARM_TILE ? n - i : SWARM_TILE;
        dvec z[SWARM_TILE] = {dset(0), dset(0), dset(0), dset(0)};
        const double *xi[SWARM_TILE], *xj[SWARM_TILE];

        for (eg_index a = 0; a < SWARM_TILE; a++)
            xi[a] = x + (i + (a < rows ? a : 0)) * d * SWARM;
        for (eg_index j = 0; j < n; j += SWARM_TILE) {
            eg_index cols = n - j < SWARM_TILE ? n - j : SWARM_TILE;
            dvec t[SWARM_TILE][SWARM_TILE];

            for (eg_index c = 0; c < SWARM_TILE; c++)
                xj[c] = x + (j + (c < cols ? c : 0)) * d * SWARM;
            swarm_dots(t, xi, xj, d);
            for (eg_index a = 0; a < SWARM_TILE; a++) {
                for (eg_index c = 0; c < cols; c++) {
                    dvec v =
                        i + a == j + c ? dset(1) : dexp2(b * (t[a][c] - 1));
                    z[a] += v;
                    dstore(w + (a * n + j + c) * SWARM, v);
                }
            }
        }
        for (eg_index a = 0; a < rows; a++) dstore(Z + (i + a) * SWARM, z[a]);
        for (eg_index k = 0; k < d; k += SWARM_TILE)
            swarm_sums(A, x, w, n, d, i, rows, k);
    }
}

#define SWARM_FN(d)                                                          \
    static void swarm_##d(double *A, double *Z, const double *x, eg_index n, \
                          double b)                                          \
    {                                                                        \
        swarm_small(d, A, Z, x, n, b);                                       \
    }
SWARM_FN(1)
SWARM_FN(2)
SWARM_FN(3)
SWARM_FN(4)
SWARM_FN(5)
SWARM_FN(6)
SWARM_FN(7)
SWARM_FN(8)
#undef SWARM_FN

static void fast_swarm(double *A, double *Z, const double *x, eg_index n,
                       eg_index d, double beta, double *work)
{
    static void (*const small[])(double *, double *, const double *, eg_index,
                                 double) = {swarm_1, swarm_2, swarm_3, swarm_4,
                                            swarm_5, swarm_6, swarm_7, swarm_8};
    double b = beta * 0x1.71547652b82fep+0; /* log2(e) */

    for (eg_index lane = 0; lane < SWARM; lane += DW) {
        if (d <= SWARM_SMALL_D)
            small[d - 1](A + lane, Z + lane, x + lane, n, b);
        else
            swarm_large(A + lane, Z + lane, x + lane, n, d, b, work + lane);
    }
}

static void fast_swarm_rate(double *f, const double *A, const double *Z,
                            double scale, const double *u, eg_index n,
                            eg_index d, bool tangent)
{
    for (eg_index i = 0; i < n; i++) {
        for (eg_index lane = 0; lane < SWARM; lane += DW) {
            eg_index at = i * d * SWARM + lane;
            dvec c = Z ? 1 / dload(Z + i * SWARM + lane) : dset(scale);
            dvec radial = dset(0);

            for (eg_index k = 0; k < d * SWARM && tangent; k += SWARM)
                radial += dload(A + at + k) * dload(u + at + k);
            for (eg_index k = 0; k < d * SWARM; k += SWARM) {
                dvec v = dload(A + at + k);
                if (tangent) v -= radial * dload(u + at + k);
                dstore(f + at + k, c * v);
            }
        }
    }
}

/* y = Z x + c A has the direction of x + c A / Z, without a division. */
INLINE void swarm_step_one(eg_index d, double *x, const double *A, dvec z,
                           double c, bool tangent)
{
    dvec radial = dset(0), s = dset(1e-300);

    if (tangent)
#pragma GCC unroll 8
        for (eg_index k = 0; k < d * SWARM; k += SWARM)
            radial += dload(A + k) * dload(x + k);
    z -= c * radial;
#pragma GCC unroll 8
    for (eg_index k = 0; k < d * SWARM; k += SWARM) {
        dvec y = z * dload(x + k) + c * dload(A + k);

        s += y * y;
        dstore(x + k, y);
    }
    s = drsqrt(s);
#pragma GCC unroll 8
    for (eg_index k = 0; k < d * SWARM; k += SWARM)
        dstore(x + k, s * dload(x + k));
}

static void fast_swarm_step(double *x, const double *A, const double *Z,
                            double c, eg_index n, eg_index d, bool tangent)
{
    for (eg_index i = 0; i < n; i++) {
        for (eg_index lane = 0; lane < SWARM; lane += DW) {
            eg_index at = i * d * SWARM + lane;
            dvec z = Z ? dload(Z + i * SWARM + lane) : dset(1);

            if (d == 2)
                swarm_step_one(2, x + at, A + at, z, c, tangent);
            else
                swarm_step_one(d, x + at, A + at, z, c, tangent);
        }
    }
}

static void fast_swarm_unit(double *u, const double *y, eg_index n, eg_index d)
{
    for (eg_index i = 0; i < n; i++) {
        for (eg_index lane = 0; lane < SWARM; lane += DW) {
            eg_index at = i * d * SWARM + lane;
            dvec s = dset(1e-300);

            for (eg_index k = 0; k < d * SWARM; k += SWARM)
                s += dload(y + at + k) * dload(y + at + k);
            s = drsqrt(s);
            for (eg_index k = 0; k < d * SWARM; k += SWARM)
                dstore(u + at + k, s * dload(y + at + k));
        }
    }
}

static void fast_swarm_links(uint8_t *link, const double *x, eg_index n,
                             eg_index d, double threshold)
{
    const dvec top = dset(threshold);

    for (eg_index i = 0; i < n; i++) {
        for (eg_index j = i + 1; j < n; j++) {
            unsigned bits = 0;
            for (eg_index lane = 0; lane < SWARM; lane += DW) {
                const double *xi = x + i * d * SWARM + lane;
                const double *xj = x + j * d * SWARM + lane;
                dvec t = dset(0);
                lvec above;

                for (eg_index k = 0; k < d * SWARM; k += SWARM)
                    t += dload(xi + k) * dload(xj + k);
                above = t > top;
                for (eg_index r = 0; r < DW; r++)
                    bits |= (unsigned)(above[r] & 1) << (lane + r);
            }
            *link++ = (uint8_t)bits;
        }
    }
}
