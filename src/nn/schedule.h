/* Learning rates over steps, and which tensors are trained when. */
#ifndef EG_NN_SCHEDULE_H
#define EG_NN_SCHEDULE_H

#include "nn/nn.h"

#define EGI_NEVER INT64_MAX

double egi_learning_rate(const eg_optim_opts *o, int64_t step, int64_t steps);

/* Is it one of the steps 0 and, rounded, 10^(i/n), i = 0, 1, ...: so many a
 * decade, however long the run is? n 0: none is. */
bool egi_decade_has(int64_t n, int64_t step);

/* from[i]: first step at which tensor i is trained; EGI_NEVER: never. Errors
 * name items of train.freeze that match nothing or are ill written. One for a
 * block beyond the last, which there would match, is an error when strict;
 * otherwise note [size] names all such. */
eg_status egi_freeze_parse(int64_t *from, const eg_model *m,
                           const eg_train_opts *o, bool strict, char *note,
                           size_t size, eg_err *err);

#endif
