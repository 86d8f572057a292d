/* The radius of patterns, from distances to nearest neighbours. */
#include "engram/radius.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "base/sort.h"
#include "probe/neighbours.h"

double eg_radius_expected(eg_index n)
{
    static const double two_pi_e = 17.079468445347132; /* 2 pi e */

    return sqrt((double)n / two_pi_e);
}

int64_t egi_radius_bytes(eg_index m, eg_index n, int threads, const char *kern)
{
    int64_t answer = egi_neighbours_bytes(m, 0, EG_RADIUS_PARTS, 0, kern);
    int64_t first = egi_neighbours_bytes(m, n, EG_RADIUS_PARTS, threads, kern);
    int64_t dealt = m * n * (int64_t)sizeof(float) +
                    egi_neighbours_bytes(m, n, 1, threads, kern);

    /* the first search's answer stays while vectors are dealt out */
    if (dealt + answer > first) first = dealt + answer;
    return first + m * (int64_t)sizeof(double);
}

/* ---- what distances say ---------------------------------------------------
 */

static double median(const double *sorted, eg_index n)
{
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

static double mean(const double *d, eg_index n)
{
    double sum = 0;

    for (eg_index i = 0; i < n; i++) sum += d[i];
    return n > 0 ? sum / (double)n : (double)NAN;
}

/* Distances of the different vectors of subset k; returns how many. */
static eg_index distances(double *d, const eg_neighbours *r, int k)
{
    eg_index n = 0;

    for (eg_index i = 0; i < r->size[k]; i++)
        if (r->first[i] == i && r->index[k * r->m + i] >= 0)
            d[n++] = r->distance[k * r->m + i];
    return n;
}

/* Subset k of the search, as part `at`. */
static void take(eg_radius *out, int at, const eg_neighbours *r, int k,
                 double *d)
{
    eg_index n = distances(d, r, k);

    out->part[at].size = r->size[k];
    out->part[at].distinct = r->distinct[k];
    out->part[at].copies = r->copies[k];
    out->part[at].mean = mean(d, n);
    if (n == 0) return;
    egi_sort(d, n);
    out->part[at].median = median(d, n);
    out->top = fmax(out->top, d[n - 1]); /* fmax passes over NaN */
}

static void count(eg_radius *out, int at, const eg_neighbours *r, int k,
                  double *d)
{
    eg_index n = distances(d, r, k);

    for (eg_index i = 0; i < n; i++) {
        int b = (int)(d[i] / out->top * EG_RADIUS_BINS);

        out->part[at].bin[b < EG_RADIUS_BINS ? b : EG_RADIUS_BINS - 1]++;
    }
}

/* A line through (log size, log mean) of the parts that have a mean. */
static void extrapolate(eg_radius *out)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0, slope;
    eg_index last = 0;

    for (int k = 0; k < EG_RADIUS_PARTS; k++) {
        double u = log((double)out->part[k].distinct);
        double v = log(out->part[k].mean);

        if (!isfinite(v) || out->part[k].distinct == last) continue;
        last = out->part[k].distinct;
        n += 1;
        x += u;
        y += v;
        xx += u * u;
        xy += u * v;
    }
    if (n < 2) return;
    slope = (n * xy - x * y) / (n * xx - x * x);
    out->dimension = slope < 0 ? -1 / slope : (double)INFINITY;
    out->intercept = (y - slope * x) / n;
}

/* ---- the null model -------------------------------------------------------
 */

/* Each coordinate by itself goes to vectors at random. */
static void deal(float *x, eg_index m, eg_index n, uint64_t seed)
{
    for (eg_index j = 0; j < n; j++) {
        eg_rng rng = eg_rng_make(seed, EG_RNG_USER, 0, (uint32_t)j);

        for (eg_index i = m - 1; i > 0; i--) {
            eg_index k = (eg_index)eg_rng_below(&rng, (uint32_t)i + 1);
            float v = x[i * n + j];

            x[i * n + j] = x[k * n + j];
            x[k * n + j] = v;
        }
    }
}

