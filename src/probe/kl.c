/* How far W_F is from the global bigram law: mean over tokens z of
 * KL(pi_b(.|z) || softmax(U F(w_E(z)))). Tokens that are fixed triggers are
 * left out. Neither the direct path nor attention counts: a probe of the
 * matrix. */
#include <math.h>

#include "probe/weights.h"

static bool is_trigger(const egi_weights *w, eg_index z)
{
    for (int i = 0; i < w->n_triggers; i++) {
        if (w->triggers[i] == z) return true;
    }
    return false;
}

/* sum_v p_v (log p_v - logit_v) + log sum_v exp logit_v, logits from the top */
static double divergence(const double *p, const double *logit, eg_index V)
{
    eg_index top = 0;
    double others = 0, kl = 0;

    for (eg_index v = 1; v < V; v++) {
        if (logit[v] > logit[top]) top = v;
    }
    for (eg_index v = 0; v < V; v++) {
        double x = logit[v] - logit[top];
        if (v != top) others += exp(x);
        if (p[v] > 0) kl += p[v] * (log(p[v]) - x);
    }
    return kl + log1p(others); /* the top itself is exp(0) */
}

typedef struct kl_job {
    const egi_weights *w;
    const egi_scores *s;
} kl_job;

static double kl_rows(const void *ctx, const egi_scratch *scratch,
                      eg_index first, eg_index count)
{
    const kl_job *j = ctx;
    const egi_weights *w = j->w;
    eg_index V = w->d_vocab, M = w->d_model;
    double sum = 0;

    egi_product(w, scratch, scratch->row, V, j->s->a + first * M, M, j->s->b,
                j->s->brs, j->s->bcs, count, V, M, j->s->scale);
    for (eg_index i = 0; i < count; i++) {
        if (is_trigger(w, first + i)) continue;
        sum += divergence(w->bigram + (first + i) * V, scratch->row + i * V, V);
    }
    return sum;
}

bool egi_kl_W_F(double *value, const egi_weights *w)
{
    egi_scores s;
    kl_job job = {w, &s};

    if (!w->bigram || !egi_memory_scores(&s, w, EGI_MEM_F)) return false;
    if (w->n_triggers >= w->d_vocab) return false;
    *value = egi_sum_rows(w, w->d_vocab, kl_rows, &job) /
             (double)(w->d_vocab - w->n_triggers);
    return true;
}
