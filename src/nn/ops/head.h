/* The loss of logits that are never whole, nll[r] = log sum exp y[r] -
 * y[r, target], y = s x W: blocks of rows go forwards and back at once, in
 * columns of W that stay in cache. Forward writes the gradient of x, in its
 * place, and adds to that of W.
 * in: x [rows, k], W [k, V] or, turned, [V, k]
 * attr.at: rows of a block; attr.width: columns of the
 * vocabulary that a task takes. */
enum {
    HEAD_LOSSES = 4, /* rows whose losses a task computes */
    HEAD_SPAN = 4,   /* widths of the vocabulary that are passed back at once */
    HEAD_ROWS = 512, /* rows and columns of dx that a task takes */
    HEAD_COLS = 256
};

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
    real *x; /* of a copy [rows, k], or packed: dx takes the place of x */
    eg_index V, ld;
    eg_index wk, wv; /* strides of W along k and along V */
    eg_index row, rows, cols;
    eg_index from, end; /* of the vocabulary, in hand on the way back */
    int for_w, below;   /* tasks for dW; of dx, below each other */
    real scale;
} head_block;

/* Of so many rows, those of a block. */
static eg_index head_rows(const egi_op *op, eg_index rows)
{
    return op_least(rows, op->attr.at);
}

static head_block head_begin(const N(call) * c)
{
    const N(arg) *w = &c->in[1];
    bool turned = c->op->attr.turned;
    eg_index V = turned ? w->rows : w->cols;

    return (head_block){.c = c,
                        .y = c->shared,
                        .x = c->shared +
                             head_rows(c->op, c->in[0].rows) * op_skewed(V),
                        .V = V,
                        .ld = op_skewed(V),
                        .wk = turned ? 1 : w->ld,
                        .wv = turned ? w->ld : 1,
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
static void head_weights(const head_block *b, int i, real *work)
{
    const N(arg) *x = &b->c->in[0], *w = &b->c->in[1];
    eg_index v = b->from + i * b->cols, n = op_least(b->end - v, b->cols);
    real *to = w->g + v * b->wv;

    if (b->wk == 1)
        b->c->K->gemm_packed(to, w->ld, b->y + v, 1, b->ld, b->x, n, x->cols,
                             b->rows, b->scale, 1);
    else
        b->c->K->gemm(to, w->ld, b->x, 1, x->ld, b->y + v, b->ld, 1, x->cols, n,
                      b->rows, b->scale, 1, work);
}

/* dx (+)= s dy W^T over the span in hand, some rows and columns of x. */
static void head_inputs(const head_block *b, int i, real *work)
{
    const N(arg) *x = &b->c->in[0], *w = &b->c->in[1];
    eg_index k = (eg_index)(i / b->below) * HEAD_COLS;
    eg_index r = (eg_index)(i % b->below) * HEAD_ROWS;
    eg_index n = op_least(x->cols - k, HEAD_COLS);
    eg_index rows = op_least(b->rows - r, HEAD_ROWS);
    real *to = b->c->in[0].g + (b->row + r) * x->ld + k;

    for (eg_index v = b->from; v < b->end; v += b->cols)
        b->c->K->gemm(to, x->ld, b->y + r * b->ld + v, b->ld, 1,
                      w->x + v * b->wv + k * b->wk, b->wv, b->wk, rows, n,
                      op_least(b->end - v, b->cols), b->scale,
                      v > 0 || !x->fresh, work);
}

static void head_back_task(void *ctx, int i, int worker)
{
    const head_block *b = ctx;
    real *work = op_work(b->c, worker);

    if (i < b->for_w)
        head_weights(b, i, work);
    else
        head_inputs(b, i - b->for_w, work);
}

/* Both gradients span by span, so that dy and W are read from memory once. */
static void head_pass_back(head_block *b)
{
    const N(arg) *x = &b->c->in[0], *w = &b->c->in[1];
    double madds = (double)b->rows * (double)x->cols;
    int for_x;

    if (w->g && b->wk == 1)
        b->c->K->pack(b->x, x->x + b->row * x->ld, x->ld, 1, b->rows, x->cols);
    else if (w->g)
        memcpy(b->x, x->x + b->row * x->ld,
               (size_t)(b->rows * x->ld) * sizeof *b->x);
    b->below = op_parts(b->rows, HEAD_ROWS);
    for_x = x->g ? b->below * op_parts(x->cols, HEAD_COLS) : 0;
    for (b->from = 0; b->from < b->V; b->from = b->end) {
        b->end = op_least(b->V, b->from + HEAD_SPAN * b->cols);
        b->for_w = w->g ? op_parts(b->end - b->from, b->cols) : 0;
        op_share(b->c, madds * (double)(b->end - b->from), b->for_w + for_x,
                 head_back_task, b);
    }
}

static void head_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0];
    head_block b = head_begin(c);
    eg_index most = c->op->attr.at;

    for (; b.row < x->rows; b.row += most) {
        double madds;

        b.rows = head_rows(c->op, x->rows - b.row);
        madds = (double)(b.rows * b.V * x->cols);
        op_share(c, madds, op_parts(b.V, b.cols), head_logits, &b);
        op_share(c, madds, op_parts(b.rows, HEAD_LOSSES), head_losses, &b);
        head_pass_back(&b);
    }
}
static void head_backward(const N(call) * c)
{
    (void)c; /* done */
}

/* A part of W, or rows of logits, packed. */
static eg_index head_work(const kern *K, const egi_program *p, const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    eg_index k = x->cols, rows = head_rows(op, egi_rows(p, x));

    return op_most(
        op_most(K->pack_size(k, op->attr.width),
                K->pack_size(op->attr.width, op_least(k, HEAD_COLS))),
        K->pack_size(rows, op->attr.width));
}

static eg_index head_shared(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    const egi_value *w = egi_value_of(p, op->in[1]);
    eg_index V = op->attr.turned ? w->rows : w->cols;
    eg_index rows = head_rows(op, egi_rows(p, x));

    return rows * op_skewed(V) +
           op_most(rows * op_skewed(x->cols), K->pack_size(rows, x->cols));
}

KIND(head, .shape = head_shape, .forward = head_forward,
     .backward = head_backward, .work = head_work, .shared = head_shared,
     .info.seeds = true, .info.joint = true, .info.any_rows = true,
     .info.by_row = 1u << 0, .info.cost = op_linear_cost);
