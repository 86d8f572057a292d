/* The kinds of op, in one precision: each is one file of nn/ops. */
#include <math.h>
#include <string.h>

#include "nn/real/op.h"

/* ---- what several kinds use ---------------------------------------------- */

static void op_copy(const N(arg) * to, real *y, const real *x, eg_index ldx)
{
    for (eg_index i = 0; i < to->rows; i++)
        memcpy(y + i * to->ld, x + i * ldx, (size_t)to->cols * sizeof *y);
}

static void op_zero(real *y, eg_index ld, eg_index rows, eg_index cols)
{
    for (eg_index i = 0; i < rows; i++)
        memset(y + i * ld, 0, (size_t)cols * sizeof *y);
}

static eg_index op_most(eg_index a, eg_index b)
{
    return a > b ? a : b;
}

/* The gradient at the output is that of an input too: a copy, a sum, or
 * nothing where both lie in one place. */
static void op_pass(const N(call) * c, const N(arg) * to, const N(arg) * y)
{
    if (to->g == y->g) return;
    if (to->fresh) {
        op_copy(to, to->g, y->g, y->ld);
        return;
    }
    for (eg_index i = 0; i < to->rows; i++)
        c->K->add(to->g + i * to->ld, y->g + i * y->ld, to->cols);
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

static eg_status op_shape_as_input(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, x->cols);
    return p->st;
}

static eg_index op_work_row(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    (void)K;
    return egi_value_of(p, op->in[0])->cols;
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

/* clang-format off: embed before gather, softmax before lookup */
#include "nn/ops/add.h"
#include "nn/ops/beside.h"
#include "nn/ops/centre.h"
#include "nn/ops/embed.h"
#include "nn/ops/gain.h"
#include "nn/ops/gather.h"
#include "nn/ops/gelu.h"
#include "nn/ops/layernorm.h"
#include "nn/ops/linear.h"
#include "nn/ops/pairs.h"
#include "nn/ops/pick.h"
#include "nn/ops/place.h"
#include "nn/ops/product.h"
#include "nn/ops/relu.h"
#include "nn/ops/rotary.h"
#include "nn/ops/rstd.h"
#include "nn/ops/softmax.h"
#include "nn/ops/lookup.h"
#include "nn/ops/spread.h"
#include "nn/ops/stack.h"
#include "nn/ops/transpose.h"
#include "nn/ops/xent.h"
/* clang-format on */

#define ROW(name, help) &kind_##name,
const N(kind) *const N(kinds)[EGI_N_KINDS] = {EGI_OPS(ROW)};
