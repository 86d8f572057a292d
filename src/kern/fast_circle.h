/* Fourier sums over particles on the circle, in float64: powers of
 * z = x0 + i x1 by repeated multiplication, a tile of particles in registers,
 * coefficients broadcast or summed lane by lane in the L1 cache. */

enum {
#if VEC_BYTES == 64
    CIRCLE_TILE = 4, /* vectors of particles */
#else
    CIRCLE_TILE = 2,
#endif
    CIRCLE_STEP = CIRCLE_TILE * DW
};

/* A tile of particles from i on; missing ones are 0 and have no mass. */
typedef struct circle_tile {
    double x[2][CIRCLE_STEP], m[CIRCLE_STEP];
    eg_index n;
} circle_tile;

static void circle_load(circle_tile *t, const double *x, const double *mass,
                        eg_index i, eg_index n)
{
    t->n = n - i < CIRCLE_STEP ? n - i : CIRCLE_STEP;
    if (t->n < CIRCLE_STEP) memset(t->x, 0, sizeof t->x);
    if (t->n < CIRCLE_STEP) memset(t->m, 0, sizeof t->m);
    for (eg_index p = 0; p < t->n; p++) {
        t->x[0][p] = x[2 * (i + p)];
        t->x[1][p] = x[2 * (i + p) + 1];
        t->m[p] = mass ? mass[i + p] : 1;
    }
}

/* p *= z */
INLINE void complex_step(dvec *re, dvec *im, dvec zre, dvec zim)
{
    dvec r = *re * zre - *im * zim;
    *im = *re * zim + *im * zre;
    *re = r;
}

static void fast_circle_moments(double *c, const double *x, const double *mass,
                                eg_index n, eg_index K, double *work)
{
    circle_tile t;

    memset(work, 0, (size_t)(2 * (K + 1) * DW) * sizeof *work);
    for (eg_index i = 0; i < n; i += CIRCLE_STEP) {
        dvec z[2][CIRCLE_TILE], p[2][CIRCLE_TILE];

        circle_load(&t, x, mass, i, n);
#pragma GCC unroll 4
        for (eg_index v = 0; v < CIRCLE_TILE; v++) {
            z[0][v] = dload(t.x[0] + v * DW);
            z[1][v] = dload(t.x[1] + v * DW);
            p[0][v] = dload(t.m + v * DW);
            p[1][v] = dset(0);
        }
#pragma GCC unroll 1
        for (double *s = work; s < work + 2 * (K + 1) * DW; s += 2 * DW) {
            dvec re = dload(s), im = dload(s + DW);
#pragma GCC unroll 4
            for (eg_index v = 0; v < CIRCLE_TILE; v++) {
                re += p[0][v];
                im += p[1][v];
                complex_step(&p[0][v], &p[1][v], z[0][v], z[1][v]);
            }
            dstore(s, re);
            dstore(s + DW, im);
        }
    }
    for (eg_index k = 0; k < 2 * (K + 1); k++)
        c[k] = dsum(dload(work + k * DW));
}

static void fast_circle_field(double *S, double *F, const double *x, eg_index n,
                              eg_index K, const double *g)
{
    circle_tile t;

    for (eg_index i = 0; i < n; i += CIRCLE_STEP) {
        dvec z[2][CIRCLE_TILE], p[2][CIRCLE_TILE], sum[3][CIRCLE_TILE];
        double out[3][CIRCLE_STEP];

        circle_load(&t, x, NULL, i, n);
#pragma GCC unroll 4
        for (eg_index v = 0; v < CIRCLE_TILE; v++) {
            z[0][v] = dload(t.x[0] + v * DW);
            z[1][v] = dload(t.x[1] + v * DW);
            p[0][v] = dset(1);
            p[1][v] = sum[0][v] = sum[1][v] = sum[2][v] = dset(0);
        }
#pragma GCC unroll 1
        for (const double *gk = g; gk < g + 6 * (K + 1); gk += 6) {
#pragma GCC unroll 4
            for (eg_index v = 0; v < CIRCLE_TILE; v++) {
#pragma GCC unroll 3
                for (eg_index f = 0; f < 3; f++) {
                    sum[f][v] += gk[2 * f] * p[0][v];
                    sum[f][v] += gk[2 * f + 1] * p[1][v];
                }
                complex_step(&p[0][v], &p[1][v], z[0][v], z[1][v]);
            }
        }
#pragma GCC unroll 4
        for (eg_index v = 0; v < CIRCLE_TILE; v++)
            for (eg_index f = 0; f < 3; f++) dstore(out[f] + v * DW, sum[f][v]);
        for (eg_index q = 0; q < t.n; q++) {
            S[i + q] = out[0][q];
            F[2 * (i + q)] = out[1][q];
            F[2 * (i + q) + 1] = out[2][q];
        }
    }
}
