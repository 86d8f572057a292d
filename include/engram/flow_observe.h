/* Observables of tokens x [n, d] (flow.h).
 *
 * Unit vectors are assumed where inner products are meant. Sums over pairs take
 * O(n^2 d) and no memory: n = 1e4 in R^3 0.1 to 1 s on a core, n = 1e5 a
 * hundred times that. What is cheaper says so. */
#ifndef ENGRAM_FLOW_OBSERVE_H
#define ENGRAM_FLOW_OBSERVE_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* (1/(2 beta n^2)) sum_ij m_i m_j exp(beta <x_i,x_j>), masses [n] divided by
 * their mean, NULL: 1; beta = 0 is the mean inner product / 2, diagonal
 * included (E less its 1/(2 beta)). Infinite where a double is too small for
 * it (beta > 709 or so). With beta > 0 and thousands of tokens the sums of
 * eg_flow_new are used: O(n) for d = 2, 3 and beta not too large, relative
 * error 1e-13 beta at most. */
EG_API double eg_flow_energy(const double *x, eg_index n, eg_index d,
                             double beta, const double *mass);
/* (1/n^2) sum_ij exp(beta (<x_i,x_j> - 1)), in [1/n, 1] for beta >= 0; clusters
 * of masses m_a that are points far apart give sum (m_a/n)^2. Never overflows
 * for beta >= 0. Cost as the energy. */
EG_API double eg_flow_energy_shifted(const double *x, eg_index n, eg_index d,
                                     double beta);
/* |mean x|. O(n d). */
EG_API double eg_flow_order(const double *x, eg_index n, eg_index d);

typedef struct eg_flow_pairs {
    double mean, min, max; /* of the off-diagonal <x_i,x_j>; NaN for n = 1 */
    double density;        /* share of pairs i != j above 1 - delta; the same */
} eg_flow_pairs;
/* counts [bins] over [-1, 1], of pairs i < j; NULL: none. O(n^2 d); thousands
 * of tokens with d = 2 take O(n (log n + bins)), where a pair within rounding
 * of an edge may fall on either side. */
EG_API void eg_flow_pair_stats(eg_flow_pairs *out, const double *x, eg_index n,
                               eg_index d, double delta, int64_t *counts,
                               eg_index bins);
/* The bin width of Freedman and Diaconis, 2 IQR / N^(1/3), from a finer
 * histogram counts [bins] over [-1, 1] of N numbers; 0 when all share a bin. */
EG_API double eg_flow_bin_width(const int64_t *counts, eg_index bins);
/* Moments m_k = (1/n^2) sum_ij <x_i,x_j>^k, k = 1..K, diagonal included:
 * energy = (1/(2 beta)) (1 + sum_k beta^k m_k / k!), participation ratio
 * 1/m_2. O(n^2 (d + K)). */
EG_API void eg_flow_moments(double *m, eg_index K, const double *x, eg_index n,
                            eg_index d);

/* Connected components of {<x_i,x_j> > 1 - delta}: label [n] (0.. in order of
 * first member), returns how many. Compared is |x_i - x_j|^2 < 2 delta, which
 * is the same for unit vectors and exact for small delta. d = 2 by sorted
 * angles, d = 3 by a grid of cells, both O(n log n); else all pairs of a token
 * of known component and one of none, O(n d) times the number of components at
 * least. n < 2^31. EG_ENOMEM returns -1. */
EG_API eg_index eg_flow_components(int32_t *label, const double *x, eg_index n,
                                   eg_index d, double delta);

/* The angle between x and y [d], 0 to pi, to rounding at both ends too. */
EG_API double eg_flow_angle(const double *x, const double *y, eg_index d);

