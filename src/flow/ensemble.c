/* Ensembles: many small systems, EGI_SWARM_LANES side by side, groups of them
 * as tasks of the pool. What is counted are whole numbers, so that sums do not
 * depend on their order. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "flow/ensemble.h"

enum { LANES = EGI_SWARM_LANES, BATCH = 4 };

void egi_ensemble_draw(double *x, const eg_flow_ensemble *e, eg_index draw)
{
    for (eg_index i = 0; i < e->n; i++) {
        eg_rng r =
            eg_rng_make(e->seed, EG_RNG_FLOW, (uint64_t)draw, (uint32_t)i);
        double norm = 0;

        while (!(norm > 0)) {
            norm = 0;
            for (eg_index k = 0; k < e->d; k++) {
                double v = eg_rng_normal(&r);
                x[i * e->d + k] = v;
                norm += v * v;
            }
        }
        for (eg_index k = 0; k < e->d; k++) x[i * e->d + k] /= sqrt(norm);
    }
}

/* What is known of the draws at one check time. */
typedef struct tally {
    int64_t pairs, pairs2; /* pairs together: sum and sum of squares */
    int64_t dims, dims2;   /* Gram eigenvalues counted, likewise */
    int64_t together, components;
    int64_t histogram[17];
} tally;

/* A worker's systems. Vectors [n, d, LANES] but for Z [n, LANES]. */
typedef struct swarm {
    double *x, *A, *Z, *y, *u, *sum, *work;
    uint8_t *link;   /* pairs */
    int32_t *parent; /* [n, LANES] */
    tally *count;    /* [n_times] */
    eg_status st;    /* of its draws */
    eg_err err;
} swarm;

typedef struct run {
    const eg_flow_ensemble *e;
    const egi_particles *kern;
    swarm *swarm; /* one a worker */
    eg_index size, first;
    double scale; /* of USA's drive; SA divides by Z */
    double *block;
    uint8_t *links;
    int32_t *parents;
    tally *tallies;
} run;

/* f = A(u) of the tokens u, tangent or not. */
static void rate(const run *r, const swarm *s, double *f, const double *u,
                 bool tangent)
{
    const eg_flow_ensemble *e = r->e;

    r->kern->swarm(s->A, s->Z, u, e->n, e->d, e->beta, s->work);
    r->kern->swarm_rate(f, s->A, e->model == EG_FLOW_SA ? s->Z : NULL, r->scale,
                        u, e->n, e->d, tangent);
}

/* y = x + c f */
static void move(double *y, const double *x, double c, const double *f,
                 eg_index n)
{
    for (eg_index i = 0; i < n; i++) y[i] = x[i] + c * f[i];
}

static void one_stage(const run *r, const swarm *s)
{
    const eg_flow_ensemble *e = r->e;
    bool own = e->model == EG_FLOW_SA; /* each token's own divisor */

    r->kern->swarm(s->A, s->Z, s->x, e->n, e->d, e->beta, s->work);
    r->kern->swarm_step(s->x, s->A, own ? s->Z : NULL,
                        own ? e->h : e->h * r->scale, e->n, e->d,
                        e->method != EG_FLOW_AUTHORS);
}

/* Classical Runge-Kutta; the field is that of the directions. */
static void four_stages(const run *r, const swarm *s)
{
    static const double at[] = {0.5, 0.5, 1, 0}, weight[] = {1, 2, 2, 1};
    double h = r->e->h;

    memcpy(s->y, s->x, (size_t)r->size * sizeof *s->x);
    memcpy(s->sum, s->x, (size_t)r->size * sizeof *s->x);
    for (int k = 0; k < 4; k++) {
        r->kern->swarm_unit(s->u, s->y, r->e->n, r->e->d);
        rate(r, s, s->A, s->u, true);
        move(s->sum, s->sum, h * weight[k] / 6, s->A, r->size);
        move(s->y, s->x, h * at[k], s->A, r->size);
    }
    r->kern->swarm_unit(s->x, s->sum, r->e->n, r->e->d);
}

static void step(const run *r, const swarm *s)
{
    if (r->e->method == EG_FLOW_RK4)
        four_stages(r, s);
    else
        one_stage(r, s);
}

static eg_index root(const int32_t *parent, eg_index i)
{
    while (parent[i * LANES] != i) i = parent[i * LANES];
    return i;
}

/* Pairs and components of the first `lanes` systems. */
static void census(const run *r, const swarm *s, int lanes, tally *t)
{
    eg_index n = r->e->n;
    const uint8_t *link = s->link;
    int64_t pairs[LANES] = {0}, components[LANES];

    r->kern->swarm_links(s->link, s->x, n, r->e->d, 1 - r->e->delta);
    for (int32_t i = 0; i < n; i++)
        for (int lane = 0; lane < LANES; lane++)
            s->parent[i * LANES + lane] = i;
    for (int lane = 0; lane < LANES; lane++) components[lane] = n;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = i + 1; j < n; j++) {
            for (unsigned bits = *link++; bits; bits &= bits - 1) {
                int lane = __builtin_ctz(bits);
                int32_t *parent = s->parent + lane;
                eg_index a = root(parent, i), b = root(parent, j);

                pairs[lane]++;
                if (a == b) continue;
                parent[(a > b ? a : b) * LANES] = (int32_t)(a > b ? b : a);
                components[lane]--;
            }
        }
    }
    for (int lane = 0; lane < lanes; lane++) {
        int64_t c = components[lane];
        t->pairs += pairs[lane];
        t->pairs2 += pairs[lane] * pairs[lane];
        t->together += pairs[lane] == (int64_t)n * (n - 1) / 2;
        t->components += c;
        t->histogram[c <= 16 ? c : 0]++;
    }
}

