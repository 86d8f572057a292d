/* Kernels of the particle flows: the same sets by instruction set as
 * eg_kern_f32, in float32 and float64.
 *
 * Conventions as in kern.h: a kernel cannot fail, any count may be 0, bits
 * depend on the arguments only. exp(beta <x,y> - |beta|) is the weight of a
 * pair of unit vectors everywhere. */
#ifndef EGI_PARTICLES_H
#define EGI_PARTICLES_H

#include "engram/kern.h"

enum {
    EGI_CLOUD_PAD = 32,    /* clouds are padded to multiples of this */
    EGI_CLOUD_BLOCK = 64,  /* particles at a time; near ones cost less */
    EGI_CLOUD_SMALL_D = 8, /* up to this d a pair is all in registers */
    EGI_SERIES_LANES = 8,  /* partial sums of a series, at most */
    EGI_SWARM_LANES = 8    /* systems side by side */
};

/* A cloud of particles, coordinate k of particle i at [k * ld + i]. Padding
 * has no mass; best it lies where its neighbours are, since blocks of
 * EGI_CLOUD_BLOCK particles that are near each other cost the fast sets two
 * thirds (see fast_near.h). The weight of a pair is 2^t,
 *     float32: t = 2 sum_k q_ik r_jk + shift
 *     float64: t = -sum_k (q_ik - r_jk)^2, in `rows` as in float32
 * with q = s x, r = sign(beta) q, s^2 = |beta| log2(e) / 2 and
 * shift = -|beta| log2(e). The form of float64 loses no digits to close pairs
 * at large beta, that of float32 is faster. */
#define EGI_CLOUD(R)                                           \
    eg_index ld;                                               \
    eg_index d;                                                \
    R shift;                                                   \
    const R *q, *r;  /* [d, ld] */                             \
    const R *m, *mx; /* masses [ld]; masses times x [d, ld] */ \
    double *S, *F;   /* [ld]; [d, ld]: what is added to */

typedef struct egi_cloud_f32 {
    EGI_CLOUD(float)
} egi_cloud_f32;

typedef struct egi_cloud_f64 {
    EGI_CLOUD(double)
} egi_cloud_f64;

/* pairs       for i in [i0, i1), j in [j0, j1): S_i += w_ij m_j,
 *             F_i += w_ij m_j x_j; both: also S_j += w_ij m_i,
 *             F_j += w_ij m_i x_i (the ranges must not meet). Bounds are
 *             multiples of EGI_CLOUD_PAD. Partial sums of a few hundred terms
 *             are in R, their sums in float64; j1 - j0, i1 - i0 <= 2048 where
 *             that matters. d <= EGI_CLOUD_SMALL_D
 * rows        the same one way (i only), any d
 *
 * circle_moments  c_k = sum_j m_j (x_j0 + i x_j1)^k, k = 0..K:
 *             c[2k], c[2k+1] real and imaginary part; x [n, 2], mass NULL: 1;
 *             work [EGI_SERIES_LANES * 2 (K + 1)]
 * circle_field    out[f][i] = sum_k Re( conj(g_fk) (x_i0 + i x_i1)^k ), f < 3;
 *             g [(K + 1), 3, 2]: real and imaginary part; S [n] takes f = 0,
 *             F [n, 2] the others
 * sphere_moments  M = sum_j m_j q_lm(z_j) (x_j + i y_j)^m for 0 <= m <= l <= L,
 *             q_mm = 1, q_lm = z q_{l-1,m} - gamma_lm q_{l-2,m}; entries of
 *             M and gamma by m, then l: [egi_sphere_at(L, l, m)], M complex;
 *             work [EGI_SERIES_LANES * 2 * egi_sphere_size(L)]
 * sphere_field    out[f][i] = sum_lm q_lm Re( conj(g_f,lm) (x + i y)^m ), f <
 * 4; g [egi_sphere_size(L), 4, 2]; S [n] takes f = 0, F [n, 3] the others
 *
 * swarm       EGI_SWARM_LANES systems: x [n, d, lanes], A_i = sum_j w_ij x_j
 *             and Z_i = sum_j w_ij, w_ij = exp(beta (<x_i,x_j> - 1)), beta >= 0
 *             or small; A [n, d, lanes], Z [n, lanes]; work
 *             [4 n EGI_SWARM_LANES]
 * swarm_rate  f_i = c_i A_i, c_i = 1 / Z_i, or `scale` where Z is NULL;
 *             tangent: less its part along the unit vectors u_i; f may be A
 * swarm_unit  u_i = y_i / |y_i| (0 stays 0); u may be y
 * swarm_step  both at once: x_i becomes the direction of
 *             x_i + c (A_i - tangent part) / Z_i; Z NULL: 1, Z > 0
 * swarm_links for pairs i < j in row order: bit r of link[pair] says whether
 *             <x_i,x_j> > threshold in lane r */
typedef struct egi_particles {
    const char *name;
    void (*pairs_f32)(const egi_cloud_f32 *c, eg_index i0, eg_index i1,
                      eg_index j0, eg_index j1, bool both);
    void (*pairs_f64)(const egi_cloud_f64 *c, eg_index i0, eg_index i1,
                      eg_index j0, eg_index j1, bool both);
    void (*rows_f32)(const egi_cloud_f32 *c, eg_index i0, eg_index i1,
                     eg_index j0, eg_index j1);
    void (*rows_f64)(const egi_cloud_f64 *c, eg_index i0, eg_index i1,
                     eg_index j0, eg_index j1);
    void (*circle_moments)(double *c, const double *x, const double *mass,
                           eg_index n, eg_index K, double *work);
    void (*circle_field)(double *S, double *F, const double *x, eg_index n,
                         eg_index K, const double *g);
    void (*sphere_moments)(double *M, const double *x, const double *mass,
                           eg_index n, eg_index L, const double *gamma,
                           double *work);
    void (*sphere_field)(double *S, double *F, const double *x, eg_index n,
                         eg_index L, const double *gamma, const double *g);
    void (*swarm)(double *A, double *Z, const double *x, eg_index n, eg_index d,
                  double beta, double *work);
    void (*swarm_rate)(double *f, const double *A, const double *Z,
                       double scale, const double *u, eg_index n, eg_index d,
                       bool tangent);
    void (*swarm_unit)(double *u, const double *y, eg_index n, eg_index d);
    void (*swarm_step)(double *x, const double *A, const double *Z, double c,
                       eg_index n, eg_index d, bool tangent);
    void (*swarm_links)(uint8_t *link, const double *x, eg_index n, eg_index d,
                        double threshold);
} egi_particles;

/* Coefficients of degree <= L with m >= 0, all l of one m together. */
static inline eg_index egi_sphere_size(eg_index L)
{
    return (L + 1) * (L + 2) / 2;
}

static inline eg_index egi_sphere_at(eg_index L, eg_index l, eg_index m)
{
    return m * (L + 1) - m * (m - 1) / 2 + (l - m);
}

extern const egi_particles egi_particles_ref;
extern const egi_particles egi_particles_generic;
extern const egi_particles egi_particles_avx2;   /* EG_X86_SETS */
extern const egi_particles egi_particles_avx512; /* EG_AVX512_SETS */

/* The set of that name, as eg_kern_pick. */
const egi_particles *egi_particles_pick(const char *name);

#endif
