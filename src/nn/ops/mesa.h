/* Queries of the mesa layer, which solves at every position a ridge regression
 * of the values seen so far on their keys:
 *     Phi_t = argmin 1/2 sum_{i <= t} |v_i - Phi k_i|^2 + |Phi|^2 / (2 lambda),
 *     Phi_t q_t = sum_{i <= t} v_i (k_i . q*_t),    q*_t = R_t q_t,
 *     R_t = (sum_{i <= t} k_i k_i^T + I / lambda)^-1
 * so that op linatt with q* in the place of q is the layer, and its scores are
 * the layer's attention. lambda = exp(w[h]), one a head of queries: positive
 * whatever is learnt. With gates g what was seen is forgotten, and the
 * regulariser with it: R_t = (g_t R_{t-1}^-1 + k_t k_t^T)^-1, R_{-1} = lambda
 * I. in: q [rows, heads kw], k [n, k_heads kw], none, g [n, heads] or none, w
 * [1, heads]; y: q* von Oswald et al. 2023 (2309.05858), section on the
 * mesa-layer. */

/* What keys take off is kept, from which the way back has R_t without their
 * recursion. */
static eg_index mesa_wide(eg_index n)
{
    return n * (eg_index)(sizeof(double) / sizeof(real));
}

static eg_status mesa_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[RIDGE_Q]);
    egi_class cls = q->cls;
    eg_index rows = q->rows, cols = q->cols;

    ridge_shape(p, op);
    egi_by_product(p, op, 1, cls, rows, 1, 2 * rows * cols);
    return p->st;
}

/* [heads] at the beginning of the op's scratch; then comes the rest of it. */
static eg_index mesa_lambdas(eg_index heads)
{
    return (mesa_wide(heads) + 15) / 16 * 16;
}

/* y = R_t x; behind what a call before left in work, where `on`. */
static void mesa_solve(const N(call) * c, double *taken, real *work, bool on)
{
    const egi_attr *a = &c->op->attr;
    const N(arg) *q = &c->in[RIDGE_Q], *k = &c->in[RIDGE_K];
    const N(arg) *g = &c->in[RIDGE_G], *y = &c->out[0];
    double *lambda = (void *)c->work;

    for (eg_index h = 0; h < a->heads; h++)
        lambda[h] = exp((double)c->in[RIDGE_W].x[h]);
    c->K->mesa(y->x, y->ld, q->x, q->ld, c->limit, y->rows, k->x, k->ld, g->x,
               g->ld, q->cols / a->heads, a->heads, a->heads / a->k_heads,
               lambda, on, taken, work);
}

static void mesa_forward(const N(call) * c)
{
    mesa_solve(c, (void *)c->out[1].x,
               c->work + mesa_lambdas(c->op->attr.heads), false);
}

static eg_index mesa_state(const kern *K, const egi_program *p,
                           const egi_op *op)
{
    int heads = op->attr.heads;

    return heads * K->mesa_work(egi_value_of(p, op->in[RIDGE_Q])->cols / heads);
}

static void mesa_next(const N(call) * c, real *state, bool first)
{
    mesa_solve(c, NULL, state, !first);
}

/* a_t = R_t d_t of head h, d the gradient at q*. */
static void mesa_solve_back(const N(call) * c, eg_index h, real *a, real *work)
{
    const N(arg) *g = &c->in[RIDGE_G], *y = &c->out[0];
    eg_index kw = y->cols / c->op->attr.heads;
    const double *taken = (void *)c->out[1].x;

    c->K->mesa_again(a, kw, y->g + h * kw, y->ld, c->limit, y->rows,
                     taken + h * c->limit[y->rows - 1] * kw,
                     g->x ? g->x + h : NULL, g->ld, kw,
                     exp((double)c->in[RIDGE_W].x[h]), work);
}

/* Without gates: with d_t the gradient at q*_t and a_t = R_t d_t, dq_t = a_t,
 *     dk_i -= sum_{t >= i} a_t (q*_t . k_i) + q*_t (a_t . k_i),
 * which is what linear attention of queries q* with -a at its output gives to
 * keys and values that are both k. Keeps q* and a, T kw numbers each, where
 * autodiff would keep R_t, T kw^2. */
static void mesa_keys_back(const N(call) * c, eg_index h, const real *a,
                           real *work)
{
    const N(arg) *q = &c->out[0], *k = &c->in[RIDGE_K];
    eg_index heads = c->op->attr.heads, kw = q->cols / heads;
    egi_op op = *c->op;
    N(call) as = *c;
    linatt_head p;
    eg_index at = h * op.attr.k_heads / op.attr.heads * kw;

    if (linatt_narrow(kw, kw)) {
        const real *keys = k->x + at, *asked = q->x + h * kw;

        c->K->linatt_back(k->g + at, k->ld, keys, k->ld, k->rows, asked, q->ld,
                          a, kw, c->limit, q->rows, kw, kw, -1, work);
        c->K->linatt_back(k->g + at, k->ld, keys, k->ld, k->rows, a, kw, asked,
                          q->ld, c->limit, q->rows, kw, kw, -1, work);
        return;
    }
    op.attr.v_heads = op.attr.k_heads;
    op.attr.scale = -1;
    as.op = &op;
    as.in[0] = *q;
    as.in[0].g = NULL;
    as.in[2] = *k;
    as.in[3].x = NULL;
    as.out[0].ld = kw;
    as.work = work;
    p = linatt_at(&as, h);
    p.dz = a;
    linatt_keys_back(&as, &p);
}

