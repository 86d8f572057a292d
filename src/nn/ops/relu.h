/* y = max(x, 0).   in: x. Backward asks of y whether x was positive. Where x
 * and y differ the gradient of x is 0, so that sums of products with it may
 * read y for x. */
static void relu_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *y = &c->out[0];

    for (eg_index i = 0; i < y->rows; i++)
        c->K->relu(y->x + i * y->ld, x->x + i * x->ld, y->cols);
}

static void relu_backward(const N(call) * c)
{
    op_activation_back(c, c->K->relu_back, &c->out[0]);
}

KIND(relu, .shape = op_shape_as_input, .forward = relu_forward,
     .backward = relu_backward, .work = op_work_row, .info.reads_out = 1u << 0,
     .info.stands_in = true, .info.in_place = 1u << 0,
     .info.grad_in_place = 1u << 0, .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0);
