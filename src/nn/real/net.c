/* Weights of a step: effective matrices (merged, folded), their packed forms,
 * and the projected tables of the first block. */
#include <math.h>
#include <string.h>

#include "nn/real/layout.h"

static const real *param(const N(net) * net, int i)
{
    return (const real *)egi_param(net->m, i);
}

/* --------------------------------------------------------------- layout -- */

static void lin_lay(layout *l, const kern *K, N(lin) * w, eg_index in,
                    eg_index out, bool forward, bool backward)
{
    w->in = (int)in;
    w->out = (int)out;
    w->w = lay_real(l, in * out);
    w->pw = forward ? lay_real(l, K->pack_size(in, out)) : NULL;
    w->pwt = backward ? lay_real(l, K->pack_size(out, in)) : NULL;
}

static void layer_lay(layout *l, N(net) * net, int i)
{
    const egi_layer_plan *lp = &net->plan.layer[i];
    const eg_model *m = net->m;
    const kern *K = net->K;
    N(lnet) *n = &net->layer[i];
    eg_index d = m->d_model, zw = (eg_index)m->n_heads * lp->vw;
    bool tab = lp->table;

    if (tab) {
        eg_index cols = egi_table_cols(lp);
        n->wt = lay_real(l, d * cols);
        n->ey = lay_real(l, m->V * cols);
        n->py = m->pos >= 0 ? lay_real(l, m->T * cols) : NULL;
        n->by = egi_norm_first(m) ? lay_real(l, cols) : NULL;
    }
    if (lp->scores)
        n->kx = lay_real(l, (eg_index)lp->sn * N(key_columns)(m, lp));
    lin_lay(l, K, &n->q, d, lp->nq, !tab, !tab);
    if (lp->nk > 0) lin_lay(l, K, &n->k, d, lp->nk, !tab, !tab);
    if (lp->nv > 0) lin_lay(l, K, &n->v, d, lp->nv, !tab, !tab);
    if (lp->has_o) lin_lay(l, K, &n->o, zw, d, true, true);
    if (lp->mlp == EG_MLP_LINEAR)
        lin_lay(l, K, &n->f, d, d, !lp->table_mlp, !lp->table_mlp);
    if (lp->mlp == EG_MLP_RELU || lp->mlp == EG_MLP_GELU) {
        lin_lay(l, K, &n->win, d, m->d_mlp, !lp->table_mlp, !lp->table_mlp);
        lin_lay(l, K, &n->wout, m->d_mlp, d, true, true);
    }
}

static size_t net_lay(N(net) * net, char *base)
{
    const eg_model *m = net->m;
    const kern *K = net->K;
    layout l = {base, 0};
    const egi_layer_plan *last = &net->plan.layer[m->n_layers - 1];
    eg_index big = m->d_model > m->V ? m->d_model : m->V, cols = 0;
    eg_index rows = (eg_index)m->n_heads * last->vw;

    for (int i = 0; i < m->n_layers; i++) layer_lay(&l, net, i);
    lin_lay(&l, K, &net->u, m->d_model, m->V, true, true);
    if (net->plan.fold)
        lin_lay(&l, K, &net->c, (eg_index)m->n_heads * last->vw, m->V, true,
                true);
    net->ec = lay_real(&l, (eg_index)m->V * m->d_model);
    net->pc = m->pos >= 0 ? lay_real(&l, (eg_index)m->T * m->d_model) : NULL;
    net->rot_width = egi_merged_qk(m) ? m->d_model : m->d_head;
    net->rot = m->opts.pos == EG_POS_ROTARY
                   ? lay_real(&l, (eg_index)m->T * net->rot_width)
                   : NULL;
    if (net->plan.layer[0].table) cols = egi_table_cols(&net->plan.layer[0]);
    if (cols > big) big = cols;
    if (m->d_mlp > big) big = m->d_mlp;
    eg_index wide = (eg_index)m->n_heads * m->d_model;
    if (wide > big) big = wide;
    net->dtable = lay_real(&l, m->d_model * cols);
    net->raw_u = lay_real(&l, (eg_index)m->d_model * m->V);
    net->dhead = lay_real(&l, (eg_index)m->d_model * m->V);
    net->du = lay_real(&l, (eg_index)m->d_model * m->V);
    if (m->T > rows) rows = m->T;
    if (m->V > rows) rows = m->V;
    eg_index kw = net->plan.layer[0].kw;
    net->rows = lay_real(&l, rows * (kw > m->d_model ? kw : m->d_model));
    if (rows > big) big = rows;
    if (kw > big) big = kw;
    net->work = lay_real(&l, K->pack_size(big, big));
    return l.used;
}

static void rotary_table(N(net) * net)
{
    int w = net->rot_width;

    if (!net->rot) return;
    for (int t = 0; t < net->m->T; t++)
        for (eg_index i = 0; i < w / 2; i++) {
            double rate =
                pow(net->m->opts.rotary_theta, -2.0 * (double)i / (double)w);
            net->rot[(eg_index)t * w + 2 * i] = (real)cos((double)t * rate);
            net->rot[(eg_index)t * w + 2 * i + 1] = (real)sin((double)t * rate);
        }
}

