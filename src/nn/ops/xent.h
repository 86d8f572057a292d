/* nll[r] = log sum exp x[r] - x[r, target]; the loss is their sum over rows
 * with a target. Forward writes the gradient, in the place of x.
 * in: x [rows, V] */
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

KIND(xent, .shape = op_shape_loss, .forward = xent_forward,
     .backward = xent_backward, .info.seeds = true, .info.joint = true,
     .info.any_rows = true, .info.by_row = 1u << 0);
