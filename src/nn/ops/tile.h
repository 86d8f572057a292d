/* y = [x, x, ..., x], once for each of attr.heads heads.   in: x [rows, d] */
static eg_status tile_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, x->cols * op->attr.heads);
    return p->st;
}

static void tile_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index h = 0; h < c->op->attr.heads; h++)
        for (eg_index r = 0; r < y->rows; r++)
            memcpy(y->x + r * y->ld + h * x->cols, x->x + r * x->ld,
                   (size_t)x->cols * sizeof(real));
}

static void tile_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    if (x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    for (eg_index h = 0; h < c->op->attr.heads; h++)
        for (eg_index r = 0; r < y->rows; r++)
            c->K->add(x->g + r * x->ld, y->g + r * y->ld + h * x->cols,
                      x->cols);
}

KIND(tile, .shape = tile_shape, .forward = tile_forward,
     .backward = tile_backward, .info.any_rows = true, .info.by_row = 1u << 0);
