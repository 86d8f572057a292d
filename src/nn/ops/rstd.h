/* s[t] = 1 / sqrt(var(x[r]) + eps), biased variance: what a layer norm divides
 * by, where the rest of it stands in tables. Its entries are found by position,
 * t that of row r.   in: x [rows, d]
 * ds/dx = -s^3 (x - mean) / d. */
static eg_status rstd_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, x->cls, x->rows, 1);
    return p->st;
}

/* work = x[r] minus its mean; c->table holds ones. */
static void rstd_centred(const N(call) * c, eg_index r)
{
    const N(arg) *x = &c->in[0];
    const real *row = x->x + r * x->ld;
    double mean = c->K->dot(row, c->table, x->cols) / (double)x->cols;

    memcpy(c->work, row, (size_t)x->cols * sizeof *row);
    c->K->axpy(c->work, (real)-mean, c->table, x->cols);
}

static void rstd_forward(const N(call) * c)
{
    eg_index d = c->in[0].cols;

    for (eg_index r = 0; r < c->out[0].rows; r++) {
        rstd_centred(c, r);
        double var = c->K->sumsq(c->work, d) / (double)d;
        c->out[0].x[c->limit[r] - 1] = (real)(1 / sqrt(var + c->op->attr.eps));
    }
}

static void rstd_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *s = &c->out[0];

    if (x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    for (eg_index r = 0; r < s->rows; r++) {
        double y = (double)s->x[c->limit[r] - 1];
        double dy = (double)s->g[c->limit[r] - 1];

        rstd_centred(c, r);
        c->K->axpy(x->g + r * x->ld, (real)(-y * y * y * dy / (double)x->cols),
                   c->work, x->cols);
    }
}

static eg_index rstd_work(const kern *K, const egi_program *p, const egi_op *op)
{
    (void)K;
    return egi_value_of(p, op->in[0])->cols;
}

static eg_index rstd_table(const egi_program *p, const egi_op *op)
{
    return egi_value_of(p, op->in[0])->cols;
}

static void rstd_fill(real *table, const egi_program *p, const egi_op *op)
{
    for (eg_index i = 0; i < rstd_table(p, op); i++) table[i] = 1;
}

KIND(rstd, .shape = rstd_shape, .forward = rstd_forward,
     .backward = rstd_backward, .work = rstd_work, .table = rstd_table,
     .fill = rstd_fill, .info.reads_in = 1u << 0, .info.reads_out = 1u << 0,
     .info.any_rows = true, .info.by_row = 1u << 0);
