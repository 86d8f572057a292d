/* Memory recalls: of how many inputs does the memory rank the right output
 * first? Every recall here is of the same shape: rows A, columns B, and the
 * right column of row i is i. */
#include <string.h>

#include "probe/weights.h"

/* The cost is rows x columns x d_model: of 50,257 symbols it is that of a
 * training step of GPT-2 many times over. Beyond ALL, only SOME rows are asked,
 * evenly spread, still against every column. */
enum { ALL = 8192, SOME = 1024 };

typedef struct recall_job {
    const egi_weights *w;
    const egi_scores *s;
    eg_index rows; /* asked */
} recall_job;

/* The i-th row that is asked. */
static eg_index asked(const recall_job *j, eg_index i)
{
    return i * j->s->n / j->rows;
}

/* Moves the rows that are asked together; none overwrites one still to be
 * read, since they ascend. */
static void gather(const recall_job *j)
{
    eg_index M = j->w->d_model;
    double *a = j->s->a;

    if (j->rows == j->s->n) return;
    for (eg_index i = 0; i < j->rows; i++)
        memmove(a + i * M, a + asked(j, i) * M, sizeof(double) * (size_t)M);
}

/* Hits among count rows from first on, the columns taken strip by strip. */
static double count_hits(const void *ctx, const egi_scratch *scratch,
                         eg_index first, eg_index count)
{
    const recall_job *j = ctx;
    const egi_scores *s = j->s;
    eg_index M = j->w->d_model, best[EGI_ROWS] = {0};
    double top[EGI_ROWS] = {0}, hits = 0;

    for (eg_index c = 0; c < s->n; c += EGI_COLS) {
        eg_index strip = s->n - c < EGI_COLS ? s->n - c : EGI_COLS;
        egi_product(j->w, scratch, scratch->row, EGI_COLS, s->a + first * M, M,
                    s->b + c * s->bcs, s->brs, s->bcs, count, strip, M,
                    s->scale);
        for (eg_index i = 0; i < count; i++) {
            const double *row = scratch->row + i * EGI_COLS;
            for (eg_index k = 0; k < strip; k++) {
                if (c + k > 0 && !(row[k] > top[i])) continue;
                top[i] = row[k];
                best[i] = c + k;
            }
        }
    }
    for (eg_index i = 0; i < count; i++) hits += best[i] == asked(j, first + i);
    return hits;
}

double egi_recall_diagonal(const egi_weights *w, const egi_scores *s)
{
    recall_job job = {w, s, s->n > ALL ? SOME : s->n};

    gather(&job);
    return egi_sum_rows(w, job.rows, count_hits, &job) / (double)job.rows;
}

/* argmax_j w_U(j) . W_O2 W_V2 w_E(k) = k, over all tokens k. */
bool egi_recall_W_O2(double *value, const egi_weights *w)
{
    egi_scores s;

    if (!egi_memory_scores(&s, w, EGI_MEM_O2)) return false;
    *value = egi_recall_diagonal(w, &s);
    return true;
}

/* argmax_j w_E(i) . W_K2 W_O1 W_V1 w_E(j) = i; with fixed triggers both i and
 * j are among them. */
bool egi_recall_W_K2(double *value, const egi_weights *w)
{
    eg_index M = w->d_model;
    egi_scores s;

    if (!egi_memory_scores(&s, w, EGI_MEM_K2)) return false;
    if (w->n_triggers > 0) {
        /* triggers ascend, so a row never overwrites one still to be read */
        for (eg_index i = 0; i < w->n_triggers; i++) {
            size_t bytes = sizeof(double) * (size_t)M;
            memmove(w->a + i * M, w->a + w->triggers[i] * M, bytes);
            memmove(w->b + i * M, w->b + w->triggers[i] * M, bytes);
        }
        s.n = w->n_triggers;
    }
    *value = egi_recall_diagonal(w, &s);
    return true;
}

/* argmax_s p_t . W_K1 p_s = t - 1 for 1 <= t < length, 0 <= s < length - 1. */
static bool recall_positions(double *value, const egi_weights *w,
                             eg_index length)
{
    egi_scores s;

    if (!egi_memory_scores(&s, w, EGI_MEM_K1)) return false;
    s.a += w->d_model;
    s.n = length - 1;
    *value = egi_recall_diagonal(w, &s);
    return true;
}

bool egi_recall_W_K1(double *value, const egi_weights *w)
{
    return recall_positions(value, w, w->n_ctx);
}

bool egi_recall_W_K1_early(double *value, const egi_weights *w)
{
    return recall_positions(value, w,
                            w->n_ctx < EGI_EARLY ? w->n_ctx : EGI_EARLY);
}