const kern *N(net_kern)(const char *name)
{
#ifdef EG_REAL_DOUBLE
    (void)name; /* one set only */
    return eg_kern_pick_f64("auto");
#else
    return eg_kern_pick(name && *name ? name : "auto");
#endif
}

size_t N(net_bytes)(const eg_model *m, const egi_plan *plan,
                    const char *kern_name)
{
    N(net) net = {.K = N(net_kern)(kern_name), .m = m, .plan = *plan};
    return net_lay(&net, NULL);
}

eg_status N(net_init)(N(net) * net, const eg_model *m, const egi_plan *plan,
                      const char *kern_name, eg_err *err)
{
    memset(net, 0, sizeof *net);
    net->m = m;
    net->plan = *plan;
    net->K = N(net_kern)(kern_name);
    if (!net->K)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "kernel set '%s': unknown or not runnable on this CPU",
                       kern_name);
    size_t bytes = net_lay(net, NULL);
    char *base = eg_calloc(1, bytes);
    if (!base) return EG_FAIL(err, EG_ENOMEM, "network of %zu bytes", bytes);
    net_lay(net, base);
    net->block = base;
    net->bytes = bytes;
    rotary_table(net);
    return EG_OK;
}

void N(net_release)(N(net) * net)
{
    eg_free(net->block);
    memset(net, 0, sizeof *net);
}

/* -------------------------------------------------------------- prepare -- */

/* [H, d, w] to [d, H w]. */
static void heads_beside(real *out, const real *in, int H, int d, int w)
{
    for (int h = 0; h < H; h++)
        for (int i = 0; i < d; i++)
            memcpy(out + ((eg_index)i * H + h) * w,
                   in + ((eg_index)h * d + i) * w, (size_t)w * sizeof *out);
}

/* Keys x W_QK[h]^T from qk [H, d, d], and for every head the input as query:
 * [d, H d] of identities. */
static void key_prepare(N(lnet) * n, const real *qk, int H, int d)
{
    memset(n->q.w, 0, (size_t)d * (size_t)H * (size_t)d * sizeof *n->q.w);
    for (eg_index i = 0; i < d; i++)
        for (eg_index h = 0; h < H; h++) {
            n->q.w[(i * H + h) * d + i] = 1;
            for (eg_index j = 0; j < d; j++)
                n->k.w[(i * H + h) * d + j] = qk[(h * d + j) * d + i];
        }
}

static void lin_pack(const kern *K, N(lin) * w)
{
    if (w->pw) K->pack(w->pw, w->w, w->out, 1, w->in, w->out);
    if (w->pwt) K->pack(w->pwt, w->w, 1, w->out, w->out, w->in);
}

static void lin_set(const N(net) * net, N(lin) * w, int tensor)
{
    memcpy(w->w, param(net, tensor),
           (size_t)net->m->tensor[tensor].size * sizeof *w->w);
    lin_pack(net->K, w);
}

static void attn_prepare(N(net) * net, int l)
{
    const eg_model *m = net->m;
    const egi_block_roles *r = &m->block[l];
    const egi_layer_plan *lp = &net->plan.layer[l];
    N(lnet) *n = &net->layer[l];
    int H = m->n_heads, d = m->d_model;

    if (lp->scores)
        N(scores_prepare)(net);
    else if (lp->at_key)
        key_prepare(n, param(net, r->qk), H, d);
    else
        heads_beside(n->q.w, param(net, egi_query_matrix(lp, r)), H, d, lp->kw);
    if (lp->nk > 0 && !lp->at_key)
        heads_beside(n->k.w, param(net, r->k), H, d, lp->kw);
    if (lp->merge_ov) {
        N(lin) *to = lp->table ? &n->v : &n->o;
        N(product)
        (net, to->w, d, (N(mat)){param(net, r->v), d, 1},
         (N(mat)){param(net, r->o), d, 1}, d, d, d, 1, 0);
    } else if (lp->nv > 0) {
        heads_beside(n->v.w, param(net, r->v), H, d, lp->vw);
    }
    if (lp->has_o && !lp->merge_ov)
        memcpy(n->o.w, param(net, r->o),
               (size_t)H * (size_t)lp->vw * (size_t)d * sizeof *n->o.w);
    lin_pack(net->K, &n->q);
    if (lp->nk > 0) lin_pack(net->K, &n->k);
    if (lp->nv > 0) lin_pack(net->K, &n->v);
    if (lp->has_o) lin_pack(net->K, &n->o);
}

static void mlp_prepare(N(net) * net, int l)
{
    const egi_block_roles *r = &net->m->block[l];
    N(lnet) *n = &net->layer[l];

    if (net->plan.layer[l].mlp == EG_MLP_NONE) return;
    if (net->plan.layer[l].mlp == EG_MLP_LINEAR) {
        lin_set(net, &n->f, r->f);
        return;
    }
    lin_set(net, &n->win, r->in);
    lin_set(net, &n->wout, r->out);
}

