/* What got slower or faster between two files of figures. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engram/mem.h"
#include "lab/figures_priv.h"

/* Median and quartiles of what is compared. */
typedef struct spread {
    double low, median, high;
    bool less;
} spread;

static spread spread_of(const eg_figure *r, bool by_share)
{
    if (by_share) return (spread){r->share_low, r->share, r->share_high, false};
    return (spread){r->low, r->median, r->high, r->less};
}

/* The noise of b / a: the larger range over a's median, EG_FIGURE_NOISE at
 * least. */
static double noise_of(spread a, spread b, bool few)
{
    double least = few ? EG_FIGURE_NOISE_FEW : EG_FIGURE_NOISE;

    return fmax(least, fmax(a.high - a.low, b.high - b.low) / a.median);
}

static void judge(eg_figure_change *c, bool by_share)
{
    spread a = spread_of(c->a, by_share), b = spread_of(c->b, by_share);
    double change = b.median / a.median - 1;
    bool few = c->a->n < EG_FIGURE_FEW || c->b->n < EG_FIGURE_FEW;

    c->ratio = a.less ? a.median / b.median : b.median / a.median;
    c->noise = noise_of(a, b, few);
    if (!isfinite(change) || !(a.median > 0) || !(b.median > 0))
        c->what = EG_CHANGE_UNKNOWN;
    else if (fabs(change) <= c->noise)
        c->what = EG_CHANGE_NONE;
    else
        c->what = c->ratio < 1 ? EG_CHANGE_SLOWER : EG_CHANGE_FASTER;
}

static void say_text(egi_text *t, const char *what, const char *a,
                     const char *b)
{
    if (strcmp(a, b) != 0)
        egi_text_add(t, "%s%s %s and %s", t->len ? "; " : "", what, a, b);
}

static void say_count(egi_text *t, const char *what, int a, int b)
{
    if (a != b)
        egi_text_add(t, "%s%s %d and %d", t->len ? "; " : "", what, a, b);
}

static eg_status fill(eg_figures_change *out, const eg_figures *a,
                      const eg_figures *b, eg_err *err)
{
    int common = 0;

    for (int i = 0; i < a->n; i++) {
        eg_figure_change *c = &out->row[out->n++];

        *c = (eg_figure_change){.a = &a->row[i],
                                .b = egi_figure_find(b, &a->row[i]),
                                .what = EG_CHANGE_ONLY_A};
        if (c->b) judge(c, out->by_share);
        common += c->b != NULL;
        out->n_faster += c->what == EG_CHANGE_FASTER;
        out->n_slower += c->what == EG_CHANGE_SLOWER;
        out->n_same += c->what == EG_CHANGE_NONE;
    }
    if (common == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "no figure is in both files, of %d and %d", a->n, b->n);
    for (int i = 0; i < b->n; i++)
        if (!egi_figure_find(a, &b->row[i]))
            out->row[out->n++] =
                (eg_figure_change){.b = &b->row[i], .what = EG_CHANGE_ONLY_B};
    return EG_OK;
}

eg_status eg_figures_compare(eg_figures_change *out, const eg_figures *a,
                             const eg_figures *b, eg_err *err)
{
    const eg_machine *m = &a->machine, *n = &b->machine;
    egi_text t = egi_text_on(out->why, sizeof out->why);
    eg_status st;

    *out = (eg_figures_change){.by_share = strcmp(m->cpu, n->cpu) != 0 ||
                                           m->cores != n->cores};
    if (strcmp(a->bench, b->bench) != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "expected figures of one benchmark, found %s and %s",
                       a->bench, b->bench);
    say_text(&t, "CPUs", m->cpu, n->cpu);
    say_count(&t, "cores", m->cores, n->cores);
    say_text(&t, "kernels", a->kernels, b->kernels);
    say_count(&t, "threads", a->threads, b->threads);
    out->row = eg_calloc((size_t)a->n + (size_t)b->n, sizeof *out->row);
    if (!out->row) return EG_FAIL(err, EG_ENOMEM, "a comparison");
    st = fill(out, a, b, err);
    if (st != EG_OK) eg_figures_change_release(out);
    return st;
}

void eg_figures_change_release(eg_figures_change *c)
{
    eg_free(c->row);
    *c = (eg_figures_change){0};
}
