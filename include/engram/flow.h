/* Flow: tokens as interacting particles (arXiv 2312.10794, 2305.05465 and what
 * followed them).
 *
 * x_i(t), i = 0..n-1, in R^d, row-major [n, d], float64. On the sphere
 *     dx_i/dt = P_i( sum_h sum_j A^h_ij V_h x_j + w s(a x_i + b) ),
 *     P_i y = y - <x_i, y> x_i,
 * with weights A^h_ij proportional to m_j exp(beta <Q_h x_i, K_h x_j>) (masses
 * m_j, 1 by default), summed over j <= i only when causal: SA           A_ij =
 * m_j exp(...) / sum_k m_k exp(...) USA          A_ij = m_j exp(...) / sum_k
 * m_k USA_shifted  as USA, times exp(-beta): the same flow with time stretched
 *                  by exp(beta), usable at any beta
 * In R^d (the prequel) beta = 1 and nothing is projected:
 *     euclidean    dx_i/dt = sum_j P_ij V x_j
 *     rescaled     z_i = exp(-tV) x_i:  dz_i/dt = sum_j P_ij V (z_j - z_i),
 *                  scores from exp(tV) z
 * Matrices act on columns. Everything depends on the arguments only, never on
 * the number of threads. */
#ifndef ENGRAM_FLOW_H
#define ENGRAM_FLOW_H

