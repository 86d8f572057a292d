/* One block in one direction: what its functions are handed. */
#ifndef EG_NN_PASS_H
#define EG_NN_PASS_H

#include <string.h>

#include "nn/real/real.h"

typedef struct N(pass) {
    const N(net) * net;
    const kern *K;
    const eg_model *m;
    N(state) * st;
    const egi_layer_plan *lp;
    const N(lnet) * w;
    N(lact) * a;
    int l, n, rows;       /* positions of the block's input and output */
    const int32_t *limit; /* [rows]; limit[r] - 1 is the position of row r */
} N(pass);

static inline N(pass) N(pass_of)(const N(net) * net, N(state) * st, int l)
{
    bool last = l == net->m->n_layers - 1;
    N(pass)
    p = {.net = net,
         .K = net->K,
         .m = net->m,
         .st = st,
         .lp = &net->plan.layer[l],
         .w = &net->layer[l],
         .a = &st->act[l],
         .l = l,
         .n = st->n,
         .rows = last ? st->rows : st->n,
         .limit = last ? st->limit : st->limit_all};
    return p;
}

/* Rows idx[] of in, side by side in out. */
static inline void N(copy_rows)(real *out, const real *in, eg_index ld,
                                const int32_t *limit, int rows, int d)
{
    for (int r = 0; r < rows; r++)
        memcpy(out + r * ld, in + (limit[r] - 1) * ld, (size_t)d * sizeof *out);
}

/* Where head h's keys begin: its own columns, or all of the identity. */
static inline eg_index N(key_at)(const N(pass) * p, eg_index h)
{
    return p->lp->nk > 0 ? h * p->lp->kw : 0;
}

static inline const real *N(gain)(const eg_model *m, int tensor)
{
    return (const real *)egi_param(m, tensor);
}

#endif
