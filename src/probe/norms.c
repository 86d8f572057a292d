/* Sizes of tensors and of their gradients. */
#include <math.h>

#include "probe/table.h"

bool egi_tensor_norm(double *value, eg_trainer *tr, int tensor, int64_t step)
{
    bool ever = eg_trainer_trains(tr, tensor, step) ||
                eg_trainer_trains(tr, tensor, INT64_MAX - 1);
    eg_view v = eg_model_view(eg_trainer_model(tr), tensor);
    eg_index n = eg_view_size(&v);
    double sum = 0;

    if (!ever) return false;
    for (eg_index i = 0; i < n; i++) {
        double x = eg_view_at(&v, i);
        sum += x * x;
    }
    *value = sqrt(sum);
    return true;
}

bool egi_grad_norm(double *value, eg_trainer *tr, int tensor, int64_t step)
{
    if (!eg_trainer_trains(tr, tensor, step)) return false;
    *value = eg_trainer_grad_norm(tr, tensor);
    return true;
}
