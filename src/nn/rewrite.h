/* Rewrites: exact shortcuts of a program. Each is one row of EGI_REWRITES and
 * one file rewrite_<name>.c; each alone, and all together, leave the loss and
 * every gradient as they were. A value that is kept is left alone. */
#ifndef EG_NN_REWRITE_H
#define EG_NN_REWRITE_H

#include "nn/prog.h"

/* How much of it a step is: what a rewrite weighs its gain against. */
typedef struct egi_load {
    double batch, slots; /* sequences a step; sums of gradients */
    /* averages for each token of the batch */
    double n, rows;          /* positions up to the last in the loss; in it */
    double pairs, row_pairs; /* of a query and a key that it sees, for both */
    double distinct;         /* (token, position) not seen in the batch yet */
    double logits; /* as many of a sequence as a thread may well keep */
} egi_load;

/* X(name, help), in the order in which they are applied. */
#define EGI_REWRITES(X)                                                       \
    X(join, "W_E[token] + W_pos[t] in one op")                                \
    X(into, "a product that is added to something is made in its place")      \
    X(narrow, "columns of the outputs that nobody reads are not made")        \
    X(inputs, "projections of x W_in are projections of the inputs x")        \
    X(fold, "linear maps behind the last attention become one, with W_U")     \
    X(merge, "one head of full width: W_V W_O is one matrix")                 \
    X(table, "projections of W_E[token] + W_pos[t] are rows of tables")       \
    X(scores, "scores of rows of tables are rows of tables")                  \
    X(sheets, "what depends on token and position alone, once for each pair") \
    X(subset, "what only the loss reads is computed where the loss is")       \
    X(chunks,                                                                 \
      "a delta rule takes the steps of a chunk by products of matrices")      \
    X(head, "logits of a large vocabulary in blocks of rows, not kept")

/* Logits, T times V, up to which they are made at once: 16 MiB in float32. */
#define EGI_LOGITS 0x1p22

#define EGI_REWRITE_ENUM(name, help) EGI_REWRITE_##name,
enum { EGI_REWRITES(EGI_REWRITE_ENUM) EGI_N_REWRITES };
#undef EGI_REWRITE_ENUM

#define EGI_REWRITE_DECLARE(name, help) \
    void egi_rewrite_##name(egi_program *p, const egi_load *load);
EGI_REWRITES(EGI_REWRITE_DECLARE)
#undef EGI_REWRITE_DECLARE

/* Applies rewrite i where the bit i of `which` is set. */
eg_status egi_program_rewrite(egi_program *p, const bool *trains,
                              const egi_load *load, unsigned which,
                              eg_err *err);
const char *egi_rewrite_name(int i); /* NULL past the end */
const char *egi_rewrite_help(int i);

/* ---- for the rewrites ---- */

/* Is the cost below the gain? Both in multiply-adds a step; noted, with what is
 * decided, for `engram show --program`. */
bool egi_weigh(egi_program *p, double cost, double gain);
/* Notes why nothing can be done (static text); false. */
bool egi_refuse(egi_program *p, const char *why);
/* How often v is read by ops; the only reader's number, -1: none or several. */
int egi_uses(const egi_program *p, int v);
int egi_only_reader(const egi_program *p, int v);
/* The op that makes v, when it is of that kind, read once and not kept (so that
 * it may be dissolved into its reader); or NULL. */
const egi_op *egi_inner(const egi_program *p, int v, egi_kind kind);
/* The same for an op that mixes: z = P v. */
const egi_op *egi_mixed(const egi_program *p, int v);
/* Adds an op that stands where op `at` stands. */
int egi_op_beside(egi_program *p, int at, egi_kind kind, const int in[EGI_INS],
                  egi_attr attr);
/* Every reader of `from` reads `to`, which takes its name. */
void egi_replace(egi_program *p, int from, int to);

#endif
