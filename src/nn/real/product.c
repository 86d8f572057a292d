/* Products of weight size, between the sequences of two steps, on all threads.
 */
#include "nn/real/real.h"

/* Rows of the result a task computes, and the multiply-adds from which on a
 * task is worth handing out: fixed, so that no result depends on the threads.
 */
enum { ROWS = 32, WORTH = 1 << 20 };

typedef struct job {
    N(team) team;
    real *c;
    eg_index ldc, M, n, K;
    N(mat) a;
    real alpha;
    int acc;
} job;

static void rows_task(void *ctx, int i, int worker)
{
    const job *j = ctx;
    eg_index at = (eg_index)i * ROWS;
    eg_index rows = j->M - at < ROWS ? j->M - at : ROWS;

    (void)worker;
    j->team.K->gemm_packed(j->c + at * j->ldc, j->ldc, j->a.at + at * j->a.rows,
                           j->a.rows, j->a.cols, j->team.work, rows, j->n, j->K,
                           j->alpha, j->acc);
}

void N(product)(N(team) team, real *c, eg_index ldc, N(mat) a, N(mat) b,
                eg_index M, eg_index n, eg_index K, real alpha, int acc)
{
    job j = {team, c, ldc, M, n, K, a, alpha, acc};

    if (!team.pool || M <= ROWS || M * n * K < WORTH) {
        team.K->gemm(c, ldc, a.at, a.rows, a.cols, b.at, b.rows, b.cols, M, n,
                     K, alpha, acc, team.work);
        return;
    }
    team.K->pack(team.work, b.at, b.rows, b.cols, K, n);
    eg_pool_run(team.pool, (int)((M + ROWS - 1) / ROWS), rows_task, &j);
}
