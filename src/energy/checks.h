/* The checks behind the rows of eg_energy_theories; options as in
 * energy_theory.h, energy_theory_more.h. */
#ifndef EGI_ENERGY_CHECKS_H
#define EGI_ENERGY_CHECKS_H

#include "base/theory_rows.h"
#include "engram/energy_theory_more.h"

#define EGI_ENERGY_LIST(X)                                                     \
    X(energy_bounds, "patterns", "lemmas and propositions on random patterns") \
    X(energy_values, "point, or 1000 x", "energies of given patterns")         \
    X(energy_descent, "updates", "updates never raise the energy")             \
    X(energy_basins, "pattern", "which patterns are stored")                   \
    X(energy_ball, "dimensions",                                               \
      "partition function of a ball, two distances")                           \
    X(energy_floor, "1000 Z, 1000 loss", "the loss of proposition 4")          \
    X(energy_layers, "1000 r", "the loss of layers that share patterns")       \
    X(energy_law, "pair, width",                                               \
      "parameters against tokens, fitted and derived")                         \
    X(energy_scaling, "pair, compute, d_ff",                                   \
      "two laws of the loss over parameters and tokens")                       \
    X(energy_associative, "width",                                             \
      "linear associative memories of many items")                             \
    X(energy_unseen, "samples", "items that were never seen")                  \
    X(energy_pairs, "width", "how many pairs a matrix holds")                  \
    X(energy_capacity, "units", "how many patterns of signs are stored")       \
    X(energy_separation, "patterns", "how far apart patterns must be")         \
    X(energy_sphere, "dimensions",                                             \
      "patterns on a sphere, modern Hopfield network")                         \
    X(energy_transformer, "step", "the energy of an Energy Transformer")

EGI_ENERGY_LIST(EGI_THEORY_DECLARE)

/* The entries of a list option as vectors of dim entries: rows of out. */
eg_status egi_list_vectors(double out[EG_STRS_MAX], eg_index *rows,
                           const eg_strs *list, eg_index dim, const char *name,
                           eg_err *err);

#endif
