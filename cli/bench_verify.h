/* The gradient of a training benchmark against the same in other numbers. */
#ifndef EG_BENCH_VERIFY_H
#define EG_BENCH_VERIFY_H

#include "engram/lab.h"

/* Over all trained tensors: the largest |g - h| / |h|, and the least cosine. */
typedef struct cli_agreement {
    double distance, cosine;
    int tokens; /* in float64; 0: none */
} cli_agreement;

/* Against the plain algebra: in float64, of as many of the step's tokens as
 * that takes some seconds for; and where those are not at least a sequence, in
 * float32 too, of one sequence. EG_EFORMAT where they do not agree. */
eg_status cli_bench_verify(cli_agreement *out, const eg_train_spec *spec,
                           eg_err *err);

#endif
