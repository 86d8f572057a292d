/* What the kinds of run share. */
#ifndef EG_LAB_LAB_PRIV_H
#define EG_LAB_LAB_PRIV_H

#include <stdio.h>

#include "engram/lab.h"
#include "engram/probe.h"

#define EG_ROW_CELLS 4096

/* Each carries an opened run to its end and fills outcome, reason and
 * numbers of out; the caller writes the final record. */
eg_status egi_train_run(eg_lab_result *out, eg_run_facts *facts, eg_run *run,
                        const eg_config *cfg, const eg_lab_opts *opts,
                        eg_err *err);
eg_status egi_theory_run(eg_lab_result *out, eg_run_facts *facts, eg_run *run,
                         const eg_config *cfg, const eg_lab_opts *opts,
                         eg_err *err);
eg_status egi_flow_run(eg_lab_result *out, eg_run_facts *facts, eg_run *run,
                       const eg_config *cfg, const eg_lab_opts *opts,
                       eg_err *err);

/* Where a training run goes on. */
typedef struct egi_restore {
    eg_run *run;
    eg_trainer *trainer;
    const eg_probes *probes;
    const char *kern; /* set of kernels from here on */
    bool told; /* the user says `from`: the step of a checkpoint, 0: anew */
    int64_t from;
} egi_restore;
/* Brings trainer and run back there, and enters the run. *saved: steps of the
 * newest checkpoint; -1: none. An error of a damaged run says what can be
 * done. */
eg_status egi_train_restore(const egi_restore *r, int64_t *saved, eg_err *err);

/* Why a step of this info was not made, in a sentence: the gradient that is
 * not finite, or behind a loss that is not the first weight or activation; and
 * what to try. buf [256] */
void egi_say_diverged(char *buf, size_t size, const eg_step_info *info,
                      const eg_train_spec *spec, eg_trainer *tr);

/* The first tensor of the table with a number that is none; NULL: none has. */
const char *egi_bad_weight(const eg_model *m);
/* The same where the last of so many updates left that weight not finite. */
void egi_say_overflown(char *buf, size_t size, int64_t steps,
                       const char *weight);

/* arrays/profile.json of a trainer with train.profile. */
#define EGI_PROFILE "profile.json"
eg_status egi_run_profile(eg_run *run, eg_trainer *tr, eg_pool *pool,
                          eg_err *err);

/* "gcc 12.2.0", of this build. */
const char *egi_compiler(void);
/* What /proc/cpuinfo, open, calls the CPU; "unknown CPU" if it is NULL. */
void egi_cpu_model(char *buf, size_t size, FILE *cpuinfo);
void egi_cpu_here(char *buf, size_t size); /* of this machine */
/* Bytes of memory this machine has; 0: not known. */
int64_t egi_memory_total(void);
/* eg_lab_nearest of a configuration that names its files by their content. */
bool egi_lab_nearest(eg_lab_near *near, const char *root, const eg_config *cfg);
bool egi_lab_compare(eg_lab_near *near, const char *dir, const eg_config *cfg);
/* News in which nothing is known yet. */
eg_progress egi_no_news(const char *label);
/* A metric, if it is a headline of the progress line. */
void egi_news_put(eg_progress *p, const eg_config *cfg, const char *name,
                  double value);

#endif
