/* What a flow run measures at each of its times, within a budget: whatever
 * costs more than the flow itself is left out, and said so. */
#include "lab/flow_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

enum {
    PAIRS_MAX = 4096,    /* tokens whose inner products are all formed */
    RANKS_MAX = 512,     /* tokens whose singular values are found */
    ATTENTION_MAX = 128, /* tokens whose attention matrix is looked at */
    MERGES_MAX = 2048    /* tokens whose merges are located, d = 2, 3 */
};

struct egi_watch {
    const eg_flow_spec *spec;
    eg_flow *flow; /* its own: the one that runs may have fused tokens */
    double delta;
    bool sphere, residual, energy, pairs, ranks, attention, components, merges;
    int64_t *counts; /* [bins] */
    eg_index bins;
    double *u;  /* [n, d] directions of a residual stream */
    double *dx; /* [n, d] */
    double *A;  /* [n, n] */
    int32_t *label;
    eg_index *size; /* [n] members of components */
    char omits[256];
};

/* Locating a merge looks at the components some 50 times, and there may be n
 * merges. */
static bool merges_are_cheap(const eg_flow_spec *s)
{
    double n = (double)s->n;

    if (s->d <= 3) return s->n <= MERGES_MAX;
    return n * n * n * (double)s->d <= 1e9;
}

/* By all pairs, or by a series that is short where beta is moderate. */
static bool energy_is_cheap(const eg_flow_spec *s)
{
    if (s->n <= PAIRS_MAX) return true;
    return s->beta > 0 && !s->mass &&
           ((s->d == 2 && s->beta <= 1e4) || (s->d == 3 && s->beta <= 100));
}

static void choose(egi_watch *w)
{
    const eg_flow_spec *s = w->spec;
    int norm = s->norm;

    w->sphere = s->space == EG_FLOW_SPHERE;
    w->residual = w->sphere && (norm == EG_FLOW_PRE || norm == EG_FLOW_MIX ||
                                norm == EG_FLOW_PERI);
    w->energy = w->sphere && energy_is_cheap(s);
    w->pairs = w->sphere && (s->d == 2 || s->n <= PAIRS_MAX);
    w->ranks = s->n <= RANKS_MAX;
    w->attention = s->n <= ATTENTION_MAX;
    w->components = w->sphere && (s->d <= 3 || s->n <= PAIRS_MAX);
    w->merges = w->sphere && !w->residual && merges_are_cheap(s);
    if (!w->sphere) return;
    snprintf(w->omits, sizeof w->omits, "%s%s%s%s%s",
             w->energy ? "" : " energy;",
             w->pairs ? "" : " inner products and their histogram;",
             w->components ? "" : " components;",
             w->ranks ? "" : " effective ranks;",
             w->merges || w->residual ? "" : " times of merges;");
    if (w->omits[0]) w->omits[strlen(w->omits) - 1] = '\0';
}

static eg_status reserve(egi_watch *w, eg_err *err)
{
    size_t n = (size_t)w->spec->n, d = (size_t)w->spec->d;
    bool ok;

    w->dx = eg_calloc(n * d, sizeof *w->dx);
    w->counts = eg_calloc((size_t)w->bins + 1, sizeof *w->counts);
    ok = w->dx && w->counts;
    if (w->residual) ok = (w->u = eg_calloc(n * d, sizeof *w->u)) && ok;
    if (w->attention) ok = (w->A = eg_calloc(n * n, sizeof *w->A)) && ok;
    if (w->components) {
        w->label = eg_calloc(n, sizeof *w->label);
        w->size = eg_calloc(n, sizeof *w->size);
        ok = w->label && w->size && ok;
    }
    return ok ? EG_OK : EG_FAIL(err, EG_ENOMEM, "flow: out of memory");
}

eg_status egi_watch_new(egi_watch **out, const eg_config *cfg,
                        const eg_flow_spec *spec, eg_pool *pool, eg_err *err)
{
    egi_watch *w = eg_calloc(1, sizeof *w);
    eg_status st = EG_OK;

    *out = NULL;
    if (!w) return EG_FAIL(err, EG_ENOMEM, "flow: out of memory");
    w->spec = spec;
    w->delta = cfg->flow.delta;
    w->bins = (eg_index)cfg->flow.bins;
    choose(w);
    EG_TRY(reserve(w, err));
    EG_TRY(eg_flow_new(&w->flow, spec, pool, err));
    *out = w;
    w = NULL;
done:
    egi_watch_free(w);
    return st;
}

void egi_watch_free(egi_watch *w)
{
    if (!w) return;
    eg_flow_free(w->flow);
    eg_free(w->counts);
    eg_free(w->u);
    eg_free(w->dx);
    eg_free(w->A);
    eg_free(w->label);
    eg_free(w->size);
    eg_free(w);
}

const char *egi_watch_omits(const egi_watch *w)
{
    return w->omits;
}

bool egi_watch_pairs(const egi_watch *w)
{
    return w->pairs && w->spec->n > 1;
}

bool egi_watch_merges(const egi_watch *w)
{
    return w->merges;
}

const int64_t *egi_watch_counts(const egi_watch *w)
{
    return w->counts;
}

static double norm_of(const double *v, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++) s += v[k] * v[k];
    return sqrt(s);
}

static void put_norms(eg_row *row, const char *max, const char *rms,
                      const double *v, const eg_flow_spec *s)
{
    eg_flow_speeds norm = eg_flow_field_norms(v, s->n, s->d);

    eg_row_put(row, max, norm.max);
    eg_row_put(row, rms, norm.rms);
}

