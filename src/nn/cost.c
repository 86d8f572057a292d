/* What a step has to do: averages over sample sequences of the task, and the
 * arithmetic that a program cannot avoid. */
#include "nn/cost.h"

#include <string.h>

#include "engram/kern.h"
#include "engram/mem.h"

#define SAMPLES 64

/* Share of a batch's places whose token was not seen at that position. */
static eg_status sample_distinct(egi_load *l, const eg_task *task, eg_seq *s,
                                 eg_err *err)
{
    eg_index T = eg_task_ctx(task), V = eg_task_vocab(task), n = 0;
    bool *seen;

    l->distinct = 1;
    if (V == 0) return EG_OK;
    seen = eg_calloc((size_t)(T * V), sizeof *seen);
    if (!seen) return EG_FAIL(err, EG_ENOMEM, "pairs of %td by %td", T, V);
    for (int i = 0; i < (int)l->batch; i++) {
        eg_task_sequence(task, EG_PROBE, 0, (uint32_t)i, s);
        for (eg_index t = 0; t < T; t++) {
            n += !seen[t * V + s->tokens[t]];
            seen[t * V + s->tokens[t]] = true;
        }
    }
    l->distinct = (double)n / (l->batch * (double)T);
    eg_free(seen);
    return EG_OK;
}

static void sample_rows(egi_load *l, const eg_task *task, const eg_group *loss,
                        eg_seq *s)
{
    int T = eg_task_ctx(task);
    double tokens = (double)SAMPLES * T;

    for (uint32_t i = 0; i < SAMPLES; i++) {
        int n = 0;

        eg_task_sequence(task, EG_PROBE, 0, i, s);
        for (int t = 0; t < T; t++) {
            if (!egi_in_group(loss, s->targets[t], s->labels[t])) continue;
            n = t + 1;
            l->rows += 1;
            l->row_pairs += n;
        }
        l->n += n;
        l->pairs += 0.5 * n * (n + 1.0);
    }
    l->n /= tokens;
    l->rows /= tokens;
    l->pairs /= tokens;
    l->row_pairs /= tokens;
}

eg_status egi_load_measure(egi_load *l, const eg_task *task,
                           const eg_group *loss, int batch, int slots,
                           eg_err *err)
{
    eg_seq s;
    eg_status st = eg_seq_new(&s, task, err);

    *l = (egi_load){.batch = batch, .slots = slots, .logits = EGI_LOGITS};
    if (st != EG_OK) return st;
    sample_rows(l, task, loss, &s);
    st = sample_distinct(l, task, &s, err);
    eg_seq_release(&s);
    return st;
}

/* ---- arithmetic -----------------------------------------------------------
 */

egi_amount egi_op_amount(const egi_program *p, const egi_load *l, int k)
{
    bool chosen = p->value[p->op[p->n_ops - 1].in[0]].cls == EGI_LOSS;
    const egi_value *v = &p->value[p->op[k].out[0]];
    double T = (double)p->m->T;
    egi_amount a = {.rows = chosen ? l->n : 1,
                    .pairs = chosen ? l->pairs : (T + 1) / 2,
                    .times = l->batch * T};

    if (!p->m->opts.causal) {
        a.rows = 1;
        a.pairs = T;
    }
    if (v->cls == EGI_WEIGHT) a = (egi_amount){(double)v->rows, 0, 1};
    if (v->cls == EGI_PAIR) a.rows = l->distinct;
    if (v->cls == EGI_LOSS) {
        a.rows = l->rows;
        a.pairs = p->m->opts.causal ? l->row_pairs : l->rows * T;
    }
    return a;
}

static egi_cost cost_of(const egi_program *p, const egi_op *op, egi_amount a)
{
    const egi_kind_info *info = egi_op_info(op->kind);
    egi_cost c = {0};

    if (info->cost) info->cost(p, op, a.rows * a.times, a.pairs * a.times, &c);
    return c;
}

/* Forwards is what is left when no gradient is wanted. */
static egi_cost forward_cost(const egi_program *p, egi_op op, egi_amount a)
{
    egi_value value[EGI_INS + EGI_OUTS];
    egi_program alone = *p;
    int n = 0;

    for (int i = 0; i < EGI_INS + EGI_OUTS; i++) {
        int *v = i < EGI_INS ? &op.in[i] : &op.out[i - EGI_INS];

        if (*v < 0) continue;
        value[n] = p->value[*v];
        value[n].grad = false;
        *v = n++;
    }
    alone.value = value;
    return cost_of(&alone, &op, a);
}

double egi_op_madds(const egi_program *p, int k, egi_amount a, bool back,
                    double *looked_up)
{
    egi_cost all = cost_of(p, &p->op[k], a);
    bool seeds = egi_op_info(p->op[k].kind)->seeds;
    /* what is head and loss goes back as it goes forwards */
    egi_cost c = seeds ? all : forward_cost(p, p->op[k], a);

    if (back) {
        c.madds = all.madds - c.madds;
        c.looked_up = all.looked_up - c.looked_up;
    }
    if (looked_up) *looked_up = c.looked_up;
    return c.madds - c.looked_up;
}

egi_flops egi_program_flops(const egi_program *p, const egi_load *l)
{
    egi_flops f = {0};

    for (int k = 0; k < p->n_ops; k++) {
        const egi_op *op = &p->op[k];
        const egi_kind_info *info = egi_op_info(op->kind);
        egi_amount a = egi_op_amount(p, l, k);
        egi_cost c = {0};

        if (egi_op_weight(p, op) || !info->cost) continue;
        info->cost(p, op, a.rows, a.pairs, &c);
        f.all += 2 * c.madds;
        f.attention += 2 * c.attention;
        f.tables += 2 * c.looked_up;
    }
    return f;
}

/* The matrix unit slows the clock of all the rest by a tenth, so it has to
 * have enough to do. Measured: with attention at 0.55 of the arithmetic it
 * gains a tenth, at 0.78 it loses 5 %. */
const char *egi_program_kern(const egi_program *p, const egi_load *l)
{
    const char *best = eg_kern_pick("auto")->name;
    egi_flops f;

    if (strcmp(best, "amx") != 0) return best;
    f = egi_program_flops(p, l);
    return f.attention - f.tables > (f.all - f.tables) * 2 / 3 ? eg_kern_name(1)
                                                               : best;
}
