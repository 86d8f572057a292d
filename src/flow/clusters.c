/* Clusters in numbers, and the history of their merging. */
#include "engram/flow.h"
#include "engram/mem.h"

#include <math.h>
#include <string.h>

double eg_flow_angle(const double *x, const double *y, eg_index d)
{
    double xx = 0, yy = 0, minus = 0, plus = 0;

    for (eg_index k = 0; k < d; k++) {
        xx += x[k] * x[k];
        yy += y[k] * y[k];
    }
    xx = sqrt(xx);
    yy = sqrt(yy);
    for (eg_index k = 0; k < d; k++) { /* |y| x and |x| y are equally long */
        double a = yy * x[k], b = xx * y[k];

        minus += (a - b) * (a - b);
        plus += (a + b) * (a + b);
    }
    return 2 * atan2(sqrt(minus), sqrt(plus));
}

/* Masses, members and mean directions of `count` clusters. */
static void sum_clusters(eg_flow_clusters *c, const double *x, eg_index n,
                         eg_index d, const double *mass)
{
    for (eg_index i = 0; i < n; i++) {
        double m = mass ? mass[i] : 1;
        double *mean = c->mean + c->label[i] * d;

        c->mass[c->label[i]] += m;
        c->size[c->label[i]]++;
        c->total += m;
        for (eg_index k = 0; k < d; k++) mean[k] += m * x[i * d + k];
    }
    for (eg_index a = 0; a < c->count; a++) {
        double *mean = c->mean + a * d, norm = 0;

        for (eg_index k = 0; k < d; k++) norm += mean[k] * mean[k];
        for (eg_index k = 0; k < d && norm > 0; k++) mean[k] /= sqrt(norm);
    }
}

/* The two heaviest, and the angle between their means. */
static void rank_clusters(eg_flow_clusters *c)
{
    c->first = 0;
    c->second = -1;
    for (eg_index a = 1; a < c->count; a++) {
        if (c->mass[a] > c->mass[c->first]) {
            c->second = c->first;
            c->first = a;
        } else if (c->second < 0 || c->mass[a] > c->mass[c->second]) {
            c->second = a;
        }
    }
    c->angle = NAN;
    if (c->second >= 0)
        c->angle = eg_flow_angle(c->mean + c->first * c->d,
                                 c->mean + c->second * c->d, c->d);
}

eg_status eg_flow_clusters_init(eg_flow_clusters *c, const double *x,
                                eg_index n, eg_index d, double delta,
                                const double *mass, eg_err *err)
{
    *c = (eg_flow_clusters){.n = n, .d = d, .count = -1};
    c->label = eg_calloc((size_t)n, sizeof *c->label);
    if (c->label) c->count = eg_flow_components(c->label, x, n, d, delta);
    if (c->count > 0) {
        c->mass = eg_calloc((size_t)c->count, sizeof *c->mass);
        c->size = eg_calloc((size_t)c->count, sizeof *c->size);
        c->mean = eg_calloc((size_t)(c->count * d), sizeof *c->mean);
    }
    if (!c->label || !c->mass || !c->size || !c->mean) {
        eg_flow_clusters_release(c);
        return EG_FAIL(err, EG_ENOMEM, "clusters of %td tokens", n);
    }
    sum_clusters(c, x, n, d, mass);
    rank_clusters(c);
    return EG_OK;
}

void eg_flow_clusters_release(eg_flow_clusters *c)
{
    eg_free(c->label);
    eg_free(c->mass);
    eg_free(c->size);
    eg_free(c->mean);
    *c = (eg_flow_clusters){0};
}

struct eg_flow_history {
    eg_index n, d;
    double delta;
    double *mass; /* [n] or NULL */
    bool started;
    double t;
    eg_flow_clusters last;
    eg_flow_merge *merge;
    eg_index n_merges, room;
    int64_t splits;
};

eg_status eg_flow_history_new(eg_flow_history **out, eg_index n, eg_index d,
                              double delta, const double *mass, eg_err *err)
{
    eg_flow_history *h = eg_calloc(1, sizeof *h);

    *out = NULL;
    if (h && mass) h->mass = eg_calloc((size_t)n, sizeof *h->mass);
    if (!h || (mass && !h->mass)) {
        eg_flow_history_free(h);
        return EG_FAIL(err, EG_ENOMEM, "merge history of %td tokens", n);
    }
    if (mass) memcpy(h->mass, mass, (size_t)n * sizeof *mass);
    h->n = n;
    h->d = d;
    h->delta = delta;
    *out = h;
    return EG_OK;
}

