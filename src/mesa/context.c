/* Sequences of a task as problems of regression in context. */
#include "mesa/context.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sweep.h"
#include "memory/dense.h"
#include "mesa/cholesky.h"

enum { MAX_DIM = 64 }; /* of task.dim */

static eg_status make_task(eg_task **out, const egi_icl_data *data,
                           double noise, uint64_t seed, eg_err *err)
{
    eg_task_opts o;

    eg_fields_default(eg_task_fields, &o);
    o.kind =
        data->system == EGI_ICL_NONLINEAR ? EG_TASK_NONLINEAR : EG_TASK_LINEAR;
    o.dim = data->dim;
    o.n_ctx = data->n_ctx;
    o.noise = noise;
    if (data->system != EGI_ICL_NONLINEAR) {
        o.system = data->system;
        o.hidden = data->hidden;
        o.n_systems = data->n_systems;
    }
    if (data->lags > 1) {
        o.tokens = EG_TOKENS_LAGGED;
        o.lags = data->lags;
    }
    return eg_task_new(out, &o, seed, err);
}

eg_status egi_icl_open(egi_icl_source *s, const egi_icl_data *data,
                       uint64_t seed, bool know_system, eg_err *err)
{
    eg_status st = EG_OK;

    *s = (egi_icl_source){.features = data->features};
    EG_TRY(make_task(&s->task, data, data->noise, seed, err));
    if (know_system) EG_TRY(make_task(&s->twin, data, 0, seed, err));
done:
    if (st != EG_OK) egi_icl_close(s);
    return st;
}

void egi_icl_close(egi_icl_source *s)
{
    eg_task_free(s->task);
    eg_task_free(s->twin);
    *s = (egi_icl_source){0};
}

eg_status egi_icl_new(egi_icl *c, const egi_icl_source *s, eg_err *err)
{
    eg_io io = eg_task_io(s->task);
    eg_index T = io.n_ctx, m = io.n_in, p = io.n_out;
    eg_index square = s->twin ? 3 * m * m : 0;
    eg_view systems;
    double *next;

    *c = (egi_icl){.T = io.n_ctx, .m = io.n_in, .p = io.n_out};
    c->block = eg_calloc((size_t)(2 * T * (m + p) + square), sizeof *c->block);
    if (!c->block || eg_seq_new(&c->seq, s->task, NULL) != EG_OK) {
        egi_icl_release(c);
        return EG_FAIL(err, EG_ENOMEM, "a context of %td vectors of %td", T, m);
    }
    next = c->block;
    c->k = egi_take(&next, T * m);
    c->q = egi_take(&next, T * m);
    c->y = egi_take(&next, T * p);
    c->target = egi_take(&next, T * p);
    if (s->twin) c->truth = next;
    if (eg_task_fact(s->task, "systems", &systems)) {
        c->systems = systems.data;
        c->n_systems = systems.shape[0];
    }
    c->noise = eg_task_options(s->task)->noise;
    return EG_OK;
}

void egi_icl_release(egi_icl *c)
{
    eg_free(c->block);
    eg_seq_release(&c->seq);
    *c = (egi_icl){0};
}

/* The system W out of states without noise, s_{t+1} = W s_t: the least squares
 * of all of them, row by row (S S^T) w_i = S s'_i. What is added to the
 * diagonal is far below any noise. */
static void find_system(egi_icl *c)
{
    eg_index n = c->m, T = c->T;
    double *gram = c->truth + n * n, *cross = gram + n * n, trace = 0;

    egi_mul_tn(gram, c->seq.inputs, c->seq.inputs, n, n, T);
    egi_mul_tn(cross, c->seq.outputs, c->seq.inputs, n, n, T);
    for (eg_index i = 0; i < n; i++) trace += gram[i * n + i];
    for (eg_index i = 0; i < n; i++) gram[i * n + i] += 1e-14 * trace;
    egi_cholesky(gram, n);
    for (eg_index i = 0; i < n; i++)
        egi_cholesky_solve(c->truth + i * n, gram, cross + i * n, n);
}

/* x over its length; 0 stays. */
static void normalise(double *x, eg_index n)
{
    double size = sqrt(egi_dot(x, x, n));

    for (eg_index i = 0; i < n && size > 0; i++) x[i] /= size;
}

/* q and k are psi of the states in q, y of length 1. */
static void take_features(egi_icl *c, const egi_icl_source *s)
{
    for (eg_index t = 0; t < c->T; t++) {
        double psi[MAX_DIM];

        normalise(c->y + t * c->p, c->p);
        (void)eg_task_features(s->task, psi, c->q + t * c->m);
        normalise(psi, c->m);
        memcpy(c->q + t * c->m, psi, (size_t)c->m * sizeof *psi);
    }
    for (eg_index t = 1; t < c->T; t++)
        memcpy(c->k + t * c->m, c->q + (t - 1) * c->m,
               (size_t)c->m * sizeof *c->k);
}

void egi_icl_make(egi_icl *c, const egi_icl_source *s, eg_split split,
                  uint64_t step, uint32_t index)
{
    size_t row = (size_t)c->m * sizeof *c->k, all = (size_t)c->T * row;
    size_t seen = (size_t)c->p * sizeof *c->y;

    if (s->twin) {
        eg_task_sequence(s->twin, split, step, index, &c->seq);
        find_system(c);
    }
    eg_task_sequence(s->task, split, step, index, &c->seq);
    memset(c->k, 0, row);
    memcpy(c->k + c->m, c->seq.inputs, all - row);
    memcpy(c->q, c->seq.inputs, all);
    for (eg_index t = 0; t < c->T; t++) /* s_t comes first in [s_t, ...] */
        memcpy(c->y + t * c->p, c->q + t * c->m, seen);
    memcpy(c->target, c->seq.outputs, (size_t)c->T * seen);
    if (s->features) take_features(c, s);
}
