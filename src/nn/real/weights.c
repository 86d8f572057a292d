/* What a program does once a step: ops on weights before the sequences, packed
 * forms, and the same ops backwards behind them. */
#include <string.h>

#include "base/pool_priv.h"
#include "engram/mem.h"
#include "nn/real/exec.h"
#include "nn/real/layout.h"

/* Parameters a task takes, and from how many on there are tasks. */
enum { BLOCK = 1 << 16, WORTH = 1 << 20 };

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
        eg_index size =
            kind->shared ? kind->shared(e->K, e->p, &e->p->op[k]) : 0;

        if (size > most) most = size;
    }
    return (most + 15) / 16 * 16;
}

static void weight_lay(layout *l, N(exec) * e, int v)
{
    const egi_value *value = &e->p->value[v];
    eg_index size = value->rows * value->cols;
    bool parts = e->p->team;
    N(weight) *w = &e->w[v];
    use u = use_of(e->p, v);

    w->acc = -1;
    if (value->tensor < 0 && value->maker < 0) return; /* rewritten away */
    if (value->tensor < 0) w->x = lay_real(l, size);
    /* a room of several sequences uses them once: ops pack what they need */
    if (e->p->many > 1) u.packed = u.packed_back = false;
    if (u.packed)
        w->pw =
            lay_real(l, N(pack_size)(e->K, value->rows, value->cols, parts));
    if (u.packed_back)
        w->pwt =
            lay_real(l, N(pack_size)(e->K, value->cols, value->rows, parts));
    if (u.summed && !(e->p->direct && value->tensor >= 0)) {
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
    e->partial = lay_bytes(&l, (size_t)(p->m->n_params / EGI_NORM_BLOCK + 1) *
                                   sizeof(double));
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
    if (!name || !*name) name = "auto";
#ifdef EG_REAL_DOUBLE
    return eg_kern_pick_f64(name);
#else
    return eg_kern_pick(name);
#endif
}

eg_status N(exec_plan)(N(exec) * e, const egi_program *p, const char *kern_name,
                       int threads, eg_err *err)
{
    eg_status st = EG_OK;

    *e = (N(exec)){
        .K = kern_of(kern_name), .p = p, .workers = p->team ? threads : 1};
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
    EG_TRY(egi_room_plan(&e->room, p, shared_scratch(e) + e->workers * e->each,
                         err));
    e->bytes = exec_lay(e, NULL);
done:
    if (st != EG_OK) N(exec_release)(e);
    return st;
}

eg_status N(exec_init)(N(exec) * e, const egi_program *p, const char *kern_name,
                       eg_pool *pool, eg_err *err)
{
    eg_status st = N(exec_plan)(e, p, kern_name, eg_pool_size(pool), err);

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

/* In parts where the program is a team's. */
static void pack_cols(const N(exec) * e, real *to, const real *x, eg_index rs,
                      eg_index cs, eg_index rows, eg_index cols)
{
    eg_index most = egi_part(cols);
    eg_index part = e->p->team && cols > most ? most : cols;
    eg_index size = e->K->pack_size(rows, part);

    for (eg_index n = 0; n < cols; n += part, to += size)
        e->K->pack(to, x + n * cs, rs, cs, rows,
                   cols - n < part ? cols - n : part);
}

static void pack_task(void *ctx, int v, int worker)
{
    const N(exec) *e = ctx;
    const N(weight) *w = &e->w[v];
    eg_index rows = e->p->value[v].rows, cols = e->p->value[v].cols;

    (void)worker;
    if (e->p->value[v].cls != EGI_WEIGHT) return;
    if (w->pw) pack_cols(e, w->pw, entries(e, v), cols, 1, rows, cols);
    if (w->pwt) pack_cols(e, w->pwt, entries(e, v), 1, cols, cols, rows);
}

void N(exec_prepare)(N(exec) * e)
{
    const egi_program *p = e->p;
    double start;

    for (int k = 0; k < p->n_ops; k++) {
        if (!egi_op_weight(p, &p->op[k])) continue;
        N(call) c = N(bind)(e, NULL, (N(sums)){NULL, NULL}, k);
        N(exec_run)(&c, e->tick, k, false);
    }
    start = egi_beside_begin(e->tick);
    if (p->m->n_params >= WORTH)
        eg_pool_run(e->pool, p->n_values, pack_task, e);
    else
        for (int v = 0; v < p->n_values; v++) pack_task(e, v, 0);
    egi_beside_end(e->tick, p->n_ops, EGI_BESIDE_PACK, start);
}

/* ---- gradients of the parameters ------------------------------------------
 */

/* On all threads, so many entries a task, where there are enough of them. */
typedef struct block {
    const N(exec) * e;
    const real *acc;
    real *grad, scale;
} block;

static void share_params(const N(exec) * e, eg_task_fn fn, block *b)
{
    eg_index n = e->p->m->n_params;
    int tasks = (int)((n + BLOCK - 1) / BLOCK);

    egi_pool_moves(e->pool, 2 * (double)n * sizeof *b->grad);
    if (n >= WORTH)
        eg_pool_run(e->pool, tasks, fn, b);
    else
        for (int i = 0; i < tasks; i++) fn(b, i, 0);
}

static eg_index block_size(const block *b, eg_index at)
{
    eg_index left = b->e->p->m->n_params - at;

    return left < BLOCK ? left : BLOCK;
}

static void zero_task(void *ctx, int i, int worker)
{
    const block *b = ctx;
    eg_index at = (eg_index)i * BLOCK;

    (void)worker;
    memset(b->grad + at, 0, (size_t)block_size(b, at) * sizeof *b->grad);
}

static void scale_task(void *ctx, int i, int worker)
{
    const block *b = ctx;
    eg_index at = (eg_index)i * BLOCK;

    (void)worker;
    b->e->K->scale(b->grad + at, b->scale, block_size(b, at));
}

static void add_task(void *ctx, int v, int worker)
{
    const block *b = ctx;
    const egi_value *value = &b->e->p->value[v];
    eg_index acc = b->e->w[v].acc;

    (void)worker;
    if (value->cls == EGI_WEIGHT && value->tensor >= 0 && acc >= 0)
        b->e->K->add(b->grad + b->e->p->m->tensor[value->tensor].offset,
                     b->acc + acc, value->rows * value->cols);
}

void N(exec_begin)(const N(exec) * e, real *grad)
{
    block b = {e, NULL, grad, 1};

    share_params(e, zero_task, &b);
}

/* Gradients that ops on weights add to begin at zero, or at what the sequences
 * summed. */
static void begin_ops(const N(exec) * e, block *b)
{
    const egi_program *p = e->p;

    for (int v = 0; v < p->n_values; v++)
        if (e->w[v].g)
            memset(e->w[v].g, 0,
                   (size_t)(p->value[v].rows * p->value[v].cols) *
                       sizeof *b->grad);
    if (p->m->n_params >= WORTH)
        eg_pool_run(e->pool, p->n_values, add_task, b);
    else
        for (int v = 0; v < p->n_values; v++) add_task(b, v, 0);
}

void N(exec_finish)(N(exec) * e, real *acc, real *grad, real scale)
{
    const egi_program *p = e->p;
    block b = {e, acc, grad, scale};
    double start = egi_beside_begin(e->tick);

    begin_ops(e, &b);
    egi_beside_end(e->tick, p->n_ops, EGI_BESIDE_BEGIN, start);
    for (int k = p->n_ops - 1; k >= 0; k--) {
        const egi_op *op = &p->op[k];

        if (!egi_op_weight(p, op) || !egi_op_back(p, op)) continue;
        N(call) c = N(bind)(e, NULL, (N(sums)){acc, grad}, k);
        N(exec_run)(&c, e->tick, k, true);
    }
    start = egi_beside_begin(e->tick);
    share_params(e, scale_task, &b);
    egi_beside_end(e->tick, p->n_ops, EGI_BESIDE_BEGIN, start);
}
