/* The statements behind eg_flow_theories: a line here, its options in
 * flow_theory.h or a header beside it, and in some check_*.c
 * egi_flow_NAME_fields and egi_flow_NAME_run. */
#ifndef EGI_FLOW_CHECKS_H
#define EGI_FLOW_CHECKS_H

#include "base/sweep.h"
#include "engram/flow_theory_more.h"
#include "flow/ode.h"

/* X(name, what step counts, help) */
#define EGI_FLOW_THEORIES(X)                                                  \
    X(scalar, "1000 beta",                                                    \
      "equiangular tokens: the scalar equation and its closed inverse")       \
    X(scalar_bounds, "1000 beta", "equiangular tokens: bounds of the paper")  \
    X(scalar_flow, "1000 t", "equiangular tokens follow the scalar equation") \
    X(scheme_lag, "1000 beta", "how late a fixed-step scheme clusters")       \
    X(schemes, "1000 t", "where a layer normalises: rates of clustering")     \
    X(energy_identity, "1000 beta", "dE/dt along the field, invariants")      \
    X(energy_path, "1000 t", "energy along a run, up or down")                \
    X(energy_uniform, "1000 beta", "energy of the uniform measure")           \
    X(cross_ratio, "d", "constants of motion at beta = 0")                    \
    X(ring_rates, "l", "linear growth around the uniform state")              \
    X(fastest_modes, "1000 beta", "degree of fastest growth")                 \
    X(mode_selection, "draws", "the first clusters are the fastest mode")     \
    X(kuramoto, "1e6 beta", "beta = 0 is Kuramoto, small beta is near")       \
    X(two_clusters, "1000 t", "two clusters reduce to one angle")             \
    X(cluster_life, "1000 beta", "how long two clusters live")                \
    X(clustering, "1000 t", "hemisphere or d >= n: one cluster, fast")        \
    X(concentration, "d", "many dimensions: the scalar curve")                \
    X(mean_field, "n", "W_1 between samples of a measure: size and growth")   \
    X(dirac, "1000 t", "W_2 of a density to the Dirac mass it ends in")       \
    X(wendel, "n", "how often tokens lie in a hemisphere")                    \
    X(caps, "1000 beta", "metastability: caps collapse, then stay")           \
    X(cap_exit, "1000 beta", "metastability: when tokens leave their caps")   \
    X(kinetic, "clusters", "five tokens merge one after the other")           \
    X(staircase, "beta", "the energy climbs a staircase")                     \
    X(rescaled, "1000 t", "the prequel: leaders, polytopes, hyperplanes")     \
    X(repulsive, "1000 t", "the prequel: V = -Id decays as d/(2t)")           \
    X(programs, "steps", "the prequel: what its scripts integrate")           \
    X(low_rank, "steps", "the prequel: ranks of attention at d = 80")         \
    X(leaders, "draws", "the prequel: leaders in the plane, ranks")           \
    X(sparse_value, "steps", "the prequel: 128 dimensions")                   \
    X(sharp, "draws", "V = -Id on the sphere: sharp configurations")          \
    X(hardmax, "steps", "zero temperature: Frank-Wolfe")                      \
    X(phase, "1000 beta", "phase diagrams: pairs together, clusters")         \
    X(layers, "layers", "histograms of inner products, layer by layer")       \
    X(causal, "1000 t", "causal mask: all tokens go to the first")            \
    X(renyi, "1000 delta", "centres of sequential parking")                   \
    X(strong_centres, "draws", "strong centres hardly move")                  \
    X(steer, "stages", "control: clouds steered to their targets")            \
    X(perceptron, "1000 t", "feed-forward with an energy")                    \
    X(reweight, "1000 t", "masses that change: the energy still grows")       \
    X(experts, "draws", "experts split the clusters")                         \
    X(noise_threshold, "1000 beta", "noise that keeps tokens uniform")        \
    X(noise_run, "1000 kappa/kappa_#", "tokens with noise cluster or not")    \
    X(long_context, "log10 n", "one layer on long contexts")                  \
    X(orders, "1000 t", "errors and orders of fixed-step schemes")

#define EGI_FLOW_DECLARE(name, step, help)                                   \
    extern const eg_field egi_flow_##name##_fields[];                        \
    eg_status egi_flow_##name##_run(const void *options, uint64_t seed,      \
                                    eg_pool *pool, const eg_theory_out *out, \
                                    eg_err *err);
EGI_FLOW_THEORIES(EGI_FLOW_DECLARE)
#undef EGI_FLOW_DECLARE

/* Sweep variables count thousandths. */
int64_t egi_milli(double v);
void egi_emit(const eg_theory_out *out, int64_t step, const char *name,
              double value);

/* Every state of a run put out: egi_keep_state as eg_flow_solve.output. */
typedef struct egi_states {
    double *x; /* [n_times, size] */
    eg_index size;
} egi_states;
bool egi_keep_state(void *ctx, eg_index i, double t, const double *x);

/* Times out of a list option, ascending and positive, with 0 put before them;
 * n counts it. */
typedef struct egi_clock {
    double t[EG_STRS_MAX + 1];
    int n;
} egi_clock;
eg_status egi_clock_read(egi_clock *c, const eg_strs *list, eg_err *err);

/* n tokens of d numbers each, one item a token ("0.1 0.2"); free with eg_free.
 */
eg_status egi_tokens_read(double **x, eg_index *n, const eg_strs *list,
                          eg_index d, const char *name, eg_err *err);
/* Uniform on the sphere. */
void egi_sphere_draw(double *x, eg_index n, eg_index d, eg_rng *rng);
/* n vectors of R^n with inner products rho, |x_i| = 1. */
void egi_equiangular(double *x, eg_index n, double rho);

/* Solves ode from y at times[0], keeping y at every time in out [n, size]. */
eg_status egi_curve(double *out, const egi_ode *ode, double *y,
                    const double *times, eg_index n, eg_err *err);
/* A flow made, run from x and freed. pool NULL: one thread. */
eg_status egi_play(const eg_flow_spec *spec, double *x, const double *times,
                   eg_index n_times, const eg_flow_solve *how, eg_pool *pool,
                   eg_err *err);

static inline double egi_dot(const double *a, const double *b, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++) s += a[k] * b[k];
    return s;
}

/* A place in a block that may not have been allocated. */
static inline double *egi_part(double *block, eg_index at)
{
    return block ? block + at : NULL;
}

/* |a - b|^2 */
static inline double egi_dist2(const double *a, const double *b, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++) s += (a[k] - b[k]) * (a[k] - b[k]);
    return s;
}

#endif
