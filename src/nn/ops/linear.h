/* y = x W (+ r) (+ b).   in: x [rows, k], W [k, n], r [rows, n] or none,
 * b [1, n] or none. A team takes rows and packed columns of y in parts; and
 * rows and columns of the gradient of W. W is packed once a step, or, where a
 * room holds several sequences, by the op itself. */
enum { LINEAR_ROWS = 128, LINEAR_ROWS_MANY = 256, LINEAR_MANY = 512 };

static eg_status linear_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    const egi_value *w = egi_value_of(p, op->in[1]);

    EG_ASSERT(x->cols == w->rows);
    egi_out(p, op, 0, x->cls, x->rows, w->cols);
    return p->st;
}

/* to [rows, n] (+)= from [rows, k] times what is packed. */
typedef struct linear_job {
    const N(call) * c;
    real *to;
    const real *from, *packed;
    eg_index ldt, ldf, rows, n, k;
    eg_index cols, height, below; /* of a part; parts below each other */
    bool add, forward;
} linear_job;

static void linear_task(void *ctx, int i, int worker)
{
    const linear_job *j = ctx;
    const N(call) *c = j->c;
    const N(arg) *r = &c->in[2], *b = &c->in[3];
    eg_index part = i / j->below, n = part * j->cols;
    eg_index row = i % j->below * j->height;
    eg_index rows = op_least(j->rows - row, j->height);
    eg_index cols = op_least(j->n - n, j->cols);
    real *to = j->to + row * j->ldt + n;

    (void)worker;
    if (j->forward && r->x && r->x != c->out[0].x)
        for (eg_index t = 0; t < rows; t++)
            memcpy(to + t * j->ldt, r->x + (row + t) * r->ld + n,
                   (size_t)cols * sizeof *to);
    c->K->gemm_packed(to, j->ldt, j->from + row * j->ldf, j->ldf, 1,
                      j->packed + part * c->K->pack_size(j->k, j->cols), rows,
                      cols, j->k, 1, j->add);
    for (eg_index t = 0; j->forward && b->x && t < rows; t++)
        c->K->add(to + t * j->ldt, b->x + n, cols);
}

/* Columns of W, or of W^T, packed for this op alone. */
static void linear_pack_right(void *ctx, int i, int worker)
{
    const linear_job *j = ctx;
    const N(arg) *w = &j->c->in[1];
    eg_index n = i * j->cols, rs = j->forward ? w->ld : 1;
    eg_index cs = j->forward ? 1 : w->ld;

    (void)worker;
    j->c->K->pack(j->c->shared + i * j->c->K->pack_size(j->k, j->cols),
                  w->x + n * cs, rs, cs, j->k, op_least(j->n - n, j->cols));
}

static void linear_run(linear_job j, bool parted)
{
    double madds = (double)(j.rows * j.n * j.k);
    int parts;

    j.cols = parted ? op_least(egi_part(j.n), j.n) : j.n;
    j.height = !parted                ? j.rows
               : j.rows < LINEAR_MANY ? LINEAR_ROWS
                                      : LINEAR_ROWS_MANY;
    j.below = op_parts(j.rows, j.height);
    parts = op_parts(j.n, j.cols);
    if (!j.packed) {
        j.packed = j.c->shared;
        op_share(j.c, madds, parts, linear_pack_right, &j);
    }
    op_share(j.c, madds, (int)j.below * parts, linear_task, &j);
}

static void linear_forward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1], *y = &c->out[0];

    linear_run((linear_job){.c = c,
                            .to = y->x,
                            .from = x->x,
                            .packed = w->pw,
                            .ldt = y->ld,
                            .ldf = x->ld,
                            .rows = y->rows,
                            .n = y->cols,
                            .k = x->cols,
                            .add = c->in[2].x != NULL,
                            .forward = true},
               w->team);
}

/* ---- the gradient of W ---------------------------------------------------
 */

/* Columns that a task of a team takes at least, so that its product counts as
 * a large one, and rows. */
enum { LINEAR_WIDE = 512, LINEAR_HIGH = 64, LINEAR_HIGH_MANY = 128 };

/* n columns in parts as equal as whole vectors allow. */
static eg_index linear_wide(eg_index n)
{
    eg_index parts = n < LINEAR_WIDE ? 1 : n / LINEAR_WIDE;

    return ((n + parts - 1) / parts + 31) / 32 * 32;
}

