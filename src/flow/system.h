/* What eg_flow holds: a specification made ready for evaluation. */
#ifndef EG_FLOW_SYSTEM_H
#define EG_FLOW_SYSTEM_H

#include "engram/flow.h"
#include "flow/rows.h"
#include "flow/sums.h"

/* A head in one interval: scores beta x' B y and values V y. A NULL matrix
 * stands for that multiple of the identity. */
typedef struct egi_head {
    double b, v;
    const double *B, *V, *Vt; /* [d, d]; Vt = V' */
} egi_head;

/* What a worker needs for itself. */
typedef struct egi_scratch {
    double *q, *sum; /* [EGI_ROWS, d] */
    double *scores;  /* [EGI_ROWS, EGI_TILE] */
    double *hidden;  /* [d_mlp] */
    double *vector;  /* [EGI_ROWS, d] */
} egi_scratch;

/* exp(tV) at the time it was last asked for, and the score matrix there. */
typedef struct egi_rescaling {
    bool ready;
    double t;
    double *E, *B; /* [d, d] */
    double *work;  /* of egi_expm */
} egi_rescaling;

struct eg_flow {
    eg_flow_spec spec; /* its arrays are copies, in `copies` */
    void *copies;
    eg_pool *pool;    /* NULL: one thread */
    egi_head *head;   /* [n_intervals, n_heads] */
    double *products; /* the B and Vt of heads that need them */

    /* Tokens as they are now: fusing makes them fewer and heavier. */
    eg_index n;
    double *mass, *log_mass; /* [n]; mass NULL: all 1 */
    double *mass_block;      /* room for mass */
    double total_mass;

    double *stops; /* times the field jumps at, ascending */
    eg_index n_stops;
    /* What held at the time of the last evaluation; mix is post or pre. */
    eg_index interval;
    int norm;

    double *u;     /* [n, d] tokens the field is evaluated at */
    double *tiles; /* the same in tiles, for rows */
    double *stage; /* [2, n, d] of the schemes */
    const egi_rows_set *rows;
    egi_scratch *scratch;
    double *scratch_block;
    egi_rescaling rescaling;
    egi_sums *sums;      /* of choose.c; NULL: rows */
    bool single;         /* and they are formed in float32 */
    double *S;           /* [n] of the sums */
    double nominal_step; /* of the run, for the streams of its noise */
    int64_t evaluations;
    char why[256];
};

/* Where tokens live: unit vectors, or R^d (a residual stream or the
 * prequel). Mix is on the sphere until tau. */
bool egi_flow_on_sphere(const eg_flow *f);
/* Sets what holds at time t. */
void egi_flow_at(eg_flow *f, double t);
/* Calls fn(ctx, b, worker) for all blocks of so many tokens; in one thread
 * where the work, in nanoseconds or so, is little. */
void egi_flow_blocks(eg_flow *f, eg_index block, double work, eg_task_fn fn,
                     void *ctx);
/* u and its tiles from x, normalised where scores are those of directions. */
void egi_flow_load(eg_flow *f, double t, const double *x);
/* y -= <y,u> u */
void egi_project(double *y, const double *u, eg_index d);
/* x / |x|; a zero vector stays. */
void egi_unit(double *u, const double *x, eg_index d);

/* One step in place of EG_FLOW_AUTHORS, _EULER, _LIE or _MIDPOINT, with noise
 * where the specification has some (all but midpoint). */
void egi_flow_step(eg_flow *f, int method, double t, double h, double *x);

#endif
