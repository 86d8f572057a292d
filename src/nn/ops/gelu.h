/* y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).   in: x
 * Hendrycks, Gimpel 2016 (1606.08415), the tanh form. */
static void gelu_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        c->K->gelu(y->x + i * y->ld, x->x + i * x->ld, y->cols);
}

static void gelu_backward(const N(call) * c)
{
    op_activation_back(c, c->K->gelu_back, &c->in[0]);
}

KIND(gelu, .shape = op_shape_as_input, .forward = gelu_forward,
     .backward = gelu_backward, .work = op_work_row, .info.reads_in = 1u << 0,
     .info.grad_in_place = 1u << 0, .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0);
