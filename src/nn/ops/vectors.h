/* y[t] = the input at position t, of a task of vectors. A sequence's own, not a
 * function of token and position: of every position, never of a batch's pairs.
 */
static eg_status vectors_shape(egi_program *p, egi_op *op)
{
    egi_out(p, op, 0, EGI_POSITION, p->m->T, p->m->io.n_in);
    return p->st;
}

static void vectors_forward(const N(call) * c)
{
    const N(arg) *y = &c->out[0];

    for (eg_index r = 0; r < y->rows; r++) {
        const double *x = c->seq->inputs + r * y->cols;

        for (eg_index k = 0; k < y->cols; k++) y->x[r * y->ld + k] = (real)x[k];
    }
}

static void vectors_backward(const N(call) * c)
{
    (void)c; /* nothing depends on it */
}

KIND(vectors, .shape = vectors_shape, .forward = vectors_forward,
     .backward = vectors_backward);
