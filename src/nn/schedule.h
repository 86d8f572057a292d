/* Learning rates over steps, and which tensors are trained when. */
#ifndef EG_NN_SCHEDULE_H
#define EG_NN_SCHEDULE_H

#include "nn/nn.h"

#define EGI_NEVER INT64_MAX

double egi_learning_rate(const eg_optim_opts *o, int64_t step, int64_t steps);

/* from[i]: first step at which tensor i is trained; EGI_NEVER: never. Errors
 * name items of train.freeze that match nothing or are ill written. One for a
 * block beyond the last, which there would match, is an error when strict;
 * otherwise note [size] names all such. */
eg_status egi_freeze_parse(int64_t *from, const eg_model *m,
                           const eg_train_opts *o, bool strict, char *note,
                           size_t size, eg_err *err);

#endif
