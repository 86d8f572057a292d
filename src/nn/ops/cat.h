/* y[r] = [x[r], P[t]], t the position of row r.   in: x [rows, d], P [n_ctx, m]
 */
static eg_status cat_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows,
            x->cols + egi_value_of(p, op->in[1])->cols);
    return p->st;
}

static void cat_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *P = &c->in[1], *y = &c->out[0];

    op_copy(&(N(arg)){.ld = y->ld, .rows = y->rows, .cols = x->cols}, y->x,
            x->x, x->ld);
    for (eg_index r = 0; r < y->rows; r++)
        memcpy(y->x + r * y->ld + x->cols, P->x + (c->limit[r] - 1) * P->ld,
               (size_t)P->cols * sizeof(real));
}

static void cat_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *P = &c->in[1], *y = &c->out[0];

    if (x->g) op_pass(c, x, y);
    for (eg_index r = 0; P->g && r < y->rows; r++)
        c->K->add(P->g + (c->limit[r] - 1) * P->ld, y->g + r * y->ld + x->cols,
                  P->cols);
}

KIND(cat, .shape = cat_shape, .forward = cat_forward, .backward = cat_backward,
     .info.any_rows = true, .info.by_row = 1u << 0);
