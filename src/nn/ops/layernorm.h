/* xhat = (x - mean) / sqrt(var + eps), y = xhat w + b; biased variance.
 * in: x [rows, d], w [1, d], b [1, d]; by-products: xhat, 1 / std.
 * Ba, Kiros, Hinton 2016 (1607.06450), section 3. */
static eg_status layernorm_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    egi_class cls = x->cls;
    eg_index rows = x->rows, d = x->cols;

    egi_out(p, op, 0, cls, rows, d);
    egi_by_product(p, op, 1, cls, rows, d, 0);
    egi_by_product(p, op, 2, cls, rows, 1, rows);
    return p->st;
}

static void layernorm_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *h = &c->out[1];

    c->K->layernorm(y->x, y->ld, h->x, h->ld, c->out[2].x, x->x, x->ld,
                    c->in[1].x, c->in[2].x, y->rows, y->cols, c->op->attr.eps);
}

static void layernorm_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0], *h = &c->out[1];
    real *to = x->g;
    eg_index ld = x->ld;

    if (!to) { /* gain and bias alone are wanted */
        to = c->work;
        ld = x->cols;
    }
    if (!x->g || x->fresh) op_zero(to, ld, y->rows, x->cols);
    c->K->layernorm_back(to, ld, c->in[1].g, c->in[2].g, y->g, y->ld, h->x,
                         h->ld, c->out[2].x, c->in[1].x, y->rows, x->cols);
}

static eg_index layernorm_work(const kern *K, const egi_program *p,
                               const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    (void)K;
    return x->grad ? 0 : x->rows * x->cols;
}

KIND(layernorm, .shape = layernorm_shape, .forward = layernorm_forward,
     .backward = layernorm_backward, .work = layernorm_work,
     .info.reads_in = 1u << 1, .info.reads_out = 1u << 1 | 1u << 2,
     .info.in_place = 1u << 0, .info.any_rows = true, .info.by_row = 1u << 0);
