/* A program in one precision: its weights, shared by all threads, and rooms,
 * one a thread, in which it runs sequence by sequence. */
#ifndef EG_NN_EXEC_H
#define EG_NN_EXEC_H

#include "nn/engine.h"
#include "nn/profile.h"
#include "nn/real/op.h"
#include "nn/room.h"

/* Parameters that a sum of squares takes at a time. */
#define EGI_NORM_BLOCK (1 << 17)

/* A value of class EGI_WEIGHT. */
typedef struct N(weight) {
    real *x;        /* entries; NULL: of a tensor, in the model's parameters */
    real *pw, *pwt; /* packed, where a linear op reads it; or NULL */
    real *g;        /* gradient, of what only ops on weights read; or NULL */
    eg_index acc;   /* offset of its gradient in a slot's sums; -1: none */
} N(weight);

typedef struct N(exec) {
    const kern *K;
    const egi_program *p;
    egi_room room;
    eg_pool *pool;   /* shares large products of weights; NULL: no team */
    N(weight) * w;   /* [n_values] */
    real **table;    /* [n_ops] constants of ops */
    real *work;      /* scratch of ops on weights */
    double *partial; /* sums of blocks of parameters */
    egi_tick *tick;  /* of what one thread leads; NULL: nobody asks */
    eg_index each;   /* entries of a worker's scratch in a room */
    int workers;     /* that have some there: all of a team, or one */
    eg_index n_acc;  /* entries of one slot's gradient sums */
    void *block;
    size_t bytes;
} N(exec);

/* p outlives e; its needs are settled. Planned, e has sizes, but no memory. */
eg_status N(exec_plan)(N(exec) * e, const egi_program *p, const char *kern_name,
                       int threads, eg_err *err);
eg_status N(exec_init)(N(exec) * e, const egi_program *p, const char *kern_name,
                       eg_pool *pool, eg_err *err);
void N(exec_release)(N(exec) * e);
/* Once a step, forwards: all ops on weights, then what is packed. */
void N(exec_prepare)(N(exec) * e);
/* Gradients of the parameters begin at zero; grad is laid out like them. */
void N(exec_begin)(const N(exec) * e, real *grad);
/* And backwards: slot sums acc [n_acc] to gradients of the parameters, times
 * scale. acc is used up. */
void N(exec_finish)(N(exec) * e, real *acc, real *grad, real scale);

/* Columns of a value that are not what its op makes of them (nn/engine.h). */
typedef struct N(held) {
    int value;
    eg_index first, cols;
    const double *row; /* [cols] at every position; NULL, and no x: zeros */
    const real *x;     /* another room's, position by position; or NULL */
    eg_index ld;       /* of x */
    bool off;          /* not at this step */
} N(held);

/* One thread's memory for one sequence, or for as many as the program says:
 * what is [T] here is [many, T] then. */
typedef struct N(room) {
    eg_seq seq;                            /* as the task writes it */
    int32_t *each, *limit, *target, *pred; /* [T] see N(seq) */
    int32_t *whole; /* [T] T, of attention that sees all */
    double *nll;
    int count;        /* sequences at hand; several have n = T */
    int n;            /* positions computed, of each */
    int rows, n_loss; /* rows of EGI_LOSS, those in the loss, of all */
    int pair_rows;    /* rows of EGI_PAIR, and their limits */
    const int32_t *pair_limit;
    const struct N(batch) * batch; /* by pairs; NULL: no op asks */
    int index;                     /* of the sequence in it */
    const N(held) * held;          /* [n_held] */
    int n_held;
    uint64_t *draw; /* [many] see N(seq) */
    egi_tick *tick; /* NULL: nobody asks for the time */
    egi_halt *halt; /* of the call in hand; NULL: none */
    bool asks;      /* its thread is the one that asks */
    real *base;
    void *block;
    size_t bytes;
} N(room);

/* Memory that nobody has touched: the thread that is to use it does so first
 * (room_touch), so that it lies near that thread. */
eg_status N(room_init)(N(room) * r, const N(exec) * e, eg_err *err);
void N(room_touch)(const N(room) * r, const N(exec) * e);
void N(room_release)(N(room) * r);
size_t N(room_bytes)(const N(exec) * e);
/* Where the i-th sequence is written. */
eg_seq N(room_seq)(const N(room) * r, const N(exec) * e, int i);

/* Where gradients of weights go: to a slot's sums acc [n_acc], and, of a
 * program that is direct, those of tensors to grad at once. Both NULL: nobody
 * wants any.
 */
typedef struct N(sums) {
    real *acc, *grad;
} N(sums);

/* Tokens to nll and pred; returns the positions in the loss (0: nothing was
 * computed). An op that is head and loss adds its gradients to the sums. */
int N(exec_forward)(const N(exec) * e, N(room) * r, N(sums) s);
/* Adds this sequence's gradients, of the sum of losses. */
void N(exec_backward)(const N(exec) * e, N(room) * r, N(sums) s);

/* The ops on pairs, or those on sequences, in a room whose rows are chosen; and
 * backwards those of them that have gradients to pass on. */
void N(exec_ops)(const N(exec) * e, N(room) * r, bool pairs, N(sums) s);
void N(exec_ops_back)(const N(exec) * e, N(room) * r, bool pairs, N(sums) s);

/* Runs op k, which was bound, forwards or back; noted in ticks unless NULL. */
void N(exec_run)(const N(call) * c, egi_tick *ticks, int k, bool back);

/* hold.c: value, an op's output a, as it is held; and before that op's backward
 * pass, its gradient, where it is, none. */
void N(hold_out)(const N(room) * r, const N(arg) * a, int value);
void N(hold_back)(const N(room) * r, const N(arg) * a, int value);

/* Op k as it runs: in a room, or (r NULL) on weights. */
N(call) N(bind)(const N(exec) * e, const N(room) * r, N(sums) s, int k);

#endif