/* Of the different vectors alone: copies would be none any more. */
static eg_status null_model(eg_radius *out, bool *stopped,
                            const eg_neighbours_spec *spec,
                            const eg_neighbours *r, double *d, uint64_t seed,
                            eg_err *err)
{
    eg_neighbours_spec dealt = *spec;
    eg_neighbours near = {0};
    eg_index m = 0;
    float *x = eg_calloc((size_t)(spec->m * spec->n), sizeof *x);
    eg_status st;

    if (!x)
        return EG_FAIL(err, EG_ENOMEM, "radius: a copy of %td vectors",
                       spec->m);
    for (eg_index i = 0; i < spec->m; i++)
        if (r->first[i] == i)
            memcpy(x + m++ * spec->n, spec->x + i * spec->n,
                   (size_t)spec->n * sizeof *x);
    deal(x, m, spec->n, seed);
    dealt.m = m;
    dealt.x = x;
    dealt.n_sizes = 0;
    EG_TRY(eg_neighbours_find(&near, &dealt, err));
    *stopped = near.stopped;
    if (!near.stopped) out->null_mean = mean(d, distances(d, &near, 0));
done:
    eg_neighbours_release(&near);
    eg_free(x);
    return st;
}

/* ---- both -----------------------------------------------------------------
 */

typedef struct halves {
    const eg_neighbours_spec *spec;
    double from;
} halves;

static bool half_more(void *ctx, double done)
{
    const halves *h = ctx;

    return h->spec->more(h->spec->ctx, h->from + done / 2);
}

/* Quarters that are not empty and not the one before: part [4] says which of
 * the sizes a quarter is. */
static int quarters(eg_index size[EG_RADIUS_PARTS], int part[EG_RADIUS_PARTS],
                    eg_index m)
{
    int n = 0;

    for (int k = 0; k < EG_RADIUS_PARTS; k++) {
        eg_index s = (m * (k + 1) + EG_RADIUS_PARTS - 1) / EG_RADIUS_PARTS;

        if (n == 0 || s > size[n - 1]) size[n++] = s;
        part[k] = n - 1;
    }
    return n;
}

static void blank(eg_radius *out, const eg_neighbours_spec *spec)
{
    *out = (eg_radius){.m = spec->m,
                       .n = spec->n,
                       .expected = eg_radius_expected(spec->n),
                       .top = (double)NAN,
                       .null_mean = (double)NAN,
                       .dimension = (double)NAN,
                       .intercept = (double)NAN};
    for (int k = 0; k < EG_RADIUS_PARTS; k++)
        out->part[k].mean = out->part[k].median = (double)NAN;
}

eg_status eg_radius_measure(eg_radius *out, eg_neighbours *near, bool *stopped,
                            const eg_neighbours_spec *spec, uint64_t seed,
                            eg_err *err)
{
    eg_neighbours_spec whole = *spec;
    halves h = {spec, 0};
    eg_neighbours r = {0};
    eg_index size[EG_RADIUS_PARTS];
    int part[EG_RADIUS_PARTS] = {0};
    double *d = eg_calloc((size_t)(spec->m > 0 ? spec->m : 1), sizeof *d);
    eg_status st;

    blank(out, spec);
    *stopped = false;
    if (near) *near = r;
    if (!d) return EG_FAIL(err, EG_ENOMEM, "radius: %td distances", spec->m);
    whole.n_sizes = spec->m > 0 ? quarters(size, part, spec->m) : 0;
    whole.size = size;
    whole.more = spec->more ? half_more : NULL;
    whole.ctx = &h;
    EG_TRY(eg_neighbours_find(&r, &whole, err));
    *stopped = r.stopped;
    if (r.stopped) goto done;
    for (int k = 0; k < EG_RADIUS_PARTS; k++) take(out, k, &r, part[k], d);
    for (int k = 0; k < EG_RADIUS_PARTS; k++) count(out, k, &r, part[k], d);
    out->again = r.again;
    out->radius = out->part[EG_RADIUS_PARTS - 1].mean / 2;
    extrapolate(out);
    h.from = 0.5;
    EG_TRY(null_model(out, stopped, &whole, &r, d, seed, err));
    if (near && !*stopped) {
        *near = r;
        r = (eg_neighbours){0};
    }
done:
    eg_neighbours_release(&r);
    eg_free(d);
    return st;
}
