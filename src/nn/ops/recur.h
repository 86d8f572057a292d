/* A recurrent mixer: z of a state that learns key by key; the step is in
 * real/recur.h. Forwards keeps what was erased and every chunk's first state;
 * backwards makes the states of one chunk again at a time. With attr.width,
 * which rewrite chunks sets, it goes in chunks of so many steps, of which it
 * keeps the first states alone (real/recur_wide.h).
 * in: q [rows, heads kw], k [n, k_heads kw], v [n, v_heads vw], and what rules
 * have; by-product: see recur_bind. */
static eg_index recur_chunk(eg_index n)
{
    eg_index c = 1;

    while (c * c < n) c++;
    return c;
}

/* Tokens between states that are kept. */
static eg_index recur_apart(const egi_attr *a)
{
    return a->width > 0 ? recur_span(a->steps) : recur_chunk(a->at);
}

/* Entries that forwards keeps of one head: what was erased, and states. */
static eg_index recur_keeps(const egi_attr *a, bool momentum, eg_index kw,
                            eg_index vw, eg_index *erased)
{
    eg_index T = a->at, chunk = recur_apart(a), ld = recur_padded(vw);

    *erased = a->erases && a->width == 0 ? T * a->steps * ld : 0;
    return *erased + (T + chunk - 1) / chunk * (momentum ? 2 : 1) * kw * ld;
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
    egi_by_product(
        p, op, 1, cls, rows, 1,
        heads * recur_keeps(&op->attr, op->in[RECUR_M] >= 0, kw, vw, &erased));
    return p->st;
}

/* Scratch lies behind `states` states. */
static void recur_lay(recur_head *p, eg_index vw, eg_index states)
{
    p->vw = vw;
    p->ld = recur_padded(vw);
    p->zw = p->across ? p->kw : vw;
    p->all = p->kw * p->ld;
    p->states = p->momentum ? 2 * p->all : p->all;
    p->u = p->S + states * p->states;
    p->w = p->u + p->ld;
    p->y = p->w + p->ld;
    p->by = p->y + p->ld;
    p->to = p->by + p->kw;
    p->e = p->to + p->kw;
}

static recur_head recur_bind(const N(call) * c, int h)
{
    const egi_attr *a = &c->op->attr;
    const N(arg) *k = &c->in[RECUR_K], *v = &c->in[RECUR_V];
    recur_head p = {.c = c,
                    .kw = k->cols / a->k_heads / a->steps,
                    .n = k->rows,
                    .h = h,
                    .steps = a->steps,
                    .erases = a->erases,
                    .before = a->before,
                    .across = a->across,
                    .momentum = c->in[RECUR_M].x != NULL,
                    .scale = (real)a->scale,
                    .chunk = recur_apart(a),
                    .S = c->work};
    eg_index erased;

    recur_lay(&p, v->cols / a->v_heads / a->steps, 1);
    p.r = c->out[1].x + h * recur_keeps(a, p.momentum, p.kw, p.vw, &erased);
    p.kept = p.r + erased;
    return p;
}

/* One token, in place. */
static void recur_token(const recur_head *p, eg_index t)
{
    for (int j = 0; j < p->steps; j++) {
        real *r = recur_erased(p, t, j);

        if (r) p->c->K->vecmat(r, recur_reader(p, t, j), p->S, p->kw, p->ld);
        recur_write(p, p->S, p->S, t, j, recur_in(p, RECUR_V, t, j), r);
    }
}

static void recur_forward(const N(call) * c)
{
    const N(arg) *q = &c->in[RECUR_Q], *z = &c->out[0];
    eg_index qw = q->cols / c->op->attr.heads;

    for (int h = 0; h < c->op->attr.heads; h++) {
        recur_head p = recur_bind(c, h);
        eg_index row = 0;

        if (c->op->attr.width > 0) {
            recur_wide_forward(&p, p.e + p.kw);
            continue;
        }
        op_zero(p.S, 0, 1, p.states);
        for (eg_index t = 0; row < z->rows; t++) {
            if (t % p.chunk == 0)
                memcpy(p.kept + t / p.chunk * p.states, p.S,
                       (size_t)p.states * sizeof *p.S);
            recur_token(&p, t);
            if (c->limit[row] != t + 1) continue;
            recur_out(&p, z->x + row * z->ld + h * p.zw, p.S,
                      q->x + row * q->ld + h * qw);
            row++;
        }
    }
}