/* Dimensions of the first `lanes` systems. */
static void measure(const run *r, swarm *s, int lanes, tally *t)
{
    const eg_flow_ensemble *e = r->e;

    for (int lane = 0; lane < lanes && s->st == EG_OK; lane++) {
        eg_flow_ranks ranks = {0};
        int64_t dims;

        for (eg_index i = 0; i < e->n * e->d; i++)
            s->y[i] = s->x[i * LANES + lane];
        s->st = eg_flow_effective_ranks(&ranks, s->y, e->n, e->d, &s->err);
        dims = (int64_t)ranks.above;
        t->dims += dims;
        t->dims2 += dims * dims;
    }
}

typedef struct watch {
    const run *r;
    swarm *s;
} watch;

/* A draw with matrices of its own is counted as a swarm of one. */
static bool count_draw(void *ctx, eg_index i, double t, const double *x)
{
    const watch *w = ctx;
    eg_index at = i - (w->r->e->times[0] > 0); /* the start is not asked for */

    (void)t;
    if (at < 0) return true;
    for (eg_index k = 0; k < w->r->e->n * w->r->e->d; k++)
        w->s->x[k * LANES] = x[k];
    census(w->r, w->s, 1, &w->s->count[at]);
    if (w->r->e->dimension) measure(w->r, w->s, 1, &w->s->count[at]);
    return w->s->st == EG_OK;
}

static void run_random(void *ctx, int task, int worker)
{
    const run *r = ctx;
    swarm *s = &r->swarm[worker];
    eg_index draw = r->first + (eg_index)task * LANES, end = draw + LANES;
    watch w = {r, s};

    if (end > r->e->draws) end = r->e->draws;
    for (; draw < end && s->st == EG_OK; draw++) {
        eg_status st;

        egi_ensemble_draw(s->u, r->e, draw);
        st = egi_ensemble_play(r->e, draw, s->u, count_draw, &w, &s->err);
        if (st != EG_OK) s->st = st;
    }
}

/* LANES draws from start to end. */
static void run_group(void *ctx, int task, int worker)
{
    const run *r = ctx;
    const eg_flow_ensemble *e = r->e;
    swarm *s = &r->swarm[worker];
    eg_index draw = r->first + (eg_index)task * LANES, left = e->draws - draw;
    int lanes = left < LANES ? (int)left : LANES;
    int64_t steps = 0;

    for (int lane = 0; lane < LANES; lane++) {
        /* lanes beyond the last draw repeat it and are not counted */
        egi_ensemble_draw(s->y, e, draw + (lane < lanes ? lane : lanes - 1));
        for (eg_index i = 0; i < e->n * e->d; i++)
            s->x[i * LANES + lane] = s->y[i];
    }
    for (eg_index i = 0; i < e->n_times; i++) {
        double need = egi_ensemble_steps(e, i);

        for (; (double)steps < need; steps++) step(r, s);
        census(r, s, lanes, &s->count[i]);
        if (e->dimension) measure(r, s, lanes, &s->count[i]);
    }
}

