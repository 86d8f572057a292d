/* A condition, inside: what parsing leaves and judging walks. */
#ifndef EG_LAB_WHERE_PRIV_H
#define EG_LAB_WHERE_PRIV_H

#include "lab/where.h"

enum { EGI_WHERE_NODES = 256, EGI_WHERE_KEYS = 64 };

typedef enum egi_where_op {
    AND,
    OR,
    NOT,
    THERE,
    EQ,
    NE,
    LT,
    LE,
    GT,
    GE,
    HAS,
    LACKS
} egi_where_op;

typedef struct egi_where_node {
    egi_where_op op;
    int a, b; /* nodes; of a comparison a is the key */
    char *text;
    double number; /* NaN: it is none */
    bool quoted;   /* it is a text where the value is one */
} egi_where_node;

struct egi_where {
    egi_where_node node[EGI_WHERE_NODES];
    int n, root;
    char *key[EGI_WHERE_KEYS];
    int column[EGI_WHERE_KEYS];
    int n_keys;
};

#endif
