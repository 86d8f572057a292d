/* The three ways of sums.h. Each evaluates S [n] and F [n, d] from unit
 * vectors x [n, d] and masses (NULL: 1), allocating nothing. */
#ifndef EG_FLOW_SUMS_PRIV_H
#define EG_FLOW_SUMS_PRIV_H

#include "engram/pool.h"
#include "kern/particles.h"

/* What one evaluation works on. */
typedef struct egi_tokens {
    const double *x, *mass;
    eg_index n;
    double *S, *F;
} egi_tokens;

/* Those of a task, in R^d. */
egi_tokens egi_tokens_part(const egi_tokens *t, eg_index d, int task,
                           int n_tasks);

/* Tasks on the pool, or one after the other where there is none. */
void egi_pool_tasks(eg_pool *pool, int n_tasks, eg_task_fn fn, void *ctx);
/* Series: tokens are cut into this many tasks, whatever the threads. */
int egi_series_tasks(eg_index n);
/* part[0] += part[1] + ... over n arrays of `size`, by halves. */
void egi_tree_sum(double *part, int n, eg_index size);

typedef struct egi_direct egi_direct;
eg_status egi_direct_new(egi_direct **out, eg_index n, eg_index d, double beta,
                         bool single, const egi_particles *kern, eg_pool *pool,
                         eg_err *err);
void egi_direct_free(egi_direct *s);
void egi_direct_eval(egi_direct *s, const egi_tokens *t);

/* d = 2: Fourier series up to degree K. */
typedef struct egi_fourier egi_fourier;
eg_status egi_fourier_new(egi_fourier **out, eg_index K, double beta,
                          const egi_particles *kern, eg_pool *pool,
                          eg_err *err);
void egi_fourier_free(egi_fourier *s);
void egi_fourier_eval(egi_fourier *s, const egi_tokens *t);

/* d = 3: spherical harmonics up to degree L <= EGI_MAX_L. */
enum { EGI_MAX_K = 20000, EGI_MAX_L = 400 };
typedef struct egi_harmonics egi_harmonics;
eg_status egi_harmonics_new(egi_harmonics **out, eg_index L, double beta,
                            const egi_particles *kern, eg_pool *pool,
                            eg_err *err);
void egi_harmonics_free(egi_harmonics *s);
void egi_harmonics_eval(egi_harmonics *s, const egi_tokens *t);

#endif
