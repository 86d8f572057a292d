/* The task of a run that is opened for its weights. */
#ifndef EG_LAB_CHECKPOINT_TASK_H
#define EG_LAB_CHECKPOINT_TASK_H

#include "engram/checkpoint.h"

/* Of c->config, which stands at `config`, a file or the folder of a run. A text
 * that how sets is read in the tokens that the run keeps. The files must be the
 * ones of run.inputs; with how->without_text a run that keeps its tokenizer
 * does without: c->tokenizer is it, the task uniform, and *why says why. */
eg_status egi_checkpoint_task(eg_task **out, eg_checkpoint *c,
                              const eg_checkpoint_how *how, const char *config,
                              eg_err *why, eg_err *err);

#endif
