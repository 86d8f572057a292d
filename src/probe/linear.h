/* Linear probes: what can be read off the residual stream, by depth and
 * position, with one matrix fitted by least squares; and how much the stream
 * behind the first block moves with each input. Of tasks of vectors. */
#ifndef EGI_PROBE_LINEAR_H
#define EGI_PROBE_LINEAR_H

#include "probe/measure.h"

/* What a matrix is fitted to: n_out numbers a sequence. */
typedef enum egi_linear_kind {
    EGI_LINEAR_NEXT,    /* the target at t */
    EGI_LINEAR_CURRENT, /* the state s_t */
    EGI_LINEAR_SOLVED,  /* an approximate (sum s s^T)^-1 s_t: see linear_y.c */
    EGI_LINEAR_TOKEN,   /* the state `back` positions ago */
    EGI_LINEAR_FEATURES /* the law's features of it */
} egi_linear_kind;

typedef struct egi_linear_target {
    egi_linear_kind kind;
    int back;
} egi_linear_target;

enum { EGI_LINEAR_TARGETS = 64 };

typedef struct egi_linear {
    int count; /* sequences fitted to, and as many held out; 0: nothing to do */
    int n_depths, n_at, at[EG_STRS_MAX]; /* positions from 0 */
    int n_targets;
    egi_linear_target target[EGI_LINEAR_TARGETS];
    const eg_task *task;
    int n, n_in, state; /* n_out, n_in; where s_t begins in an input */
    eg_index D;         /* columns of the stream */
    double *x;          /* [2 count, n_depths, n_at, D] */
    double *y;          /* [2 count, n_at, n_targets, n] */
    bool *use;          /* [2 count, n_at]: is the solved target no outlier? */
    double *a, *b;      /* [D, count], [n, max(count, D)], by columns */
    double *work;       /* [threads, ...] of linear_y.c */
    int32_t *pivot;     /* [D] */
    char (*name)[EGI_NAME]; /* [2, n_depths, n_at, n_targets] */
} egi_linear;

/* Asks for what p says, on that evaluator's model; nothing for `list` empty. */
eg_status egi_linear_init(egi_linear *p, const eg_probe_opts *opts,
                          const eg_model *m, const eg_task *task, int threads,
                          eg_err *err);
void egi_linear_release(egi_linear *p);
void egi_linear_run(egi_linear *p, eg_eval *eval, eg_probe_emit emit,
                    void *ctx);

/* Targets of one sequence into y [n_at, n_targets, n]; work of
 * egi_linear_y_work doubles. */
void egi_linear_y(const egi_linear *p, double *y, const eg_acts *acts,
                  double *work);
eg_index egi_linear_y_work(const egi_linear *p);

/* Mean over `count` sequences and over columns j of the stream behind the first
 * block at the last position T of |d f_j / d s_t'|, for t' = T - lag:
 * sensitivity.<lag>, lag 0 to 5, and their mean over all earlier ones,
 * sensitivity.rest. By central differences. */
typedef struct egi_sensitivity {
    int count; /* 0: nothing to do */
    int T, n_in;
    eg_index D;
    const eg_task *task;
    eg_seq *seq; /* the sequence in hand, as it is */
    double *f;   /* [T, n_in, 2, D] */
} egi_sensitivity;
eg_status egi_sensitivity_init(egi_sensitivity *s, int count, const eg_model *m,
                               const eg_task *task, eg_err *err);
void egi_sensitivity_release(egi_sensitivity *s);
void egi_sensitivity_run(egi_sensitivity *s, eg_eval *eval, eg_probe_emit emit,
                         void *ctx);

#endif
