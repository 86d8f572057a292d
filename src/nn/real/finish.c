/* Once a step: sums over effective matrices, tables and folded products become
 * gradients of the parameters. All products here are of weight size. */
#include <string.h>

#include "nn/real/pass.h"

typedef struct fin {
    N(net) * net;
    const kern *K;
    const eg_model *m;
    const real *acc;
    real *grad;
} fin;

static real *grad_of(const fin *f, int tensor)
{
    return tensor < 0 ? NULL : f->grad + f->m->tensor[tensor].offset;
}

static void add_to(const fin *f, int tensor, eg_index at)
{
    if (tensor >= 0 && at >= 0)
        f->K->add(grad_of(f, tensor), f->acc + at, f->m->tensor[tensor].size);
}

/* [d, H w] (row stride ld) to [H, d, w], added. */
static void heads_apart(const fin *f, int tensor, const real *in, eg_index ld,
                        int w)
{
    eg_index d = f->m->d_model;
    real *out = grad_of(f, tensor);

    for (int h = 0; h < f->m->n_heads; h++)
        for (eg_index i = 0; i < d; i++)
            f->K->add(out + ((eg_index)h * d + i) * w,
                      in + i * ld + (eg_index)h * w, w);
}

/* The same for the matrix behind the keys of block l, which is W_QK[h]^T where
 * that stands at the key. */
static void keys_apart(const fin *f, int l, const real *in, eg_index ld)
{
    const egi_layer_plan *lp = &f->net->plan.layer[l];
    eg_index d = f->m->d_model;
    int tensor = egi_key_matrix(lp, &f->m->block[l]);
    real *out = grad_of(f, tensor);

    if (!lp->at_key) {
        heads_apart(f, tensor, in, ld, lp->kw);
        return;
    }
    for (eg_index h = 0; h < f->m->n_heads; h++)
        for (eg_index i = 0; i < d; i++)
            for (eg_index j = 0; j < d; j++)
                out[(h * d + j) * d + i] += in[i * ld + h * d + j];
}

/* c[M,N] (+)= A B with plain strides. */
static void product(const fin *f, real *c, eg_index ldc, const real *a,
                    eg_index rs, eg_index cs, const real *b, eg_index brs,
                    eg_index bcs, eg_index M, eg_index Nn, eg_index K, int acc)
{
    N(product)
    (f->net, c, ldc, (N(mat)){a, rs, cs}, (N(mat)){b, brs, bcs}, M, Nn, K, 1,
     acc);
}

/* d(W_V W_O) = dm [d, d], row stride ld: dW_V = dm W_O^T, dW_O = W_V^T dm. */
static void split_merged(const fin *f, int l, const real *dm, eg_index ld)
{
    const egi_block_roles *r = &f->m->block[l];
    eg_index d = f->m->d_model;

    product(f, grad_of(f, r->v), d, dm, ld, 1, N(gain)(f->m, r->o), 1, d, d, d,
            d, 1);
    product(f, grad_of(f, r->o), d, N(gain)(f->m, r->v), 1, d, dm, ld, 1, d, d,
            d, 1);
}

static void dense_finish(const fin *f, int l)
{
    const egi_block_roles *r = &f->m->block[l];
    const egi_layer_plan *lp = &f->net->plan.layer[l];
    const egi_layer_acc *a = &lp->acc;

    if (a->q >= 0)
        heads_apart(f, egi_query_matrix(lp, r), f->acc + a->q, lp->nq, lp->kw);
    if (a->k >= 0) keys_apart(f, l, f->acc + a->k, lp->nk);
    if (a->v >= 0) heads_apart(f, r->v, f->acc + a->v, lp->nv, lp->vw);
    if (a->o >= 0 && lp->merge_ov)
        split_merged(f, l, f->acc + a->o, f->m->d_model);
    else
        add_to(f, r->o, a->o);
    add_to(f, r->ln1_w, a->ln1_w);
    add_to(f, r->ln1_b, a->ln1_b);
    add_to(f, r->ln2_w, a->ln2_w);
    add_to(f, r->ln2_b, a->ln2_b);
    add_to(f, r->f, a->f);
    add_to(f, r->in, a->in);
    add_to(f, r->out, a->out);
}

