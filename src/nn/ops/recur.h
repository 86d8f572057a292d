/* A recurrent mixer: z of a state that learns key by key; the step is in
 * real/recur.h. Forwards keeps what was erased and every chunk's first state;
 * backwards makes the states of one chunk again at a time.
 * in: q [rows, heads kw], k [n, k_heads kw], v [n, v_heads vw], and what rules
 * have; by-product: see recur_bind. */
static eg_index recur_chunk(eg_index n)
{
    eg_index c = 1;

    while (c * c < n) c++;
    return c;
}

/* Entries that forwards keeps of one head. */
static eg_index recur_keeps(const egi_program *p, const egi_op *op, eg_index kw,
                            eg_index vw, eg_index *erased)
{
    eg_index T = p->m->T, chunk = recur_chunk(T);
    eg_index states = kw * vw * (op->in[RECUR_M] >= 0 ? 2 : 1);

    *erased = op->attr.erases ? T * op->attr.steps * vw : 0;
    return *erased + (T + chunk - 1) / chunk * states;
}

static eg_index recur_width(const egi_program *p, const egi_op *op, int i)
{
    int heads = i == RECUR_K ? op->attr.k_heads : op->attr.v_heads;

    return egi_value_of(p, op->in[i])->cols / heads / op->attr.steps;
}

static eg_status recur_shape(egi_program *p, egi_op *op)
{
    const egi_value *q = egi_value_of(p, op->in[RECUR_Q]);
    eg_index kw = recur_width(p, op, RECUR_K), erased;
    eg_index vw = recur_width(p, op, RECUR_V), heads = op->attr.heads;
    eg_index rows = q->rows;
    egi_class cls = q->cls;

    op->attr.at = p->m->T;
    EG_ASSERT(q->cols == heads * (op->attr.across ? vw : kw));
    egi_out(p, op, 0, cls, rows, heads * (op->attr.across ? kw : vw));
    egi_by_product(p, op, 1, cls, rows, 1,
                   heads * recur_keeps(p, op, kw, vw, &erased));
    return p->st;
}

static recur_head recur_bind(const N(call) * c, int h)
{
    const egi_attr *a = &c->op->attr;
    const N(arg) *k = &c->in[RECUR_K], *v = &c->in[RECUR_V];
    recur_head p = {.c = c,
                    .kw = k->cols / a->k_heads / a->steps,
                    .vw = v->cols / a->v_heads / a->steps,
                    .n = k->rows,
                    .h = h,
                    .steps = a->steps,
                    .erases = a->erases,
                    .before = a->before,
                    .across = a->across,
                    .scale = (real)a->scale,
                    .S = c->work};
    eg_index T = a->at, erased;

    p.zw = p.across ? p.kw : p.vw;
    p.states = p.kw * p.vw * (c->in[RECUR_M].x ? 2 : 1);
    p.M = c->in[RECUR_M].x ? p.S + p.kw * p.vw : NULL;
    p.chunk = recur_chunk(T);
    erased = p.erases ? T * p.steps * p.vw : 0;
    p.r = c->out[1].x + h * (erased + (T + p.chunk - 1) / p.chunk * p.states);
    p.kept = p.r + erased;
    return p;
}

static void recur_forward(const N(call) * c)
{
    const N(arg) *q = &c->in[RECUR_Q], *z = &c->out[0];

    for (int h = 0; h < c->op->attr.heads; h++) {
        recur_head p = recur_bind(c, h);
        real *u = p.S + p.states;
        int e = c->in[RECUR_E].x ? RECUR_E : RECUR_K;
        eg_index row = 0;

        op_zero(p.S, 0, 1, p.states);
        for (eg_index t = 0; row < z->rows; t++) {
            if (t % p.chunk == 0)
                memcpy(p.kept + t / p.chunk * p.states, p.S,
                       (size_t)p.states * sizeof *p.S);
            for (int j = 0; j < p.steps; j++) {
                real *r = p.erases ? p.r + (t * p.steps + j) * p.vw : NULL;

                if (r)
                    recur_read(&p, r, p.S, recur_in(&p, e, t, j),
                               recur_in(&p, RECUR_G, t, j), j);
                recur_write(&p, p.S, t, j, recur_in(&p, RECUR_V, t, j), r, u);
            }
            if (c->limit[row] != t + 1) continue;
            recur_out(&p, z->x + row * z->ld + h * p.zw, p.S,
                      q->x + row * q->ld + h * (q->cols / c->op->attr.heads));
            row++;
        }
    }
}

/* The states of a chunk again, one behind each step: at [0] the one before. */
static void recur_again(const recur_head *p, real *states, eg_index from,
                        eg_index to, real *u)
{
    memcpy(states, p->kept + from / p->chunk * p->states,
           (size_t)p->states * sizeof *states);
    for (eg_index t = from; t < to; t++)
        for (int j = 0; j < p->steps; j++) {
            const real *r =
                p->erases ? p->r + (t * p->steps + j) * p->vw : NULL;

            memcpy(states + p->states, states,
                   (size_t)p->states * sizeof *states);
            states += p->states;
            recur_write(p, states, t, j, recur_in(p, RECUR_V, t, j), r, u);
        }
}