#include "engram/fields.h"
#include "engram/file.h"
#include "engram/pool.h"
#include "engram/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Section `flow` of a configuration. Matrices: `identity`, `-identity`, a
 * number (times the identity), `gaussian` (N(0,1/d) entries), `goe` ((W + W') /
 * sqrt 2 of such a W), or a .npy or .csv file; a list of them stands for heads.
 * A 3-D .npy array [intervals, d, d] changes at the times of `changes`. */
#define EG_FLOW_FIELDS(I, R, B, T, E, L)                                       \
    E(model, "SA", "SA|USA|USA_shifted",                                       \
      "attention weights: softmax; exp(beta <x,y>)/n; the same times "         \
      "exp(-beta), a slower clock")                                            \
    E(space, "sphere", "sphere|euclidean|rescaled",                            \
      "unit sphere; R^d without normalisation; R^d in coordinates exp(-tV)x")  \
    R(beta, "1", -1e6, 1e6, "inverse temperature")                             \
    I(n, "64", 1, 100000000, "tokens (a file of tokens says it itself)")       \
    I(d, "3", 1, 65536, "dimension (a file of tokens says it itself)")         \
    B(causal, "false", "token i sees tokens j <= i only")                      \
    L(Q, "identity", "query matrices, one a head")                             \
    L(K, "identity", "key matrices, one a head")                               \
    L(V, "identity", "value matrices, one a head")                             \
    L(changes, "", "times at which matrices of several intervals change")      \
    E(ffn, "none", "none|relu|gelu|tanh",                                      \
      "feed-forward w s(a x + b); the nonlinearity s, gelu in its tanh form")  \
    T(w, "", "feed-forward: file of w [d, m]")                                 \
    T(a, "", "feed-forward: file of a [m, d]")                                 \
    T(b, "", "feed-forward: file of b [m]; empty: 0")                          \
    E(norm, "post", "post|pre|mix|peri|nGPT|sqrt",                             \
      "where a layer normalises; post is the flow on the sphere, pre, mix "    \
      "and peri keep a residual stream, sqrt slows as 1/sqrt(t+1)")            \
    R(tau, "1", 0, 1e12, "norm mix: post until this time, then pre")           \
    R(alpha, "1", 0, 1e6, "norm nGPT: step size")                              \
    R(noise, "0", 0, 1e6,                                                      \
      "kappa: Brownian motion sqrt(2 kappa) dB, projected")                    \
    T(mass, "", "file of masses [n]; empty: all 1")                            \
    T(x0, "uniform",                                                           \
      "tokens at the start: uniform, hemisphere, cap, equiangular, ring, "     \
      "cube, gaussian, or a .npy or .csv file [n, d]")                         \
    R(x0_size, "1", -1e12, 1e12,                                               \
      "cap: its angle in radians; equiangular: the inner product; ring: "      \
      "amplitude of a random displacement; cube: half its side; gaussian: "    \
      "standard deviation")                                                    \
    E(units, "refuse", "refuse|normalise",                                     \
      "sphere: what to do with tokens from a file that are not unit vectors")  \
    L(times, "0:15:0.1",                                                       \
      "when tokens are kept, ascending: numbers and ranges from:to:step, or "  \
      "a file")                                                                \
    E(method, "auto",                                                          \
      "auto|authors|euler|lie|midpoint|heun|rk4|dopri5|dop853|adams|bdf",      \
      "integrator: authors is x <- N(x + h A) of the original program; adams " \
      "and bdf are CVODE's; auto takes dop853, with noise euler")              \
    R(h, "0.1", 1e-12, 1e12, "step of the methods with a fixed step")          \
    R(rtol, "1e-12", 1e-15, 1,                                                 \
      "relative tolerance of the adaptive methods; with precision float32 "    \
      "1e-6 or more")                                                          \
    R(atol, "1e-14", 0, 1e6, "absolute tolerance of the adaptive methods")     \
    E(sum, "auto", "auto|direct|fourier|harmonics",                            \
      "how sums over tokens are formed; fourier for d = 2, harmonics for "     \
      "d = 3; auto takes the cheapest that meets `sum_tol`")                   \
    R(sum_tol, "1e-13", 1e-16, 1, "error of a field, relative to its scale")   \
    E(precision, "float64", "float64|float32",                                 \
      "of the direct sums, a series is float64; float32 accumulates in "       \
      "float64")                                                               \
    B(fuse, "false",                                                           \
      "replace tokens that have met (|x - y| < 1e-9) by one with their "       \
      "mass: long horizons cost hundreds of steps")                            \
    R(delta, "1e-3", 1e-15, 2, "tokens with <x,y> > 1 - delta are together")   \
    I(bins, "100", 0, 10000, "bins of the histogram of inner products")        \
    L(parts, "",                                                               \
      "how many times the run had before it was extended, written by engram "  \
      "run --extend: the integrator starts afresh at the last of each part")
EG_FIELDS_STRUCT(eg_flow_opts, EG_FLOW_FIELDS)
/* The options above as a table, for eg_fields_default and its kin. */
EG_API extern const eg_field eg_flow_fields[];

enum { EG_FLOW_SA, EG_FLOW_USA, EG_FLOW_USA_SHIFTED };
enum { EG_FLOW_SPHERE, EG_FLOW_EUCLIDEAN, EG_FLOW_RESCALED };
enum { EG_FLOW_FFN_NONE, EG_FLOW_FFN_RELU, EG_FLOW_FFN_GELU, EG_FLOW_FFN_TANH };
enum {
    EG_FLOW_POST,
    EG_FLOW_PRE,
    EG_FLOW_MIX,
    EG_FLOW_PERI,
    EG_FLOW_NGPT,
    EG_FLOW_SQRT
};
enum {
    EG_FLOW_AUTO,
    EG_FLOW_AUTHORS,
    EG_FLOW_EULER,
    EG_FLOW_LIE,
    EG_FLOW_MIDPOINT,
    EG_FLOW_HEUN,
    EG_FLOW_RK4,
    EG_FLOW_DOPRI5,
    EG_FLOW_DOP853,
    EG_FLOW_ADAMS,
    EG_FLOW_BDF
};
enum {
    EG_FLOW_SUM_AUTO,
    EG_FLOW_SUM_DIRECT,
    EG_FLOW_SUM_FOURIER,
    EG_FLOW_SUM_HARMONICS
};

/* A system in numbers. Arrays are borrowed; NULL matrices are the identity,
 * NULL masses 1. Zero-initialised is SA with Q = K = V = Id on the sphere. */
typedef struct eg_flow_spec {
    eg_index n, d;
    double beta;
    int model, space, norm, ffn, sum, precision; /* as the options above */
    bool causal;
    double tau, alpha, noise, sum_tol; /* sum_tol 0: 1e-13 */
    uint64_t seed;                     /* of the noise */
    eg_index n_heads;                  /* 0: one */
    eg_index n_intervals;              /* 0: one */
    const double *change_time;         /* [n_intervals - 1], ascending */
    const double *Q, *K, *V;           /* [n_intervals, n_heads, d, d] */
    eg_index d_mlp;
    const double *w, *a, *b; /* [d, d_mlp], [d_mlp, d], [d_mlp] */
    const double *mass;      /* [n] */
    const char *kern;        /* set of kernels; NULL: "auto" */
} eg_flow_spec;

/* A system made ready: its matrices multiplied out, its sums chosen, its
 * workspace allocated. Not to be shared by threads; it uses a pool itself. */
typedef struct eg_flow eg_flow;

/* pool may be NULL: one thread. Copies what spec borrows. Errors name the
 * array and the shapes. */
EG_API eg_status eg_flow_new(eg_flow **out, const eg_flow_spec *spec,
                             eg_pool *pool, eg_err *err);
EG_API void eg_flow_free(eg_flow *f);
/* How sums are formed and why, with the error bound, in a sentence. */
EG_API const char *eg_flow_why(const eg_flow *f);
/* What they are formed in, 0: float64, 1: float32, as the option `precision`;
 * a series is float64 whatever was asked for. */
EG_API int eg_flow_precision(const eg_flow *f);
/* Evaluations of the field so far. */
EG_API int64_t eg_flow_evaluations(const eg_flow *f);

/* dx/dt at time t, [n, d]; x need not be normalised exactly: on the sphere the
 * field of x/|x| is taken. Allocates nothing. */
EG_API void eg_flow_field(eg_flow *f, double t, const double *x, double *dx);
/* The drive before projection, sum_h sum_j A_ij V x_j + feed-forward, [n, d].
 */
EG_API void eg_flow_drive(eg_flow *f, double t, const double *x, double *drive);
/* Attention matrix of a head, [n, n]; SA rows sum to 1. */
EG_API void eg_flow_attention(eg_flow *f, double t, const double *x,
                              eg_index head, double *A);

/* How to integrate; zeros take the defaults of the options above. */
typedef struct eg_flow_solve {
    int method;
    double h, rtol, atol;
    bool fuse;
    int64_t max_steps; /* accepted and rejected; 0: 10 million */
    /* Merges: calls merged(ctx, t, components) whenever the number of
     * components of {<x_i,x_j> > 1 - delta} falls; delta 0: not watched. */
    double delta;
    void (*merged)(void *ctx, double t, eg_index components);
    /* tokens x [n, d] at times[i]; false stops early. */
    bool (*output)(void *ctx, eg_index i, double t, const double *x);
    /* Asked before every step: true ends the run there, between two times as
     * a rule. NULL: never. */
    bool (*stop)(void *ctx);
    void *ctx;
} eg_flow_solve;

typedef struct eg_flow_stats {
    int64_t steps, rejected, evaluations;
    double t;             /* reached */
    eg_index tokens_left; /* after fusing */
    bool stopped;         /* by a callback */
    /* Where it gave up, and what was reached stands: */
    bool step_too_small; /* for its tolerance */
    bool out_of_steps;   /* max_steps, or a hundred times as many to come */
} eg_flow_stats;

/* From x [n, d] at times[0] through all times (ascending); x holds the last
 * state on return. Tokens are never interpolated where it costs accuracy: the
 * dense output of a method has its order. EG_EINVAL for unusable input (NaN,
 * zero tokens) and where tokens or exp(tV) overflow: what was put out stands,
 * and x is the last of it. */
EG_API eg_status eg_flow_run(eg_flow *f, double *x, const double *times,
                             eg_index n_times, const eg_flow_solve *how,
                             eg_flow_stats *stats, eg_err *err);

/* ---- From options to numbers. Release with eg_flow_setup_free. ---- */
typedef struct eg_flow_setup {
    eg_flow_spec spec;
    eg_flow_solve solve;
    double *x0; /* [n, d] */
    double *times;
    eg_index n_times;
    char notice[256]; /* what was done to the input ("12 tokens normalised") */
    void *owned;      /* arrays of spec */
} eg_flow_setup;
/* Reads the files, draws the tokens, checks all of it. Files lie in the folder
 * `in` (NULL: they are paths). */
EG_API eg_status eg_flow_setup_new(eg_flow_setup **out,
                                   const eg_flow_opts *opts, uint64_t seed,
                                   const eg_folder *in, eg_err *err);
EG_API void eg_flow_setup_free(eg_flow_setup *s);

/* ---- Observables of tokens x [n, d] (section numbers: what they define) ----
 * Unit vectors are assumed where inner products are meant. Sums over pairs take
 * O(n^2 d) and no memory: n = 1e4 in R^3 0.1 to 1 s on a core, n = 1e5 a
 * hundred times that. What is cheaper says so. */

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

/* ---- Ensembles: many small systems at once, lane by lane ---- */

/* Random matrices of an ensemble, drawn anew with every realisation. Scores
 * x_i' B x_j with B = W_1 W_2 / sqrt d (gaussian), (W + W') / sqrt 2 (goe), or
 * the same with the diagonal over 2 (wigner, as the original program once had
 * it); W of N(0, 1). Values: Id; W_3' W_3 / sqrt d; B / c and -B / c, c = sqrt
 * d, for goe sqrt(d + 1), for B = Id 1. */
enum {
    EG_FLOW_SCORES_IDENTITY,
    EG_FLOW_SCORES_GAUSSIAN,
    EG_FLOW_SCORES_GOE,
    EG_FLOW_SCORES_WIGNER
};
enum {
    EG_FLOW_VALUES_IDENTITY,
    EG_FLOW_VALUES_GRAM,
    EG_FLOW_VALUES_PLUS,
    EG_FLOW_VALUES_MINUS
};

/* SA or USA, uniform starts; Q = K = V = Id, lane by lane, or random matrices,
 * a realisation at a time; the one-stage scheme x <- N(x + h A) of the original
 * program, or another fixed-step method. */
typedef struct eg_flow_ensemble {
    int model;
    int scores, values;
    bool columns;   /* values V x_j; false: V' x_j, what the original program,
                       whose tokens are rows, computes */
    bool dimension; /* count Gram eigenvalues, O(n^3) a draw and time */
    int method;     /* EG_FLOW_AUTHORS, _EULER, _RK4 */
    eg_index n, d;
    double beta, h, delta;
    eg_index draws; /* realisations; draw r depends on (seed, r) only */
    uint64_t seed;
    const double *times; /* ascending; the state at the first step with
                            k h >= times[i] (to rounding) counts */
    eg_index n_times;
    const char *kern; /* set of kernels; NULL: "auto" */
} eg_flow_ensemble;
typedef struct eg_flow_census {
    /* Mean share of pairs above 1 - delta; NaN for n = 1, which has none. */
    double density;
    double density_sd;     /* over draws */
    double together;       /* share of draws with all pairs above */
    double components;     /* mean number */
    double dimension;      /* mean number of Gram eigenvalues > 1e-3, or 0 */
    double dimension_sd;   /* over draws */
    int64_t histogram[17]; /* draws with 1..16 components; [0]: more */
} eg_flow_census;
/* census [n_times]. progress may be NULL; false stops: EG_OK, and *done
 * draws counted. */
EG_API eg_status eg_flow_ensemble_run(eg_flow_census *census, eg_index *done,
                                      const eg_flow_ensemble *e, eg_pool *pool,
                                      bool (*progress)(void *ctx, double part),
                                      void *ctx, eg_err *err);

/* ---- Statements of the theory, as the table of theory.h ---- */
EG_API extern const eg_theory eg_flow_theories[];

#ifdef __cplusplus
}
#endif
#endif
