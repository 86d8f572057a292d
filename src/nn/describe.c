/* A program as a table: engram/program.h. */
#include "engram/program.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "nn/schedule.h"
#include "nn/trainer.h"

/* The program as its rewrites leave it, one after the other; and the same with
 * no gradient wanted, by which forward is told from backward. */
typedef struct describer {
    const eg_trainer *tr;
    egi_program p;
    bool *trains;      /* [n_tensors] */
    egi_value *silent; /* the values without gradients */
} describer;

/* Multiply-adds that are done in a step, and those that a table saves. */
static double step_cost(const egi_program *p, const egi_load *l, int k,
                        double *looked_up)
{
    egi_amount a = egi_op_amount(p, l, k);
    const egi_kind_info *info = egi_op_info(p->op[k].kind);
    egi_cost c = {0};

    if (info->cost) info->cost(p, &p->op[k], a.rows, a.pairs, &c);
    if (looked_up) *looked_up = c.looked_up * a.times;
    return (c.madds - c.looked_up) * a.times;
}

static eg_status silence(describer *d, egi_program *out)
{
    size_t n = (size_t)d->p.n_values;
    egi_value *v = eg_realloc(d->silent, n * sizeof *v);

    if (!v) return EG_ENOMEM;
    d->silent = v;
    memcpy(v, d->p.value, n * sizeof *v);
    for (size_t i = 0; i < n; i++) v[i].grad = false;
    *out = d->p;
    out->value = v;
    return EG_OK;
}

static int64_t value_bytes(const egi_program *p, int v)
{
    const egi_value *x = &p->value[v];
    int64_t width = p->m->precision == EG_FLOAT64 ? 8 : 4;

    return width * (x->entries ? x->entries : x->rows * x->cols);
}

/* The plain program with the names of its hooks, which nobody reads here. */
static eg_status build(describer *d, eg_err *err)
{
    eg_status st = egi_program_build(&d->p, d->tr->m, d->tr->program.in_context,
                                     EGI_HOOKS_BASIC, err);

    for (int v = 0; v < d->p.n_values; v++) d->p.value[v].kept = false;
    for (int i = d->p.n_hooks - 1; i >= 0; i--) {
        const egi_hook *h = &d->p.hook[i];

        char *name = d->p.value[h->value].name;

        if (h->look == EGI_LOOK_ROWS || h->look == EGI_LOOK_HEADS)
            memcpy(name, h->name, sizeof h->name);
        else if (h->look == EGI_LOOK_SCALE && strstr(name, ".hook_"))
            *strstr(name, ".hook_") = 0; /* the norm itself has no hook */
    }
    d->p.n_hooks = 0;
    return st;
}

static void say_inputs(const egi_program *p, const egi_op *op, char *buf,
                       size_t size)
{
    size_t at = 0;

    buf[0] = 0;
    for (int i = 0; i < EGI_INS; i++) {
        const egi_value *v = op->in[i] < 0 ? NULL : &p->value[op->in[i]];

        if (!v || at >= size) continue;
        if (v->maker >= 0)
            at += (size_t)snprintf(buf + at, size - at, "%s#%d", at ? " " : "",
                                   v->maker);
        else
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? " " : "",
                                   v->name);
    }
}

static void describe_op(eg_op_row *row, const describer *d,
                        const egi_program *silent, int k)
{
    static const char *const words[] = {"weight", "pair", "position", "loss"};
    const egi_program *p = &d->p;
    const egi_op *op = &p->op[k];
    const egi_value *v = &p->value[op->out[0]];
    egi_amount a = egi_op_amount(p, &d->tr->load, k);
    double all = step_cost(p, &d->tr->load, k, &row->looked_up);

    row->kind = egi_op_info(op->kind)->name;
    row->help = egi_kind_help(op->kind);
    (void)snprintf(row->name, sizeof row->name, "%s", v->name);
    say_inputs(p, op, row->reads, sizeof row->reads);
    row->rows_of = words[v->cls];
    row->rows = v->rows;
    row->cols = v->cols;
    row->rows_step = a.rows * a.times;
    row->forward = step_cost(silent, &d->tr->load, k, NULL);
    row->backward = all - row->forward;
    for (int i = 0; i < EGI_OUTS; i++)
        if (op->out[i] >= 0) row->bytes += value_bytes(p, op->out[i]);
}

