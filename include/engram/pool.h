/* Threads: a pool runs numbered tasks; which worker takes which task is free,
 * what a task computes may not depend on it. */
#ifndef ENGRAM_POOL_H
#define ENGRAM_POOL_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_pool eg_pool;
typedef void (*eg_task_fn)(void *ctx, int task, int worker);

/* n_threads >= 1 workers, the caller being one of them (EG_ENOMEM when the
 * system does not grant as many); 0: one a core, or as many as it grants. */
EG_API eg_status eg_pool_new(eg_pool **out, int n_threads, eg_err *err);
EG_API void eg_pool_free(eg_pool *pool);
EG_API int eg_pool_size(const eg_pool *pool);
/* Calls fn(ctx, i, worker) for i in 0..n_tasks-1; returns when all are done.
 * Allocates nothing. Not to be called from inside a task. The kernels take up
 * to 0.4 MiB of the stack of whoever calls; the pool's own threads have 4 MiB
 * each. */
EG_API void eg_pool_run(eg_pool *pool, int n_tasks, eg_task_fn fn, void *ctx);

/* Cores this process may run on. */
EG_API int eg_cpu_count(void);
/* Monotonic seconds. */
EG_API double eg_clock(void);

#ifdef __cplusplus
}
#endif
#endif