/* Components as clusters. */
typedef struct eg_flow_clusters {
    eg_index n, d, count;
    int32_t *label;         /* [n], as eg_flow_components */
    double *mass;           /* [count]; of masses 1 the number of members */
    eg_index *size;         /* [count] members */
    double *mean;           /* [count, d]: directions of the mean tokens */
    double total;           /* mass of all */
    eg_index first, second; /* the heaviest (lowest label on ties); -1: none */
    double angle;           /* between their means; NaN without a second */
} eg_flow_clusters;
/* mass [n], NULL: 1. */
EG_API eg_status eg_flow_clusters_init(eg_flow_clusters *c, const double *x,
                                       eg_index n, eg_index d, double delta,
                                       const double *mass, eg_err *err);
EG_API void eg_flow_clusters_release(eg_flow_clusters *c);

/* Clusters that became one: between `apart`, when last seen apart, and t. */
typedef struct eg_flow_merge {
    double apart, t;
    eg_index components; /* behind it */
    eg_index parts;      /* old clusters in the new one; 2 but for luck */
    double mass[2];      /* before, of the two heaviest parts */
    double mass_after;
    double angle; /* between the means of these parts, when last seen apart */
} eg_flow_merge;
/* Merges of the components of {<x_i,x_j> > 1 - delta}, from tokens shown to it
 * at ascending times (eg_flow_solve.output): as sharp as these are dense. Two-
 * cluster theory: du/dt of angle and masses. */
typedef struct eg_flow_history eg_flow_history;
/* mass [n] is copied; NULL: 1. */
EG_API eg_status eg_flow_history_new(eg_flow_history **out, eg_index n,
                                     eg_index d, double delta,
                                     const double *mass, eg_err *err);
EG_API void eg_flow_history_free(eg_flow_history *h);
/* Tokens at time t; cost of eg_flow_components. */
EG_API eg_status eg_flow_history_add(eg_flow_history *h, double t,
                                     const double *x, eg_err *err);
/* All merges so far, in order of time; valid until the next call. */
EG_API const eg_flow_merge *eg_flow_history_merges(const eg_flow_history *h,
                                                   eg_index *n_merges);
/* Clusters of the tokens shown last, until the next call; NULL before. */
EG_API const eg_flow_clusters *eg_flow_history_last(const eg_flow_history *h);
/* Clusters that came apart (another than the part of its first member). */
EG_API int64_t eg_flow_history_splits(const eg_flow_history *h);

/* Norms of a field dx [n, d] (eg_flow_field). O(n d). */
typedef struct eg_flow_speeds {
    double max;      /* max_i |dx_i| */
    double rms;      /* sqrt((1/n) sum |dx_i|^2) */
    double gradient; /* sqrt(sum |dx_i|^2) / n: |grad E| under USA */
} eg_flow_speeds;
EG_API eg_flow_speeds eg_flow_field_norms(const double *dx, eg_index n,
                                          eg_index d);

/* From the singular values s_k of x, p_k = s_k^2 / sum s^2; O(n d min(n, d))
 * and the cube of min(n, d). All NaN and 0 for tokens that are 0. */
typedef struct eg_flow_ranks {
    double entropy;       /* exp of the entropy of p */
    double participation; /* (tr G)^2 / tr G^2 */
    eg_index above;       /* Gram eigenvalues > 1e-3 */
} eg_flow_ranks;
EG_API eg_status eg_flow_effective_ranks(eg_flow_ranks *out, const double *x,
                                         eg_index n, eg_index d, eg_err *err);
/* Numerical rank (singular values above max(n,m) eps s_max) of A [n, m]. */
EG_API eg_status eg_flow_numerical_rank(eg_index *rank, const double *A,
                                        eg_index n, eg_index m, eg_err *err);
/* What those two and eg_flow_leading ask: LAPACK, looked for at their first
 * call (EG_EUNSUPPORTED without it, EG_ENOMEM without room for it). Its name
 * into text, cut to size. Calls run on one thread, and leave an OpenBLAS of the
 * caller's with the number of threads that they found. */
