/* Connected components of tokens, with a workspace that is kept: watching them
 * during an integration allocates nothing. */
#ifndef EG_FLOW_COMPONENTS_H
#define EG_FLOW_COMPONENTS_H

#include "engram/flow.h"
#include "flow/sorting.h"

/* Tokens in one small cube of space; neighbours are looked up by key. */
typedef struct egi_cell {
    int32_t cube[3];
    int32_t first, count; /* members: order[first, first + count) */
    double lo[3], hi[3];  /* of its members */
} egi_cell;

typedef struct egi_components {
    eg_index n, d; /* room for n tokens in R^d */
    int32_t *parent, *order;
    egi_keyed *keyed, *scratch; /* d = 2 */
    egi_cell *cell;             /* d = 3 */
    int32_t *cube;              /* [n, 3], d = 3 */
    int32_t *order_tmp;         /* d = 3 */
} egi_components;

/* Room for up to n tokens of dimension d; zero-initialise before, release
 * after, whatever came of it. */
eg_status egi_components_init(egi_components *c, eg_index n, eg_index d,
                              eg_err *err);
void egi_components_release(egi_components *c);

/* As eg_flow_components for n <= c->n tokens; label may be NULL. */
eg_index egi_components_count(egi_components *c, int32_t *label,
                              const double *x, eg_index n, double delta);

/* Smaller of two roots becomes the root, so that a root is a first member. */
static inline int32_t egi_root(int32_t *parent, int32_t i)
{
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}
static inline void egi_join(int32_t *parent, int32_t i, int32_t j)
{
    i = egi_root(parent, i);
    j = egi_root(parent, j);
    if (i < j) parent[j] = i;
    if (j < i) parent[i] = j;
}

/* d = 3: joins in c->parent all of x within sqrt(reach2) of each other; false
 * when the tokens are too far apart for so small a reach. */
bool egi_components_cells(egi_components *c, const double *x, eg_index n,
                          double reach2);

#endif
