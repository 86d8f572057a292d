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

static void layernorm_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *xhat = &c->out[1];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;
    const real *b = c->in[2].x ? c->in[2].x : c->table;

    for (eg_index h = 0; h < heads; h++)
        c->K->layernorm(y->x + h * d, y->ld, xhat->x + h * d, xhat->ld,
                        c->out[2].x + h * y->rows, x->x + h * d, x->ld,
                        c->in[1].x, b, y->rows, d, c->op->attr.eps);
}

static void layernorm_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *xhat = &c->out[1];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;
    /* gain and bias alone may be wanted */
    real *to = x->g ? x->g : c->work;
    eg_index ld = x->g ? x->ld : x->cols;

    if (!x->g || x->fresh) op_zero(to, ld, y->rows, x->cols);
    for (eg_index h = 0; h < heads; h++)
        c->K->layernorm_back(to + h * d, ld, c->in[1].g, c->in[2].g,
                             y->g + h * d, y->ld, xhat->x + h * d, xhat->ld,
                             c->out[2].x + h * y->rows, c->in[1].x, y->rows, d);
}

static eg_index norm_work(const kern *K, const egi_program *p, const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    (void)K;
    return x->grad ? 0 : egi_rows(p, x) * x->cols;
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
     .table = layernorm_table, .fill = layernorm_fill, .info.reads_in = 1u << 1,
     .info.reads_out = 1u << 1 | 1u << 2, .info.in_place = 1u << 0,
     .info.joint = true, .info.any_rows = true, .info.by_row = 1u << 0);
