/* A two-block model whose memories are built by hand: block 0 looks one back,
 * block 1 behind earlier copies of the token. */
#ifndef PROBE_BUILT_H
#define PROBE_BUILT_H

#include <stdlib.h>

#include "rig.h"

enum { D = 512, V = 65, T = 256 };

#define BUILT_SETTINGS                                  \
    {"model.d_model", "512"}, {"model.init", "normal"}, \
        {"model.embed_std", "0"},                       \
    {                                                   \
        "model.scale_scores", "false"                   \
    }

static inline void get(const rig *r, const char *name, double *out)
{
    const eg_model *m = eg_trainer_model(r->trainer);
    int i = eg_model_find(m, name);

    assert_true(i >= 0);
    eg_model_get(m, i, out);
}

static inline void set(const rig *r, const char *name, const double *in)
{
    eg_model *m = eg_trainer_model(r->trainer);
    int i = eg_model_find(m, name);

    assert_true(i >= 0);
    eg_model_set(m, i, in);
}

/* w += beta x^T y */
static inline void add_outer(double *w, double beta, const double *x,
                             const double *y)
{
    for (eg_index i = 0; i < D; i++) {
        for (eg_index j = 0; j < D; j++) w[i * D + j] += beta * x[i] * y[j];
    }
}

/* y = x w */
static inline void act(double *y, const double *x, const double *w)
{
    memset(y, 0, sizeof *y * D);
    for (eg_index i = 0; i < D; i++) {
        for (eg_index j = 0; j < D; j++) y[j] += x[i] * w[i * D + j];
    }
}

/* W_K1* = sum p_t p_{t-1}^T, W_K2* = sum w_E(k) w_1(k)^T with w_1(k) the trace
 * of k left by block 0, W_O2* = sum (w_E(k) W_V2)^T w_U(k), in this program's
 * row convention. */
static inline void build_memories(const rig *r)
{
    size_t one = sizeof(double), square = one * D * D;
    double *W = malloc(square), *E = malloc(one * V * D);
    double *P = malloc(one * T * D), *U = malloc(one * D * V);
    double *V1 = malloc(square), *O1 = malloc(square), *V2 = malloc(square);
    double x[D], y[D];

    get(r, "W_E", E);
    get(r, "W_pos", P);
    get(r, "W_U", U);
    get(r, "blocks.0.attn.W_V", V1);
    get(r, "blocks.0.attn.W_O", O1);
    get(r, "blocks.1.attn.W_V", V2);

    memset(W, 0, square);
    for (eg_index t = 1; t < T; t++) {
        add_outer(W, 20, P + t * D, P + (t - 1) * D);
    }
    set(r, "blocks.0.attn.W_QK", W);

    memset(W, 0, square);
    for (eg_index k = 0; k < V; k++) {
        act(x, E + k * D, V1);
        act(y, x, O1);
        add_outer(W, 20, E + k * D, y);
    }
    set(r, "blocks.1.attn.W_QK", W);

    memset(W, 0, square);
    for (eg_index k = 0; k < V; k++) {
        act(x, E + k * D, V2);
        for (eg_index j = 0; j < D; j++) y[j] = U[j * V + k];
        add_outer(W, 5, x, y);
    }
    set(r, "blocks.1.attn.W_O", W);
    free(W);
    free(E);
    free(P);
    free(U);
    free(V1);
    free(O1);
    free(V2);
}

#endif
