/* Inner products of tokens layer by layer (2312.10794, Figure 1), of attention
 * itself in the place of a trained model. */
#include "flow/checks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sort.h"

#define EG_FIELDS_OWNER eg_flow_theory_layers
EG_FIELDS_TABLE(egi_flow_layers_fields, EG_FLOW_THEORY_LAYERS_FIELDS)

enum { FINE = 4000 };

typedef struct panel {
    const eg_flow_theory_layers *o;
    const eg_theory_out *out;
    eg_index n, d;
    double *inner;      /* [n^2]: pairs i < j, both ways and i = j after them */
    int64_t fine[FINE]; /* a histogram to take the width of bins from */
    int64_t *bar;       /* [FINE] */
    int64_t layer[EG_STRS_MAX];
} panel;

static eg_index bin_of(double v, eg_index bins)
{
    eg_index at = (eg_index)floor((v + 1) / 2 * (double)bins);

    return at < 0 ? 0 : at < bins ? at : bins - 1;
}

/* Peaks of a histogram: bins that nothing higher follows or precedes before it
 * has fallen to half, with at least 1 % of all. */
static int count_peaks(const int64_t *bar, eg_index bins, double all)
{
    int peaks = 0;

    for (eg_index i = 0; i < bins; i++) {
        bool peak = (double)bar[i] >= 0.01 * all;

        for (int side = -1; side <= 1 && peak; side += 2)
            for (eg_index k = i + side; k >= 0 && k < bins; k += side) {
                if (2 * bar[k] <= bar[i]) break;
                if (bar[k] > bar[i] || (bar[k] == bar[i] && side < 0))
                    peak = false;
            }
        peaks += peak;
    }
    return peaks;
}

/* Numbers of `count` inner products, sorted. */
static void describe(panel *p, const double *v, eg_index count, int64_t at,
                     const char *tail)
{
    double N = (double)count, sum = 0, above = 0, width;
    const struct {
        const char *name;
        double share;
    } quantile[] = {{"low", 0.05}, {"median", 0.5}, {"high", 0.95}};
    eg_index bins = 1, top = 0;
    char name[32];

    memset(p->fine, 0, sizeof p->fine);
    for (eg_index i = 0; i < count; i++) {
        sum += v[i];
        above += v[i] > 0.9;
        p->fine[bin_of(v[i], FINE)]++;
    }
    (void)snprintf(name, sizeof name, "mean%s", tail);
    egi_emit(p->out, at, name, sum / N);
    (void)snprintf(name, sizeof name, "above%s", tail);
    egi_emit(p->out, at, name, above / N);
    for (int q = 0; q < 3; q++) {
        (void)snprintf(name, sizeof name, "%s%s", quantile[q].name, tail);
        egi_emit(p->out, at, name,
                 v[(eg_index)(quantile[q].share * (N - 1) + 0.5)]);
    }
    width = eg_flow_bin_width(p->fine, FINE);
    if (width > 0) bins = (eg_index)egi_least(FINE, ceil(2 / width));
    memset(p->bar, 0, (size_t)bins * sizeof *p->bar);
    for (eg_index i = 0; i < count; i++) p->bar[bin_of(v[i], bins)]++;
    for (eg_index i = 1; i < bins; i++)
        if (p->bar[i] > p->bar[top]) top = i;
    (void)snprintf(name, sizeof name, "width%s", tail);
    egi_emit(p->out, at, name, 2 / (double)bins);
    (void)snprintf(name, sizeof name, "top%s", tail);
    egi_emit(p->out, at, name, (double)p->bar[top] / N * (double)bins / 2);
    (void)snprintf(name, sizeof name, "top_at%s", tail);
    egi_emit(p->out, at, name, 2 * ((double)top + 0.5) / (double)bins - 1);
    if (*tail) return;
    memset(p->bar, 0, (size_t)p->o->bins * sizeof *p->bar);
    for (eg_index i = 0; i < count; i++)
        p->bar[bin_of(v[i], (eg_index)p->o->bins)]++;
    egi_emit(p->out, at, "peaks", count_peaks(p->bar, (eg_index)p->o->bins, N));
}

static bool emit_layer(void *ctx, eg_index k, double t, const double *x)
{
    panel *p = ctx;
    eg_index pairs = p->n * (p->n - 1) / 2, at = 0;
    int64_t layer = p->layer[k];

    (void)t;
    for (eg_index i = 0; i < p->n; i++)
        for (eg_index j = 0; j < i; j++)
            p->inner[at++] = egi_dot(x + i * p->d, x + j * p->d, p->d);
    egi_sort(p->inner, pairs);
    describe(p, p->inner, pairs, layer, "");
    /* every pair twice, and 1 for i = j, as the published histograms have it */
    for (eg_index i = pairs; i-- > 0;)
        p->inner[2 * i] = p->inner[2 * i + 1] = p->inner[i];
    for (eg_index i = 0; i < p->n; i++) p->inner[2 * pairs + i] = 1;
    egi_sort(p->inner, p->n * p->n);
    describe(p, p->inner, p->n * p->n, layer, "_all");
    return true;
}

eg_status egi_flow_layers_run(const void *options, uint64_t seed, eg_pool *pool,
                              const eg_theory_out *out, eg_err *err)
{
    const eg_flow_theory_layers *o = options;
    eg_index n = (eg_index)o->n, d = (eg_index)o->d;
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    panel p = {.o = o, .out = out, .n = n, .d = d};
    double *x = eg_calloc((size_t)(n * d), sizeof *x), times[EG_STRS_MAX];
    int count = 0;
    eg_flow_spec spec = {.n = n, .d = d, .beta = o->beta};
    eg_flow_solve how = {
        .method = EG_FLOW_AUTHORS, .h = o->h, .output = emit_layer, .ctx = &p};
    eg_status st;

    p.inner = eg_calloc((size_t)(n * n), sizeof *p.inner);
    p.bar = eg_calloc(FINE, sizeof *p.bar);
    if (!x || !p.inner || !p.bar) {
        st = EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
        goto done;
    }
    EG_TRY(
        egi_list_ints(p.layer, &count, &o->layers, 0, 1000000, "layers", err));
    if (p.layer[0] != 0) {
        st = EG_FAIL(err, EG_EINVAL,
                     "layers: expected 0, the start, first, found %lld",
                     (long long)p.layer[0]);
        goto done;
    }
    for (int i = 0; i < count; i++) times[i] = (double)p.layer[i] * o->h;
    egi_sphere_draw(x, n, d, &rng);
    st = egi_play(&spec, x, times, count, &how, pool, err);
done:
    eg_free(x);
    eg_free(p.inner);
    eg_free(p.bar);
    return st;
}
