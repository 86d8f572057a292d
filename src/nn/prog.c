/* Programs: values and ops as two growing lists. */
#include "nn/prog.h"

#include <stdio.h>
#include <string.h>

#include "base/grow.h"
#include "engram/mem.h"

void egi_program_init(egi_program *p, const eg_model *m)
{
    *p = (egi_program){.m = m, .many = 1};
}

void egi_program_release(egi_program *p)
{
    eg_free(p->value);
    eg_free(p->op);
    eg_free(p->hook);
    *p = (egi_program){0};
}

/* Room for one more item of a list; false: no memory, which p->st keeps. */
static bool grow(egi_program *p, void *list, int n, eg_index *cap, size_t size)
{
    if (p->st != EG_OK) return false;
    if (!egi_grow(list, cap, n + 1, 64, size)) p->st = EG_ENOMEM;
    return p->st == EG_OK;
}

static int value_add(egi_program *p, egi_value v)
{
    if (!grow(p, &p->value, p->n_values, &p->cap_values, sizeof v)) return 0;
    p->value[p->n_values] = v;
    return p->n_values++;
}

int egi_tensor_value(egi_program *p, int tensor)
{
    const eg_tensor *t = &p->m->tensor[tensor];
    egi_value v = {.cls = EGI_WEIGHT,
                   .rows = t->ndim == 1 ? 1 : t->shape[0],
                   .cols = t->shape[t->ndim - 1],
                   .maker = -1,
                   .tensor = tensor};

    for (int i = 0; i < p->n_values; i++)
        if (p->value[i].tensor == tensor) return i;
    if (t->ndim == 3) v.rows *= t->shape[1];
    snprintf(v.name, sizeof v.name, "%s", t->name);
    return value_add(p, v);
}

int egi_out(egi_program *p, egi_op *op, int i, egi_class cls, eg_index rows,
            eg_index cols)
{
    egi_value v = {.cls = cls,
                   .rows = rows,
                   .cols = cols,
                   .maker = (int)(op - p->op),
                   .tensor = -1};

    op->out[i] = value_add(p, v);
    return op->out[i];
}

int egi_by_product(egi_program *p, egi_op *op, int i, egi_class cls,
                   eg_index rows, eg_index cols, eg_index entries)
{
    int v = egi_out(p, op, i, cls, rows, cols);

    if (p->st != EG_OK) return 0;
    p->value[v].by_product = true;
    p->value[v].entries = entries;
    return v;
}

int egi_op_add(egi_program *p, egi_kind kind, const int in[EGI_INS],
               egi_attr attr)
{
    egi_op op = {.kind = kind, .attr = attr, .key = p->n_ops};

    if (!grow(p, &p->op, p->n_ops, &p->cap_ops, sizeof op)) return 0;
    memcpy(op.in, in, sizeof op.in);
    for (int i = 0; i < EGI_OUTS; i++) op.out[i] = -1;
    p->op[p->n_ops] = op;
    if (egi_op_shape(p, &p->op[p->n_ops]) != EG_OK) return 0;
    p->n_ops++;
    return p->op[p->n_ops - 1].out[0];
}

static void keep(egi_program *p, int v)
{
    if (v >= 0) p->value[v].kept = true;
}

void egi_hook_add(egi_program *p, const egi_hook *hook)
{
    const egi_op *op;
    bool made; /* of what the op reads */

    if (!grow(p, &p->hook, p->n_hooks, &p->cap_hooks, sizeof *hook)) return;
    p->hook[p->n_hooks++] = *hook;
    keep(p, hook->value);
    op = &p->op[p->value[hook->value].maker];
    if (hook->look == EGI_LOOK_ROWS || hook->look == EGI_LOOK_HEADS) return;
    for (int i = 1; i < EGI_OUTS; i++) keep(p, op->out[i]);
    made = hook->look >= EGI_LOOK_SCORES ||
           (hook->look == EGI_LOOK_PATTERN && !egi_op_info(op->kind)->mixes);
    for (int i = 0; made && i < EGI_INS; i++)
        if (op->in[i] >= 0 && p->value[op->in[i]].cls != EGI_WEIGHT)
            keep(p, op->in[i]);
}

/* ---- needs --------------------------------------------------------------- */

/* Does the value depend on a trained tensor? Ops stand in order, so one walk
 * does. */
static void mark_trained(egi_program *p, const bool *trains)
{
    for (int i = 0; i < p->n_values; i++)
        p->value[i].grad =
            trains && p->value[i].tensor >= 0 && trains[p->value[i].tensor];
    for (int k = 0; k < p->n_ops; k++) {
        const egi_op *op = &p->op[k];
        bool any = false;

        for (int i = 0; i < EGI_INS; i++)
            any |= op->in[i] >= 0 && p->value[op->in[i]].grad;
        for (int i = 0; i < EGI_OUTS; i++)
            if (op->out[i] >= 0 && !p->value[op->out[i]].by_product)
                p->value[op->out[i]].grad =
                    any && !egi_op_info(op->kind)->still;
    }
}

/* And does the loss depend on it? The last op is the loss. */
eg_status egi_program_need(egi_program *p, const bool *trains)
{
    bool *reaches = eg_calloc((size_t)p->n_values, sizeof *reaches);

    if (!reaches) return EG_ENOMEM;
    mark_trained(p, trains);
    reaches[p->op[p->n_ops - 1].out[0]] = true;
    for (int k = p->n_ops - 1; k >= 0; k--) {
        const egi_op *op = &p->op[k];

        if (!reaches[op->out[0]]) continue;
        for (int i = 0; i < EGI_INS; i++)
            if (op->in[i] >= 0) reaches[op->in[i]] = true;
    }
    for (int i = 0; i < p->n_values; i++) p->value[i].grad &= reaches[i];
    eg_free(reaches);
    return EG_OK;
}
