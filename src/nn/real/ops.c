/* The kinds of op, in one precision: each is one file of nn/ops. */
#include <math.h>
#include <string.h>

#include "base/pool_priv.h"
#include "nn/draw.h"
#include "nn/real/op.h"

/* ---- what several kinds use ---------------------------------------------- */

/* Rows to take at once: all, where they lie behind each other on both sides.
 * Each by itself has a part of a vector at its end. */
static eg_index op_at_once(const N(arg) * a, eg_index lda, eg_index ldb)
{
    return lda == a->cols && ldb == a->cols ? a->rows : 1;
}

static void op_copy(const N(arg) * to, real *y, const real *x, eg_index ldx)
{
    eg_index n = op_at_once(to, to->ld, ldx);

    for (eg_index i = 0; i < to->rows; i += n)
        memcpy(y + i * to->ld, x + i * ldx, (size_t)(n * to->cols) * sizeof *y);
}

static void op_zero(real *y, eg_index ld, eg_index rows, eg_index cols)
{
    if (ld == cols && rows > 0) {
        cols *= rows;
        rows = 1;
    }
    for (eg_index i = 0; i < rows; i++)
        memset(y + i * ld, 0, (size_t)cols * sizeof *y);
}

static eg_index op_most(eg_index a, eg_index b)
{
    return a > b ? a : b;
}

static eg_index op_least(eg_index a, eg_index b)
{
    return a < b ? a : b;
}

/* Rows of n entries, so far apart that they do not alias in a cache's sets. */
static eg_index op_skewed(eg_index n)
{
    eg_index ld = (n + 15) / 16 * 16;

    return ld % 64 == 0 ? ld + 16 : ld;
}

static int op_parts(eg_index n, eg_index size)
{
    return n > 0 ? (int)((n + size - 1) / size) : 0;
}

/* Multiply-adds from which on threads share an op: some 50 microseconds. */
#define OP_WORTH ((double)(1 << 23))

/* Whatever an op reads or makes, once. */
static double op_bytes(const N(call) * c)
{
    double n = 0;

    for (int i = 0; i < EGI_INS; i++)
        n += c->in[i].x ? (double)c->in[i].rows * (double)c->in[i].cols : 0;
    for (int i = 0; i < EGI_OUTS; i++)
        n += c->out[i].x ? (double)c->out[i].rows * (double)c->out[i].cols : 0;
    return n * sizeof(real);
}

/* Tasks 0 .. n - 1 of an op of so many multiply-adds, on all threads where it
 * has them and that pays; what a task is depends on shapes alone. */
static void op_share(const N(call) * c, double madds, int n, eg_task_fn fn,
                     void *ctx)
{
    if (c->pool && madds >= OP_WORTH) {
        egi_pool_moves(c->pool, op_bytes(c));
        eg_pool_run(c->pool, n, fn, ctx);
        return;
    }
    for (int i = 0; i < n; i++) fn(ctx, i, 0);
}

static real *op_work(const N(call) * c, int worker)
{
    return c->work + worker * c->each;
}

/* The gradient at the output is that of an input too: a copy, a sum, or
 * nothing where both lie in one place. */
static void op_pass(const N(call) * c, const N(arg) * to, const N(arg) * y)
{
    eg_index n = op_at_once(to, to->ld, y->ld);

    if (to->g == y->g) return;
    if (to->fresh) {
        op_copy(to, to->g, y->g, y->ld);
        return;
    }
    for (eg_index i = 0; i < to->rows; i += n)
        c->K->add(to->g + i * to->ld, y->g + i * y->ld, n * to->cols);
}

/* dx = dy f'(.) of an activation; f reads the row of `at`. */
static void op_activation_back(const N(call) * c,
                               void (*back)(real *dx, const real *dy,
                                            const real *x, eg_index n),
                               const N(arg) * at)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++) {
        real *to = x->fresh ? x->g + i * x->ld : c->work;
        back(to, y->g + i * y->ld, at->x + i * at->ld, y->cols);
        if (!x->fresh) c->K->add(x->g + i * x->ld, to, y->cols);
    }
}

