/* Figures of a benchmark as they are gathered; see engram/figures.h. */
#include "lab/figures_priv.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/sort.h"
#include "engram/lab.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "kern/timing.h"

void eg_figures_begin(eg_figures *f, const char *bench, const char *kernels,
                      int threads)
{
    time_t now = time(NULL);
    struct tm utc;

    *f = (eg_figures){.threads = threads};
    eg_text_copy(f->bench, sizeof f->bench, bench);
    eg_text_copy(f->kernels, sizeof f->kernels, kernels);
    eg_text_copy(f->version, sizeof f->version, eg_version());
    eg_text_copy(f->commit, sizeof f->commit, eg_commit());
    if (gmtime_r(&now, &utc))
        (void)strftime(f->date, sizeof f->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    eg_machine_look(&f->machine);
}

eg_figure *eg_figures_put(eg_figures *f, const char *name, const char *unit,
                          bool less, int n, double low, double median,
                          double high, double best)
{
    eg_figure *more = NULL, *r = &f->lost;

    /* as many as a power of two holds, doubled when they are full */
    if ((f->n & (f->n - 1)) == 0) {
        more = eg_realloc(f->row, (size_t)(f->n ? 2 * f->n : 1) * sizeof *more);
        if (!more) f->no_memory = true;
        if (more) f->row = more;
    }
    if (!f->no_memory) r = &f->row[f->n++];
    *r = (eg_figure){.less = less,
                     .n = n,
                     .low = low,
                     .median = median,
                     .high = high,
                     .best = best,
                     .limit = NAN,
                     .share = NAN,
                     .share_low = NAN,
                     .share_high = NAN};
    eg_text_copy(r->name, sizeof r->name, name);
    eg_text_copy(r->unit, sizeof r->unit, unit);
    return r;
}

eg_figure *eg_figures_add(eg_figures *f, const char *name, const char *unit,
                          bool less, double *sample, int n)
{
    EG_ASSERT(n >= 1);
    egi_sort(sample, n);
    return eg_figures_put(f, name, unit, less, n, egi_quantile(sample, n, 0.25),
                          egi_quantile(sample, n, 0.5),
                          egi_quantile(sample, n, 0.75),
                          sample[less ? 0 : n - 1]);
}

void eg_figure_share_put(eg_figure *r, double limit, double low, double median,
                         double high)
{
    if (!(limit > 0)) return;
    r->limit = limit;
    r->share_low = low;
    r->share = median;
    r->share_high = high;
}

void eg_figure_share(eg_figure *r, double limit, double *share, int n)
{
    if (!(limit > 0)) return;
    egi_sort(share, n);
    eg_figure_share_put(r, limit, egi_quantile(share, n, 0.25),
                        egi_quantile(share, n, 0.5),
                        egi_quantile(share, n, 0.75));
}

void eg_figure_peer_add(eg_figure *r, const char *name, double value)
{
    if (!(value > 0) || r->n_peers == EG_FIGURE_PEERS) return;
    eg_text_copy(r->peer[r->n_peers].name, sizeof r->peer->name, name);
    r->peer[r->n_peers++].value = value;
}

const eg_figure *egi_figure_find(const eg_figures *f, const eg_figure *like)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->row[i].name, like->name) == 0 &&
            strcmp(f->row[i].unit, like->unit) == 0)
            return &f->row[i];
    return NULL;
}

void eg_figures_release(eg_figures *f)
{
    eg_free(f->row);
    *f = (eg_figures){0};
}
