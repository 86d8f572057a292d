/* The lens of energy: the radius of patterns by depth, and which texts are each
 * other's nearest. */
#include <stdlib.h>

#include "engram/radius.h"
#include "lens/lens.h"

enum { SHOWN = 10, TAIL = 120, TAIL_TOKENS = 48 };

typedef struct closest {
    double d;
    int32_t row, near;
} closest;

static int by_distance(const void *a, const void *b)
{
    const closest *x = a, *y = b;

    if (x->d != y->d) return x->d < y->d ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static json_t *tail_json(const egi_lens *s, int i)
{
    char text[TAIL];
    int from = s->T > TAIL_TOKENS ? s->T - TAIL_TOKENS : 0;

    egi_lens_text(s, i, from, s->T, text, sizeof text);
    return egi_json_text(text);
}

/* Of all different rows by distance, evenly spaced from nearest to farthest. */
static json_t *texts_json(const egi_lens *s, const eg_neighbours *r)
{
    eg_index last = (eg_index)(r->n_sizes - 1) * r->m, n = 0;
    closest *all = eg_calloc((size_t)r->m, sizeof *all);
    json_t *list = json_array();
    bool bad = !list || !all;
    int32_t before = -1;

    for (eg_index i = 0; all && i < r->m; i++)
        if (r->first[i] == i && r->index[last + i] >= 0)
            all[n++] = (closest){r->distance[last + i], (int32_t)i,
                                 r->index[last + i]};
    if (all) qsort(all, (size_t)n, sizeof *all, by_distance);
    for (int k = 0; all && n > 0 && k < SHOWN; k++) {
        /* half of them are the nearest pairs */
        eg_index at = k < SHOWN / 2
                          ? k
                          : (n - 1) * (k - SHOWN / 2 + 1) / (SHOWN - SHOWN / 2);
        json_t *o;

        if (at >= n || all[at].row == before) continue;
        before = all[at].row;
        o = json_object();
        bad |= !o;
        egi_lens_put(o, "text", tail_json(s, all[at].row), &bad);
        egi_lens_put(o, "near", tail_json(s, all[at].near), &bad);
        egi_lens_put(o, "distance", egi_lens_num(all[at].d), &bad);
        egi_lens_put(o, "rank", json_real((double)at / (double)n), &bad);
        egi_lens_add(list, o, &bad);
    }
    eg_free(all);
    return egi_json_whole(list, bad);
}

static json_t *radius_json(const eg_radius *r, bool brief)
{
    json_t *o = json_object();
    bool bad = !o;
    double mean[EG_RADIUS_PARTS], size[EG_RADIUS_PARTS];
    int last = EG_RADIUS_PARTS - 1;
    double bin[EG_RADIUS_BINS];

    for (int k = 0; k < EG_RADIUS_PARTS; k++) {
        mean[k] = r->part[k].mean;
        size[k] = (double)r->part[k].distinct;
    }
    egi_lens_put(o, "mean", egi_lens_numbers(mean, EG_RADIUS_PARTS), &bad);
    egi_lens_put(o, "size", egi_lens_numbers(size, EG_RADIUS_PARTS), &bad);
    egi_lens_put(o, "median", egi_lens_num(r->part[last].median), &bad);
    egi_lens_put(o, "null", egi_lens_num(r->null_mean), &bad);
    egi_lens_put(o, "dimension", egi_lens_num(r->dimension), &bad);
    egi_lens_put(o, "intercept", egi_lens_num(r->intercept), &bad);
    egi_lens_put(o, "copies", json_integer(r->part[last].copies), &bad);
    if (!brief) {
        json_t *bins = json_array();

        bad |= !bins;
        for (int k = 0; k < EG_RADIUS_PARTS; k++) {
            for (int b = 0; b < EG_RADIUS_BINS; b++)
                bin[b] = (double)r->part[k].bin[b];
            egi_lens_add(bins, egi_lens_numbers(bin, EG_RADIUS_BINS), &bad);
        }
        egi_lens_put(o, "top", egi_lens_num(r->top), &bad);
        egi_lens_put(o, "bins", bins, &bad);
    }
    return egi_json_whole(o, bad);
}

/* A search at one depth, out of all. */
typedef struct search {
    egi_lens *s;
    int depth;
} search;

static bool go_on(void *ctx, double done)
{
    const search *at = ctx;

    return egi_lens_more(at->s, "energy",
                         0.95 + 0.05 * (at->depth + done) /
                                    (double)at->s->ends.n_depths);
}

eg_status egi_lens_energy(json_t **out, egi_lens *s, eg_err *err)
{
    json_t *o = json_object(), *depths = json_array();
    bool bad = !o || !depths;
    eg_status st = EG_OK;

    *out = NULL;
    for (int d = 0; d < s->ends.n_depths && !s->stopped; d++) {
        search at = {s, d};
        eg_neighbours_spec spec = {.m = s->count,
                                   .n = s->D,
                                   .x = egi_gather_at(&s->ends, d),
                                   .pool = s->spec->pool,
                                   .kern = s->spec->kern,
                                   .more = go_on,
                                   .ctx = &at};
        bool texts = d == s->ends.n_depths - 1 && s->V > 0 && !s->spec->brief;
        eg_neighbours near = {0};
        eg_radius r;
        bool stopped;

        st = eg_radius_measure(&r, texts ? &near : NULL, &stopped, &spec,
                               s->spec->seed, err);
        if (st == EG_OK && !stopped) {
            egi_lens_add(depths, radius_json(&r, s->spec->brief), &bad);
            if (texts)
                egi_lens_put(o, "neighbours", texts_json(s, &near), &bad);
        }
        eg_neighbours_release(&near);
        if (st != EG_OK) break;
    }
    egi_lens_put(o, "depths", depths, &bad);
    egi_lens_put(o, "normed", json_boolean(s->ends.n_depths > s->L + 1), &bad);
    egi_lens_put(o, "expected", egi_lens_num(eg_radius_expected(s->D)), &bad);
    if (st == EG_OK && bad) st = egi_lens_no_memory(err);
    if (st == EG_OK)
        *out = o;
    else
        json_decref(o);
    return st;
}
