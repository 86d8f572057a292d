/* A metric against the step, over the runs of one setting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "lab/aggregate_priv.h"

typedef struct spot {
    double step, value;
    int run, row;
} spot;

typedef struct spots {
    spot *spot;
    size_t n, cap;
} spots;

static int by_step(const void *a, const void *b)
{
    const spot *x = a, *y = b;

    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    if (x->run != y->run) return x->run < y->run ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static eg_status add_series(spots *s, const eg_series *from, int run,
                            eg_err *err)
{
    size_t need = s->n + (size_t)from->n;

    if (need > s->cap) {
        size_t cap = need > 2 * s->cap ? need : 2 * s->cap;
        spot *more = eg_realloc(s->spot, cap * sizeof *more);

        if (!more) return EG_FAIL(err, EG_ENOMEM, "%s", from->name);
        s->spot = more;
        s->cap = cap;
    }
    for (int i = 0; i < from->n; i++)
        if (isfinite(from->value[i]))
            s->spot[s->n++] = (spot){from->step[i], from->value[i], run, i};
    return EG_OK;
}

static eg_status read_spots(spots *s, const eg_ensemble_setting *of,
                            const char *metric, eg_err *err)
{
    eg_status st = EG_OK;

    for (int r = 0; r < of->n_runs && st == EG_OK; r++) {
        eg_metrics m = {0};
        const eg_series *from;

        if (eg_metrics_read(&m, of->run[r].dir, NULL) == EG_ENOMEM)
            st = EG_FAIL(err, EG_ENOMEM, "%s", of->run[r].dir);
        from = eg_metrics_find(&m, metric);
        if (from) st = add_series(s, from, r, err);
        eg_metrics_release(&m);
    }
    if (s->n > 0) qsort(s->spot, s->n, sizeof *s->spot, by_step);
    return st;
}

/* Where the i-th of the steps begins: from [n + 1]; gives n. */
static size_t find_steps(size_t *from, const spots *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        if (i == 0 || s->spot[i].step != s->spot[i - 1].step) from[n++] = i;
    from[n] = s->n;
    return n;
}

/* The values at one step, the last one of each run; gives their number. */
static int values_at(double *value, const spot *s, size_t n)
{
    int k = 0;

    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || s[i + 1].run != s[i].run) value[k++] = s[i].value;
    return k;
}

static eg_status make_room(eg_band *b, size_t n, eg_err *err)
{
    b->step = eg_calloc(5 * n, sizeof *b->step);
    b->runs = eg_calloc(n, sizeof *b->runs);
    if (!b->step || !b->runs) return EG_FAIL(err, EG_ENOMEM, "%zu steps", n);
    b->mean = b->step + n;
    b->low = b->step + 2 * n;
    b->high = b->step + 3 * n;
    b->median = b->step + 4 * n;
    return EG_OK;
}

void eg_band_release(eg_band *b)
{
    eg_free(b->step);
    eg_free(b->runs);
    *b = (eg_band){0};
}

/* Which of n steps is the i-th of points. */
static size_t thin(size_t i, size_t n, size_t points)
{
    return points < 2 || points == n ? i : (i * (n - 1)) / (points - 1);
}

eg_status eg_band_make(eg_band *out, const eg_ensemble *x, int setting,
                       const char *metric, int max_points,
                       const eg_bootstrap *how, eg_err *err)
{
    const eg_ensemble_setting *of = &x->setting[setting];
    eg_band b = {0};
    spots s = {0};
    size_t *from = NULL, n = 0, points;
    double *value = eg_calloc((size_t)of->n_runs, sizeof *value);
    eg_bootstrap boot;
    eg_estimate e;
    eg_status st;

    *out = b;
    EG_TRY(egi_bootstrap_check(&boot, how, EG_CURVE_RESAMPLES, err));
    EG_TRY(read_spots(&s, of, metric, err));
    from = eg_calloc(s.n + 1, sizeof *from);
    if (!from || !value) {
        st = EG_FAIL(err, EG_ENOMEM, "%zu values", s.n);
        goto done;
    }
    n = find_steps(from, &s);
    EG_ASSERT(n == 0 || s.spot);
    points = max_points > 0 && n > (size_t)max_points ? (size_t)max_points : n;
    EG_TRY(make_room(&b, points, err));
    for (size_t i = 0; i < points; i++) {
        size_t k = thin(i, n, points);

        b.runs[i] = values_at(value, s.spot + from[k], from[k + 1] - from[k]);
        EG_TRY(egi_estimate(&e, value, NULL, b.runs[i], &boot, false, err));
        b.step[i] = s.spot[from[k]].step;
        b.mean[i] = e.mean;
        b.low[i] = e.mean_low;
        b.high[i] = e.mean_high;
        b.median[i] = e.median;
        b.n++;
    }
done:
    eg_free(from);
    eg_free(value);
    eg_free(s.spot);
    if (st != EG_OK) eg_band_release(&b);
    *out = b;
    return st;
}
