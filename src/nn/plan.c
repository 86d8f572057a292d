/* Deciding the algebra; see plan.h. */
#include "nn/plan.h"

#include <string.h>

typedef struct plan_ctx {
    egi_plan *p;
    const eg_model *m;
    const bool *trains;
} plan_ctx;

static bool trained(const plan_ctx *c, int tensor)
{
    return tensor >= 0 && c->trains[tensor];
}

static eg_index take(egi_plan *p, bool wanted, eg_index size)
{
    eg_index at = p->n_acc;

    if (!wanted) return -1;
    p->n_acc += (size + 15) / 16 * 16;
    return at;
}

/* Shapes and shortcuts of block l. */
static void layer_shape(const plan_ctx *c, int l, bool plain)
{
    const eg_model *m = c->m;
    egi_layer_plan *lp = &c->p->layer[l];
    bool merged = egi_merged_qk(m);
    int d = m->d_model, H = m->n_heads, norm = m->opts.norm;
    int64_t rot = m->opts.rotary_layers;

    lp->mlp = m->mlp[l];
    lp->table = !plain && l == 0;
    lp->table_mlp =
        lp->table && norm == EG_NORM_PARALLEL && lp->mlp != EG_MLP_NONE;
    lp->rotary = m->opts.pos == EG_POS_ROTARY && (rot == 0 || l < rot);
    lp->merge_ov = !plain && H == 1 && m->d_head == d && m->block[l].v >= 0 &&
                   m->block[l].o >= 0;
    lp->kw = merged ? d : m->d_head;
    lp->nq = H * lp->kw;
    lp->at_key = lp->rotary && m->opts.qk == EG_QK_MERGED_KEY;
    lp->nk = merged && !lp->at_key ? 0 : H * lp->kw;
    lp->k_copy = merged && lp->rotary && !lp->at_key;
    lp->vw = m->d_head;
    lp->nv = m->block[l].v >= 0 ? H * m->d_head : 0;
    lp->has_o = m->block[l].o >= 0;
    if (lp->merge_ov && lp->table) lp->has_o = false;
    if (lp->merge_ov && !lp->table) lp->nv = 0;
    lp->nm = 0;
    if (lp->table_mlp) lp->nm = lp->mlp == EG_MLP_LINEAR ? d : m->d_mlp;
}

/* What the backward pass of block l has to produce. below: is anything
 * trained in front of this block? */
static void layer_needs(const plan_ctx *c, int l, bool below)
{
    const egi_block_roles *r = &c->m->block[l];
    egi_layer_plan *lp = &c->p->layer[l];
    bool norm_first = egi_norm_first(c->m);
    bool in =
        below || (norm_first && (trained(c, r->ln1_w) || trained(c, r->ln1_b)));

    lp->need_x = below;
    lp->need_a = in;
    lp->need_q = in || trained(c, egi_query_matrix(lp, r));
    lp->need_k = in || trained(c, egi_key_matrix(lp, r));
    lp->need_v = in || trained(c, r->v) ||
                 (lp->merge_ov && lp->table && trained(c, r->o));
    if (lp->nv == 0 && !in) lp->need_v = false;
}

#define SCORES_MOST 0x1p23 /* entries of tables, and of each slot's sums */

/* Are the first block's scores to come from tables? A step makes and takes
 * apart tables of sn^2 entries in some 6 sn^2 kw multiply-adds, and saves kw of
 * them for each pair of a query and a key, forward and for each gradient; heads
 * of 64 and more cost more than gathering. Asked of a quarter. */
static void score_tables(const plan_ctx *c, int batch)
{
    const eg_model *m = c->m;
    egi_layer_plan *lp = &c->p->layer[0];
    double T = m->T, passes = 1 + lp->need_q + lp->need_k;
    int sv = (m->V + 15) / 16 * 16;
    int sn = sv + (m->pos >= 0 ? (m->T + 15) / 16 * 16 : 0);

    if (!lp->table || egi_norm_first(m) || lp->rotary || lp->kw < 64) return;
    if (4 * 6.0 * sn * sn > batch * passes * T * T / 2) return;
    if ((double)m->n_heads * sn * sn > SCORES_MOST) return;
    lp->scores = true;
    lp->sv = sv;
    lp->sn = sn;
    lp->nq = m->n_heads * sn;
    lp->nk = 0;
    lp->lone_x = lp->nv > 0 && m->n_layers > 1 && m->opts.norm == EG_NORM_NONE;
}

