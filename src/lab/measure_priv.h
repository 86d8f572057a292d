/* A measure as a tree, between its parser and its evaluation. */
#ifndef EG_LAB_MEASURE_PRIV_H
#define EG_LAB_MEASURE_PRIV_H

#include "engram/claim.h"

#define EGI_MEASURE_NODES 64
#define EGI_MEASURE_RUNS 16
#define EGI_MEASURE_ARGS 3
#define EGI_MEASURE_NAME 96

typedef enum egi_op {
    OP_NUMBER,
    OP_NEG,
    OP_ABS,
    OP_LOG,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FINAL,
    OP_FIRST,
    OP_AT,
    OP_MAX,
    OP_MIN,
    OP_MEAN,
    OP_ARGMAX,
    OP_ARGMIN,
    OP_RISE,
    OP_FALL,
    OP_NEVER_RISES,
    OP_NEVER_FALLS,
    OP_LOST,
    OP_GAP
} egi_op;

typedef struct egi_node {
    egi_op op;
    double number;
    int child[EGI_MEASURE_ARGS]; /* indices of nodes */
    int n_child;
    char run[EGI_MEASURE_NAME], metric[EGI_MEASURE_NAME],
        curve[EGI_MEASURE_NAME];
} egi_node;

struct eg_measure {
    int n, root;
    int n_runs;
    egi_node *node;                /* [n], in the same block */
    char (*run)[EGI_MEASURE_NAME]; /* [n_runs], likewise */
};

#endif
