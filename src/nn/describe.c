/* A program as a table: engram/program.h. */
#include "engram/program.h"

#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "nn/schedule.h"
#include "nn/trainer.h"

/* The program as its rewrites leave it, one after the other. */
typedef struct describer {
    const eg_trainer *tr;
    egi_program p;
    bool *trains; /* [n_tensors] */
} describer;

static int64_t value_bytes(const egi_program *p, int v)
{
    const egi_value *x = &p->value[v];
    int64_t width = egi_width(p->m);

    return width * (x->entries ? x->entries : x->rows * x->cols);
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

static void describe_op(eg_op_row *row, const describer *d, int k)
{
    static const char *const words[] = {"weight", "pair", "position", "loss"};
    const egi_program *p = &d->p;
    const egi_op *op = &p->op[k];
    const egi_value *v = &p->value[op->out[0]];
    egi_amount a = egi_op_amount(p, &d->tr->load, k);
    double looked_up;

    row->kind = egi_op_info(op->kind)->name;
    row->help = egi_kind_help(op->kind);
    (void)snprintf(row->name, sizeof row->name, "%s", v->name);
    say_inputs(p, op, row->reads, sizeof row->reads);
    row->rows_of = words[v->cls];
    row->rows = v->rows;
    row->cols = v->cols;
    row->rows_step = a.rows * a.times;
    row->forward = egi_op_madds(p, k, a, false, &row->looked_up);
    row->backward = egi_op_madds(p, k, a, true, &looked_up);
    row->looked_up += looked_up;
    for (int i = 0; i < EGI_OUTS; i++)
        if (op->out[i] >= 0) row->bytes += value_bytes(p, op->out[i]);
}

static double program_cost(const describer *d)
{
    double sum = 0;

    for (int k = 0; k < d->p.n_ops; k++) {
        egi_amount a = egi_op_amount(&d->p, &d->tr->load, k);

        sum += egi_op_madds(&d->p, k, a, false, NULL) +
               egi_op_madds(&d->p, k, a, true, NULL);
    }
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
    const eg_train_opts *o = &d->tr->spec.train;
    bool plain = egi_trains_plain(o);
    eg_status st = egi_program_rewrite(&d->p, d->trains, &d->tr->load, 0, err);

    for (int i = 0; i < t->n_rewrites && st == EG_OK; i++) {
        eg_rewrite_row *row = &t->rewrite[i];

        row->name = egi_rewrite_name(i);
        row->help = egi_rewrite_help(i);
        row->tried = !plain;
        row->why = !plain           ? ""
                   : o->clamp.n > 0 ? "train.clamp"
                                    : "train.algebra: plain";
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

static eg_status fill(const describer *d, eg_program_table *t, eg_err *err)
{
    t->n_ops = d->p.n_ops;
    t->op = eg_calloc((size_t)t->n_ops, sizeof *t->op);
    if (!t->op) return EG_FAIL(err, EG_ENOMEM, "a table of %d ops", t->n_ops);
    for (int k = 0; k < t->n_ops; k++) {
        describe_op(&t->op[k], d, k);
        t->forward += t->op[k].forward;
        t->backward += t->op[k].backward;
        t->bytes += t->op[k].bytes;
    }
    for (int i = 0; i < t->n_tensors; i++)
        t->tensor[i] = (eg_tensor_row){d->tr->m->tensor[i], d->trains[i]};
    return EG_OK;
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
    EG_TRY(egi_program_build(&d.p, tr->m, tr->program.loss,
                             egi_train_flags(&tr->spec.train), err));
    d.p.n_hooks = 0; /* their values stay, as in the trainer's */
    EG_TRY(rewrite(&d, out, err));
    EG_TRY(fill(&d, out, err));
done:
    egi_program_release(&d.p);
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