/* db += the rows of dy, of some columns. */
static void linear_bias_back(const N(call) * c, eg_index n, eg_index cols)
{
    const N(arg) *b = &c->in[3], *y = &c->out[0];

    for (eg_index t = 0; b->g && t < y->rows; t++)
        c->K->add(b->g + n, y->g + t * y->ld + n, cols);
}

/* dy, packed once for all that multiply by it; and db. */
static void linear_pack(void *ctx, int i, int worker)
{
    const linear_job *j = ctx;
    const N(arg) *y = &j->c->out[0];
    eg_index n = i * j->cols, cols = op_least(j->n - n, j->cols);

    (void)worker;
    j->c->K->pack(j->c->shared + i * j->c->K->pack_size(y->rows, j->cols),
                  y->g + n, y->ld, 1, y->rows, cols);
    linear_bias_back(j->c, n, cols);
}

/* dW += x^T dy. */
static void linear_weights(void *ctx, int i, int worker)
{
    const linear_job *j = ctx;
    const N(arg) *x = &j->c->in[0], *w = &j->c->in[1], *y = &j->c->out[0];
    eg_index k = i % j->below * j->height, part = i / j->below;
    eg_index n = part * j->cols;

    (void)worker;
    j->c->K->gemm_packed(w->g + k * w->ld + n, w->ld, x->x + k, 1, x->ld,
                         j->c->shared +
                             part * j->c->K->pack_size(y->rows, j->cols),
                         op_least(j->k - k, j->height),
                         op_least(j->n - n, j->cols), y->rows, 1, 1);
}

static void linear_weights_back(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1], *y = &c->out[0];
    linear_job j = {.c = c,
                    .n = y->cols,
                    .k = x->cols,
                    .cols = linear_wide(y->cols),
                    .height =
                        y->rows < LINEAR_MANY ? LINEAR_HIGH : LINEAR_HIGH_MANY};
    double madds = (double)(y->rows * j.n * j.k);
    int parts = op_parts(j.n, j.cols);

    j.below = op_parts(j.k, j.height);
    if (w->g && w->team) {
        op_share(c, madds, parts, linear_pack, &j);
        op_share(c, madds, (int)j.below * parts, linear_weights, &j);
        return;
    }
    if (w->g)
        c->K->gemm(w->g, w->ld, x->x, 1, x->ld, y->g, y->ld, 1, j.k, j.n,
                   y->rows, 1, 1, c->work);
    linear_bias_back(c, 0, j.n);
}

static void linear_backward(const N(call) * c)
{
    const N(arg) *x = &c->in[0], *w = &c->in[1], *r = &c->in[2];
    const N(arg) *y = &c->out[0];

    linear_weights_back(c);
    if (x->g)
        linear_run((linear_job){.c = c,
                                .to = x->g,
                                .from = y->g,
                                .packed = w->pwt,
                                .ldt = x->ld,
                                .ldf = y->ld,
                                .rows = y->rows,
                                .n = x->cols,
                                .k = y->cols,
                                .add = !x->fresh},
                   w->team);
    if (r->g) op_pass(c, r, y);
}

/* A right operand [rows, n], packed for the gradient of W: of one thread, or of
 * a team. */
static eg_index linear_work(const kern *K, const egi_program *p,
                            const egi_op *op)
{
    const egi_value *y = egi_value_of(p, op->out[0]);

    return p->team ? 0 : K->pack_size(egi_rows(p, y), y->cols);
}

static eg_index linear_shared(const kern *K, const egi_program *p,
                              const egi_op *op)
{
    const egi_value *y = egi_value_of(p, op->out[0]);
    const egi_value *w = egi_value_of(p, op->in[1]);
    eg_index cols = linear_wide(y->cols), size = 0;

    if (p->many > 1)
        size = op_most(N(pack_size)(K, w->rows, w->cols, true),
                       N(pack_size)(K, w->cols, w->rows, true));
    if (!p->team || !w->grad) return size;
    return op_most(size, op_parts(y->cols, cols) *
                             K->pack_size(egi_rows(p, y), cols));
}

KIND(linear, .shape = linear_shape, .forward = linear_forward,
     .backward = linear_backward, .work = linear_work, .shared = linear_shared,
     .info.reads_in = 1u << 0 | 1u << 1, .info.in_place = 1u << 2,
     .info.grad_in_place = 1u << 2, .info.cost = op_linear_cost,
     .info.joint = true, .info.any_rows = true,
     .info.by_row = 1u << 0 | 1u << 2);
