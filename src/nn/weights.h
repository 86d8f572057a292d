/* Between tensors of a model and entries of a safetensors file; used for
 * weights and, with a prefix, for optimiser moments. */
#ifndef EG_NN_WEIGHTS_H
#define EG_NN_WEIGHTS_H

#include "engram/file.h"
#include "engram/model.h"

/* out [n_tensors]: one entry a tensor, named prefix + name, of a block laid
 * out like the parameters. */
eg_status egi_tensor_entries(eg_st_entry *out, const eg_model *m,
                             const char *prefix, const void *base, eg_err *err);
/* Every tensor there, with its shape and a real type? */
eg_status egi_tensor_check(const eg_model *m, const eg_safetensors *s,
                           const char *prefix, const char *path, eg_err *err);
/* After a successful check. */
void egi_tensor_copy(void *base, const eg_model *m, const eg_safetensors *s,
                     const char *prefix);

#endif
