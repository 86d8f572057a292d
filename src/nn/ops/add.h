/* y = a + b.   in: a, b [rows, n] */
static eg_status add_shape(egi_program *p, egi_op *op)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    const egi_value *b = egi_value_of(p, op->in[1]);

    EG_ASSERT(a->cols == b->cols && a->cls == b->cls);
    egi_out(p, op, 0, a->cls, a->rows, a->cols);
    return p->st;
}

static void add_forward(const N(call) * c)
{
    const N(arg) *a = &c->in[0], *b = &c->in[1], *y = &c->out[0];

    if (a->x != y->x) op_copy(y, y->x, a->x, a->ld);
    for (eg_index i = 0; i < y->rows; i++)
        c->K->add(y->x + i * y->ld, b->x + i * b->ld, y->cols);
}

/* b first: a may have y's place. */
static void add_backward(const N(call) * c)
{
    if (c->in[1].g) op_pass(c, &c->in[1], &c->out[0]);
    if (c->in[0].g) op_pass(c, &c->in[0], &c->out[0]);
}

KIND(add, .shape = add_shape, .forward = add_forward, .backward = add_backward,
     .info.in_place = 1u << 0, .info.grad_in_place = 1u << 0,
     .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0 | 1u << 1);