/* With them, through H_t = R_t^-1, which begins as I / lambda. Returns the
 * trace of what is left of N: lambda^2 dlambda. */
static double mesa_gated_back(const N(call) * c, eg_index h, const real *a,
                              real *kept, real *work)
{
    ridge_keys p = ridge_of(c, h);
    eg_index all = p.kw * p.kw, n = c->limit[c->out[0].rows - 1];
    real *H = work, *u = work + all, *states = u + p.kw;
    real start = (real)exp(-(double)c->in[RIDGE_W].x[h]);
    double trace = 0;

    for (eg_index i = 0; i < all; i++) H[i] = i % (p.kw + 1) == 0 ? start : 0;
    for (eg_index t = 0; t < n; t++) {
        if (t % RIDGE_CHUNK == 0)
            memcpy(kept + t / RIDGE_CHUNK * all, H, (size_t)all * sizeof *H);
        ridge_next(&p, H, H, t);
    }
    ridge_sweep_back(&p, a, kept, H, u, states); /* H is N now */
    for (eg_index i = 0; i < p.kw; i++) trace += (double)H[i * (p.kw + 1)];
    return trace;
}

/* sum_t a_t . q*_t, which is the same without gates. */
static double mesa_trace(const N(call) * c, eg_index h, const real *a)
{
    const N(arg) *q = &c->out[0];
    eg_index kw = q->cols / c->op->attr.heads;
    double sum = 0;

    for (eg_index r = 0; r < q->rows; r++)
        sum += c->K->dot(a + r * kw, q->x + r * q->ld + h * kw, kw);
    return sum;
}

static void mesa_backward(const N(call) * c)
{
    const N(arg) *w = &c->in[RIDGE_W], *y = &c->out[0];
    eg_index kw = y->cols / c->op->attr.heads, n = c->in[RIDGE_K].rows;
    real *a = c->work, *kept = a + n * kw, *work = a + ridge_keeps(n, kw);
    bool gated = c->in[RIDGE_G].x != NULL;

    ridge_begin_back(c);
    for (eg_index h = 0; h < c->op->attr.heads && y->rows > 0; h++) {
        double trace = 0;

        mesa_solve_back(c, h, a, work);
        ridge_queries_back(c, h, a);
        if (gated)
            trace = mesa_gated_back(c, h, a, kept, work);
        else if (w->g)
            trace = mesa_trace(c, h, a);
        if (!gated && c->in[RIDGE_K].g) mesa_keys_back(c, h, a, work);
        if (w->g) w->g[h] += (real)(trace / exp((double)w->x[h]));
    }
}

/* Of one head: a, and the state of the recursion or what op linatt needs; or
 * forwards the states of all. */
static eg_index mesa_work(const kern *K, const egi_program *p, const egi_op *op)
{
    const egi_value *k = egi_value_of(p, op->in[RIDGE_K]);
    eg_index kw = k->cols / op->attr.k_heads;
    eg_index most = op_most(kw, LINATT_CHUNK);
    eg_index sweep =
        kw * kw + (eg_index)2 * LINATT_SCORES + K->pack_size(most, most);

    if (linatt_narrow(kw, kw)) sweep = K->linatt_work(kw, kw);
    if (op->in[RIDGE_G] >= 0) sweep = (RIDGE_CHUNK + 1) * kw * kw + kw;
    sweep = ridge_keeps(k->rows, kw) + op_most(sweep, K->mesa_work(kw));
    return op_most(sweep, mesa_lambdas(op->attr.heads) +
                              op->attr.heads * K->mesa_work(kw));
}

/* A product, a rank-one update and a product with R a position, back without
 * the first; and back two products with the state of each of two sums. */
static void mesa_cost(const egi_program *p, const egi_op *op, double rows,
                      double pairs, egi_cost *out)
{
    const egi_value *y = egi_value_of(p, op->out[0]);
    double kw = (double)y->cols / op->attr.heads;

    (void)pairs;
    out->madds = rows * kw * (double)y->cols * (3 + 6 * y->grad);
    out->attention = out->madds;
}

KIND(mesa, .shape = mesa_shape, .forward = mesa_forward,
     .backward = mesa_backward, .work = mesa_work, .state = mesa_state,
     .step = mesa_next, .info.steps = true,
     .info.reads_in = 1u << RIDGE_K | 1u << RIDGE_G | 1u << RIDGE_W,
     .info.reads_out = 1u << 0 | 1u << 1, .info.any_rows = true,
     .info.by_row = 1u << 0, .info.cost = mesa_cost);