static void layer_sums(const plan_ctx *c, int l)
{
    const egi_block_roles *r = &c->m->block[l];
    egi_plan *p = c->p;
    egi_layer_plan *lp = &p->layer[l];
    egi_layer_acc *a = &lp->acc;
    const eg_model *m = c->m;
    eg_index d = m->d_model;
    bool mlp2 = lp->mlp == EG_MLP_RELU || lp->mlp == EG_MLP_GELU;
    bool ov = lp->merge_ov && (trained(c, r->v) || trained(c, r->o));

    memset(a, 0xff, sizeof *a); /* every offset -1 */
    if (lp->table) {
        bool any = lp->need_q || lp->need_k || lp->need_v || lp->need_x ||
                   trained(c, r->in) || trained(c, r->f) ||
                   trained(c, r->ln2_w) || trained(c, r->ln2_b);
        eg_index n = egi_sum_cols(lp);
        a->ey = take(p, any, m->V * n);
        a->py = take(p, any && m->pos >= 0, m->T * n);
        a->by = take(p, any && egi_norm_first(m), n);
    } else {
        a->q = take(p, trained(c, egi_query_matrix(lp, r)), d * lp->nq);
        a->k = take(p, trained(c, egi_key_matrix(lp, r)), d * lp->nk);
        a->v = take(p, lp->nv > 0 && trained(c, r->v), d * lp->nv);
    }
    a->o = take(p, lp->has_o && (trained(c, r->o) || ov),
                (eg_index)m->n_heads * lp->vw * d);
    a->ln1_w = take(p, trained(c, r->ln1_w), d);
    a->ln1_b = take(p, trained(c, r->ln1_b), d);
    a->ln2_w = take(p, trained(c, r->ln2_w), d);
    a->ln2_b = take(p, trained(c, r->ln2_b), d);
    a->f = take(p, trained(c, r->f) && !lp->table_mlp, d * d);
    a->in = take(p, mlp2 && trained(c, r->in) && !lp->table_mlp, d * m->d_mlp);
    a->out = take(p, mlp2 && trained(c, r->out), d * m->d_mlp);
}

static void head_sums(const plan_ctx *c)
{
    egi_plan *p = c->p;
    const eg_model *m = c->m;
    const egi_layer_plan *last = &p->layer[m->n_layers - 1];
    const egi_block_roles *r = &m->block[m->n_layers - 1];
    bool u = trained(c, m->u) || (m->opts.tied && trained(c, m->e));
    bool f = p->fold && trained(c, r->f);
    bool o = p->fold && last->has_o &&
             (trained(c, r->o) || (last->merge_ov && trained(c, r->v)));

    p->acc_u = take(p, u || f, (eg_index)m->d_model * m->V);
    p->acc_c = take(p, p->fold && (u || f || o),
                    (eg_index)m->n_heads * last->vw * m->V);
    p->acc_lnf_w = take(p, trained(c, m->lnf_w), m->d_model);
    p->acc_lnf_b = take(p, trained(c, m->lnf_b), m->d_model);
    p->acc_e = take(p, trained(c, m->e), (eg_index)m->V * m->d_model);
    p->acc_pos = take(p, trained(c, m->pos), (eg_index)m->T * m->d_model);
}

static bool block_trained(const plan_ctx *c, int l)
{
    const egi_block_roles *r = &c->m->block[l];
    const int role[] = {r->qk,    r->q,     r->k,     r->v, r->o,  r->ln1_w,
                        r->ln1_b, r->ln2_w, r->ln2_b, r->f, r->in, r->out};
    for (size_t i = 0; i < sizeof role / sizeof *role; i++)
        if (trained(c, role[i])) return true;
    return false;
}

void egi_plan_make(egi_plan *p, const eg_model *m, const bool *trains,
                   bool in_context, int batch, egi_use use)
{
    plan_ctx c = {p, m, trains};
    int last = m->n_layers - 1;
    bool plain = use == EGI_TRAIN_PLAIN || use == EGI_INSPECT;

    memset(p, 0, sizeof *p);
    p->m = m;
    p->keep = use == EGI_INSPECT;
    p->in_context = in_context;
    p->subset = use == EGI_TRAIN;
    /* Pays while a pair is likely to come again. */
    p->sheets = use == EGI_TRAIN && last > 0 &&
                m->opts.norm == EG_NORM_PARALLEL && m->mlp[0] > EG_MLP_LINEAR &&
                2 * batch >= m->V;
    p->need_embed = trained(&c, m->e) || trained(&c, m->pos);
    bool below = p->need_embed;
    for (int l = 0; l <= last; l++) {
        layer_shape(&c, l, plain);
        layer_needs(&c, l, below);
        below = below || block_trained(&c, l);
    }
    if (use == EGI_TRAIN) score_tables(&c, batch);
    p->fold = !plain && m->opts.norm == EG_NORM_NONE && m->V <= m->d_model &&
              p->layer[last].mlp <= EG_MLP_LINEAR;
    for (int l = 0; l <= last; l++) {
        layer_sums(&c, l);
        if (p->fold && l == last) { /* A and C carry these instead */
            p->layer[l].acc.o = -1;
            p->layer[l].acc.f = -1;
        }
    }
    head_sums(&c);
}
