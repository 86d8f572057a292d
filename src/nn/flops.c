/* Counting the arithmetic a plan cannot avoid. */
#include <string.h>

#include "engram/kern.h"
#include "engram/mem.h"
#include "nn/plan.h"

#define SAMPLES 64

/* Averages per token over sample sequences: positions computed, rows of the
 * last block, query-key pairs of each kind, and distinct (token, position). */
typedef struct shares {
    double n, rows, pairs, row_pairs, distinct;
} shares;

/* Share of a batch's places whose token was not seen at that position. */
static bool sample_distinct(double *out, const egi_plan *p, const eg_task *task,
                            int batch)
{
    eg_index T = p->m->T, V = p->m->V, n = 0;
    int32_t *buf = eg_calloc((size_t)T * 3, sizeof *buf);
    bool *seen = eg_calloc((size_t)(T * V), sizeof *seen);
    eg_seq s = {buf, buf ? buf + T : NULL, buf ? buf + 2 * T : NULL};

    for (int i = 0; buf && seen && i < batch; i++) {
        eg_task_sequence(task, EG_PROBE, 0, (uint32_t)i, &s);
        for (eg_index t = 0; t < T; t++) {
            n += !seen[t * V + s.tokens[t]];
            seen[t * V + s.tokens[t]] = true;
        }
    }
    bool done = buf && seen;
    *out = (double)n / ((double)batch * (double)T);
    eg_free(seen);
    eg_free(buf);
    return done;
}

static bool sample(shares *out, const egi_plan *p, const eg_task *task)
{
    int T = p->m->T;
    int32_t *buf = eg_calloc((size_t)T * 3, sizeof *buf);
    eg_seq s = {buf, buf ? buf + T : NULL, buf ? buf + (eg_index)2 * T : NULL};

    *out = (shares){0};
    if (!buf) return false;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        int n = 0, rows = 0;
        double row_pairs = 0;
        eg_task_sequence(task, EG_PROBE, 0, i, &s);
        for (int t = 0; t < T; t++) {
            bool in = !p->subset || (s.targets[t] >= 0 &&
                                     (!p->in_context || s.occur[t] >= 2));
            if (!in) continue;
            rows++;
            row_pairs += t + 1;
            n = t + 1;
        }
        out->n += n;
        out->rows += rows;
        out->pairs += 0.5 * n * (n + 1.0);
        out->row_pairs += row_pairs;
    }
    double tokens = (double)SAMPLES * T;
    out->n /= tokens;
    out->rows /= tokens;
    out->pairs /= tokens;
    out->row_pairs /= tokens;
    eg_free(buf);
    return true;
}

/* One matrix [in, out]: forward, weight gradient, input gradient. */
static double lin(double rows, double in, double out, bool grad, bool back)
{
    return 2 * rows * in * out * (1 + grad + back);
}

static bool attention_live(const egi_layer_plan *lp)
{
    return lp->need_q || lp->need_k || lp->need_v;
}

static double pair_flops(const egi_plan *p, int l, const shares *s)
{
    bool last = l == p->m->n_layers - 1;
    return 2 * (last ? s->row_pairs : s->pairs) * p->m->n_heads;
}

/* Scores, with what their gradients reach, of the pairs of a query and a key
 * that it sees. */
static double score_flops(const egi_plan *p, int l, const shares *s)
{
    const egi_layer_plan *lp = &p->layer[l];
    return pair_flops(p, l, s) * lp->kw * (1 + lp->need_q + lp->need_k);
}

/* Scores and values over those pairs. */
static double attention_flops(const egi_plan *p, int l, const shares *s)
{
    const egi_layer_plan *lp = &p->layer[l];
    int passes = 1 + attention_live(lp) + lp->need_v; /* z, dP, dV */

    return score_flops(p, l, s) + pair_flops(p, l, s) * lp->vw * passes;
}

static double layer_flops(const egi_plan *p, int l, const shares *s)
{
    const egi_layer_plan *lp = &p->layer[l];
    const eg_model *m = p->m;
    bool last = l == m->n_layers - 1;
    double d = m->d_model, H = m->n_heads;
    double rows = last ? s->rows : s->n;
    const egi_layer_acc *a = &lp->acc;
    bool live = attention_live(lp);
    double f = attention_flops(p, l, s);

    if (!lp->table) {
        if (!lp->at_key) f += lin(rows, d, lp->nq, a->q >= 0, lp->need_a);
        f += lin(s->n, d, lp->nk, a->k >= 0, lp->need_a);
        f += lin(s->n, d, lp->nv, a->v >= 0, lp->need_a);
    }
    if (p->fold && last) return f;
    if (lp->has_o) f += lin(rows, H * lp->vw, d, a->o >= 0, live);
    if (lp->mlp == EG_MLP_NONE) return f;
    if (lp->mlp == EG_MLP_LINEAR)
        return f + (lp->table_mlp ? 0 : lin(rows, d, d, a->f >= 0, true));
    if (!lp->table_mlp)
        f += lin(rows, d, m->d_mlp, a->in >= 0, lp->need_x || live);
    if (p->sheets && l == 0) rows = s->distinct;
    return f + lin(rows, m->d_mlp, d, a->out >= 0, true);
}

egi_flops egi_plan_flops(const egi_plan *p, const eg_task *task, int batch)
{
    const eg_model *m = p->m;
    const egi_layer_plan *last = &p->layer[m->n_layers - 1];
    egi_flops f = {0};
    shares s;

    if (!sample(&s, p, task)) return f;
    if (p->sheets && !sample_distinct(&s.distinct, p, task, batch)) return f;
    for (int l = 0; l < m->n_layers; l++) {
        f.all += layer_flops(p, l, &s);
        f.attention += attention_flops(p, l, &s);
        if (p->layer[l].scores) f.tables += score_flops(p, l, &s);
    }
    f.all +=
        lin(s.rows, m->d_model, m->V, p->acc_u >= 0, !p->fold || last->need_a);
    if (p->fold)
        f.all += lin(s.rows, (double)m->n_heads * last->vw, m->V, p->acc_c >= 0,
                     true);
    return f;
}

/* The matrix unit slows the clock of all the rest by a tenth, so it has to
 * have enough to do. Measured: with attention at 0.55 of the arithmetic it
 * gains a tenth, at 0.78 it loses 5 %. */
const char *egi_plan_kern(const egi_plan *p, const eg_task *task, int batch)
{
    const char *best = eg_kern_pick("auto")->name;

    if (strcmp(best, "amx") != 0) return best;
    egi_flops f = egi_plan_flops(p, task, batch);
    return f.attention - f.tables > (f.all - f.tables) * 2 / 3 ? eg_kern_name(1)
                                                               : best;
}
