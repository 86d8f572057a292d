/* Linear attention, causal: z[r, h] = scale sum_{s <= t} (q[r, h] . k[s, h])
 * v[s, h], t the position of row r. In chunks of keys: what lies before a
 * query's chunk is in a state S = sum k_s v_s^T [kw, vw], the rest is summed
 * pair by pair.
 * in: q [rows, heads kw], k [n, k_heads kw], v [n, v_heads vw]
 * Katharopoulos et al. 2020 (2006.16236), equation 9 without feature map. */
enum { LINATT_CHUNK = 32 };

typedef struct linatt_head {
    const real *q, *k, *v, *dz;
    real *z, *dq, *dk, *dv;
    real *state; /* [kw, vw] */
    eg_index kw, vw;
} linatt_head;

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
                         .kw = kw,
                         .vw = vw};
}

/* S += k_s v_s^T for keys from .. to - 1. */
static void linatt_take_in(const N(call) * c, const linatt_head *p,
                           eg_index from, eg_index to)
{
    for (eg_index s = from; s < to; s++)
        for (eg_index i = 0; i < p->kw; i++)
            c->K->axpy(p->state + i * p->vw, p->k[s * c->in[1].ld + i],
                       p->v + s * c->in[2].ld, p->vw);
}

/* The first key of row r's own chunk. */
static eg_index linatt_chunk(const N(call) * c, eg_index r)
{
    eg_index t = c->limit[r] - 1;

    return t - t % LINATT_CHUNK;
}

static void linatt_forward(const N(call) * c)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    real scale = (real)c->op->attr.scale;

    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        linatt_head p = linatt_at(c, h);
        eg_index taken = 0;

        op_zero(p.state, p.vw, p.kw, p.vw);
        for (eg_index r = 0; r < z->rows; r++) {
            const real *qr = p.q + r * q->ld;
            real *zr = p.z + r * z->ld;
            eg_index chunk = linatt_chunk(c, r);

            linatt_take_in(c, &p, taken, chunk);
            taken = chunk;
            op_zero(zr, 0, 1, p.vw);
            for (eg_index i = 0; i < p.kw; i++)
                c->K->axpy(zr, scale * qr[i], p.state + i * p.vw, p.vw);
            for (eg_index s = chunk; s < c->limit[r]; s++) {
                real w = scale * (real)c->K->dot(qr, p.k + s * k->ld, p.kw);
                c->K->axpy(zr, w, p.v + s * v->ld, p.vw);
            }
        }
    }
}

/* dq[r] += scale (S dz[r] + sum_{s in r's chunk} (dz[r] . v_s) k_s), forwards.
 */
static void linatt_queries_back(const N(call) * c, const linatt_head *p)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    real scale = (real)c->op->attr.scale;
    eg_index taken = 0;

    op_zero(p->state, p->vw, p->kw, p->vw);
    for (eg_index r = 0; p->dq && r < z->rows; r++) {
        const real *dz = p->dz + r * z->ld;
        real *dq = p->dq + r * q->ld;
        eg_index chunk = linatt_chunk(c, r);

        linatt_take_in(c, p, taken, chunk);
        taken = chunk;
        for (eg_index i = 0; i < p->kw; i++)
            dq[i] += scale * (real)c->K->dot(p->state + i * p->vw, dz, p->vw);
        for (eg_index s = chunk; s < c->limit[r]; s++)
            c->K->axpy(dq, scale * (real)c->K->dot(dz, p->v + s * v->ld, p->vw),
                       p->k + s * k->ld, p->kw);
    }
}

/* What the rows of later chunks pass to the keys from .. to - 1, through the
 * gradient of the state: dk_s += dS v_s, dv_s += dS^T k_s. */
static void linatt_give_out(const N(call) * c, const linatt_head *p,
                            eg_index from, eg_index to)
{
    const N(arg) *k = &c->in[1], *v = &c->in[2];

    for (eg_index s = from; s < to; s++)
        for (eg_index i = 0; i < p->kw; i++) {
            const real *row = p->state + i * p->vw;

            if (p->dk)
                p->dk[s * k->ld + i] +=
                    (real)c->K->dot(row, p->v + s * v->ld, p->vw);
            if (p->dv)
                c->K->axpy(p->dv + s * v->ld, p->k[s * k->ld + i], row, p->vw);
        }
}

/* Backwards over rows: dS = scale sum q_r dz_r^T of the rows behind. */
static void linatt_keys_back(const N(call) * c, const linatt_head *p)
{
    const N(arg) *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    const N(arg) *z = &c->out[0];
    real scale = (real)c->op->attr.scale;
    eg_index open = k->rows; /* keys from here on have had their share */
    eg_index r = z->rows - 1;

    op_zero(p->state, p->vw, p->kw, p->vw);
    while (r >= 0) {
        eg_index chunk = linatt_chunk(c, r), first = r;

        while (first > 0 && linatt_chunk(c, first - 1) == chunk) first--;
        linatt_give_out(c, p, chunk, open);
        open = chunk;
        for (eg_index i = first; i <= r; i++) {
            const real *qr = p->q + i * q->ld, *dz = p->dz + i * z->ld;

            for (eg_index s = chunk; s < c->limit[i]; s++) {
                real dot = (real)c->K->dot(dz, p->v + s * v->ld, p->vw);
                real w = (real)c->K->dot(qr, p->k + s * k->ld, p->kw);

                if (p->dk)
                    c->K->axpy(p->dk + s * k->ld, scale * dot, qr, p->kw);
                if (p->dv) c->K->axpy(p->dv + s * v->ld, scale * w, dz, p->vw);
            }
        }
        for (eg_index i = first; i <= r; i++)
            for (eg_index j = 0; j < p->kw; j++)
                c->K->axpy(p->state + j * p->vw, scale * p->q[i * q->ld + j],
                           p->dz + i * z->ld, p->vw);
        r = first - 1;
    }
    linatt_give_out(c, p, 0, open);
}

static void linatt_backward(const N(call) * c)
{
    for (int i = 0; i < 3; i++) {
        const N(arg) *a = &c->in[i];
        if (a->g && a->fresh) op_zero(a->g, a->ld, a->rows, a->cols);
    }
    for (eg_index h = 0; h < c->op->attr.heads; h++) {
        linatt_head p = linatt_at(c, h);

        linatt_queries_back(c, &p);
        if (p.dk || p.dv) linatt_keys_back(c, &p);
    }
}

/* The state of one head. */
static eg_index linatt_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    eg_index kw = egi_value_of(p, op->in[0])->cols / op->attr.heads;

    (void)K;
    return kw * (egi_value_of(p, op->in[2])->cols / op->attr.v_heads);
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

KIND(linatt, .shape = linatt_shape, .forward = linatt_forward,
     .backward = linatt_backward, .work = linatt_work,
     .info.reads_in = 1u << 0 | 1u << 1 | 1u << 2, .info.any_rows = true,
     .info.by_row = 1u << 0, .info.mixes = true, .pattern = linatt_pattern,
     .info.cost = linatt_cost);
