/* Sums of spherical harmonics over particles, in float64, without angles:
 * powers of x + i y carry the longitude, a monic recurrence in z the latitude.
 * For each order m all degrees l are run through for a block of particles, so
 * that the sums of one m stay in the L1 cache. */

enum {
    SPHERE_BLOCK = 256, /* particles */
#if VEC_BYTES == 64
    SPHERE_TILE = 4, /* vectors of them at a time, moments */
    SPHERE_FIELD_TILE = 2
#else
    SPHERE_TILE = 2,
    SPHERE_FIELD_TILE = 1
#endif
};

typedef struct sphere_block {
    double x[3][SPHERE_BLOCK];
    double p[2][SPHERE_BLOCK]; /* (x + i y)^m, times the mass */
    double out[4][SPHERE_BLOCK];
    eg_index n, padded; /* padded to whole tiles by zeros without mass */
} sphere_block;

static void sphere_load(sphere_block *b, const double *x, const double *mass,
                        eg_index n)
{
    const eg_index step = SPHERE_TILE * DW;

    b->n = n < SPHERE_BLOCK ? n : SPHERE_BLOCK;
    b->padded = (b->n + step - 1) / step * step;
    for (eg_index i = 0; i < b->padded; i++) {
        bool in = i < b->n;
        for (eg_index k = 0; k < 3; k++) b->x[k][i] = in ? x[3 * i + k] : 0;
        b->p[0][i] = in ? (mass ? mass[i] : 1) : 0;
        b->p[1][i] = 0;
    }
}

/* p *= x + i y for the whole block. */
static void sphere_turn(sphere_block *b)
{
    for (eg_index i = 0; i < b->padded; i += DW) {
        dvec re = dload(b->p[0] + i), im = dload(b->p[1] + i);
        complex_step(&re, &im, dload(b->x[0] + i), dload(b->x[1] + i));
        dstore(b->p[0] + i, re);
        dstore(b->p[1] + i, im);
    }
}

/* sums [terms, 2, DW] += q_l p, l = m .. m + terms - 1, over the block. */
static void sphere_order(double *sums, const sphere_block *b,
                         const double *gamma, eg_index terms)
{
    for (eg_index i = 0; i < b->padded; i += SPHERE_TILE * DW) {
        dvec z[SPHERE_TILE], q[SPHERE_TILE], last[SPHERE_TILE];
        dvec p[2][SPHERE_TILE];
        double *s = sums;

#pragma GCC unroll 4
        for (eg_index v = 0; v < SPHERE_TILE; v++) {
            z[v] = dload(b->x[2] + i + v * DW);
            p[0][v] = dload(b->p[0] + i + v * DW);
            p[1][v] = dload(b->p[1] + i + v * DW);
            q[v] = dset(1);
            last[v] = dset(0);
        }
#pragma GCC unroll 1
        for (eg_index l = 0; l < terms; l++, s += 2 * DW) {
            dvec re = dload(s), im = dload(s + DW);
            double g = l + 1 < terms ? gamma[l + 1] : 0;
#pragma GCC unroll 4
            for (eg_index v = 0; v < SPHERE_TILE; v++) {
                dvec next = z[v] * q[v] - g * last[v];
                re += q[v] * p[0][v];
                im += q[v] * p[1][v];
                last[v] = q[v];
                q[v] = next;
            }
            dstore(s, re);
            dstore(s + DW, im);
        }
    }
}

static void fast_sphere_moments(double *M, const double *x, const double *mass,
                                eg_index n, eg_index L, const double *gamma,
                                double *work)
{
    eg_index size = egi_sphere_size(L);
    sphere_block b;

    memset(work, 0, (size_t)(2 * size * DW) * sizeof *work);
    for (eg_index i = 0; i < n; i += SPHERE_BLOCK) {
        sphere_load(&b, x + 3 * i, mass ? mass + i : NULL, n - i);
        for (eg_index m = 0; m <= L; m++) {
            eg_index at = egi_sphere_at(L, m, m);
            sphere_order(work + at * 2 * DW, &b, gamma + at, L - m + 1);
            sphere_turn(&b);
        }
    }
    for (eg_index k = 0; k < 2 * size; k++) M[k] = dsum(dload(work + k * DW));
}

/* out_f += Re( conj(sum_l g_f q_l) p ) over the block, for one order m. */
static void sphere_sum(sphere_block *b, const double *gamma, const double *g,
                       eg_index terms)
{
    for (eg_index i = 0; i < b->padded; i += SPHERE_FIELD_TILE * DW) {
        dvec z[SPHERE_FIELD_TILE], q[SPHERE_FIELD_TILE];
        dvec last[SPHERE_FIELD_TILE], sum[8][SPHERE_FIELD_TILE];
        const double *gl = g;

#pragma GCC unroll 2
        for (eg_index v = 0; v < SPHERE_FIELD_TILE; v++) {
            z[v] = dload(b->x[2] + i + v * DW);
            q[v] = dset(1);
            last[v] = dset(0);
#pragma GCC unroll 8
            for (eg_index f = 0; f < 8; f++) sum[f][v] = dset(0);
        }
#pragma GCC unroll 1
        for (eg_index l = 0; l < terms; l++, gl += 8) {
            double c = l + 1 < terms ? gamma[l + 1] : 0;
#pragma GCC unroll 2
            for (eg_index v = 0; v < SPHERE_FIELD_TILE; v++) {
                dvec next = z[v] * q[v] - c * last[v];
#pragma GCC unroll 8
                for (eg_index f = 0; f < 8; f++) sum[f][v] += gl[f] * q[v];
                last[v] = q[v];
                q[v] = next;
            }
        }
#pragma GCC unroll 2
        for (eg_index v = 0; v < SPHERE_FIELD_TILE; v++) {
            dvec re = dload(b->p[0] + i + v * DW);
            dvec im = dload(b->p[1] + i + v * DW);
#pragma GCC unroll 4
            for (eg_index f = 0; f < 4; f++) {
                double *out = b->out[f] + i + v * DW;
                dstore(out, dload(out) + sum[2 * f][v] * re +
                                sum[2 * f + 1][v] * im);
            }
        }
    }
}

static void fast_sphere_field(double *S, double *F, const double *x, eg_index n,
                              eg_index L, const double *gamma, const double *g)
{
    sphere_block b;

    for (eg_index i = 0; i < n; i += SPHERE_BLOCK) {
        sphere_load(&b, x + 3 * i, NULL, n - i);
        memset(b.out, 0, sizeof b.out);
        for (eg_index m = 0; m <= L; m++) {
            eg_index at = egi_sphere_at(L, m, m);
            sphere_sum(&b, gamma + at, g + 8 * at, L - m + 1);
            sphere_turn(&b);
        }
        for (eg_index p = 0; p < b.n; p++) {
            S[i + p] = b.out[0][p];
            for (eg_index k = 0; k < 3; k++)
                F[3 * (i + p) + k] = b.out[k + 1][p];
        }
    }
}