EG_API eg_status eg_flow_lapack(char *text, size_t size, eg_err *err);
/* -(1/n) sum_ij A_ij log A_ij. */
EG_API double eg_flow_row_entropy(const double *A, eg_index n);

/* Geodesic W_p, p >= 1, between samples x, y [n, d] of unit vectors,
 *     W_p^p = min over permutations s of (1/n) sum_i angle(x_i, y_s(i))^p:
 * d = 1, 2: exactly, O(n log n). d >= 3, n_slices = 0: exactly, by assignment,
 * O(n^3) and no matrix (n = 1000: seconds). n_slices > 0: another distance,
 * the sliced one, (mean over random planes of W_p^p of the samples projected
 * on the plane and scaled to its unit circle)^(1/p); same order, not the same
 * number. */
EG_API eg_status eg_flow_wasserstein(double *w, const double *x,
                                     const double *y, eg_index n, eg_index d,
                                     int p, eg_index n_slices, uint64_t seed,
                                     eg_err *err);
/* W_p between x and a Dirac mass at the unit vector y [d]:
 * ((1/n) sum_i angle(x_i, y)^p)^(1/p). O(n d). */
EG_API double eg_flow_wasserstein_dirac(const double *x, eg_index n, eg_index d,
                                        const double *y, int p);

/* Gegenbauer moments Q_l = (1/n^2) sum_ij C_l(<x_i,x_j>)/C_l(1), l = 1..L,
 * d >= 2: not negative, 0 for l = 1..t iff x is a spherical t-design.
 * O(n^2 (d + L)), d = 2 O(n L). */
EG_API void eg_flow_design_moments(double *Q, eg_index L, const double *x,
                                   eg_index n, eg_index d);
/* |c_k|^2, c_k = (1/n) sum_j exp(i k theta_j), k = 1..K; d = 2. O(n K). */
EG_API void eg_flow_structure(double *s, eg_index K, const double *x,
                              eg_index n);

/* Convex hull of points in R^d, d = 1, 2, 3: its length, area or volume, and
 * is_vertex [n]: extreme points, of coincident ones the first. Signs of
 * determinants are exact, so points on a line or plane are no trouble: their
 * measure is 0. EG_EINVAL for NaN, infinities and other d. O(n log n)
 * typically. */
EG_API eg_status eg_flow_hull(double *measure, bool *is_vertex, const double *x,
                              eg_index n, eg_index d, eg_err *err);
/* Its facets: d = 2 edges [n_faces, 2] counterclockwise, d = 3 triangles
 * [n_faces, 3] seen counterclockwise from outside; none when the measure is 0.
 * Release with eg_free. */
EG_API eg_status eg_flow_hull_faces(int32_t **faces, eg_index *n_faces,
                                    const double *x, eg_index n, eg_index d,
                                    eg_err *err);
/* How far tokens are from the candidate set S of clusters under V = Id:
 * gap [n], gap_i = max over vertices v of <x_i, B v> - <x_i, B x_i>, B = Q^T K
 * [d, d] positive (NULL: Id); 0 on S. O(n d^2) times vertices. */
EG_API eg_status eg_flow_candidates(double *gap, const double *x, eg_index n,
                                    eg_index d, const double *B,
                                    const bool *is_vertex, eg_err *err);
/* Eigenvalue of V [d, d] of largest modulus. */
typedef struct eg_flow_eigen {
    double value;
    double second;     /* next largest modulus */
    eg_index positive; /* eigenvalues with positive real part */
} eg_flow_eigen;
/* Its eigenvectors: l V = value l, V r = value r, |r| = 1 with the entry of
 * largest modulus positive, <l,r> = 1; the coordinate of the prequel's
 * hyperplanes is <l,z>. EG_EINVAL when it is not real, or defective. */
EG_API eg_status eg_flow_leading(eg_flow_eigen *e, double *l, double *r,
                                 const double *V, eg_index d, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
