/* X [heads d, w], a matrix a head, to Y [d, heads w], the heads' columns side
 * by side. On weights. */
static eg_status beside_shape(egi_program *p, egi_op *op)
{
    const egi_value *x = egi_value_of(p, op->in[0]);
    eg_index H = op->attr.heads;

    egi_out(p, op, 0, EGI_WEIGHT, x->rows / H, x->cols * H);
    return p->st;
}

static void beside_head(void *ctx, int h, int worker)
{
    const N(call) *c = ctx;
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    eg_index d = y->rows, w = x->cols;

    (void)worker;
    for (eg_index i = 0; i < d; i++)
        memcpy(y->x + i * y->ld + h * w, x->x + (h * d + i) * x->ld,
               (size_t)w * sizeof(real));
}

static void beside_head_back(void *ctx, int h, int worker)
{
    const N(call) *c = ctx;
    const N(arg) *x = &c->in[0], *y = &c->out[0];
    eg_index d = y->rows, w = x->cols;

    (void)worker;
    for (eg_index i = 0; i < d; i++)
        c->K->add(x->g + (h * d + i) * x->ld, y->g + i * y->ld + h * w, w);
}

/* An entry that comes from memory and goes there takes as long as 128
 * multiply-adds. */
static void beside_share(const N(call) * c, eg_task_fn fn)
{
    N(call) all = *c;

    op_share(c, 128 * (double)(c->out[0].rows * c->out[0].cols),
             c->op->attr.heads, fn, &all);
}

static void beside_forward(const N(call) * c)
{
    beside_share(c, beside_head);
}

static void beside_backward(const N(call) * c)
{
    beside_share(c, beside_head_back);
}

KIND(beside, .shape = beside_shape, .forward = beside_forward,
     .backward = beside_backward);
