/* y = m x entry by entry, m = 0 with probability attr.drop and else
 * 1 / (1 - drop): a pure function of (seed, step, sequence, attr.stream,
 * position, column), made anew in backward.   in: x */
static void dropout_apply(const N(call) * c, real *to, eg_index ldt,
                          const real *from, eg_index ldf, bool add)
{
    uint64_t key = op_mask_key(c);
    double drop = c->op->attr.drop;

    for (eg_index r = 0; r < c->out[0].rows; r++) {
        uint64_t first = (uint64_t)c->limit[r] << 24;

        for (eg_index i = 0; i < c->out[0].cols; i++) {
            real x =
                from[r * ldf + i] * op_mask(key, first + (uint64_t)i, drop);

            to[r * ldt + i] = add ? to[r * ldt + i] + x : x;
        }
    }
}

static void dropout_forward(const N(call) * c)
{
    dropout_apply(c, c->out[0].x, c->out[0].ld, c->in[0].x, c->in[0].ld, false);
}

static void dropout_backward(const N(call) * c)
{
    dropout_apply(c, c->in[0].g, c->in[0].ld, c->out[0].g, c->out[0].ld,
                  !c->in[0].fresh);
}

KIND(dropout, .shape = op_shape_as_input, .forward = dropout_forward,
     .backward = dropout_backward, .info.in_place = 1u << 0,
     .info.grad_in_place = 1u << 0, .info.any_rows = true, .info.draws = true,
     .info.apart = true, .info.by_row = 1u << 0);