static eg_index recur_state(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    eg_index states = op->in[RECUR_M] >= 0 ? 2 : 1;

    (void)K;
    return op->attr.heads * states * recur_width(p, op, RECUR_K) *
           recur_padded(recur_width(p, op, RECUR_V));
}

static void recur_next(const N(call) * c, real *state, bool first)
{
    const N(arg) *q = &c->in[RECUR_Q], *z = &c->out[0];
    eg_index qw = q->cols / c->op->attr.heads;

    for (int h = 0; h < c->op->attr.heads; h++) {
        recur_head p = recur_bind(c, h);

        p.S = state + h * p.states;
        p.r = p.e + p.kw;
        if (first) op_zero(p.S, 0, 1, p.states);
        recur_token(&p, 0);
        recur_out(&p, z->x + h * p.zw, p.S, q->x + h * qw);
    }
}

/* The states of a chunk again, one behind each step: at [0] the one before. */
static void recur_again(const recur_head *p, real *states, eg_index from,
                        eg_index to)
{
    memcpy(states, p->kept + from / p->chunk * p->states,
           (size_t)p->states * sizeof *states);
    for (eg_index t = from; t < to; t++)
        for (int j = 0; j < p->steps; j++) {
            recur_write(p, states + p->states, states, t, j,
                        recur_in(p, RECUR_V, t, j), recur_erased(p, t, j));
            states += p->states;
        }
}

static void recur_head_back(const N(call) * c, int h)
{
    const N(arg) *q = &c->in[RECUR_Q], *z = &c->out[0];
    recur_head p = recur_bind(c, h);
    eg_index row = z->rows - 1, n = c->limit[row];
    eg_index qw = q->cols / c->op->attr.heads;
    real *states = p.e + p.kw;

    if (c->op->attr.width > 0) {
        recur_wide_back(&p, states, states + (p.chunk + 1) * p.states);
        return;
    }
    op_zero(p.S, 0, 1, p.states);
    for (eg_index from = (n - 1) / p.chunk * p.chunk; from >= 0;
         from -= p.chunk) {
        eg_index to = op_least(n, from + p.chunk);
        const real *S = states + (to - from) * p.steps * p.states;

        recur_again(&p, states, from, to);
        for (eg_index t = to - 1; t >= from; t--) {
            if (row >= 0 && c->limit[row] == t + 1) {
                recur_out_back(&p, S, q->x + row * q->ld + h * qw,
                               q->g ? q->g + row * q->ld + h * qw : NULL,
                               z->g + row * z->ld + h * p.zw);
                row--;
            }
            for (int j = p.steps - 1; j >= 0; j--) {
                S -= p.states;
                recur_step_back(&p, t, j, S);
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

/* Gradients of a state, scratch, and the states of a chunk; or the state of a
 * pattern, and its scratch. */
static eg_index recur_work(const kern *K, const egi_program *p,
                           const egi_op *op)
{
    eg_index kw = recur_width(p, op, RECUR_K), T = recur_padded(p->m->T);
    eg_index ld = recur_padded(recur_width(p, op, RECUR_V));
    eg_index chunk = recur_chunk(p->m->T) * op->attr.steps + 1, wide = 0;
    eg_index two = op->in[RECUR_M] >= 0 ? 2 : 1;

    if (op->attr.width > 0) {
        chunk = recur_span(op->attr.steps) + 1;
        wide = recur_wide_size(K, kw, ld);
    }
    return op_most((chunk + 1) * two * kw * ld + 3 * (ld + kw) + wide,
                   two * kw * T + 5 * T + 3 * kw);
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
    real *unit, *r;

    recur_lay(&p, n, 1);
    unit = p.e + p.kw;
    r = unit + p.ld;
    op_zero(p.S, 0, 1, p.states);
    op_zero(unit, 0, 1, p.ld);
    for (eg_index t = 0; t < n; t++) {
        unit[t] = 1;
        if (p.erases) c->K->vecmat(r, recur_reader(&p, t, 0), p.S, p.kw, p.ld);
        recur_write(&p, p.S, p.S, t, 0, unit, p.erases ? r : NULL);
        recur_out(&p, out + t * n, p.S, q->x + t * q->ld + h * qw);
        unit[t] = 0;
    }
}

KIND(recur, .shape = recur_shape, .forward = recur_forward,
     .backward = recur_backward, .work = recur_work, .state = recur_state,
     .step = recur_next, .info.steps = true, .info.reads_in = 0xff,
     .info.reads_out = 1u << 1, .info.any_rows = true, .info.by_row = 1u << 0,
     .pattern = recur_pattern, .info.cost = recur_cost);
