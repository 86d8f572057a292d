/* The table of probes: one row a name. A new probe is a function in its file,
 * declared in batch.h or weights.h, and a row here, which says what the probe
 * needs: where a model does not have it, the probe is not there. */
#ifndef EGI_PROBE_TABLE_H
#define EGI_PROBE_TABLE_H

#include "engram/probe.h"
#include "probe/batch.h"
#include "probe/weights.h"

typedef enum egi_probe_kind {
    EGI_ON_BATCH,   /* fresh sequences, before the update */
    EGI_ON_TEST,    /* the fixed test batch, after the update */
    EGI_ON_TRAIN,   /* sequences of training to come, after the update */
    EGI_ON_WEIGHTS, /* after the update; false: this model has no such thing */
    EGI_ON_TENSORS, /* the same, once for each tensor of the model */
    EGI_ON_REPEATS, /* repeated tokens, before the update: heads.c */
    EGI_ON_BLOCKS,  /* probe.compressed, after the update: compress.c */
    EGI_ON_LINEAR,  /* sequences of their own, after the update: linear.h */
    EGI_ON_RADII,   /* sequences of their own, after the update: radii.c */
    EGI_ON_FLOAT32, /* what forward passes tell, once more: deviation.h */
    EGI_ON_CHAINS   /* batches of training to come, after the update: llc.c */
} egi_probe_kind;

/* What a probe on sequences reads beside targets and labels. */
enum {
    EGI_NEEDS_NOTHING = 0,
    /* Where the heads of the first, the second block look: measured once for
     * each head of that block, or for each pair of heads. */
    EGI_NEEDS_LOOK1 = 1,
    EGI_NEEDS_LOOK2 = 2,
    EGI_NEEDS_LOOKS = 3, /* both */
    EGI_NEEDS_TOKENS = 4,
    EGI_NEEDS_TRIGGERS = 8, /* labels count occurrences of triggers */
    /* Measured once for each group of a task that has no triggers: those have
     * rows of their own. */
    EGI_NEEDS_GROUP = 16,
    EGI_NEEDS_POSITION = 32, /* measured once for each of probe.positions */
    EGI_NEEDS_LAW = 64 /* the task knows exact probabilities (eg_task_nats) */
};

typedef bool (*egi_weights_fn)(double *value, const egi_weights *w);
typedef bool (*egi_tensor_fn)(double *value, eg_trainer *tr, int tensor,
                              int64_t step);

typedef struct egi_probe {
    eg_probe_info info;
    egi_probe_kind kind;
    unsigned needs;     /* bits EGI_NEEDS_... */
    egi_batch_fn batch; /* the function of its kind; the others are NULL */
    egi_weights_fn weights;
    egi_tensor_fn tensor;
} egi_probe;

extern const egi_probe egi_probe_table[];
extern const int egi_n_probes;

/* norms.c */
bool egi_tensor_norm(double *value, eg_trainer *tr, int tensor, int64_t step);
bool egi_grad_norm(double *value, eg_trainer *tr, int tensor, int64_t step);

#endif