/* ---------------------------------------------------------------- tables -- */

/* Columns at..at+n of the tables belong to w [d, n] behind a norm's gain and
 * bias: takes dT = d(diag(gain) w) apart; leaves dw in dT's place. */
static void columns_finish(const fin *f, real *dt, const real *w, int at, int n,
                           int gain, int bias)
{
    const N(lnet) *ln = &f->net->layer[0];
    eg_index cols = egi_sum_cols(&f->net->plan.layer[0]);
    const real *g = N(gain)(f->m, gain), *b = N(gain)(f->m, bias);
    const real *dby = f->acc + f->net->plan.layer[0].acc.by + at;

    if (!ln->by) return;
    for (eg_index i = 0; i < f->m->d_model; i++) {
        real *row = dt + i * cols + at;
        const real *wi = w + i * n;
        grad_of(f, gain)[i] += (real)f->K->dot(row, wi, n);
        grad_of(f, bias)[i] += (real)f->K->dot(dby, wi, n);
        f->K->scale(row, g[i], n);
        f->K->axpy(row, b[i], dby, n);
    }
}

/* Gradient of the centred rows, through W'^T, uncentred, into W_E or W_pos. */
static void rows_finish(const fin *f, int tensor, const real *dt, eg_index rows)
{
    const N(lnet) *ln = &f->net->layer[0];
    eg_index cols = egi_sum_cols(&f->net->plan.layer[0]);
    int d = f->m->d_model;
    real *out = f->net->rows;

    product(f, out, d, dt, cols, 1, ln->wt, 1,
            egi_table_cols(&f->net->plan.layer[0]), rows, d, cols, 0);
    for (eg_index i = 0; i < rows; i++) {
        double mean = 0;
        for (int j = 0; ln->by && j < d; j++) mean += (double)out[i * d + j];
        mean /= d;
        for (int j = 0; ln->by && j < d; j++)
            out[i * d + j] = (real)((double)out[i * d + j] - mean);
    }
    f->K->add(grad_of(f, tensor), out, rows * d);
}

static void tables_finish(const fin *f)
{
    N(net) *net = f->net;
    const egi_layer_plan *lp = &net->plan.layer[0];
    const egi_block_roles *r = &f->m->block[0];
    const N(lnet) *n = &net->layer[0];
    eg_index cols = egi_sum_cols(lp), d = f->m->d_model;
    const real *dey = f->acc + lp->acc.ey, *dpy = f->acc + lp->acc.py;
    real *dt = net->dtable;
    int at = egi_table_values(lp);

    if (lp->acc.ey < 0) return;
    product(f, dt, cols, net->ec, 1, d, dey, cols, 1, d, cols, f->m->V, 0);
    if (n->py)
        product(f, dt, cols, net->pc, 1, d, dpy, cols, 1, d, cols, f->m->T, 1);
    columns_finish(f, dt, n->q.w, 0, lp->nq, r->ln1_w, r->ln1_b);
    if (lp->scores)
        N(scores_finish)(net, dt, cols, f->grad);
    else if (!lp->at_key)
        heads_apart(f, egi_query_matrix(lp, r), dt, cols, lp->kw);
    if (lp->nk > 0) {
        columns_finish(f, dt, n->k.w, lp->nq, lp->nk, r->ln1_w, r->ln1_b);
        keys_apart(f, 0, dt + lp->nq, cols);
    }
    if (lp->nm > 0) {
        bool linear = lp->mlp == EG_MLP_LINEAR;
        int w = linear ? r->f : r->in, from = egi_table_mlp(lp);
        columns_finish(f, dt, linear ? n->f.w : n->win.w, from, lp->nm,
                       r->ln2_w, r->ln2_b);
        for (eg_index i = 0; i < d; i++)
            f->K->add(grad_of(f, w) + i * lp->nm, dt + i * cols + from, lp->nm);
    }
    if (lp->nv > 0 && lp->need_v) {
        columns_finish(f, dt, n->v.w, at, lp->nv, r->ln1_w, r->ln1_b);
        if (lp->merge_ov)
            split_merged(f, 0, dt + at, cols);
        else
            heads_apart(f, r->v, dt + at, cols, lp->vw);
    }
    if (net->plan.acc_e >= 0) rows_finish(f, f->m->e, dey, f->m->V);
    if (net->plan.acc_pos >= 0) rows_finish(f, f->m->pos, dpy, f->m->T);
}