static void recur_head_back(const N(call) * c, int h)
{
    const N(arg) *q = &c->in[RECUR_Q], *z = &c->out[0];
    recur_head p = recur_bind(c, h);
    eg_index all = p.kw * p.vw, row = z->rows - 1;
    eg_index n = c->limit[row], qw = q->cols / c->op->attr.heads;
    recur_back w = {.D = p.S,
                    .E = p.S + all,
                    .u = p.S + p.states,
                    .du = p.S + p.states + p.vw,
                    .dr = p.S + p.states + 2 * p.vw};
    real *states = p.S + p.states + 3 * p.vw;

    op_zero(w.D, 0, 1, p.states);
    for (eg_index from = (n - 1) / p.chunk * p.chunk; from >= 0;
         from -= p.chunk) {
        eg_index to = op_least(n, from + p.chunk);
        const real *S = states + (to - from) * p.steps * p.states;

        recur_again(&p, states, from, to, w.u);
        for (eg_index t = to - 1; t >= from; t--) {
            if (row >= 0 && c->limit[row] == t + 1) {
                recur_out_back(&p, &w, S, q->x + row * q->ld + h * qw,
                               q->g ? q->g + row * q->ld + h * qw : NULL,
                               z->g + row * z->ld + h * p.zw);
                row--;
            }
            for (int j = p.steps - 1; j >= 0; j--) {
                S -= p.states;
                recur_step_back(&p, &w, t, j, S);
            }
        }
    }
}

static void recur_backward(const N(call) * c)
{
    for (int i = 0; i < EGI_INS; i++) {
        const N(arg) *a = &c->in[i];

        if (a->g && a->fresh) op_zero(a->g, a->ld, a->rows, a->cols);
    }
    for (int h = 0; h < c->op->attr.heads && c->out[0].rows > 0; h++)
        recur_head_back(c, h);
}

/* The gradients of a state and three rows, and the states of a chunk; or the
 * state of a pattern. */
static eg_index recur_work(const kern *K, const egi_program *p,
                           const egi_op *op)
{
    eg_index kw = recur_width(p, op, RECUR_K), T = p->m->T;
    eg_index vw = recur_width(p, op, RECUR_V), two = 1;
    eg_index chunk = recur_chunk(T) * op->attr.steps + 1;

    (void)K;
    if (op->in[RECUR_M] >= 0) two = 2;
    return op_most((chunk + 1) * two * kw * vw + 3 * vw, two * kw * T + 3 * T);
}

/* Reads, writes and what z is: each goes over the state once, and back twice,
 * after it was made again. */
static void recur_cost(const egi_program *p, const egi_op *op, double rows,
                       double pairs, egi_cost *out)
{
    const egi_value *z = egi_value_of(p, op->out[0]);
    double S = (double)recur_width(p, op, RECUR_K) *
               (double)recur_width(p, op, RECUR_V) * op->attr.heads;
    double write = op->attr.steps * (op->attr.erases ? 2 : 1);

    (void)pairs;
    out->madds = rows * S * (1 + write) * (z->grad ? 3 : 1);
    out->attention = out->madds;
}

/* How z weighs each v: the same steps with unit vectors for values. */
static void recur_pattern(real *out, const N(call) * c, eg_index h)
{
    recur_head p = recur_bind(c, (int)h);
    const N(arg) *q = &c->in[RECUR_Q];
    eg_index n = c->out[0].rows, qw = q->cols / c->op->attr.heads;
    int e = c->in[RECUR_E].x ? RECUR_E : RECUR_K;
    real *v, *r, *u;

    p.vw = n;
    p.states = p.kw * n * (p.M ? 2 : 1);
    if (p.M) p.M = p.S + p.kw * n;
    v = p.S + p.states;
    r = v + n;
    u = r + n;
    op_zero(p.S, 0, 1, p.states);
    op_zero(v, 0, 1, n);
    for (eg_index t = 0; t < n; t++) {
        v[t] = 1;
        if (p.erases)
            recur_read(&p, r, p.S, recur_in(&p, e, t, 0),
                       recur_in(&p, RECUR_G, t, 0), 0);
        recur_write(&p, p.S, t, 0, v, p.erases ? r : NULL, u);
        recur_out(&p, out + t * n, p.S, q->x + t * q->ld + h * qw);
        v[t] = 0;
    }
}

KIND(recur, .shape = recur_shape, .forward = recur_forward,
     .backward = recur_backward, .work = recur_work, .info.reads_in = 0xff,
     .info.reads_out = 1u << 1, .info.any_rows = true, .info.by_row = 1u << 0,
     .pattern = recur_pattern, .info.cost = recur_cost);
