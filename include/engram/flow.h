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
#include "engram/flow_ensemble.h"
#include "engram/flow_observe.h"
#include "engram/pool.h"
#include "engram/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Choices of the options `model` and `method`. */
#define EG_FLOW_MODELS "SA|USA|USA_shifted"
#define EG_FLOW_METHODS \
    "auto|authors|euler|lie|midpoint|heun|rk4|dopri5|dop853|adams|bdf"

/* Section `flow` of a configuration. Matrices: `identity`, `-identity`, a
 * number (times the identity), `gaussian` (N(0,1/d) entries), `goe` ((W + W') /
 * sqrt 2 of such a W), or a .npy or .csv file; a list of them stands for heads.
 * A 3-D .npy array [intervals, d, d] changes at the times of `changes`. */
#define EG_FLOW_FIELDS(I, R, B, T, E, L)                                       \
    E(model, "SA", EG_FLOW_MODELS,                                             \
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
    E(method, "auto", EG_FLOW_METHODS,                                         \
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

/* ---- Statements of the theory, as the table of theory.h ---- */
EG_API extern const eg_theory eg_flow_theories[];

#ifdef __cplusplus
}
#endif
#endif
