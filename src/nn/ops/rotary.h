/* y = x with pairs of each head's columns, (2i, 2i+1) or attr.halves
 * (i, i + width/2), turned by the angle t theta^(-2i / width).
 * in: x [rows, heads width] */
static eg_status rotary_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, x->cols);
    return p->st;
}

/* y (+)= x turned forwards (sign 1) or back (-1); y may be x. */
static void rotary_turn(const N(call) * c, real *y, eg_index ldy, const real *x,
                        eg_index ldx, int sign, bool add)
{
    eg_index heads = c->op->attr.heads, width = c->out[0].cols / heads;
    bool halves = c->op->attr.halves;
    eg_index next = halves ? 1 : 2, other = halves ? width / 2 : 1;

    for (eg_index r = 0; r < c->out[0].rows; r++)
        for (eg_index h = 0; h < heads; h++) {
            const real *table = c->table + (c->limit[r] - 1) * width;
            const real *from = x + r * ldx + h * width;
            real *to = y + r * ldy + h * width;

            for (eg_index i = 0; i < width / 2; i++) {
                real u = table[2 * i], v = (real)sign * table[2 * i + 1];
                real a = from[i * next], b = from[i * next + other];
                real *one = to + i * next, *two = one + other;

                *one = (add ? *one : 0) + (u * a - v * b);
                *two = (add ? *two : 0) + (v * a + u * b);
            }
        }
}

static void rotary_forward(const N(call) * c)
{
    rotary_turn(c, c->out[0].x, c->out[0].ld, c->in[0].x, c->in[0].ld, 1,
                false);
}

static void rotary_backward(const N(call) * c)
{
    rotary_turn(c, c->in[0].g, c->in[0].ld, c->out[0].g, c->out[0].ld, -1,
                !c->in[0].fresh);
}

static eg_index rotary_table(const egi_program *p, const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    return p->m->T * (x->cols / op->attr.heads);
}

static void rotary_fill(real *table, const egi_program *p, const egi_op *op)
{
    eg_index width = egi_value_of(p, op->in[0])->cols / op->attr.heads;

    for (eg_index t = 0; t < p->m->T; t++)
        for (eg_index i = 0; i < width / 2; i++) {
            double rate = pow(op->attr.theta, -2.0 * (double)i / (double)width);
            table[t * width + 2 * i] = (real)cos((double)t * rate);
            table[t * width + 2 * i + 1] = (real)sin((double)t * rate);
        }
}

KIND(rotary, .shape = rotary_shape, .forward = rotary_forward,
     .backward = rotary_backward, .table = rotary_table, .fill = rotary_fill,
     .info.in_place = 1u << 0, .info.grad_in_place = 1u << 0,
     .info.any_rows = true, .info.apart = true, .info.by_row = 1u << 0);
