#include "probe/gather.h"

#include <string.h>

#include "engram/mem.h"
#include "probe/model.h"

static const char last_norm[] = "ln_final.hook_normalized";

eg_status egi_gather_init(egi_gather *g, const eg_eval *eval, const eg_model *m,
                          int count, const int *at, int n_at, eg_err *err)
{
    size_t D = (size_t)eg_model_options(m)->d_model;

    *g = (egi_gather){.blocks = (int)eg_model_options(m)->n_layers,
                      .count = count,
                      .n_at = n_at,
                      .at = at,
                      .D = (eg_index)D};
    g->n_depths = g->blocks + 1 + egi_has_hook(eval, last_norm);
    g->gain = eg_calloc(2 * D, sizeof *g->gain);
    g->x = eg_calloc((size_t)g->n_depths * (size_t)count * (size_t)n_at * D,
                     sizeof *g->x);
    if (!g->gain || !g->x) {
        egi_gather_release(g);
        return EG_FAIL(err, EG_ENOMEM,
                       "the stream at %d positions of %d sequences", n_at,
                       count);
    }
    g->bias = g->gain + D;
    egi_gather_refresh(g, m);
    return EG_OK;
}

void egi_gather_release(egi_gather *g)
{
    eg_free(g->gain);
    eg_free(g->x);
    *g = (egi_gather){0};
}

void egi_gather_refresh(egi_gather *g, const eg_model *m)
{
    int w = eg_model_find(m, "ln_final.w"), b = eg_model_find(m, "ln_final.b");

    for (eg_index j = 0; j < g->D; j++) g->gain[j] = 1;
    memset(g->bias, 0, (size_t)g->D * sizeof *g->bias);
    if (w >= 0) eg_model_get(m, w, g->gain);
    if (b >= 0) eg_model_get(m, b, g->bias);
}

float *egi_gather_at(const egi_gather *g, int depth)
{
    return g->x + (eg_index)depth * g->count * g->n_at * g->D;
}

void egi_gather_take(egi_gather *g, int index, const eg_acts *acts)
{
    for (int d = 0; d < g->n_depths; d++) {
        float *x = egi_gather_at(g, d) + (eg_index)index * g->n_at * g->D;
        bool normed = d > g->blocks;
        eg_view v;

        if (!(normed ? eg_acts_hook(acts, last_norm, &v)
                     : egi_stream(&v, acts, d)))
            continue;
        for (int i = 0; i < g->n_at; i++)
            for (eg_index j = 0; j < g->D; j++) {
                double e = eg_view_at(&v, g->at[i] * g->D + j);

                if (normed) e = e * g->gain[j] + g->bias[j];
                x[i * g->D + j] = (float)e;
            }
    }
}

void egi_gather_on(void *ctx, int index, int worker, const eg_acts *acts)
{
    (void)worker;
    egi_gather_take(ctx, index, acts);
}
