/* A pool as the library's own modules use it: where its workers are, and what
 * it ran. */
#ifndef EG_BASE_POOL_PRIV_H
#define EG_BASE_POOL_PRIV_H

#include "engram/pool.h"

/* eg_pool_new on the nodes of memory that a folder tells of (topology.h). Where
 * there are several, each thread but the caller runs on one node's cores, and
 * tasks go to the workers of a node by number: what they touched first is near
 * them again the next time. Whoever has nothing left helps the other nodes. */
eg_status egi_pool_new_on(eg_pool **out, int n_threads, const char *folder,
                          eg_err *err);
/* Nodes that have workers; 1 as a rule. */
int egi_pool_nodes(const eg_pool *pool);
/* Calls fn(ctx, w, w) on every worker w, each once; returns when all are done.
 * Memory that a worker is to use is touched first like this. */
void egi_pool_each(eg_pool *pool, eg_task_fn fn, void *ctx);
/* Of n tasks those, *from to *to - 1, that a worker is the first to touch: an
 * equal part of its node's. */
void egi_pool_part(const eg_pool *pool, int n, int worker, int *from, int *to);

/* What a pool of one thread runs, task by task. */
typedef struct egi_pool_event {
    int task, n_tasks;
    double start, end; /* eg_clock */
    double bytes;      /* that all tasks move from or to memory; 0: none said */
} egi_pool_event;
typedef void (*egi_pool_watch_fn)(void *ctx, const egi_pool_event *e);
/* fn NULL: nobody watches. */
void egi_pool_watch(eg_pool *pool, egi_pool_watch_fn fn, void *ctx);
/* What the next eg_pool_run moves from or to memory; nobody but a watcher
 * asks. */
void egi_pool_moves(eg_pool *pool, double bytes);

#endif
