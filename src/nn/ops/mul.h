/* y = a * b, entry by entry.   in: a, b [rows, n] */
static void mul_forward(const N(call) * c)
{
    const N(arg) *a = &c->in[0], *b = &c->in[1], *y = &c->out[0];

    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index i = 0; i < y->cols; i++)
            y->x[r * y->ld + i] = a->x[r * a->ld + i] * b->x[r * b->ld + i];
}

/* to (+)= dy * other */
static void mul_pass(const N(arg) * to, const N(arg) * other, const N(arg) * y)
{
    for (eg_index r = 0; to->g && r < y->rows; r++)
        for (eg_index i = 0; i < y->cols; i++) {
            real v = y->g[r * y->ld + i] * other->x[r * other->ld + i];
            real *g = &to->g[r * to->ld + i];

            *g = to->fresh ? v : *g + v;
        }
}

static void mul_backward(const N(call) * c)
{
    mul_pass(&c->in[0], &c->in[1], &c->out[0]);
    mul_pass(&c->in[1], &c->in[0], &c->out[0]);
}

KIND(mul, .shape = op_shape_as_input, .forward = mul_forward,
     .backward = mul_backward, .info.reads_in = 1u << 0 | 1u << 1,
     .info.any_rows = true, .info.apart = true,
     .info.by_row = 1u << 0 | 1u << 1);
