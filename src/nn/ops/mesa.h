/* Queries of the mesa layer, which solves at every position a ridge regression
 * of the values seen so far on their keys:
 *     Phi_t = argmin 1/2 sum_{i <= t} |v_i - Phi k_i|^2 + |Phi|^2 / (2 lambda),
 *     Phi_t q_t = sum_{i <= t} v_i (k_i . q*_t),    q*_t = R_t q_t,
 *     R_t = (sum_{i <= t} k_i k_i^T + I / lambda)^-1
 * so that op linatt with q* in the place of q is the layer, and its scores are
 * the layer's attention. lambda = exp(w[h]), one a head of queries: positive
 * whatever is learnt.
 * in: q [rows, heads kw], k [n, k_heads kw], w [1, heads]; y: q*
 * von Oswald et al. 2023 (2309.05858), section on the mesa-layer. */
static eg_status mesa_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);

    egi_out(p, op, 0, q->cls, q->rows, q->cols);
    return p->st;
}

/* y = R_t x in head h */
static void mesa_solve(const N(call) * c, eg_index h, real *y, eg_index ldy,
                       const real *x, eg_index ldx, real *work)
{
    const egi_attr *a = &c->op->attr;
    const N(arg) *k = &c->in[1];
    eg_index kw = c->in[0].cols / a->heads, kh = h * a->k_heads / a->heads;

    c->K->mesa(y, ldy, x, ldx, c->limit, c->out[0].rows, k->x + kh * kw, k->ld,
               NULL, 0, kw, exp((double)c->in[2].x[h]), work);
}

static void mesa_forward(const N(call) * c)
{
    const N(arg) *q = &c->in[0], *y = &c->out[0];
    eg_index kw = q->cols / c->op->attr.heads;

    for (eg_index h = 0; h < c->op->attr.heads; h++)
        mesa_solve(c, h, y->x + h * kw, y->ld, q->x + h * kw, q->ld, c->work);
}

/* With d_t the gradient at q*_t and a_t = R_t d_t: dq_t = a_t,
 *     dk_i -= sum_{t >= i} a_t (q*_t . k_i) + q*_t (a_t . k_i),
 * which is what linear attention of queries q* with -a at its output gives to
 * keys and values that are both k. Keeps q* and a, T kw numbers each, where
 * autodiff would keep R_t, T kw^2. */
static void mesa_keys_back(const N(call) * c, eg_index h, const real *a,
                           real *work)
{
    const N(arg) *q = &c->out[0], *k = &c->in[1];
    eg_index heads = c->op->attr.heads, kw = q->cols / heads;
    egi_op op = *c->op;
    N(call) as = *c;
    linatt_head p;

    op.attr.v_heads = op.attr.k_heads;
    op.attr.scale = -1;
    as.op = &op;
    as.in[0] = *q;
    as.in[0].g = NULL;
    as.in[2] = *k;
    as.out[0].ld = kw;
    as.work = work;
    p = linatt_at(&as, h);
    p.dz = a;
    linatt_keys_back(&as, &p);
}

/* dw = lambda dlambda, dlambda = sum_t a_t . q*_t / lambda^2 */
static void mesa_lambda_back(const N(call) * c, eg_index h, const real *a)
{
    const N(arg) *w = &c->in[2], *q = &c->out[0];
    eg_index kw = q->cols / c->op->attr.heads;
    double sum = 0;

    for (eg_index r = 0; r < q->rows; r++)
        sum += c->K->dot(a + r * kw, q->x + r * q->ld + h * kw, kw);
    w->g[h] += (real)(sum / exp((double)w->x[h]));
}

static void mesa_backward(const N(call) * c)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *y = &c->out[0];
    eg_index kw = q->cols / c->op->attr.heads;
    real *a = c->work, *work = a + k->rows * kw;

    for (int i = 0; i < 2; i++) {
        const N(arg) *x = &c->in[i];
        if (x->g && x->fresh) op_zero(x->g, x->ld, x->rows, x->cols);
    }
    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        mesa_solve(c, h, a, kw, y->g + h * kw, y->ld, work);
        for (eg_index r = 0; q->g && r < y->rows; r++)
            c->K->add(q->g + r * q->ld + h * kw, a + r * kw, kw);
        if (k->g) mesa_keys_back(c, h, a, work);
        if (c->in[2].g) mesa_lambda_back(c, h, a);
    }
}

/* Of one head: a, and the state of the recursion or what op linatt needs. */
static eg_index mesa_work(const kern *K, const egi_program *p, const egi_op *op)
{
    const egi_value *k = egi_value_of(p, op->in[1]);
    eg_index kw = k->cols / op->attr.k_heads;
    eg_index most = op_most(kw, LINATT_CHUNK);
    eg_index sweep =
        kw * kw + (eg_index)2 * LINATT_SCORES + K->pack_size(most, most);

    return k->rows * kw + op_most(sweep, K->mesa_work(kw));
}

/* A product, a rank-one update and a product with R a position, forwards and
 * back; and back two products with the state of each of two sums. */
static void mesa_cost(const egi_program *p, const egi_op *op, double rows,
                      double pairs, egi_cost *out)
{
    const egi_value *y = egi_value_of(p, op->out[0]);
    double kw = (double)y->cols / op->attr.heads;

    (void)pairs;
    out->madds = rows * kw * (double)y->cols * (3 + 7 * y->grad);
    out->attention = out->madds;
}

KIND(mesa, .shape = mesa_shape, .forward = mesa_forward,
     .backward = mesa_backward, .work = mesa_work,
     .info.reads_in = 1u << 1 | 1u << 2, .info.reads_out = 1u << 0,
     .info.any_rows = true, .info.by_row = 1u << 0, .info.cost = mesa_cost);