void eg_flow_history_free(eg_flow_history *h)
{
    if (!h) return;
    eg_flow_clusters_release(&h->last);
    eg_free(h->mass);
    eg_free(h->merge);
    eg_free(h);
}

/* One more merge, zeroed; NULL when out of memory. */
static eg_flow_merge *append(eg_flow_history *h)
{
    if (h->n_merges == h->room) {
        eg_index room = h->room ? 2 * h->room : 16;
        eg_flow_merge *more = eg_realloc(h->merge, (size_t)room * sizeof *more);

        if (!more) return NULL;
        h->merge = more;
        h->room = room;
    }
    h->merge[h->n_merges] = (eg_flow_merge){0};
    return &h->merge[h->n_merges++];
}

/* Old cluster `from` went into new cluster `into`: the heaviest two parts are
 * kept in part [2] (-1: none), parts counts them. */
typedef struct joined {
    eg_index part[2], parts;
} joined;

static void join(joined *j, const eg_flow_clusters *old, eg_index from)
{
    eg_index *p = j->part;

    if (j->parts++ == 0 || old->mass[from] > old->mass[p[0]]) {
        p[1] = j->parts > 1 ? p[0] : -1;
        p[0] = from;
    } else if (p[1] < 0 || old->mass[from] > old->mass[p[1]]) {
        p[1] = from;
    }
}

/* Which old clusters every new cluster is made of. An old cluster that came
 * apart belongs to the new one of its first member. */
static void trace(joined *j, bool *seen, eg_flow_history *h,
                  const eg_flow_clusters *now)
{
    const eg_flow_clusters *old = &h->last;

    for (eg_index i = 0; i < h->n; i++) {
        if (seen[old->label[i]]) continue;
        seen[old->label[i]] = true;
        join(&j[now->label[i]], old, old->label[i]);
    }
    for (eg_index a = 0; a < now->count; a++)
        h->splits += j[a].parts == 0; /* born of a part */
}

static eg_status record(eg_flow_history *h, double t, const joined *j,
                        const eg_flow_clusters *now, eg_err *err)
{
    const eg_flow_clusters *old = &h->last;
    eg_index components = old->count;

    for (eg_index a = 0; a < now->count; a++) {
        eg_flow_merge *m;

        if (j[a].parts < 2) continue;
        if (!(m = append(h)))
            return EG_FAIL(err, EG_ENOMEM, "merge history: %td merges",
                           h->n_merges);
        components -= j[a].parts - 1;
        m->apart = h->t;
        m->t = t;
        m->components = components;
        m->parts = j[a].parts;
        m->mass[0] = old->mass[j[a].part[0]];
        m->mass[1] = old->mass[j[a].part[1]];
        m->mass_after = now->mass[a];
        m->angle = eg_flow_angle(old->mean + j[a].part[0] * h->d,
                                 old->mean + j[a].part[1] * h->d, h->d);
    }
    return EG_OK;
}

eg_status eg_flow_history_add(eg_flow_history *h, double t, const double *x,
                              eg_err *err)
{
    eg_flow_clusters now;
    eg_status st =
        eg_flow_clusters_init(&now, x, h->n, h->d, h->delta, h->mass, err);
    joined *j = NULL;
    bool *seen = NULL;

    if (st != EG_OK) return st;
    if (h->started) {
        j = eg_calloc((size_t)now.count, sizeof *j);
        seen = eg_calloc((size_t)h->last.count, sizeof *seen);
        if (!j || !seen) {
            st = EG_FAIL(err, EG_ENOMEM, "merge history of %td tokens", h->n);
            goto done;
        }
        trace(j, seen, h, &now);
        EG_TRY(record(h, t, j, &now, err));
    }
    eg_flow_clusters_release(&h->last);
    h->last = now;
    now = (eg_flow_clusters){0};
    h->started = true;
    h->t = t;
done:
    eg_flow_clusters_release(&now);
    eg_free(j);
    eg_free(seen);
    return st;
}

const eg_flow_merge *eg_flow_history_merges(const eg_flow_history *h,
                                            eg_index *n_merges)
{
    *n_merges = h->n_merges;
    return h->merge;
}

const eg_flow_clusters *eg_flow_history_last(const eg_flow_history *h)
{
    return h->started ? &h->last : NULL;
}

int64_t eg_flow_history_splits(const eg_flow_history *h)
{
    return h->splits;
}
