/* The option tables of nn, expanded from the lists in the public headers. */
#include "engram/train.h"

#define EG_FIELDS_OWNER eg_model_opts
EG_FIELDS_TABLE(eg_model_fields, EG_MODEL_FIELDS)
#undef EG_FIELDS_OWNER

#define EG_FIELDS_OWNER eg_optim_opts
EG_FIELDS_TABLE(eg_optim_fields, EG_OPTIM_FIELDS)
#undef EG_FIELDS_OWNER

#define EG_FIELDS_OWNER eg_init_opts
EG_FIELDS_TABLE(eg_init_fields, EG_INIT_FIELDS)
#undef EG_FIELDS_OWNER

#define EG_FIELDS_OWNER eg_train_opts
EG_FIELDS_TABLE(eg_train_fields, EG_TRAIN_FIELDS)
#undef EG_FIELDS_OWNER

const char *eg_train_precision_name(const eg_train_opts *o)
{
    static const char *const name[] = {"float32", "float64", "bfloat16"};

    return name[o->precision];
}
