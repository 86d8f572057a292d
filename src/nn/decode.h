/* A program's one-token form, in one precision; see engram/generate.h. */
#ifndef EG_NN_DECODE_H
#define EG_NN_DECODE_H

#include "nn/prog.h"

typedef struct egi_decoder egi_decoder;

/* What comes behind the program's last value, of which one row is wanted. */
typedef struct egi_decoder_spec {
    const egi_program *program; /* as egi_decoder_program leaves it */
    int hidden;                 /* value: what the head reads */
    int head, bias;             /* tensors; -1: no bias */
    bool tied;                  /* head [d_vocab, d_model] lies turned */
    double scale;               /* of what it makes */
    eg_pool *pool;
    const char *kern;
} egi_decoder_spec;

typedef struct egi_decoder_vt {
    eg_status (*make)(egi_decoder **out, const egi_decoder_spec *s,
                      eg_err *err);
    void (*free)(egi_decoder *d);
    /* tokens [n] from position 0 on; what was there before is forgotten. */
    void (*prompt)(egi_decoder *d, const int32_t *tokens, int n);
    /* The token at position t, of which there are t before. */
    void (*step)(egi_decoder *d, int32_t token, int t);
    void (*logits)(const egi_decoder *d, double *out);
    int64_t (*bytes)(const egi_decoder *d);
    int64_t (*reads)(const egi_decoder *d); /* of weights, for a token */
    void (*narrow)(egi_decoder *d, bool on);
} egi_decoder_vt;

extern const egi_decoder_vt egi_decoder_f32, egi_decoder_f64;

/* Does the op read rows of input i other than that of its output? What has a
 * state does not. */
static inline bool egi_reads_across(const egi_program *p, const egi_op *op,
                                    int i)
{
    return op->in[i] >= 0 && p->value[op->in[i]].cls == EGI_POSITION &&
           !egi_op_info(op->kind)->steps &&
           !(egi_op_info(op->kind)->by_row >> i & 1);
}

/* Is it run over all positions so far, for the last one? It reads across, and
 * cannot make a row alone. */
static inline bool egi_op_whole(const egi_program *p, const egi_op *op)
{
    bool across = false;

    for (int i = 0; i < EGI_INS; i++) across |= egi_reads_across(p, op, i);
    return across && !egi_op_info(op->kind)->any_rows;
}

#endif
