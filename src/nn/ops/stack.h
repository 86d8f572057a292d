/* Y = [A; 0; B]: the rows of A, those of B from row attr.at on, zeros between
 * and behind.   in: A [m, n], B [k, n] or none. On weights. */
static eg_status stack_shape(egi_program *p, egi_op *op)
{
    const egi_value *a = egi_value_of(p, op->in[0]);
    eg_index rows = op->attr.at;

    if (op->in[1] >= 0) rows += egi_value_of(p, op->in[1])->rows;
    egi_out(p, op, 0, EGI_WEIGHT, (rows + 15) / 16 * 16, a->cols);
    return p->st;
}

static void stack_forward(const N(call) * c)
{
    const N(arg) *y = &c->out[0], *b = &c->in[1];

    op_zero(y->x, y->ld, y->rows, y->cols);
    op_copy(&c->in[0], y->x, c->in[0].x, c->in[0].ld);
    if (b->x) op_copy(b, y->x + c->op->attr.at * y->ld, b->x, b->ld);
}

static void stack_backward(const N(call) * c)
{
    const N(arg) *y = &c->out[0], *a = &c->in[0], *b = &c->in[1];

    if (a->g) c->K->add(a->g, y->g, a->rows * a->cols);
    if (b->g) c->K->add(b->g, y->g + c->op->attr.at * y->ld, b->rows * b->cols);
}

KIND(stack, .shape = stack_shape, .forward = stack_forward,
     .backward = stack_backward);
