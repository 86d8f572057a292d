/* The toy problem of the three-step theorem: a sequence of T tokens holds a
 * random trigger q at tau, its random output o at tau + 1, and q again at the
 * end; everything else is uniform noise; the loss asks for o at the last
 * position.
 *
 * The model is the two-layer one, written in coefficients: every vector of the
 * residual stream is a sum of the 2 M dictionary vectors
 *     w_E(i), p_s  (M = N + T of them), then R w_E(i), R p_s, R = W_O^1 W_V^1,
 * so the width d enters through dot products between them only. Which of the
 * four kinds each matrix reads is a choice: the theorem's clean streams, the
 * full residual stream, or anything between. */
#ifndef EGI_MEMORY_TOY_H
#define EGI_MEMORY_TOY_H

#include "engram/rng.h"

/* Kinds of dictionary vectors, as bits. */
enum {
    EGI_TOKENS = 1,          /* w_E(i)    letter t */
    EGI_POSITIONS = 2,       /* p_s       letter p */
    EGI_TOKENS_MAPPED = 4,   /* R w_E(i)  letter T */
    EGI_POSITIONS_MAPPED = 8 /* R p_s   letter P */
};

typedef struct egi_toy {
    eg_index n, t, m; /* N tokens, T positions, M = N + T */
    int read1;        /* what the queries and keys of layer 1 read (t, p) */
    int write1;       /* what layer 1 moves, through R (t, p) */
    int query2, key2, value2, direct; /* what layer 2 and the logits read */
    bool q_in_noise;                  /* background tokens may equal q */
    bool anywhere; /* the sequence ends, and is asked, after T/2..T */
    /* the model; NULL: zero */
    const double *g1;  /* [M, M] scores of W_K^1 between dictionary vectors */
    const double *g2;  /* [2M, 2M] of W_K^2 */
    const double *f;   /* [N, 2M] logits through W_O^2 W_V^2 */
    const double *dir; /* [N, 2M] logits of the direct path */
} egi_toy;

/* One thread's sequence and activations. */
typedef struct egi_toy_state {
    int32_t *z;   /* [T] */
    eg_index len; /* tokens of this sequence, T unless `anywhere` */
    int32_t q, o;
    double *a1;     /* [T, T] rows of layer 1's attention, s <= t */
    double *a2;     /* [T] the last position's attention */
    double *bt;     /* [2M] coefficients of the last position's stream */
    double *qv;     /* [2M] score of each dictionary vector as a key */
    double *v;      /* [2M] coefficients of the attended value */
    double *logits; /* [N] after forward: softmax - onehot(o) */
    double *gf;     /* [2M] gradient of the value's coefficients */
    double *ds;     /* [T] gradient of layer 2's scores */
    double *w;      /* [2M] sum of keys, weighted by ds */
    double *x, *y;  /* [T] */
} egi_toy_state;

/* *kinds as text has their letters, "-" for none; "" is the preset. Only the
 * allowed ones; name: of the option, for messages. */
eg_status egi_toy_kinds(int *kinds, int preset, const char *text,
                        const char *allowed, const char *name, eg_err *err);

/* doubles needed by a state; z besides. */
eg_index egi_toy_state_size(const egi_toy *toy);
/* Cuts block [egi_toy_state_size] into *s; z [T]. */
void egi_toy_state_init(egi_toy_state *s, const egi_toy *toy, double *block,
                        int32_t *z);

void egi_toy_sequence(const egi_toy *toy, egi_toy_state *s, eg_rng *rng);
/* Fills a1, a2, bt, qv, v and logits (softmax - onehot(o)); returns the
 * predicted token. */
eg_index egi_toy_forward(const egi_toy *toy, egi_toy_state *s);

/* Minus the gradient of one sequence, in coefficients, added up:
 * step 1  c [N, 2M]   W_O^2 = sum c[k, j] w_U(k) (W_V^2 x_j)^T
 * step 2  c [2M, 2M]  W_K^2 = sum c[i, j] x_i x_j^T
 * step 3  c [M, M]    W_K^1 likewise
 * All after forward. */
void egi_toy_back_output(const egi_toy *toy, egi_toy_state *s, double *c);
void egi_toy_back_keys2(const egi_toy *toy, egi_toy_state *s, double *c);
void egi_toy_back_keys1(const egi_toy *toy, egi_toy_state *s, double *c);

#endif
