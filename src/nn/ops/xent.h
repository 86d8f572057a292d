/* nll[r] = log sum exp x[r] - x[r, target]; the loss is their sum over rows
 * with a target. Forward writes the gradient, in the place of x.
 * in: x [rows, V] */
static eg_status xent_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, 0);
    return p->st;
}

static void xent_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0];

    c->K->xent(x->g, c->seq->nll, c->seq->pred, x->x, x->ld, c->seq->target,
               x->rows, x->cols, 1);
}

static void xent_backward(const N(call) * c)
{
    (void)c; /* done */
}

KIND(xent, .shape = xent_shape, .forward = xent_forward,
     .backward = xent_backward, .info.seeds = true, .info.any_rows = true,
     .info.by_row = 1u << 0);
