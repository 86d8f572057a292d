/* y = x / sqrt(|x|^2 + eps), of each of attr.heads parts of a row; 0 of 0, with
 * eps 0 too.   in: x [rows, heads d]; by-product: 1 / that root. */
static eg_status unitnorm_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    egi_class cls = x->cls;
    eg_index rows = x->rows, n = x->cols;

    egi_out(p, op, 0, cls, rows, n);
    egi_by_product(p, op, 2, cls, rows, op->attr.heads, rows * op->attr.heads);
    return p->st;
}

static void unitnorm_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index h = 0; h < heads; h++) {
            const real *from = x->x + r * x->ld + h * d;
            real *to = y->x + r * y->ld + h * d;
            double sum = c->K->sumsq(from, d) + c->op->attr.eps;
            real s = (real)(sum > 0 ? 1 / sqrt(sum) : 0);

            c->out[2].x[h * y->rows + r] = s;
            for (eg_index j = 0; j < d; j++) to[j] = from[j] * s;
        }
}

/* dx = s (dy - y (dy . y)) */
static void unitnorm_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    eg_index heads = c->op->attr.heads, d = y->cols / heads;

    if (x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index h = 0; h < heads; h++) {
            const real *dy = y->g + r * y->ld + h * d;
            const real *at = y->x + r * y->ld + h * d;
            real *dx = x->g + r * x->ld + h * d;
            real s = c->out[2].x[h * y->rows + r];

            c->K->axpy(dx, s, dy, d);
            c->K->axpy(dx, -s * (real)c->K->dot(dy, at, d), at, d);
        }
}

KIND(unitnorm, .shape = unitnorm_shape, .forward = unitnorm_forward,
     .backward = unitnorm_backward, .info.reads_out = 1u << 0 | 1u << 2,
     .info.in_place = 1u << 0, .info.joint = true, .info.any_rows = true,
     .info.by_row = 1u << 0);