/* ------------------------------------------------------------------ head -- */

/* du [d, V]: gradient of the raw output matrix. */
static void unembed_finish(const fin *f, const real *du)
{
    const eg_model *m = f->m;
    eg_index d = m->d_model, V = m->V;

    if (!m->opts.tied) {
        f->K->add(grad_of(f, m->u), du, d * V);
        return;
    }
    real *ge = grad_of(f, m->e);
    for (eg_index v = 0; v < V; v++)
        for (eg_index i = 0; i < d; i++)
            ge[v * d + i] += du[i * V + v] / (real)egi_tied_divisor(m);
}

/* logits = x A + z C, C = W_O A, A = (1 + W_F) W_U. */
static void folded_finish(const fin *f)
{
    N(net) *net = f->net;
    const egi_plan *plan = &net->plan;
    const eg_model *m = f->m;
    int last = m->n_layers - 1;
    const egi_layer_plan *lp = &plan->layer[last];
    const egi_block_roles *r = &m->block[last];
    eg_index d = m->d_model, V = m->V, zw = (eg_index)m->n_heads * lp->vw;
    real *da = net->dhead;
    const real *dc = f->acc + plan->acc_c;

    if (plan->acc_c < 0) return;
    memset(da, 0, (size_t)(d * V) * sizeof *da);
    if (plan->acc_u >= 0) f->K->add(da, f->acc + plan->acc_u, d * V);
    if (lp->has_o) {
        real *dm = lp->merge_ov ? net->rows : grad_of(f, r->o);
        product(f, dm, d, dc, V, 1, net->u.w, 1, V, zw, d, V, !lp->merge_ov);
        if (lp->merge_ov) split_merged(f, last, dm, d);
        product(f, da, V, net->layer[last].o.w, 1, d, dc, V, 1, d, V, zw, 1);
    } else {
        f->K->add(da, dc, d * V);
    }
    if (lp->mlp == EG_MLP_LINEAR) {
        const real *w = net->layer[last].f.w, *u = net->raw_u;
        product(f, grad_of(f, r->f), d, da, V, 1, u, 1, V, d, d, V, 1);
        product(f, net->du, V, w, 1, d, da, V, 1, d, V, d, 0);
        f->K->add(net->du, da, d * V);
        da = net->du;
    }
    unembed_finish(f, da);
}

void N(finish)(N(net) * net, const real *acc, real *grad, real scale)
{
    const egi_plan *plan = &net->plan;
    const eg_model *m = net->m;
    fin f = {net, net->K, m, acc, grad};

    memset(grad, 0, (size_t)m->n_params * sizeof *grad);
    for (int l = 0; l < m->n_layers; l++) dense_finish(&f, l);
    if (plan->layer[0].table) tables_finish(&f);
    if (plan->fold)
        folded_finish(&f);
    else if (plan->acc_u >= 0)
        unembed_finish(&f, acc + plan->acc_u);
    add_to(&f, m->lnf_w, plan->acc_lnf_w);
    add_to(&f, m->lnf_b, plan->acc_lnf_b);
    add_to(&f, m->e, plan->acc_e);
    add_to(&f, m->pos, plan->acc_pos);
    net->K->scale(grad, scale, m->n_params);
}