static double program_cost(const describer *d)
{
    double sum = 0;

    for (int k = 0; k < d->p.n_ops; k++)
        sum += step_cost(&d->p, &d->tr->load, k, NULL);
    return sum;
}

/* A number that a rewrite changes: it adds values, or gives them other rows. */
static int64_t form(const egi_program *p)
{
    int64_t n = 0;

    for (int v = 0; v < p->n_values; v++) n += 4 + (int64_t)p->value[v].cls;
    return n;
}

static eg_status rewrite(describer *d, eg_program_table *t, eg_err *err)
{
    bool plain = d->tr->spec.train.algebra == EG_ALGEBRA_PLAIN;
    eg_status st = egi_program_rewrite(&d->p, d->trains, &d->tr->load, 0, err);

    for (int i = 0; i < t->n_rewrites && st == EG_OK; i++) {
        eg_rewrite_row *row = &t->rewrite[i];

        row->name = egi_rewrite_name(i);
        row->help = egi_rewrite_help(i);
        row->tried = !plain;
        row->why = "";
        if (!plain) {
            int64_t before = form(&d->p);

            st = egi_program_rewrite(&d->p, d->trains, &d->tr->load, 1u << i,
                                     err);
            row->changed = form(&d->p) != before;
            row->places = d->p.weighed.places;
            row->taken = d->p.weighed.taken;
            row->cost = d->p.weighed.cost;
            row->gain = d->p.weighed.gain;
            if (d->p.weighed.why) row->why = d->p.weighed.why;
        }
        row->n_ops = d->p.n_ops;
        row->madds = program_cost(d);
    }
    return st;
}

static eg_status fill(describer *d, eg_program_table *t, eg_err *err)
{
    egi_program silent;
    eg_status st = EG_OK;

    t->n_ops = d->p.n_ops;
    t->op = eg_calloc((size_t)t->n_ops, sizeof *t->op);
    if (!t->op || silence(d, &silent) != EG_OK)
        return EG_FAIL(err, EG_ENOMEM, "a table of %d ops", t->n_ops);
    for (int k = 0; k < t->n_ops; k++) {
        describe_op(&t->op[k], d, &silent, k);
        t->forward += t->op[k].forward;
        t->backward += t->op[k].backward;
        t->bytes += t->op[k].bytes;
    }
    for (int i = 0; i < t->n_tensors; i++)
        t->tensor[i] = (eg_tensor_row){d->tr->m->tensor[i], d->trains[i]};
    return st;
}

eg_status eg_program_table_make(eg_program_table *out,
                                const eg_train_spec *spec, eg_err *err)
{
    eg_trainer *tr = NULL;
    describer d = {0};
    eg_status st;

    memset(out, 0, sizeof *out);
    EG_TRY(eg_train_plan_make(&out->plan, spec, err));
    EG_TRY(egi_trainer_planned(&tr, spec, err));
    d.tr = tr;
    out->n_rewrites = EGI_N_REWRITES;
    out->n_tensors = tr->m->n_tensors;
    out->tokens = tr->load.batch * (double)tr->m->T;
    d.trains = eg_calloc((size_t)tr->m->n_tensors, sizeof *d.trains);
    out->rewrite = eg_calloc(EGI_N_REWRITES, sizeof *out->rewrite);
    out->tensor = eg_calloc((size_t)out->n_tensors, sizeof *out->tensor);
    if (!d.trains || !out->rewrite || !out->tensor) {
        st = EG_FAIL(err, EG_ENOMEM, "a table of %d tensors", out->n_tensors);
        goto done;
    }
    for (int i = 0; i < out->n_tensors; i++)
        d.trains[i] = tr->from[i] != EGI_NEVER;
    EG_TRY(build(&d, err));
    EG_TRY(rewrite(&d, out, err));
    EG_TRY(fill(&d, out, err));
done:
    egi_program_release(&d.p);
    eg_free(d.silent);
    eg_free(d.trains);
    eg_trainer_free(tr);
    if (st != EG_OK) eg_program_table_release(out);
    return st;
}

void eg_program_table_release(eg_program_table *t)
{
    eg_free(t->op);
    eg_free(t->rewrite);
    eg_free(t->tensor);
    memset(t, 0, sizeof *t);
}
