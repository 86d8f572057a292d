/* What hooks show of a room after a forward pass. */
#ifndef EG_NN_LOOK_H
#define EG_NN_LOOK_H

#include "nn/real/exec.h"

typedef struct N(look) {
    const char *name;
    const egi_hook *hook;
    eg_view view;
    real *own; /* made here; NULL: the room's */
} N(look);

typedef struct N(looks) {
    int n;
    N(look) * look;
    void *block;
} N(looks);

/* Views of r; names live as long as the program. */
eg_status N(looks_init)(N(looks) * l, const N(exec) * e, const N(room) * r,
                        eg_err *err);
void N(looks_release)(N(looks) * l);
size_t N(looks_bytes)(const N(exec) * e);
/* After a forward pass: what is not stored as such (dense patterns, scales,
 * scores, results). */
void N(looks_fill)(const N(looks) * l, const N(exec) * e, const N(room) * r);

#endif
