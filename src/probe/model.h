/* What probes ask of a model and of its forward passes. */
#ifndef EGI_PROBE_MODEL_H
#define EGI_PROBE_MODEL_H

#include "engram/eval.h"

/* Is there such a hook, be it one that cannot be held? */
bool egi_has_hook(const eg_eval *eval, const char *name);
/* The stream [n_ctx, d_model] behind so many blocks; false: it is not shown. */
bool egi_stream(eg_view *out, const eg_acts *acts, int depth);
/* Of the block that has the most: heads is eg_model_heads or
 * eg_model_kv_heads. */
int egi_most_heads(const eg_model *m, int (*heads)(const eg_model *m, int l));

#endif
