/* The loss of logits that are never whole, nll[r] = log sum exp y[r] -
 * y[r, target], y = s x W: blocks of rows go forwards and back at once, in
 * columns of W that stay in cache. Forward writes the gradient of x, in its
 * place, and adds to that of W.
 * in: x [rows, k], W [k, V] or, turned, [V, k]
 * attr.at: rows of a block, and columns of x that a task passes gradients to;
 * attr.width: columns of the vocabulary that a task takes. */
enum { HEAD_LOSSES = 4 }; /* rows whose losses a task computes */

static eg_status head_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    const egi_value *w = egi_value_of(p, op->in[1]);

    EG_ASSERT(x->cols == (op->attr.turned ? w->cols : w->rows));
    egi_out(p, op, 0, x->cls, x->rows, 0);
    return p->st;
}

/* A block of rows in hand. */
typedef struct head_block {
    const N(call) * c;
    real *y; /* [rows, V] logits, then their gradients */
    eg_index V, ld;
    eg_index wk, wv; /* strides of W along k and along V */
    eg_index row, rows, at_most, cols;
    real scale;
} head_block;

static head_block head_begin(const N(call) * c)
{
    const N(arg) *w = &c->in[1];
    bool turned = c->op->attr.turned;
    eg_index V = turned ? w->rows : w->cols;

    return (head_block){.c = c,
                        .y = c->shared,
                        .V = V,
                        .ld = op_skewed(V),
                        .wk = turned ? 1 : w->ld,
                        .wv = turned ? w->ld : 1,
                        .at_most = c->op->attr.at,
                        .cols = c->op->attr.width,
                        .scale = (real)c->op->attr.scale};
}

static void head_logits(void *ctx, int i, int worker)
{
    const head_block *b = ctx;
    const N(arg) *x = &b->c->in[0], *w = &b->c->in[1];
    eg_index v = (eg_index)i * b->cols;

    b->c->K->gemm(b->y + v, b->ld, x->x + b->row * x->ld, x->ld, 1,
                  w->x + v * b->wv, b->wk, b->wv, b->rows,
                  op_least(b->V - v, b->cols), x->cols, b->scale, 0,
                  op_work(b->c, worker));
}

static void head_losses(void *ctx, int i, int worker)
{
    const head_block *b = ctx;
    const N(seq) *s = b->c->seq;
    eg_index r = (eg_index)i * HEAD_LOSSES;
    real *y = b->y + r * b->ld;
    bool back = b->c->in[0].g || b->c->in[1].g;

    (void)worker;
    b->c->K->xent(back ? y : NULL, s->nll + b->row + r, s->pred + b->row + r, y,
                  b->ld, s->target + b->row + r,
                  op_least(b->rows - r, HEAD_LOSSES), b->V, 1);
}

/* dW += s x^T dy, of some columns of the vocabulary. */
static void head_weights(void *ctx, int i, int worker)
{
    const head_block *b = ctx;
    const N(arg) *x = &b->c->in[0], *w = &b->c->in[1];
    const real *rows = x->x + b->row * x->ld;
    eg_index v = (eg_index)i * b->cols, n = op_least(b->V - v, b->cols);
    real *work = op_work(b->c, worker), *to = w->g + v * b->wv;

    if (b->wk == 1)
        b->c->K->gemm(to, w->ld, b->y + v, 1, b->ld, rows, x->ld, 1, n, x->cols,
                      b->rows, b->scale, 1, work);
    else
        b->c->K->gemm(to, w->ld, rows, 1, x->ld, b->y + v, b->ld, 1, x->cols, n,
                      b->rows, b->scale, 1, work);
}

/* dx = s dy W^T, of some columns of x; rows of x have been read by now. */
static void head_inputs(void *ctx, int i, int worker)
{
    const head_block *b = ctx;
    const N(arg) *x = &b->c->in[0], *w = &b->c->in[1];
    eg_index k = (eg_index)i * b->at_most,
             n = op_least(x->cols - k, b->at_most);

    for (eg_index v = 0; v < b->V; v += b->cols)
        b->c->K->gemm(x->g + b->row * x->ld + k, x->ld, b->y + v, b->ld, 1,
                      w->x + v * b->wv + k * b->wk, b->wv, b->wk, b->rows, n,
                      op_least(b->V - v, b->cols), b->scale, v > 0 || !x->fresh,
                      op_work(b->c, worker));
}

static void head_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1];
    head_block b = head_begin(c);
    int parts = op_parts(b.V, b.cols);

    for (; b.row < x->rows; b.row += b.at_most) {
        double madds;

        b.rows = op_least(x->rows - b.row, b.at_most);
        madds = (double)(b.rows * b.V * x->cols);
        op_share(c, madds, parts, head_logits, &b);
        op_share(c, madds, op_parts(b.rows, HEAD_LOSSES), head_losses, &b);
        if (w->g) op_share(c, madds, parts, head_weights, &b);
        if (x->g)
            op_share(c, madds, op_parts(x->cols, b.at_most), head_inputs, &b);
    }
}

static void head_backward(const N(call) * c)
{
    (void)c; /* done */
}

/* A part of W, or rows of x or of logits, packed. */
static eg_index head_work(const kern *K, const egi_program *p, const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    eg_index k = x->cols, rows = op_least(x->rows, op->attr.at);

    return op_most(
        op_most(K->pack_size(k, op->attr.width),
                K->pack_size(op->attr.width, op->attr.at)),
        op_most(K->pack_size(rows, op->attr.width), K->pack_size(rows, k)));
}

static eg_index head_shared(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    const egi_value *w = egi_value_of(p, op->in[1]);

    (void)K;
    return op_least(x->rows, op->attr.at) *
           op_skewed(op->attr.turned ? w->rows : w->cols);
}

KIND(head, .shape = head_shape, .forward = head_forward,
     .backward = head_backward, .work = head_work, .shared = head_shared,
     .info.seeds = true, .info.any_rows = true, .info.by_row = 1u << 0,
     .info.cost = op_linear_cost);
