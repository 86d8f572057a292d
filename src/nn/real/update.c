/* Updates and norms of a tensor, shared by all threads where it is large, in
 * blocks that do not depend on their number. */
#include "nn/real/update.h"

#include "base/pool_priv.h"

/* Entries of a block; from two blocks on there are tasks. */
enum { BLOCK = EGI_NORM_BLOCK };

typedef struct job {
    const N(exec) * e;
    real *w, *m, *v;
    const real *g;
    eg_index n;
    double lr, mu, wd;
    int first;
    const double *hyper; /* NULL: sgd */
    double factor, bound;
} job;

/* moved: how often an entry comes from memory or goes there. */
static void share(job *j, eg_task_fn fn, int moved)
{
    int n = (int)((j->n + BLOCK - 1) / BLOCK);

    egi_pool_moves(j->e->pool, (double)moved * (double)j->n * sizeof *j->g);
    eg_pool_run(j->e->pool, n, fn, j);
}

static eg_index size_of(const job *j, eg_index at)
{
    return j->n - at < BLOCK ? j->n - at : BLOCK;
}

static real *at_or_null(real *x, eg_index at)
{
    return x ? x + at : NULL;
}

static void sgd_task(void *ctx, int i, int worker)
{
    const job *j = ctx;
    eg_index at = (eg_index)i * BLOCK;

    (void)worker;
    j->e->K->sgd(j->w + at, at_or_null(j->m, at), j->g + at, size_of(j, at),
                 (real)j->lr, (real)j->mu, (real)j->wd, j->first);
}

static void adam_task(void *ctx, int i, int worker)
{
    const job *j = ctx;
    const double *h = j->hyper;
    eg_index at = (eg_index)i * BLOCK;

    (void)worker;
    j->e->K->adam(j->w + at, j->m + at, j->v + at, j->g + at, size_of(j, at),
                  j->lr, h[0], h[1], h[2], h[3], h[4], h[5], h[6]);
}

static void sumsq_task(void *ctx, int i, int worker)
{
    const job *j = ctx;
    eg_index at = (eg_index)i * BLOCK;

    (void)worker;
    j->e->partial[i] = j->e->K->sumsq(j->g + at, size_of(j, at));
}

static void clip_task(void *ctx, int i, int worker)
{
    const job *j = ctx;
    eg_index at = (eg_index)i * BLOCK, n = size_of(j, at);
    real *x = j->w + at, top = (real)j->bound;

    (void)worker;
    if (j->factor < 1) j->e->K->scale(x, (real)j->factor, n);
    for (eg_index k = 0; top > 0 && k < n; k++) {
        if (x[k] > top) x[k] = top;
        if (x[k] < -top) x[k] = -top;
    }
}

void N(engine_sgd)(const egi_engine *e, void *w, void *m, const void *g,
                   eg_index n, double lr, double mu, double wd, int first)
{
    job j = {.e = N(engine_exec)(e),
             .w = w,
             .m = m,
             .g = g,
             .n = n,
             .lr = lr,
             .mu = mu,
             .wd = wd,
             .first = first};

    share(&j, sgd_task, m ? 5 : 3);
}

void N(engine_adam)(const egi_engine *e, void *w, void *m, void *v,
                    const void *g, eg_index n, double lr, const double hyper[7])
{
    job j = {.e = N(engine_exec)(e),
             .w = w,
             .m = m,
             .v = v,
             .g = g,
             .n = n,
             .lr = lr,
             .hyper = hyper};

    share(&j, adam_task, 7);
}

double N(engine_sumsq)(const egi_engine *e, const void *x, eg_index n)
{
    job j = {.e = N(engine_exec)(e), .g = x, .n = n};
    double sum = 0;

    share(&j, sumsq_task, 1);
    for (eg_index i = 0; i * BLOCK < n; i++) sum += j.e->partial[i];
    return sum;
}

void N(engine_clip)(const egi_engine *e, void *g, eg_index n, double factor,
                    double bound)
{
    job j = {.e = N(engine_exec)(e),
             .w = g,
             .n = n,
             .factor = factor,
             .bound = bound};

    share(&j, clip_task, 2);
}
