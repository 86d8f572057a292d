/* Models for other programs. */
#ifndef ENGRAM_EXPORT_H
#define ENGRAM_EXPORT_H

#include "engram/file.h"
#include "engram/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the model as Hugging Face's GPT-2: model.safetensors ("Conv1D"
 * matrices [in, out]; biases that the model does not have are zeros) and
 * config.json, which transformers' GPT2LMHeadModel.from_pretrained reads. The
 * folder is made, or empty. dtype: EG_F32, or EG_F16 or EG_BF16, to which every
 * weight is rounded. EG_EUNSUPPORTED names the option that GPT-2 does not have,
 * and what it has to be; EG_EINVAL a weight that float16 cannot hold. Cost: a
 * copy of the weights in float32. */
EG_API eg_status eg_export_gpt2(const eg_model *m, const char *folder,
                                eg_dtype dtype, eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
