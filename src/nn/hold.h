/* Hooks that can be held, in a program; steps at which training holds them. */
#ifndef EG_NN_HOLD_H
#define EG_NN_HOLD_H

#include "nn/engine.h"

const egi_hook *egi_hook_find(const egi_program *p, const char *name);
/* See eg_eval_columns. */
eg_index egi_hold_columns(const egi_program *p, const char *hook, int head);
/* Where the hook, or its head, is, held at zero for ever; EG_EINVAL says why it
 * cannot be. */
eg_status egi_hold_find(egi_hold *out, const egi_program *p, const char *hook,
                        int head, eg_err *err);

/* What train.clamp holds, of a program whose hooks are there; *hold [*n] is
 * released with eg_free. */
eg_status egi_clamp_parse(egi_hold **hold, int *n, const egi_program *p,
                          const eg_train_opts *o, eg_err *err);

#endif
