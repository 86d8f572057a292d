/* A fixed team of threads that runs numbered tasks.
 *
 * Every run is a new generation. Workers wait for it, first spinning for a
 * moment, then asleep on a condition variable; tasks are handed out one by one
 * by an atomic counter; the caller works too and returns when all tasks are
 * done. A worker that wakes up late, on a busy machine, keeps nobody waiting:
 * how many tasks there are is part of the counter, so that what it is handed is
 * a task of the run in hand, or none.
 *
 * Where memory has several nodes there is a counter for each, of a share of the
 * tasks that its workers begin with (pool_priv.h). */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/pool_priv.h"
#include "base/topology.h"
#include "engram/mem.h"

#define STACK ((size_t)4 << 20) /* ten times what the kernels take */
#define SPINS 4000 /* some hundred microseconds: the gaps within a step */

typedef struct worker {
    eg_pool *pool;
    pthread_t thread;
    int id;
    int node;
} worker;

/* Of one node: the end of its share of the tasks, times TASKS; plus the next
 * one's number, which may run past that. A cache line each. */
typedef struct share {
    _Alignas(64) _Atomic uint64_t next;
} share;

struct eg_pool {
    share share[EGI_NODES];
    int n_shares;
    egi_topology nodes;
    int n_threads;
    int n_started; /* threads beside the caller */
    int spins;     /* 0 where threads outnumber cores */
    worker *workers;

    pthread_mutex_t lock;
    pthread_cond_t work, done;
    _Atomic uint64_t generation; /* of 32 bits it would come round in a day */
    _Atomic uint64_t each; /* the last generation that every worker runs once */
    atomic_int left;       /* tasks of this generation that are not done */
    atomic_bool quit;

    /* written by the caller while no task is left */
    eg_task_fn fn;
    void *ctx;

    egi_pool_watch_fn watch; /* NULL: nobody */
    void *watch_ctx;
    double bytes; /* of the next run */
};

#define TASKS ((uint64_t)1 << 32)

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* waits; its `yield` does nothing on most CPUs */
#endif
}

static void finish_one(eg_pool *p, int id)
{
    if (atomic_fetch_sub(&p->left, 1) != 1 || id == 0) return;
    (void)pthread_mutex_lock(&p->lock);
    (void)pthread_cond_signal(&p->done);
    (void)pthread_mutex_unlock(&p->lock);
}

/* What fn and ctx are is settled once a task is taken: the run cannot end
 * before it is done. */
static void take_share(eg_pool *p, share *s, int id)
{
    for (;;) {
        uint64_t next = atomic_fetch_add(&s->next, 1);

        if (next % TASKS >= next / TASKS) return;
        p->fn(p->ctx, (int)(next % TASKS), id);
        finish_one(p, id);
    }
}

/* Those of the worker's own node first. */
static void take_tasks(eg_pool *p, int id)
{
    int own = p->workers[id].node;

    for (int i = 0; i < p->n_shares; i++)
        take_share(p, &p->share[(own + i) % p->n_shares], id);
}

