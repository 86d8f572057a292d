/* See curves.h. */
#include "watch/curves.h"

#include <math.h>
#include <string.h>
#include "engram/mem.h"

eg_status egi_curves_init(egi_curves *c, int most, eg_err *err)
{
    *c = (egi_curves){.room = most, .most = most, .width = 1, .clock = -1};
    c->start = eg_calloc((size_t)most, sizeof *c->start);
    if (!c->start) return EG_FAIL(err, EG_ENOMEM, "curves: out of memory");
    return EG_OK;
}

void egi_curves_clear(egi_curves *c)
{
    for (int i = 0; i < c->n; i++) eg_free(c->curve[i].bucket);
    eg_free(c->curve);
    c->curve = NULL;
    c->n = c->cap = 0;
    c->rows = c->held = 0;
    c->most = c->room;
    c->width = 1;
}

void egi_curves_release(egi_curves *c)
{
    egi_curves_clear(c);
    eg_free(c->start);
    *c = (egi_curves){0};
}

void egi_bucket_merge(egi_bucket *a, const egi_bucket *b)
{
    if (isnan(b->lo)) return;
    if (isnan(a->lo) || b->lo < a->lo) {
        a->lo = b->lo;
        a->x_lo = b->x_lo;
    }
    if (isnan(a->hi) || b->hi > a->hi) {
        a->hi = b->hi;
        a->x_hi = b->x_hi;
    }
}

/* The bucket of that number at the end of the curve; NULL: no memory. *held
 * counts new ones. */
static egi_bucket *last_bucket(egi_curve *u, int64_t at, int64_t *held)
{
    egi_bucket *b;

    if (u->n > 0 && u->bucket[u->n - 1].at == at) return &u->bucket[u->n - 1];
    if (u->n == u->cap) {
        int cap = u->cap ? 2 * u->cap : 32;

        b = eg_realloc(u->bucket, (size_t)cap * sizeof *b);
        if (!b) return NULL;
        u->bucket = b;
        u->cap = cap;
    }
    b = &u->bucket[u->n++];
    ++*held;
    *b = (egi_bucket){.at = at, .lo = (double)NAN, .hi = (double)NAN};
    return b;
}

static bool put(egi_curve *u, int64_t *held, int64_t at, double x, double value)
{
    bool fine = isfinite(value);
    const egi_bucket one = {.x_lo = x,
                            .lo = fine ? value : (double)NAN,
                            .x_hi = x,
                            .hi = fine ? value : (double)NAN};
    egi_bucket *b = last_bucket(u, at, held);

    if (!b) return false;
    if (isnan(b->lo)) b->x_lo = b->x_hi = x;
    egi_bucket_merge(b, &one);
    if (!fine && u->bad++ == 0) u->first_bad = x;
    u->points++;
    u->x = x;
    u->value = value;
    return true;
}

/* Room that its buckets no longer need is given back. */
static void shrink(egi_curve *u)
{
    int cap = u->cap;
    egi_bucket *b;

    while (cap > 32 && cap / 2 >= u->n) cap /= 2;
    b = cap < u->cap ? eg_realloc(u->bucket, (size_t)cap * sizeof *b) : NULL;
    if (!b) return;
    u->bucket = b;
    u->cap = cap;
}

/* Buckets become twice as wide. */
static void widen(egi_curves *c)
{
    c->width *= 2;
    c->held = 0;
    for (ptrdiff_t i = 0; i < c->room / 2; i++) c->start[i] = c->start[2 * i];
    for (int i = 0; i < c->n; i++) {
        egi_curve *u = &c->curve[i];
        int n = 0;

        for (int k = 0; k < u->n; k++) {
            egi_bucket b = u->bucket[k];

            b.at /= 2;
            if (n > 0 && u->bucket[n - 1].at == b.at)
                egi_bucket_merge(&u->bucket[n - 1], &b);
            else
                u->bucket[n++] = b;
        }
        u->n = n;
        c->held += n;
    }
}

/* Room for n buckets more. */
static void make_room(egi_curves *c, int n)
{
    while (c->held + n > EGI_BUCKETS && c->most > EGI_LEAST) {
        c->most /= 2;
        if (c->rows <= c->width * c->most) continue;
        widen(c);
        for (int i = 0; i < c->n; i++) shrink(&c->curve[i]);
    }
}

static bool has_curve(egi_curves *c, int id)
{
    if (id >= c->cap) {
        int cap = c->cap ? 2 * c->cap : 32;
        egi_curve *more;

        while (cap <= id) cap *= 2;
        more = eg_realloc(c->curve, (size_t)cap * sizeof *more);
        if (!more) return false;
        c->curve = more;
        c->cap = cap;
    }
    for (; c->n <= id; c->n++) c->curve[c->n] = (egi_curve){0};
    return true;
}

eg_status egi_curves_add(egi_curves *c, double x, const eg_follow_row *row,
                         eg_err *err)
{
    int64_t at;

    make_room(c, row->n);
    at = c->rows / c->width;
    if (at >= c->most) {
        widen(c);
        at = c->rows / c->width;
    }
    if (c->rows % c->width == 0) c->start[at] = x;
    for (int i = 0; i < row->n; i++)
        if (!has_curve(c, row->id[i]) ||
            !put(&c->curve[row->id[i]], &c->held, at, x, row->value[i]))
            return EG_FAIL(err, EG_ENOMEM, "curves: out of memory");
    c->rows++;
    return EG_OK;
}
