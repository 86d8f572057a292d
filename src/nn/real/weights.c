/* What a program does once a step: ops on weights before the sequences, packed
 * forms, and the same ops backwards behind them. */
#include <string.h>

#include "engram/mem.h"
#include "nn/real/exec.h"
#include "nn/real/layout.h"

/* ---- what each weight is for ----------------------------------------------
 */

typedef struct use {
    bool packed,
        packed_back; /* read by a linear op; its input has a gradient */
    bool summed;     /* ops of sequences reach its gradient */
} use;

static use use_of(const egi_program *p, int v)
{
    use u = {false, false, false};

    for (int k = 0; k < p->n_ops; k++) {
        const egi_op *op = &p->op[k];
        bool linear = op->kind == EGI_OP_linear && op->in[1] == v;

        if (egi_op_weight(p, op)) continue;
        for (int i = 0; i < EGI_INS; i++)
            u.summed |= op->in[i] == v && p->value[v].grad &&
                        (egi_op_back(p, op) || egi_op_info(op->kind)->seeds);
        if (!linear) continue;
        u.packed = true;
        u.packed_back |= p->value[op->in[0]].grad && egi_op_back(p, op);
    }
    return u;
}

/* What the greediest op takes, in whole cache lines: for each worker, and for
 * all of them. */
static eg_index scratch(const N(exec) * e, bool weights)
{
    eg_index most = 0;

    for (int k = 0; k < e->p->n_ops; k++) {
        const egi_op *op = &e->p->op[k];
        const N(kind) *kind = N(kinds)[op->kind];
        eg_index size;

        if (egi_op_weight(e->p, op) != weights || !kind->work) continue;
        size = kind->work(e->K, e->p, op);
        if (size > most) most = size;
    }
    return (most + 15) / 16 * 16;
}

static eg_index shared_scratch(const N(exec) * e)
{
    eg_index most = 0;

    for (int k = 0; k < e->p->n_ops; k++) {
        const N(kind) *kind = N(kinds)[e->p->op[k].kind];
        eg_index size = kind->shared ? kind->shared(e->p, &e->p->op[k]) : 0;

        if (size > most) most = size;
    }
    return (most + 15) / 16 * 16;
}

static void weight_lay(layout *l, N(exec) * e, int v)
{
    const egi_value *value = &e->p->value[v];
    eg_index size = value->rows * value->cols;
    N(weight) *w = &e->w[v];
    use u = use_of(e->p, v);

    w->acc = -1;
    if (value->tensor < 0) w->x = lay_real(l, size);
    if (u.packed)
        w->pw = lay_real(l, e->K->pack_size(value->rows, value->cols));
    if (u.packed_back)
        w->pwt = lay_real(l, e->K->pack_size(value->cols, value->rows));
    if (u.summed) {
        w->acc = e->n_acc;
        e->n_acc += (size + 15) / 16 * 16;
    } else if (value->grad && value->tensor < 0) {
        w->g = lay_real(l, size);
    }
}

static size_t exec_lay(N(exec) * e, char *base)
{
    const egi_program *p = e->p;
    layout l = {base, 0};

    e->n_acc = 0;
    for (int v = 0; v < p->n_values; v++)
        if (p->value[v].cls == EGI_WEIGHT) weight_lay(&l, e, v);
    for (int k = 0; k < p->n_ops; k++) {
        const N(kind) *kind = N(kinds)[p->op[k].kind];

        if (kind->table) e->table[k] = lay_real(&l, kind->table(p, &p->op[k]));
    }
    e->work = lay_real(&l, scratch(e, true));
    return l.used;
}

static void fill_tables(N(exec) * e)
{
    for (int k = 0; k < e->p->n_ops; k++) {
        const egi_op *op = &e->p->op[k];

        if (e->table[k]) N(kinds)[op->kind]->fill(e->table[k], e->p, op);
    }
}

/* ---- life -----------------------------------------------------------------
 */

/* The kernel set of that name, NULL when there is none. */
static const kern *kern_of(const char *name)
{
#ifdef EG_REAL_DOUBLE
    (void)name; /* one set only */
    return eg_kern_pick_f64("auto");
#else
    return eg_kern_pick(name && *name ? name : "auto");
#endif
}