static eg_status check(const eg_flow_ensemble *e, eg_err *err)
{
    eg_status st = eg_kern_check(e->kern, err);

    if (st != EG_OK) return st;
    if (e->n < 1 || e->d < 1 || e->draws < 1 || e->n_times < 1)
        return EG_FAIL(err, EG_EINVAL,
                       "ensemble: expected at least one token, dimension, draw "
                       "and time, found n = %td, d = %td, draws = %td, %td "
                       "times",
                       e->n, e->d, e->draws, e->n_times);
    if (!(e->h > 0) || !isfinite(e->h))
        return EG_FAIL(err, EG_EINVAL, "ensemble: step h = %g", e->h);
    if (e->method != EG_FLOW_AUTHORS && e->method != EG_FLOW_EULER &&
        e->method != EG_FLOW_RK4)
        return EG_FAIL(err, EG_EINVAL,
                       "ensemble: method: expected authors, euler or rk4");
    if (!(e->beta >= -300) || !isfinite(e->beta) ||
        (e->model == EG_FLOW_USA && e->beta > 700))
        return EG_FAIL(err, EG_EINVAL,
                       "ensemble: beta = %g: expected at least -300, and at "
                       "most 700 for USA (take USA_shifted)",
                       e->beta);
    if (!(e->delta > 0 && e->delta <= 2))
        return EG_FAIL(err, EG_EINVAL,
                       "ensemble: delta: expected above 0 and at most 2, found "
                       "%g",
                       e->delta);
    for (eg_index i = 0; i < e->n_times; i++)
        if (!(e->times[i] >= (i > 0 ? e->times[i - 1] : 0)) ||
            !isfinite(e->times[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "ensemble: times must ascend from 0, found %g at "
                           "place %td",
                           e->times[i], i);
    return EG_OK;
}

static eg_status make_swarms(run *r, int workers, eg_err *err)
{
    const eg_flow_ensemble *e = r->e;
    size_t pairs = (size_t)(e->n * (e->n - 1) / 2), w = (size_t)workers;
    size_t size = (size_t)r->size, rows = (size_t)e->n * LANES;
    size_t one = 5 * size + 5 * rows;

    r->swarm = eg_calloc(w, sizeof *r->swarm);
    r->block = eg_calloc(w * one, sizeof *r->block);
    r->links = eg_calloc(w * pairs, sizeof *r->links);
    r->parents = eg_calloc(w * rows, sizeof *r->parents);
    r->tallies = eg_calloc(w * (size_t)e->n_times, sizeof *r->tallies);
    if (!r->swarm || !r->block || !r->links || !r->parents || !r->tallies)
        return EG_FAIL(err, EG_ENOMEM,
                       "ensemble of n = %td, d = %td, %td times: out of memory",
                       e->n, e->d, e->n_times);
    for (size_t i = 0; i < w; i++) {
        double *p = r->block + i * one;

        r->swarm[i] = (swarm){.x = p,
                              .A = p + size,
                              .y = p + 2 * size,
                              .u = p + 3 * size,
                              .sum = p + 4 * size,
                              .Z = p + 5 * size,
                              .work = p + 5 * size + rows,
                              .link = r->links + i * pairs,
                              .parent = r->parents + i * rows,
                              .count = r->tallies + i * (size_t)e->n_times};
    }
    return EG_OK;
}

/* Tallies of all workers as averages over the draws done. */
static void summarise(eg_flow_census *out, const run *r, int workers,
                      eg_index done)
{
    double pairs = 0.5 * (double)r->e->n * (double)(r->e->n - 1);
    double draws = (double)done, fewer = done > 1 ? draws - 1 : 1;

    for (eg_index i = 0; i < r->e->n_times; i++) {
        tally t = {0};
        eg_flow_census c = {0};

        for (int w = 0; w < workers; w++) {
            const tally *p = &r->swarm[w].count[i];
            t.pairs += p->pairs;
            t.pairs2 += p->pairs2;
            t.dims += p->dims;
            t.dims2 += p->dims2;
            t.together += p->together;
            t.components += p->components;
            for (int k = 0; k < 17; k++) c.histogram[k] += p->histogram[k];
        }
        double mean = (double)t.pairs / draws;
        double square = (double)t.pairs2 - (double)t.pairs * mean;
        c.density = mean / pairs;
        c.density_sd = sqrt(fmax(square, 0) / fewer) / pairs;
        c.dimension = (double)t.dims / draws;
        square = (double)t.dims2 - (double)t.dims * c.dimension;
        c.dimension_sd = sqrt(fmax(square, 0) / fewer);
        c.together = (double)t.together / draws;
        c.components = (double)t.components / draws;
        out[i] = c;
    }
}

eg_status eg_flow_ensemble_run(eg_flow_census *census_out, eg_index *done,
                               const eg_flow_ensemble *e, eg_pool *pool,
                               bool (*progress)(void *ctx, double part),
                               void *ctx, eg_err *err)
{
    int workers = pool ? eg_pool_size(pool) : 1;
    run r = {.e = e, .kern = egi_particles_pick(e->kern)};
    bool random = e->scores != EG_FLOW_SCORES_IDENTITY ||
                  e->values != EG_FLOW_VALUES_IDENTITY;
    eg_status st;

    *done = 0;
    EG_TRY(check(e, err));
    r.size = e->n * e->d * LANES;
    r.scale = (e->model == EG_FLOW_USA ? exp(e->beta) : 1) / (double)e->n;
    EG_TRY(make_swarms(&r, workers, err));
    while (r.first < e->draws) {
        eg_index groups = (e->draws - r.first + LANES - 1) / LANES;
        eg_index batch = (eg_index)workers * BATCH;

        if (batch > groups) batch = groups;

        egi_pool_tasks(pool, (int)batch, random ? run_random : run_group, &r);
        for (int w = 0; w < workers && st == EG_OK; w++) {
            st = r.swarm[w].st;
            if (st != EG_OK && err) *err = r.swarm[w].err;
        }
        if (st != EG_OK) goto done;
        r.first += batch * LANES;
        if (r.first > e->draws) r.first = e->draws;
        if (progress && !progress(ctx, (double)r.first / (double)e->draws))
            break;
    }
    *done = r.first;
    summarise(census_out, &r, workers, r.first);
done:
    eg_free(r.swarm);
    eg_free(r.block);
    eg_free(r.links);
    eg_free(r.parents);
    eg_free(r.tallies);
    return st;
}
