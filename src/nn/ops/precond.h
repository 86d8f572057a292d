/* Keys over a running second moment, column by column:
 *     a_t = g a_{t-1} + b k^2,  r = log(a_t + 1e-6) - c,
 *     y = k 1.5^(-r / (1 + |r|))
 * between k / 1.5 and 1.5 k, whatever a is.
 * in: k [n, heads w], g, b [n, heads], c [1, heads]; by-product: a */
static eg_status precond_shape(egi_program *p, egi_op *op)
{
    const egi_value *k = egi_value_of(p, op->in[0]);
    egi_class cls = k->cls;
    eg_index rows = k->rows, cols = k->cols;

    egi_out(p, op, 0, cls, rows, cols);
    egi_by_product(p, op, 1, cls, rows, cols, 0);
    return p->st;
}

/* 1.5^(-r / (1 + |r|)), and its slope over itself. */
static double precond_factor(double a, double c, double *slope)
{
    const double base = 0.40546510810816438198; /* log 1.5 */
    double r = log(a + 1e-6) - c, n = 1 + fabs(r);

    *slope = -base / (n * n);
    return exp(-base * r / n);
}

/* Row t, and a_t from a_{t-1}, which may be in one place; before NULL: 0. */
static void precond_row(const N(call) * c, eg_index t, real *now,
                        const real *before)
{
    const N(arg) *k = &c->in[0], *y = &c->out[0];
    eg_index w = y->cols / c->in[1].cols;
    double slope;

    for (eg_index i = 0; i < y->cols; i++) {
        eg_index h = i / w;
        real key = k->x[t * k->ld + i];

        now[i] = c->in[1].x[t * c->in[1].ld + h] * (before ? before[i] : 0) +
                 c->in[2].x[t * c->in[2].ld + h] * key * key;
        y->x[t * y->ld + i] =
            key *
            (real)precond_factor((double)now[i], (double)c->in[3].x[h], &slope);
    }
}

static void precond_forward(const N(call) * c)
{
    const N(arg) *a = &c->out[1];

    for (eg_index t = 0; t < c->out[0].rows; t++)
        precond_row(c, t, a->x + t * a->ld,
                    t > 0 ? a->x + (t - 1) * a->ld : NULL);
}

static eg_index precond_state(const kern *K, const egi_program *p,
                              const egi_op *op)
{
    (void)K;
    return egi_value_of(p, op->in[0])->cols;
}

static void precond_next(const N(call) * c, real *state, bool first)
{
    precond_row(c, 0, state, first ? NULL : state);
}

/* One entry back; carry is da_t from the positions behind, then for the one
 * before. */
static void precond_entry(const N(call) * c, eg_index t, eg_index i, eg_index h,
                          double *carry)
{
    const N(arg) *k = &c->in[0], *g = &c->in[1], *b = &c->in[2];
    const N(arg) *o = &c->in[3], *y = &c->out[0], *a = &c->out[1];
    double key = (double)k->x[t * k->ld + i], slope;
    double now = (double)a->x[t * a->ld + i];
    double before = t > 0 ? (double)a->x[(t - 1) * a->ld + i] : 0;
    double f = precond_factor(now, (double)o->x[h], &slope);
    double dy = (double)y->g[t * y->ld + i], dr = dy * key * f * slope;
    double da = *carry + dr / (now + 1e-6);

    if (k->g)
        k->g[t * k->ld + i] +=
            (real)(dy * f + 2 * key * da * (double)b->x[t * b->ld + h]);
    if (g->g) g->g[t * g->ld + h] += (real)(da * before);
    if (b->g) b->g[t * b->ld + h] += (real)(da * key * key);
    if (o->g) o->g[h] -= (real)dr;
    *carry = da * (double)g->x[t * g->ld + h];
}

static void precond_backward(const N(call) * c)
{
    const N(arg) *y = &c->out[0];
    eg_index w = y->cols / c->in[1].cols;

    for (int i = 0; i < 3; i++) {
        const N(arg) *a = &c->in[i];

        if (a->g && a->fresh) op_zero(a->g, a->ld, a->rows, a->cols);
    }
    for (eg_index i = 0; i < y->cols; i++) {
        double carry = 0;

        for (eg_index t = y->rows - 1; t >= 0; t--)
            precond_entry(c, t, i, i / w, &carry);
    }
}

KIND(precond, .shape = precond_shape, .forward = precond_forward,
     .backward = precond_backward, .state = precond_state, .step = precond_next,
     .info.steps = true, .info.reads_in = 0xf, .info.reads_out = 1u << 1);
