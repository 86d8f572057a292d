/* The checks behind the rows of eg_memory_theories; options as in memory.h. */
#ifndef EGI_MEMORY_CHECKS_H
#define EGI_MEMORY_CHECKS_H

#include "base/theory_rows.h"
#include "engram/memory.h"

#define EGI_THEORY_LIST(X)                                                    \
    X(orthogonality, "d_model",                                               \
      "random embeddings are nearly orthonormal, random matrices remap")      \
    X(lemma1_gradient, "d_model",                                             \
      "Lemma 1: the gradient is a sum of outer products (differences)")       \
    X(lemma1_step, "d_model", "Lemma 1: scores after one gradient step")      \
    X(lemma1_descent, "gradient steps",                                       \
      "Lemma 1: gradient descent learns the bigrams")                         \
    X(lemma1_span, "d_model", "Lemma 1: iterates stay in alpha W_0 + span")   \
    X(lemma2, "d_model", "Lemma 2: one step keeps the signal, not the noise") \
    X(lemma2_samples, "samples", "Lemma 2: one step from n samples")          \
    X(lemma2_gradient, "d_model", "Lemma 2: the gradient (differences)")      \
    X(key_query, "d_model", "gradient of the key-query matrix at zero")       \
    X(constructed, "d_model", "the ideal memories put in by hand")            \
    X(three_step, "the swept option",                                         \
      "three gradient steps build the induction head")

EGI_THEORY_LIST(EGI_THEORY_DECLARE)

#endif
