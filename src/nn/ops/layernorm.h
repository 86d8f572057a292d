/* xhat = (x - mean) / sqrt(var + eps), y = xhat w + b; biased variance; of each
 * of attr.heads parts of a row alike.
 * in: x [rows, heads d], w [1, d], b [1, d] or none; by-products: xhat, 1 /
 * std. Ba, Kiros, Hinton 2016 (1607.06450), section 3. */
static eg_status norm_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    egi_class cls = x->cls;
    eg_index rows = x->rows, n = x->cols;

    egi_out(p, op, 0, cls, rows, n);
    egi_by_product(p, op, 1, cls, rows, n, 0);
    egi_by_product(p, op, 2, cls, rows, op->attr.heads, rows * op->attr.heads);
    return p->st;
}

/* Rows of a task of a team, and what an entry takes, in multiply-adds. */
enum { NORM_ROWS = 32, NORM_MADDS = 128 };

static double norm_madds(const N(call) * c)
{
    return (double)NORM_MADDS * (double)(c->out[0].rows * c->out[0].cols);
}

static void layernorm_rows(const N(call) * c, eg_index row, eg_index rows)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *xhat = &c->out[1];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;
    const real *b = c->in[2].x ? c->in[2].x : c->table;

    for (eg_index h = 0; h < heads; h++)
        c->K->layernorm(y->x + row * y->ld + h * d, y->ld,
                        xhat->x + row * xhat->ld + h * d, xhat->ld,
                        c->out[2].x + h * y->rows + row,
                        x->x + row * x->ld + h * d, x->ld, c->in[1].x, b, rows,
                        d, c->op->attr.eps);
}

static void layernorm_task(void *ctx, int i, int worker)
{
    const N(call) *c = ctx;
    eg_index row = (eg_index)i * NORM_ROWS;

    (void)worker;
    layernorm_rows(c, row, op_least(c->out[0].rows - row, NORM_ROWS));
}

static void layernorm_forward(const N(call) * c)
{
    N(call) all = *c;

    if (!c->pool || norm_madds(c) < OP_WORTH)
        layernorm_rows(c, 0, c->out[0].rows);
    else
        op_share(c, norm_madds(c), op_parts(c->out[0].rows, NORM_ROWS),
                 layernorm_task, &all);
}

/* dx of some rows, and what they add to dw and db (or NULL). */
static void layernorm_rows_back(const N(call) * c, eg_index row, eg_index rows,
                                real *dw, real *db)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *xhat = &c->out[1];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;
    /* gain and bias alone may be wanted */
    eg_index ld = x->g ? x->ld : x->cols;
    real *to = (x->g ? x->g : c->work) + row * ld;

    if (!x->g || x->fresh) op_zero(to, ld, rows, x->cols);
    for (eg_index h = 0; h < heads; h++)
        c->K->layernorm_back(to + h * d, ld, dw, db, y->g + row * y->ld + h * d,
                             y->ld, xhat->x + row * xhat->ld + h * d, xhat->ld,
                             c->out[2].x + h * y->rows + row, c->in[1].x, rows,
                             d);
}

/* Gains' and biases' gradients of a task, side by side. */
static void layernorm_back_task(void *ctx, int i, int worker)
{
    const N(call) *c = ctx;
    eg_index row = (eg_index)i * NORM_ROWS, d = c->in[1].cols;
    real *dw = c->shared + (eg_index)2 * i * d, *db = dw + d;

    (void)worker;
    op_zero(dw, 0, 1, 2 * d);
    layernorm_rows_back(c, row, op_least(c->out[0].rows - row, NORM_ROWS),
                        c->in[1].g ? dw : NULL, c->in[2].g ? db : NULL);
}

static void layernorm_backward(const N(call) * c)
{
    real *dw = c->in[1].g, *db = c->in[2].g;
    eg_index d = c->in[1].cols;
    int parts = op_parts(c->out[0].rows, NORM_ROWS);
    N(call) all = *c;

    if (!c->pool || norm_madds(c) < OP_WORTH) {
        layernorm_rows_back(c, 0, c->out[0].rows, dw, db);
        return;
    }
    op_share(c, norm_madds(c), parts, layernorm_back_task, &all);
    for (int i = 0; i < parts; i++) {
        const real *part = c->shared + (eg_index)2 * i * d;

        if (dw) c->K->add(dw, part, d);
        if (db) c->K->add(db, part + d, d);
    }
}

static eg_index norm_work(const kern *K, const egi_program *p, const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    (void)K;
    return x->grad ? 0 : egi_rows(p, x) * x->cols;
}

static eg_index layernorm_shared(const kern *K, const egi_program *p,
                                 const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    (void)K;
    if (!p->team) return 0;
    return (eg_index)2 * op_parts(egi_rows(p, x), NORM_ROWS) *
           egi_value_of(p, op->in[1])->cols;
}

/* Zeros, for the bias that is left out. */
static eg_index layernorm_table(const egi_program *p, const egi_op *op)
{
    return op->in[2] < 0 ? egi_value_of(p, op->in[1])->cols : 0;
}

static void layernorm_fill(real *table, const egi_program *p, const egi_op *op)
{
    op_zero(table, 0, 1, layernorm_table(p, op));
}

KIND(layernorm, .shape = norm_shape, .forward = layernorm_forward,
     .backward = layernorm_backward, .work = norm_work,
     .shared = layernorm_shared, .table = layernorm_table,
     .fill = layernorm_fill, .info.reads_in = 1u << 1,
     .info.reads_out = 1u << 1 | 1u << 2, .info.in_place = 1u << 0,
     .info.joint = true, .info.any_rows = true, .info.by_row = 1u << 0);