static const double *directions(egi_watch *w, const double *x)
{
    eg_index n = w->spec->n, d = w->spec->d;

    if (!w->residual) return x;
    for (eg_index i = 0; i < n; i++) {
        double r = norm_of(x + i * d, d);

        for (eg_index k = 0; k < d; k++)
            w->u[i * d + k] = r > 0 ? x[i * d + k] / r : 0;
    }
    return w->u;
}

static void look_at_energy(const egi_watch *w, const double *u, eg_row *row)
{
    const eg_flow_spec *s = w->spec;
    double shifted = eg_flow_energy_shifted(u, s->n, s->d, s->beta);

    if (s->mass || s->beta == 0)
        eg_row_put(row, "energy",
                   eg_flow_energy(u, s->n, s->d, s->beta, s->mass));
    else
        eg_row_put(row, "energy", shifted * exp(s->beta) / (2 * s->beta));
    eg_row_put(row, "energy_shifted", shifted);
}

static void look_at_pairs(egi_watch *w, const double *u, eg_row *row)
{
    const eg_flow_spec *s = w->spec;
    eg_flow_pairs p;

    memset(w->counts, 0, (size_t)w->bins * sizeof *w->counts);
    eg_flow_pair_stats(&p, u, s->n, s->d, w->delta, w->bins ? w->counts : NULL,
                       w->bins);
    if (s->n < 2) return;
    eg_row_put(row, "inner_mean", p.mean);
    eg_row_put(row, "inner_min", p.min);
    eg_row_put(row, "inner_max", p.max);
    eg_row_put(row, "density", p.density);
}

static eg_status look_at_components(egi_watch *w, const double *u, eg_row *row,
                                    eg_err *err)
{
    eg_index n = w->spec->n, largest = 0;
    eg_index c = eg_flow_components(w->label, u, n, w->spec->d, w->delta);

    if (c < 0) return EG_FAIL(err, EG_ENOMEM, "components: out of memory");
    memset(w->size, 0, (size_t)n * sizeof *w->size);
    for (eg_index i = 0; i < n; i++) {
        eg_index k = ++w->size[w->label[i]];

        largest = k > largest ? k : largest;
    }
    eg_row_put(row, "components", (double)c);
    eg_row_put(row, "largest_cluster", (double)largest);
    return EG_OK;
}

/* Numbers that cannot be had of a state (a matrix that overflows) are left
 * empty: the flow goes on, or says itself that it cannot. */
static eg_status forgive(eg_status st)
{
    return st == EG_EINVAL ? EG_OK : st;
}

static eg_status look_at_hull(const egi_watch *w, const double *x, eg_row *row,
                              eg_err *err)
{
    eg_index n = w->spec->n, d = w->spec->d, vertices = 0;
    double measure = (double)NAN;
    bool *is_vertex;
    eg_status st;

    if (d > 3 || n > PAIRS_MAX) return EG_OK;
    is_vertex = eg_calloc((size_t)n, sizeof *is_vertex);
    if (!is_vertex) return EG_FAIL(err, EG_ENOMEM, "hull: out of memory");
    st = eg_flow_hull(&measure, is_vertex, x, n, d, err);
    if (st == EG_OK) {
        for (eg_index i = 0; i < n; i++) vertices += is_vertex[i];
        eg_row_put(row, "hull", measure);
        eg_row_put(row, "hull_vertices", (double)vertices);
    }
    eg_free(is_vertex);
    return forgive(st);
}

static eg_status look_at_matrices(egi_watch *w, double t, const double *x,
                                  const double *u, eg_row *row, eg_err *err)
{
    eg_index n = w->spec->n, rank;
    eg_flow_ranks r;
    eg_status st = EG_OK;

    if (w->ranks) {
        st = eg_flow_effective_ranks(&r, u, n, w->spec->d, err);
        EG_TRY(forgive(st));
        eg_row_put(row, "rank_entropy", r.entropy);
        eg_row_put(row, "rank_participation", r.participation);
        if (isfinite(r.entropy)) eg_row_put(row, "rank_above", (double)r.above);
    }
    if (w->attention) {
        eg_flow_attention(w->flow, t, x, 0, w->A);
        eg_row_put(row, "attention_entropy", eg_flow_row_entropy(w->A, n));
        st = eg_flow_numerical_rank(&rank, w->A, n, n, err);
        EG_TRY(forgive(st));
        if (rank > 0) eg_row_put(row, "attention_rank", (double)rank);
    }
done:
    return st;
}

eg_status egi_watch_look(egi_watch *w, double t, const double *x, eg_row *row,
                         eg_err *err)
{
    const eg_flow_spec *s = w->spec;
    const double *u = directions(w, x);
    eg_status st = EG_OK;

    eg_row_put(row, "t", t);
    if (w->sphere) eg_row_put(row, "order", eg_flow_order(u, s->n, s->d));
    if (w->energy) look_at_energy(w, u, row);
    if (w->pairs) look_at_pairs(w, u, row);
    if (w->components) EG_TRY(look_at_components(w, u, row, err));
    if (w->residual || !w->sphere)
        put_norms(row, "radius_max", "radius_rms", x, s);
    if (!w->sphere) EG_TRY(look_at_hull(w, x, row, err));
    EG_TRY(look_at_matrices(w, t, x, u, row, err));
    eg_flow_field(w->flow, t, x, w->dx);
    put_norms(row, "speed_max", "speed_rms", w->dx, s);
done:
    return st;
}
