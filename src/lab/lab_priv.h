/* What the kinds of run share. */
#ifndef EG_LAB_LAB_PRIV_H
#define EG_LAB_LAB_PRIV_H

#include <stdio.h>

#include "engram/lab.h"

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

/* Why a step of this info was not made, in a sentence: the gradient that is
 * not finite, or behind a loss that is not the first weight or activation; and
 * what to try. buf [256] */
void egi_say_diverged(char *buf, size_t size, const eg_step_info *info,
                      const eg_train_spec *spec, eg_trainer *tr);

/* "gcc 12.2.0", of this build. */
const char *egi_compiler(void);
/* What /proc/cpuinfo, open, calls the CPU; "unknown CPU" if it is NULL. */
void egi_cpu_model(char *buf, size_t size, FILE *cpuinfo);
/* Bytes of memory this machine has; 0: not known. */
int64_t egi_memory_total(void);
/* News in which nothing is known yet. */
eg_progress egi_no_news(const char *label);

#endif