static uint64_t await_generation(eg_pool *p, uint64_t seen)
{
    uint64_t g = seen;

    for (int i = 0; i < p->spins; i++) {
        g = atomic_load(&p->generation);
        if (g != seen) return g;
        pause_cpu();
    }
    (void)pthread_mutex_lock(&p->lock);
    while ((g = atomic_load(&p->generation)) == seen) {
        (void)pthread_cond_wait(&p->work, &p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return g;
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    eg_pool *p = w->pool;
    uint64_t seen = 0;

    if (p->n_shares > 1) egi_topology_bind(&p->nodes, w->node);
    for (;;) {
        seen = await_generation(p, seen);
        if (atomic_load(&p->quit)) return NULL;
        if (seen == atomic_load(&p->each)) {
            p->fn(p->ctx, w->id, w->id);
            finish_one(p, w->id);
        } else {
            take_tasks(p, w->id);
        }
    }
}

static void advance_generation(eg_pool *p)
{
    (void)pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->generation, 1);
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

/* The stack does not depend on the limit of the process (ulimit -s). */
static int start(worker *w)
{
    pthread_attr_t attr;
    int rc = pthread_attr_init(&attr);

    if (rc != 0) return rc;
    rc = pthread_attr_setstacksize(&attr, STACK);
    if (rc == 0) rc = pthread_create(&w->thread, &attr, worker_main, w);
    (void)pthread_attr_destroy(&attr);
    return rc;
}

/* Which node each worker is of, and how many nodes have some. */
static void place_workers(eg_pool *p, const char *folder)
{
    egi_topology_read(&p->nodes, folder);
    for (int i = 0; i < p->n_threads; i++)
        p->workers[i].node = egi_topology_node(&p->nodes, i, p->n_threads);
    p->n_shares = p->workers[p->n_threads - 1].node + 1;
}

eg_status eg_pool_new(eg_pool **out, int n_threads, eg_err *err)
{
    return egi_pool_new_on(out, n_threads, EGI_TOPOLOGY_FOLDER, err);
}

eg_status egi_pool_new_on(eg_pool **out, int n_threads, const char *folder,
                          eg_err *err)
{
    eg_status st = EG_OK;
    eg_pool *p = NULL;
    bool as_many_as_can_be = n_threads == 0;

    *out = NULL;
    if (n_threads == 0) n_threads = eg_cpu_count();
    if (n_threads < 0 || n_threads > 4096) {
        return EG_FAIL(err, EG_EINVAL, "threads: expected 0 to 4096, found %d",
                       n_threads);
    }
    p = eg_calloc(1, sizeof *p);
    if (!p) return EG_FAIL(err, EG_ENOMEM, "thread pool: out of memory");
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->done, NULL);
    p->n_threads = n_threads;
    p->spins = n_threads <= eg_cpu_count() ? SPINS : 0;
    p->workers = eg_calloc((size_t)n_threads, sizeof *p->workers);
    if (!p->workers) {
        st = EG_FAIL(err, EG_ENOMEM, "thread pool: out of memory");
        goto done;
    }
    place_workers(p, folder);
    for (int i = 1; i < n_threads; i++) {
        worker *w = &p->workers[i];
        int rc = 0;

        w->pool = p;
        w->id = i;
        rc = start(w);
        if (rc != 0 && as_many_as_can_be) {
            p->n_threads = i;
            break;
        }
        if (rc != 0) {
            st = EG_FAIL(err, EG_ENOMEM, "cannot start thread %d of %d: %s", i,
                         n_threads, strerror(rc));
            goto done;
        }
        p->n_started++;
    }
    *out = p;
    p = NULL;
done:
    eg_pool_free(p);
    return st;
}

void eg_pool_free(eg_pool *p)
{
    if (!p) return;
    atomic_store(&p->quit, true);
    advance_generation(p);
    for (int i = 1; i <= p->n_started; i++) {
        (void)pthread_join(p->workers[i].thread, NULL);
    }
    (void)pthread_cond_destroy(&p->done);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    eg_free(p->workers);
    eg_free(p);
}

int eg_pool_size(const eg_pool *p)
{
    return p->n_threads;
}

int egi_pool_nodes(const eg_pool *p)
{
    return p->n_shares;
}

/* The first worker of that node or of one behind it. */
static int first_worker(const eg_pool *p, int node)
{
    int w = 0;

    while (w < p->n_threads && p->workers[w].node < node) w++;
    return w;
}

/* Of n things the first of that node, as its workers are of all. */
static int first_of(const eg_pool *p, int n, int node)
{
    return (int)((int64_t)n * first_worker(p, node) / p->n_threads);
}

void egi_pool_part(const eg_pool *p, int n, int id, int *from, int *to)
{
    int node = p->workers[id].node, w = first_worker(p, node);
    int workers = first_worker(p, node + 1) - w, first = first_of(p, n, node);
    int64_t all = first_of(p, n, node + 1) - first;

    *from = first + (int)(all * (id - w) / workers);
    *to = first + (int)(all * (id - w + 1) / workers);
}

/* ---- runs -----------------------------------------------------------------
 */

void egi_pool_watch(eg_pool *p, egi_pool_watch_fn fn, void *ctx)
{
    p->watch = fn;
    p->watch_ctx = ctx;
}

void egi_pool_moves(eg_pool *p, double bytes)
{
    p->bytes = bytes;
}

/* On the caller alone. */
static void run_here(eg_pool *p, int n_tasks, eg_task_fn fn, void *ctx)
{
    egi_pool_event e = {.n_tasks = n_tasks, .bytes = p->bytes};

    for (int i = 0; i < n_tasks; i++) {
        if (!p->watch) {
            fn(ctx, i, 0);
            continue;
        }
        e.task = i;
        e.start = eg_clock();
        fn(ctx, i, 0);
        e.end = eg_clock();
        p->watch(p->watch_ctx, &e);
    }
}

static void await_end(eg_pool *p)
{
    for (int i = 0; i < p->spins; i++) {
        if (atomic_load(&p->left) == 0) break;
        pause_cpu();
    }
    (void)pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->left) != 0) {
        (void)pthread_cond_wait(&p->done, &p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

void egi_pool_each(eg_pool *p, eg_task_fn fn, void *ctx)
{
    if (p->n_started == 0) {
        fn(ctx, 0, 0);
        return;
    }
    EG_ASSERT(atomic_load(&p->left) == 0); /* not from inside a task */
    p->fn = fn;
    p->ctx = ctx;
    atomic_store(&p->left, p->n_threads);
    atomic_store(&p->each, atomic_load(&p->generation) + 1);
    advance_generation(p);
    fn(ctx, 0, 0);
    finish_one(p, 0);
    await_end(p);
}

void eg_pool_run(eg_pool *p, int n_tasks, eg_task_fn fn, void *ctx)
{
    if (n_tasks > 0 && (p->n_started == 0 || n_tasks == 1)) {
        run_here(p, n_tasks, fn, ctx);
    } else if (n_tasks > 0) {
        EG_ASSERT(atomic_load(&p->left) == 0); /* not from inside a task */
        p->fn = fn;
        p->ctx = ctx;
        atomic_store(&p->left, n_tasks);
        for (int i = 0; i < p->n_shares; i++)
            atomic_store(&p->share[i].next,
                         (uint64_t)first_of(p, n_tasks, i + 1) * TASKS +
                             (uint64_t)first_of(p, n_tasks, i));
        advance_generation(p);
        take_tasks(p, 0);
        await_end(p);
    }
    p->bytes = 0;
}
