/* What engram bench scaling trains: a model on all threads, or many small ones
 * at once, each on one. */
#ifndef EG_BENCH_SCALING_H
#define EG_BENCH_SCALING_H

#include "bench_sets.h"
#include "engram/lab.h"
#include "engram/scaling.h"

enum { SCALING_RUNS = 128 };

typedef struct scaling_model {
    const char *name;
    eg_task *task;
    eg_train_spec spec;
    eg_train_plan plan;
    eg_schedule step; /* on one thread */
    double tokens;    /* of a step, of all runs */
    int runs;         /* 0: one model on all threads; else so many at once */
} scaling_model;

/* Verified on a pool of so many threads, and its step recorded on one. m is to
 * be released whatever comes of it. */
eg_status scaling_model_open(scaling_model *m, eg_config *cfg,
                             const cli_bench_set *set, const char *kern,
                             int threads, eg_err *err);
void scaling_model_release(scaling_model *m);

/* Trainers, one on all threads of a pool, or many on one thread each. */
typedef struct scaling_crew {
    eg_trainer **trainer;
    eg_pool **own; /* of many */
    int n;
    int64_t steps;
} scaling_crew;
eg_status scaling_crew_new(scaling_crew *c, const scaling_model *m,
                           eg_pool *pool, eg_err *err);
void scaling_crew_free(scaling_crew *c);
/* Seconds of c->steps steps of every trainer. */
double scaling_crew_time(scaling_crew *c, eg_pool *pool);

#endif
