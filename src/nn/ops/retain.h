/* What retention keeps from one position to the next: y[t, h] = 1 - 2^(-5 - h)
 * in head h, whatever x is.   in: x [n, any], of which the rows alone count */
static eg_status retain_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, op->attr.heads);
    return p->st;
}

static void retain_forward(const N(call) * c)
{
    const N(arg) *y = &c->out[0];

    for (eg_index t = 0; t < y->rows; t++)
        for (eg_index h = 0; h < y->cols; h++)
            y->x[t * y->ld + h] = (real)(1 - exp2(-5 - (double)h));
}

KIND(retain, .shape = retain_shape, .forward = retain_forward,
     .info.any_rows = true, .info.by_row = 1u << 0, .info.still = true);
