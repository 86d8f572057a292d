/* Linear attention, causal: z[r, h] = scale sum_{s <= t} (q[r, h] . k[s, h])
 * v[s, h], t the position of row r. Narrow heads are a kernel's, token by
 * token; wide ones go in chunks of keys: what lies before a query's chunk is in
 * a state S = sum k_s v_s^T [kw, vw]; within the chunk the scores A = scale Q
 * K^T are made and masked. All of it is matrix products. in: q [rows, heads
 * kw], k [n, k_heads kw], v [n, v_heads vw] Katharopoulos et al. 2020
 * (2006.16236), equation 9 without feature map. */
enum { LINATT_CHUNK = 32, LINATT_SCORES = LINATT_CHUNK * LINATT_CHUNK };

typedef struct linatt_head {
    const real *q, *k, *v, *dz;
    real *z, *dq, *dk, *dv;
    real *state;  /* [kw, vw] */
    real *a, *da; /* [chunk, chunk] scores and their gradients */
    real *work;   /* of the products */
    eg_index kw, vw;
} linatt_head;

/* Rows first .. first + rows - 1, whose positions lie in the chunk of keys from
 * `from` on, of which they see the first n. */
typedef struct linatt_rows {
    eg_index first, rows, from, n;
} linatt_rows;

/* Heads whose state is at most LINATT_NARROW^2 are the kernel's. */
enum { LINATT_NARROW = 64 };

static bool linatt_narrow(eg_index kw, eg_index vw)
{
    return kw * vw <= (eg_index)LINATT_NARROW * LINATT_NARROW;
}

static eg_status linatt_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[0]);
    const egi_value *v = egi_value_of(p, op->in[2]);

    egi_out(p, op, 0, q->cls, q->rows,
            op->attr.heads * (v->cols / op->attr.v_heads));
    return p->st;
}

static real *linatt_part(real *at, eg_index shift)
{
    return at ? at + shift : NULL;
}

static linatt_head linatt_at(const N(call) * c, eg_index h)
{
    const egi_attr *a = &c->op->attr;
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    eg_index kw = q->cols / a->heads, vw = v->cols / a->v_heads;
    eg_index kh = h * a->k_heads / a->heads, vh = h * a->v_heads / a->heads;

    return (linatt_head){.q = q->x + h * kw,
                         .k = k->x + kh * kw,
                         .v = v->x + vh * vw,
                         .z = c->out[0].x + h * vw,
                         .dz = linatt_part(c->out[0].g, h * vw),
                         .dq = linatt_part(q->g, h * kw),
                         .dk = linatt_part(k->g, kh * kw),
                         .dv = linatt_part(v->g, vh * vw),
                         .state = c->work,
                         .a = c->work + kw * vw,
                         .da = c->work + kw * vw + LINATT_SCORES,
                         .work =
                             c->work + kw * vw + (eg_index)2 * LINATT_SCORES,
                         .kw = kw,
                         .vw = vw};
}

/* The rows that share a chunk with row r and stand from there on. */
static linatt_rows linatt_group(const N(call) * c, eg_index r)
{
    linatt_rows g = {.first = r};

    g.from = c->limit[r] - 1;
    g.from -= g.from % LINATT_CHUNK;
    while (r < c->out[0].rows && c->limit[r] <= g.from + LINATT_CHUNK) r++;
    g.rows = r - g.first;
    g.n = c->limit[r - 1] - g.from;
    return g;
}

/* S += K^T V of the keys from .. to - 1, chunk by chunk: what is added does not
 * depend on which rows there are. */
static void linatt_take_in(const N(call) * c, const linatt_head *p,
                           eg_index from, eg_index to)
{
    const N(arg) *k = &c->in[1], *v = &c->in[2];

    for (; from < to; from += LINATT_CHUNK)
        c->K->gemm(p->state, p->vw, p->k + from * k->ld, 1, k->ld,
                   p->v + from * v->ld, v->ld, 1, p->kw, p->vw,
                   op_least(LINATT_CHUNK, to - from), 1, 1, p->work);
}

/* scale X Y^T of rows x and of the chunk's y, 0 where a row does not see. */
static void linatt_scores(const N(call) * c, const linatt_head *p,
                          const linatt_rows *g, real *a, const real *x,
                          eg_index ldx, const real *y, eg_index ldy,
                          eg_index width)
{
    c->K->gemm(a, LINATT_CHUNK, x + g->first * ldx, ldx, 1, y + g->from * ldy,
               1, ldy, g->rows, g->n, width, (real)c->op->attr.scale, 0,
               p->work);
    for (eg_index i = 0; i < g->rows; i++)
        for (eg_index s = c->limit[g->first + i] - g->from; s < g->n; s++)
            a[i * LINATT_CHUNK + s] = 0;
}

static void linatt_narrow_forward(const N(call) * c, const linatt_head *p)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];

    c->K->linatt(p->z, z->ld, p->q, q->ld, c->limit, z->rows, p->k, k->ld, p->v,
                 v->ld, p->kw, p->vw, (real)c->op->attr.scale, c->work);
}