eg_status N(exec_plan)(N(exec) * e, const egi_program *p, const char *kern_name,
                       eg_err *err)
{
    eg_status st = EG_OK;

    *e = (N(exec)){.K = kern_of(kern_name), .p = p};
    if (!e->K)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "kernel set '%s': unknown or not runnable on this CPU",
                       kern_name);
    e->w = eg_calloc((size_t)p->n_values, sizeof *e->w);
    e->table = eg_calloc((size_t)p->n_ops, sizeof *e->table);
    if (!e->w || !e->table) {
        st = EG_FAIL(err, EG_ENOMEM, "a program of %d ops", p->n_ops);
        goto done;
    }
    e->each = scratch(e, false);
    EG_TRY(egi_room_plan(&e->room, p, shared_scratch(e) + e->each, err));
    e->bytes = exec_lay(e, NULL);
done:
    if (st != EG_OK) N(exec_release)(e);
    return st;
}

eg_status N(exec_init)(N(exec) * e, const egi_program *p, const char *kern_name,
                       eg_pool *pool, eg_err *err)
{
    eg_status st = N(exec_plan)(e, p, kern_name, err);

    if (st != EG_OK) return st;
    e->pool = pool;
    e->block = eg_calloc(1, e->bytes);
    if (!e->block) {
        st = EG_FAIL(err, EG_ENOMEM, "weights of %zu bytes", e->bytes);
        N(exec_release)(e);
        return st;
    }
    exec_lay(e, e->block);
    fill_tables(e);
    return EG_OK;
}

void N(exec_release)(N(exec) * e)
{
    egi_room_release(&e->room);
    eg_free(e->w);
    eg_free(e->table);
    eg_free(e->block);
    *e = (N(exec)){.K = NULL};
}

/* ---- a step ---------------------------------------------------------------
 */

static const real *entries(const N(exec) * e, int v)
{
    int tensor = e->p->value[v].tensor;

    return tensor >= 0 ? (const real *)egi_param(e->p->m, tensor) : e->w[v].x;
}

static void pack(const N(exec) * e, int v)
{
    const N(weight) *w = &e->w[v];
    eg_index rows = e->p->value[v].rows, cols = e->p->value[v].cols;

    if (w->pw) e->K->pack(w->pw, entries(e, v), cols, 1, rows, cols);
    if (w->pwt) e->K->pack(w->pwt, entries(e, v), 1, cols, cols, rows);
}

void N(exec_prepare)(N(exec) * e)
{
    const egi_program *p = e->p;
    double start;

    for (int k = 0; k < p->n_ops; k++) {
        if (!egi_op_weight(p, &p->op[k])) continue;
        N(call) c = N(bind)(e, NULL, NULL, NULL, k);
        N(exec_run)(&c, e->tick, k, false);
    }
    start = egi_beside_begin(e->tick);
    for (int v = 0; v < p->n_values; v++)
        if (p->value[v].cls == EGI_WEIGHT) pack(e, v);
    egi_beside_end(e->tick, p->n_ops, EGI_BESIDE_PACK, start);
}

/* Gradients that ops on weights add to begin at zero, or at what the sequences
 * summed. */
static void begin_gradients(const N(exec) * e, const real *acc, real *grad)
{
    const egi_program *p = e->p;

    memset(grad, 0, (size_t)p->m->n_params * sizeof *grad);
    for (int v = 0; v < p->n_values; v++) {
        const egi_value *value = &p->value[v];
        eg_index size = value->rows * value->cols;

        if (value->cls != EGI_WEIGHT) continue;
        if (e->w[v].g) memset(e->w[v].g, 0, (size_t)size * sizeof *grad);
        if (value->tensor >= 0 && e->w[v].acc >= 0)
            e->K->add(grad + p->m->tensor[value->tensor].offset,
                      acc + e->w[v].acc, size);
    }
}

void N(exec_finish)(N(exec) * e, real *acc, real *grad, real scale)
{
    const egi_program *p = e->p;
    double start = egi_beside_begin(e->tick);

    begin_gradients(e, acc, grad);
    egi_beside_end(e->tick, p->n_ops, EGI_BESIDE_BEGIN, start);
    for (int k = p->n_ops - 1; k >= 0; k--) {
        const egi_op *op = &p->op[k];

        if (!egi_op_weight(p, op) || !egi_op_back(p, op)) continue;
        N(call) c = N(bind)(e, NULL, acc, grad, k);
        N(exec_run)(&c, e->tick, k, true);
    }
    start = egi_beside_begin(e->tick);
    e->K->scale(grad, scale, p->m->n_params);
    egi_beside_end(e->tick, p->n_ops, EGI_BESIDE_BEGIN, start);
}
