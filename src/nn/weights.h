/* Between tensors of a model and entries of a safetensors file; used for
 * weights and, with a prefix, for optimiser moments. */
#ifndef EG_NN_WEIGHTS_H
#define EG_NN_WEIGHTS_H

#include "engram/file.h"
#include "engram/model.h"

/* Of what is written here, in the metadata of weights and checkpoints. Files
 * of version 1 say no version and carry no checksum. */
#define EGI_WEIGHTS_VERSION "2"
/* Does a file that says its version have the checksum that belongs to it? */
eg_status egi_weights_checked(const eg_safetensors *s, const char *path,
                              eg_err *err);

/* out [n_tensors]: one entry a tensor, named prefix + name, of a block laid
 * out like the parameters. */
eg_status egi_tensor_entries(eg_st_entry *out, const eg_model *m,
                             const char *prefix, const void *base, eg_err *err);
/* Every tensor there, with its shape and a real type? `but` (or NULL): patterns
 * of those that need not be. */
eg_status egi_tensor_check(const eg_model *m, const eg_safetensors *s,
                           const char *prefix, const eg_strs *but,
                           const char *path, eg_err *err);
/* Entries of the file that are no tensor of the model behind any of the
 * NULL-ended prefixes, nor begin with `others` (NULL: none may). Returns how
 * many, and names them with their shapes: "b_U [65], b_O [2] and 12 more". */
int egi_tensor_extra(char *buf, size_t size, const eg_model *m,
                     const eg_safetensors *s, const char *const *prefixes,
                     const char *others);
/* A file in TransformerLens's names (it has embed.W_E, and no W_E) gets ours;
 * what is no weight there (masks, rotary tables, biases of zeros that the model
 * does not have) is left out. False: it has other names, and stays as it is. */
bool egi_names_adopt(eg_safetensors *s, const eg_model *m);
/* After a successful check; those of `but` stay as they are. */
void egi_tensor_copy(void *base, const eg_model *m, const eg_safetensors *s,
                     const char *prefix, const eg_strs *but);
/* eg_model_load_from without the tensors that the patterns name, each of which
 * must name one. */
eg_status egi_model_load_but(eg_model *m, const char *path, bool allow_extra,
                             const eg_strs *but, char *note, size_t size,
                             eg_err *err);

#endif
