/* What threads share of one sequence: ops whose rows have nothing to do with
 * each other, in parts; and columns of weights, packed by themselves. Parts
 * depend on shapes alone, so that nothing depends on the threads. */
#include "nn/real/op.h"

/* Rows of a part, and entries from which on an op is worth parting. */
enum { ROWS = 32, WORTH = 1 << 17 };

typedef struct job {
    const N(call) * c;
    bool back;
} job;

static void run(const N(call) * c, bool back)
{
    const N(kind) *kind = N(kinds)[c->op->kind];

    if (back)
        kind->backward(c);
    else
        kind->forward(c);
}

static void rows_from(N(arg) * a, eg_index at, eg_index rows)
{
    if (a->x) a->x += at * a->ld;
    if (a->g) a->g += at * a->ld;
    a->rows = rows;
}

static void rows_task(void *ctx, int i, int worker)
{
    const job *j = ctx;
    eg_index at = (eg_index)i * ROWS, rows = j->c->out[0].rows - at;
    N(call) c = *j->c;

    if (rows > ROWS) rows = ROWS;
    for (int k = 0; k < EGI_INS; k++) rows_from(&c.in[k], at, rows);
    rows_from(&c.out[0], at, rows);
    if (c.limit) c.limit += at;
    if (c.sees) c.sees += at;
    c.work += worker * c.each;
    run(&c, j->back);
}

void N(op_run)(const N(call) * c, bool back)
{
    const N(arg) *y = &c->out[0];
    job j = {c, back};

    if (c->pool && c->seq && egi_op_info(c->op->kind)->apart &&
        y->rows * y->cols >= WORTH)
        eg_pool_run(c->pool, (int)((y->rows + ROWS - 1) / ROWS), rows_task, &j);
    else
        run(c, back);
}

eg_index N(pack_size)(const kern *K, eg_index rows, eg_index cols, bool parts)
{
    eg_index part = egi_part(cols), whole = parts ? cols / part : 0;

    if (whole == 0) return K->pack_size(rows, cols);
    return whole * K->pack_size(rows, part) +
           K->pack_size(rows, cols - whole * part);
}