static void linatt_forward(const N(call) * c)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    real scale = (real)c->op->attr.scale;
    linatt_head p = linatt_at(c, 0);

    if (linatt_narrow(p.kw, p.vw)) op_zero(z->x, z->ld, z->rows, z->cols);
    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        eg_index taken = 0;

        p = linatt_at(c, h);
        if (linatt_narrow(p.kw, p.vw)) {
            linatt_narrow_forward(c, &p);
            continue;
        }
        op_zero(p.state, p.vw, p.kw, p.vw);
        for (eg_index r = 0; r < z->rows;) {
            linatt_rows g = linatt_group(c, r);
            real *to = p.z + r * z->ld;

            linatt_take_in(c, &p, taken, g.from);
            taken = g.from;
            linatt_scores(c, &p, &g, p.a, p.q, q->ld, p.k, k->ld, p.kw);
            c->K->gemm(to, z->ld, p.a, LINATT_CHUNK, 1, p.v + g.from * v->ld,
                       v->ld, 1, g.rows, p.vw, g.n, 1, 0, p.work);
            if (g.from > 0)
                c->K->gemm(to, z->ld, p.q + r * q->ld, q->ld, 1, p.state, p.vw,
                           1, g.rows, p.vw, p.kw, scale, 1, p.work);
            r += g.rows;
        }
    }
}

/* dQ += scale dZ S^T + dA K, dA = scale dZ V^T masked; forwards. */
static void linatt_queries_back(const N(call) * c, const linatt_head *p)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    eg_index taken = 0;

    op_zero(p->state, p->vw, p->kw, p->vw);
    for (eg_index r = 0; p->dq && r < z->rows;) {
        linatt_rows g = linatt_group(c, r);
        real *dq = p->dq + r * q->ld;

        linatt_take_in(c, p, taken, g.from);
        taken = g.from;
        if (g.from > 0)
            c->K->gemm(dq, q->ld, p->dz + r * z->ld, z->ld, 1, p->state, 1,
                       p->vw, g.rows, p->kw, p->vw, (real)c->op->attr.scale, 1,
                       p->work);
        linatt_scores(c, p, &g, p->da, p->dz, z->ld, p->v, v->ld, p->vw);
        c->K->gemm(dq, q->ld, p->da, LINATT_CHUNK, 1, p->k + g.from * k->ld,
                   k->ld, 1, g.rows, p->kw, g.n, 1, 1, p->work);
        r += g.rows;
    }
}

/* What the rows of later chunks pass to the keys from .. to - 1, through the
 * gradient of the state: dK += V dS^T, dV += K dS. */
static void linatt_give_out(const N(call) * c, const linatt_head *p,
                            eg_index from, eg_index to)
{
    const N(arg) *k = &c->in[1], *v = &c->in[2];

    for (; from < to; from += LINATT_CHUNK) {
        const real *keys = p->k + from * k->ld, *values = p->v + from * v->ld;
        eg_index n = op_least(LINATT_CHUNK, to - from);

        if (p->dk)
            c->K->gemm(p->dk + from * k->ld, k->ld, values, v->ld, 1, p->state,
                       1, p->vw, n, p->kw, p->vw, 1, 1, p->work);
        if (p->dv)
            c->K->gemm(p->dv + from * v->ld, v->ld, keys, k->ld, 1, p->state,
                       p->vw, 1, n, p->vw, p->kw, 1, 1, p->work);
    }
}

/* The rows' own chunk: dK += dA^T Q, dV += A^T dZ; then dS += scale Q^T dZ. */
static void linatt_chunk_back(const N(call) * c, const linatt_head *p,
                              const linatt_rows *g)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    const real *rows = p->q + g->first * q->ld, *dz = p->dz + g->first * z->ld;

    if (p->dk) {
        linatt_scores(c, p, g, p->da, p->dz, z->ld, p->v, v->ld, p->vw);
        c->K->gemm(p->dk + g->from * k->ld, k->ld, p->da, 1, LINATT_CHUNK, rows,
                   q->ld, 1, g->n, p->kw, g->rows, 1, 1, p->work);
    }
    if (p->dv) {
        linatt_scores(c, p, g, p->a, p->q, q->ld, p->k, k->ld, p->kw);
        c->K->gemm(p->dv + g->from * v->ld, v->ld, p->a, 1, LINATT_CHUNK, dz,
                   z->ld, 1, g->n, p->vw, g->rows, 1, 1, p->work);
    }
    if (g->from > 0)
        c->K->gemm(p->state, p->vw, rows, 1, q->ld, dz, z->ld, 1, p->kw, p->vw,
                   g->rows, (real)c->op->attr.scale, 1, p->work);
}