/* A row for every position, as wide as the table that is input 0. */
static eg_status op_shape_of_table(egi_program *p, egi_op *op)
{
    egi_out(p, op, 0, EGI_POSITION, p->m->T, egi_value_of(p, op->in[0])->cols);
    return p->st;
}

static eg_status op_shape_as_input(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, x->cols);
    return p->st;
}

/* A loss: for each row of its input a number, which stands in N(seq). */
static eg_status op_shape_loss(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, 0);
    return p->st;
}

static eg_index op_work_row(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    (void)K;
    return egi_value_of(p, op->in[0])->cols;
}

/* Attention's outputs: z [rows, heads vw] and the patterns, whole causal blocks
 * and what ragged rows add. */
static eg_status op_attention_shape(egi_program *p, egi_op *op, egi_class cls,
                                    eg_index rows, eg_index vw)
{
    eg_index T = p->m->T, block = EG_ATTN_BLOCK, heads = op->attr.heads;

    egi_out(p, op, 0, cls, rows, heads * vw);
    egi_by_product(p, op, 1, cls, rows, 1,
                   heads * (T * T / (op->attr.whole ? 1 : 2) + 2 * block * T +
                            block * block));
    return p->st;
}

/* Groups of its heads that add to the same heads of keys and of values. */
static int op_groups(const egi_attr *a)
{
    return a->k_heads < a->v_heads ? a->k_heads : a->v_heads;
}

/* Its multiply-adds, of pairs of a query and a key: scores, with what their
 * gradients reach; values, forwards, dP and dv. */
static void op_attention_cost(const egi_program *p, const egi_op *op,
                              double pairs, eg_index scores, int score_passes,
                              egi_cost *out)
{
    const egi_value *z = egi_value_of(p, op->out[0]);
    int passes = 1 + z->grad + egi_value_of(p, op->in[2])->grad;

    out->looked_up = pairs * (double)scores * score_passes;
    out->madds = out->looked_up + pairs * (double)z->cols * passes;
    out->attention = out->madds;
}

/* Of y = x W, forwards and for each gradient. */
static void op_linear_cost(const egi_program *p, const egi_op *op, double rows,
                           double pairs, egi_cost *out)
{
    const egi_value *w = egi_value_of(p, op->in[1]);
    int passes = 1 + w->grad + egi_value_of(p, op->in[0])->grad;

    (void)pairs;
    out->madds = rows * (double)w->rows * (double)w->cols * passes;
}

static real op_exp(real x)
{
#ifdef EG_REAL_DOUBLE
    return exp(x);
#else
    return expf(x);
#endif
}

/* The stream of an op's masks in the sequence in hand. */
static uint64_t op_mask_key(const N(call) * c)
{
    if (c->op->attr.drop <= 0) return 0;
    return egi_mix(c->seq->draw + egi_mix(c->op->attr.stream));
}

/* 0 with probability drop, else 1 / (1 - drop). */
static real op_mask(uint64_t key, uint64_t entry, double drop)
{
    if (drop <= 0) return 1;
    return egi_kept(key, entry, drop) ? (real)(1 / (1 - drop)) : 0;
}

/* c [M, n] (+)= A B of weights, on all threads where that pays. */
static void op_product(const N(call) * c, real *y, eg_index ldy, const real *a,
                       eg_index ars, eg_index acs, const real *b, eg_index brs,
                       eg_index bcs, eg_index M, eg_index n, eg_index K,
                       double alpha, bool add)
{
    N(product)
    ((N(team)){c->K, c->pool, c->work}, y, ldy, (N(mat)){a, ars, acs},
     (N(mat)){b, brs, bcs}, M, n, K, (real)alpha, add);
}

/* ---- the kinds ----------------------------------------------------------- */

#define KIND(row, ...) \
    static const N(kind) kind_##row = {.info.name = #row, __VA_ARGS__}

#include "nn/real/recur.h"
#include "nn/real/recur_wide.h"
#include "nn/real/recur_wide_back.h"
#include "nn/real/ridge.h"
#include "nn/real/vec_norm.h"

#include "nn_ops.h" /* every file of nn/ops, by src/nn/nn.cmake */

#define ROW(name, help) &kind_##name,
const N(kind) *const N(kinds)[EGI_N_KINDS] = {EGI_OPS(ROW)};
