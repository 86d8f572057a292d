/* What tasks of vectors share: matrices at random, and how what is seen is
 * written as tokens. */
#ifndef EGI_TASK_SYSTEM_H
#define EGI_TASK_SYSTEM_H

#include "task/kind.h"

#define EGI_MAX_DIM 64

/* y [n] = w x, w [n, m]. */
void egi_mat_vec(double *y, const double *w, const double *x, int n, int m);
/* w [n, n], uniform (Haar) on the orthogonal matrices. */
void egi_draw_orthogonal(double *w, int n, eg_rng *rng);
/* w [n, n] = M diag(e) M^-1: entries of M are N(0, 1), one e is hi and the
 * others are uniform from lo to hi. */
void egi_draw_contracting(double *w, int n, double lo, double hi, eg_rng *rng);

/* What the states of tasks of vectors begin with. */
typedef struct egi_vectors_law {
    double floor;    /* noise_floor */
    double *systems; /* [n_systems, n, n] of training; NULL: not kept */
    eg_index n;
} egi_vectors_law;
/* A matrix w [n, n] of the law. */
typedef void (*egi_draw_w)(double *w, const eg_task *task, eg_rng *rng);

/* Draws which of task.n_systems a sequence is of: *own is the stream that this
 * system is drawn from, whatever the sequence. False: it has one of its own,
 * and rng is that stream. */
bool egi_system_known(const eg_task *task, eg_split split, eg_rng *rng,
                      eg_rng *own);
/* Keeps them in law->systems, n entries a side, where they are few. */
eg_status egi_systems_keep(egi_vectors_law *law, const eg_task *task,
                           egi_draw_w draw, eg_index n, eg_err *err);
void egi_vectors_free(void *law);

/* Checks options that all tasks of vectors have, and writes task->io. */
eg_status egi_vectors_make(eg_task *task, eg_err *err);
/* noise_floor and systems, of task->state, which begins with the above. */
extern const char *const egi_vectors_facts[];
bool egi_vectors_fact(const eg_task *task, const char *name, eg_view *out);
/* A position's label is 0 while fewer pairs have been seen than would determine
 * the system, then 1. */
extern const eg_group egi_vectors_groups[];
/* Half the width of the law of the first state's entries. */
double egi_start_width(const eg_task_opts *o);
/* Inputs from what is seen: `first` [dim], then rows of out->outputs; and
 * targets, everywhere. */
void egi_vectors_write(const eg_task *task, const double *first, eg_seq *out);

#endif
