/* The program of a training step, and how many sums of gradients it has. */
#include "engram/kern.h"
#include "nn/schedule.h"
#include "nn/trainer.h"

#define SUMS ((int64_t)256 << 20)

/* Where train.slots is left open: FEW to MANY sums, while they take no more
 * than SHARE of a step; what an entry of a sum costs, in multiply-adds. */
enum { FEW = 8, MANY = 64, ENTRY_MADDS = 16 };
#define SHARE 0.02
enum { ROWS = 1024, LOGITS = 1 << 26 };

const eg_group *egi_train_group(const eg_train_spec *s)
{
    return eg_task_group_find(eg_task_options(s->task)->kind, s->train.loss);
}

/* Would so many sums of gradients take more than SUMS bytes? */
static bool is_large(const eg_trainer *tr, int64_t slots)
{
    return slots * tr->m->n_params * egi_width(tr->m) > SUMS;
}

/* Sums of gradients, `most` of them but no more than sequences; left open, one
 * where they would be large. */
static int sums_of(const eg_trainer *tr, int64_t most)
{
    const eg_train_opts *o = &tr->spec.train;
    int64_t slots = most < o->batch ? most : o->batch;

    return o->slots == 0 && is_large(tr, slots) ? 1 : (int)slots;
}

/* As many sums, for a program made for FEW, as take no more than SHARE of a
 * step: an entry of a sum is cleared, written and added, all from memory. */
static eg_status choose_slots(eg_trainer *tr, int64_t *most, eg_err *err)
{
    egi_engine_spec es = egi_trainer_engine(tr);
    egi_engine_bytes b;
    egi_flops f = egi_program_flops(&tr->program, &tr->load);
    double step = (f.all - f.tables) / 2 * tr->load.batch * tr->m->T;
    eg_status st;
    double sum;

    es.kern = eg_kern_name(0); /* any: the sums are the same */
    st = tr->vt->measure(&b, &es, err);
    sum = (double)b.accs / (double)egi_width(tr->m) / (double)tr->slots *
          ENTRY_MADDS;
    *most = FEW;
    while (st == EG_OK && *most < MANY &&
           2 * (double)*most * sum <= SHARE * step)
        *most *= 2;
    return st;
}

bool egi_trains_plain(const eg_train_opts *o)
{
    return o->algebra == EG_ALGEBRA_PLAIN || o->clamp.n > 0;
}

unsigned egi_train_flags(const eg_train_opts *o)
{
    return (o->clamp.n > 0 ? EGI_HOOKS_BASIC : EGI_HOOKS_NONE) | EGI_TRAINING;
}

/* Sequences of a slot that a team takes at once: so many that a weight is read,
 * and its gradient added to, for ROWS rows. They all have the same rows then.
 */
static int side_by_side(const egi_program *p, const eg_train_spec *s, int slots)
{
    int64_t most = (s->train.batch + slots - 1) / slots;
    int64_t many = ROWS / p->m->T;

    if (!p->team || s->train.clamp.n > 0) return 1;
    for (int v = 0; v < p->n_values; v++)
        if (p->value[v].maker >= 0 && p->value[v].cls != EGI_WEIGHT &&
            p->value[v].cls != EGI_POSITION)
            return 1;
    if (many > most) many = most;
    return many > 1 ? (int)many : 1;
}

/* Logits that are not kept may be of as many rows, while they are no more than
 * LOGITS at a time. */
static void put_side_by_side(egi_program *p, int many)
{
    p->many = many;
    for (int k = 0; k < p->n_ops; k++) {
        egi_op *op = &p->op[k];
        eg_index V, most;

        if (op->kind != EGI_OP_head) continue;
        V = op->attr.turned ? p->value[op->in[1]].rows
                            : p->value[op->in[1]].cols;
        most = LOGITS / V;
        if (most > op->attr.at * many) most = op->attr.at * many;
        if (most > op->attr.at) op->attr.at = most;
    }
}

/* The program of a step, with every shortcut that pays, or with none. */
static eg_status program_make(eg_trainer *tr, const bool *trains, eg_err *err)
{
    const eg_train_spec *s = &tr->spec;
    eg_status st = egi_program_build(&tr->program, tr->m, egi_train_group(s),
                                     egi_train_flags(&s->train), err);

    if (st == EG_OK)
        st = egi_clamps_parse(&tr->clamps, &tr->program, &s->train, err);
    tr->program.n_hooks = 0; /* their values stay; nobody looks */
    tr->program.direct = tr->slots == 1;
    tr->program.team = tr->program.direct || is_large(tr, tr->slots);
    tr->load.slots = tr->slots;
    if (st == EG_OK)
        st = egi_program_rewrite(&tr->program, trains, &tr->load,
                                 egi_trains_plain(&s->train) ? 0 : ~0u, err);
    if (st == EG_OK)
        put_side_by_side(&tr->program,
                         side_by_side(&tr->program, s, tr->slots));
    return st;
}

eg_status egi_trainer_program(eg_trainer *tr, bool *trains, eg_err *err)
{
    const eg_train_spec *s = &tr->spec;
    int64_t most = s->train.slots > 0 ? s->train.slots : FEW;
    eg_status st;

    tr->slots = sums_of(tr, most);
    st = egi_load_measure(&tr->load, s->task, egi_train_group(s),
                          (int)s->train.batch, tr->slots, err);
    for (int i = 0; i < tr->m->n_tensors; i++)
        trains[i] = tr->from[i] != EGI_NEVER;
    if (st == EG_OK) st = program_make(tr, trains, err);
    if (st != EG_OK || s->train.slots > 0 || tr->slots < FEW) return st;
    st = choose_slots(tr, &most, err);
    most = sums_of(tr, most);
    if (st != EG_OK || most <= tr->slots) return st;
    tr->slots = (int)most;
    egi_clamps_release(&tr->clamps);
    egi_program_release(&tr->program);
    return program_make(tr, trains, err);
}

egi_engine_spec egi_trainer_engine(const eg_trainer *tr)
{
    egi_engine_spec s = {.program = &tr->program,
                         .task = tr->spec.task,
                         .pool = tr->spec.pool,
                         .kern = tr->spec.kern,
                         .slots = tr->slots,
                         .batch = (int)tr->spec.train.batch,
                         .seed = tr->spec.seed,
                         .profile = tr->spec.train.profile};
    return s;
}
