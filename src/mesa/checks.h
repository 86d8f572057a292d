/* The checks behind the rows of eg_mesa_theories; options as in mesa.h. */
#ifndef EGI_MESA_CHECKS_H
#define EGI_MESA_CHECKS_H

#include "base/theory_rows.h"
#include "engram/mesa.h"

#define EGI_MESA_LIST(X)                                                   \
    X(mesa_solver, "position", "least squares in context, by a solver")    \
    X(mesa_construction, "steps",                                          \
      "networks built by hand are the solvers that they stand for")        \
    X(mesa_cg, "step", "conjugate gradients for MesaNet, and their guard") \
    X(mesa_precision, "token", "states of keys in few digits")             \
    X(mesa_stairs, "pairs in a context",                                   \
      "linear attention learns principal components one by one")           \
    X(mesa_linearise, "block",                                             \
      "which blocks of a softmax network linear attention can replace")

EGI_MESA_LIST(EGI_THEORY_DECLARE)

#endif