/* Backwards over the chunks: S is the gradient of the state. */
static void linatt_keys_back(const N(call) * c, const linatt_head *p)
{
    eg_index r = c->out[0].rows - 1;
    eg_index open = 0; /* keys from here on have had their share; 0: none has */

    op_zero(p->state, p->vw, p->kw, p->vw);
    while (r >= 0) {
        eg_index from = c->limit[r] - 1;
        linatt_rows g;

        from -= from % LINATT_CHUNK;
        while (r > 0 && c->limit[r - 1] > from) r--;
        g = linatt_group(c, r);
        if (open > 0) linatt_give_out(c, p, from, open);
        open = from;
        linatt_chunk_back(c, p, &g);
        r--;
    }
    linatt_give_out(c, p, 0, open);
}

/* dQ as z of (dZ, V, K), dK as dV is of (V, dZ, Q). */
static void linatt_narrow_back(const N(call) * c, const linatt_head *p)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    real scale = (real)c->op->attr.scale;

    if (p->dq)
        c->K->linatt(p->dq, q->ld, p->dz, z->ld, c->limit, z->rows, p->v, v->ld,
                     p->k, k->ld, p->vw, p->kw, scale, c->work);
    if (p->dk)
        c->K->linatt_back(p->dk, k->ld, p->v, v->ld, v->rows, p->dz, z->ld,
                          p->q, q->ld, c->limit, z->rows, p->vw, p->kw, scale,
                          c->work);
    if (p->dv)
        c->K->linatt_back(p->dv, v->ld, p->k, k->ld, k->rows, p->q, q->ld,
                          p->dz, z->ld, c->limit, z->rows, p->kw, p->vw, scale,
                          c->work);
}

static void linatt_backward(const N(call) * c)
{
    for (int i = 0; i < 3; i++) {
        const N(arg) *a = &c->in[i];
        if (a->g && a->fresh) op_zero(a->g, a->ld, a->rows, a->cols);
    }
    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        linatt_head p = linatt_at(c, h);

        if (linatt_narrow(p.kw, p.vw)) {
            linatt_narrow_back(c, &p);
            continue;
        }
        linatt_queries_back(c, &p);
        if (p.dk || p.dv) linatt_keys_back(c, &p);
    }
}

/* The state of one head, its scores, and a right operand of each product,
 * packed. */
static eg_index linatt_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    eg_index n = LINATT_CHUNK;
    eg_index kw = egi_value_of(p, op->in[0])->cols / op->attr.heads;
    eg_index vw = egi_value_of(p, op->in[2])->cols / op->attr.v_heads;
    eg_index most = op_most(op_most(kw, vw), n);

    if (linatt_narrow(kw, vw))
        return op_most(K->linatt_work(kw, vw), K->linatt_work(vw, kw));
    return kw * vw + (eg_index)2 * LINATT_SCORES + K->pack_size(most, most);
}

/* As the state is what costs: kw vw a row for z, dq and the two sides of dS. */
static void linatt_cost(const egi_program *p, const egi_op *op, double rows,
                        double pairs, egi_cost *out)
{
    const egi_value *z = egi_value_of(p, op->out[0]);
    double kw = (double)egi_value_of(p, op->in[0])->cols / op->attr.heads;

    (void)pairs;
    out->madds = rows * kw * (double)z->cols * (2 + 4 * z->grad);
    out->attention = out->madds;
}

static void linatt_pattern(real *out, const N(call) * c, eg_index h)
{
    linatt_head p = linatt_at(c, h);
    eg_index T = c->out[0].rows;

    memset(out, 0, (size_t)(T * T) * sizeof *out);
    for (eg_index t = 0; t < T; t++)
        c->K->attn_scores(out + t * T, p.q + t * c->in[0].ld, p.k, c->in[1].ld,
                          t + 1, p.kw, (real)c->op->attr.scale);
}

static eg_index linatt_state(const kern *K, const egi_program *p,
                             const egi_op *op)
{
    eg_index kw = egi_value_of(p, op->in[0])->cols / op->attr.heads;

    (void)K;
    return kw * egi_value_of(p, op->out[0])->cols;
}

static void linatt_next(const N(call) * c, real *state, bool first)
{
    const N(arg) *z = &c->out[0];

    if (first) op_zero(state, 0, 1, linatt_at(c, 0).kw * z->cols);
    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        linatt_head p = linatt_at(c, h);
        real *S = state + h * p.kw * p.vw;

        c->K->rank1(S, S, NULL, 0, p.k, p.v, p.kw, p.vw);
        c->K->vecmat(p.z, p.q, S, p.kw, p.vw);
        c->K->scale(p.z, (real)c->op->attr.scale, p.vw);
    }
}

KIND(linatt, .shape = linatt_shape, .forward = linatt_forward,
     .backward = linatt_backward, .work = linatt_work, .state = linatt_state,
     .step = linatt_next, .info.steps = true,
     .info.reads_in = 1u << 0 | 1u << 1 | 1u << 2, .info.any_rows = true,
     .info.by_row = 1u << 0, .info.mixes = true, .pattern = linatt_pattern,
     .info.cost = linatt_cost);