/* Rows minus their mean when a norm reads them, as they are otherwise. */
static void centre(real *out, const real *in, eg_index rows, int d, bool really)
{
    memcpy(out, in, (size_t)rows * (size_t)d * sizeof *out);
    for (eg_index i = 0; really && i < rows; i++) {
        double mean = 0;
        for (int j = 0; j < d; j++) mean += (double)in[i * d + j];
        mean /= d;
        for (int j = 0; j < d; j++)
            out[i * d + j] = (real)((double)in[i * d + j] - mean);
    }
}

/* Columns at..at+n of the table matrix: diag(gain) w; of the bias row:
 * bias w. */
static void table_columns(N(net) * net, const real *w, int at, int n, int gain,
                          int bias)
{
    N(lnet) *ln = &net->layer[0];
    eg_index cols = egi_table_cols(&net->plan.layer[0]), d = net->m->d_model;
    const real *g = ln->by ? param(net, gain) : NULL;
    const real *b = ln->by ? param(net, bias) : NULL;

    for (eg_index j = 0; ln->by && j < n; j++) {
        double sum = 0;
        for (eg_index i = 0; i < d; i++)
            sum += (double)b[i] * (double)w[i * n + j];
        ln->by[at + j] = (real)sum;
    }
    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j < n; j++)
            ln->wt[i * cols + at + j] = (g ? g[i] : 1) * w[i * n + j];
}

static void tables_prepare(N(net) * net)
{
    const eg_model *m = net->m;
    const egi_layer_plan *lp = &net->plan.layer[0];
    const egi_block_roles *r = &m->block[0];
    N(lnet) *n = &net->layer[0];
    int cols = egi_table_cols(lp), d = m->d_model;

    table_columns(net, n->q.w, 0, lp->nq, r->ln1_w, r->ln1_b);
    if (lp->nk > 0)
        table_columns(net, n->k.w, lp->nq, lp->nk, r->ln1_w, r->ln1_b);
    if (lp->nm > 0)
        table_columns(net, lp->mlp == EG_MLP_LINEAR ? n->f.w : n->win.w,
                      egi_table_mlp(lp), lp->nm, r->ln2_w, r->ln2_b);
    if (lp->nv > 0)
        table_columns(net, n->v.w, egi_table_values(lp), lp->nv, r->ln1_w,
                      r->ln1_b);
    N(mat) wt = {n->wt, cols, 1};
    N(product)
    (net, n->ey, cols, (N(mat)){net->ec, d, 1}, wt, m->V, cols, d, 1, 0);
    if (n->py) N(product)
    (net, n->py, cols, (N(mat)){net->pc, d, 1}, wt, m->T, cols, d, 1, 0);
}

/* W_U, or W_E^T, or W_E^T / d when tied; folded: A = (1 + W_F) W_U and C = W_O
 * A. */
static void head_prepare(N(net) * net)
{
    const eg_model *m = net->m;
    const N(lnet) *n = &net->layer[m->n_layers - 1];
    const egi_layer_plan *lp = &net->plan.layer[m->n_layers - 1];
    eg_index d = m->d_model, V = m->V, zw = (eg_index)m->n_heads * lp->vw;
    real *u = net->u.w;

    if (m->opts.tied) {
        const real *e = param(net, m->e);
        for (eg_index i = 0; i < d; i++)
            for (eg_index v = 0; v < V; v++)
                u[i * V + v] = e[v * d + i] / (real)egi_tied_divisor(m);
    } else {
        memcpy(u, param(net, m->u), (size_t)(d * V) * sizeof *u);
    }
    memcpy(net->raw_u, u, (size_t)(d * V) * sizeof *u);
    if (net->plan.fold && lp->mlp == EG_MLP_LINEAR) {
        net->K->pack(net->work, u, V, 1, d, V); /* a copy: u is overwritten */
        net->K->gemm_packed(u, V, n->f.w, d, 1, net->work, d, V, d, 1, 1);
    }
    lin_pack(net->K, &net->u);
    if (!net->plan.fold) return;
    if (lp->has_o)
        net->K->gemm_packed(net->c.w, V, n->o.w, d, 1, net->u.pw, zw, V, d, 1,
                            0);
    else
        memcpy(net->c.w, u, (size_t)(d * V) * sizeof *u);
    lin_pack(net->K, &net->c);
}

void N(net_prepare)(N(net) * net)
{
    const eg_model *m = net->m;
    bool centred = egi_norm_first(m);

    centre(net->ec, param(net, m->e), m->V, m->d_model, centred);
    if (m->pos >= 0)
        centre(net->pc, param(net, m->pos), m->T, m->d_model, centred);
    for (int l = 0; l < m->n_layers; l++) {
        attn_prepare(net, l);
        mlp_prepare(net, l);
    }
    if (net->plan.layer[0].table) tables_prepare(net);
    head_prepare(net);
}
