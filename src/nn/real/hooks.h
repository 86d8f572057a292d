/* The list of hook points of a keep state. */
#ifndef EG_NN_HOOKS_H
#define EG_NN_HOOKS_H

#include "nn/real/pass.h"

#define EGI_HOOKS (20 * EGI_LAYERS)

typedef struct N(hook) {
    char name[64];
    eg_view view;
} N(hook);

typedef struct N(hooks) {
    int n;
    N(hook) hook[EGI_HOOKS];
} N(hooks);

/* Lists the hooks; names and views stay valid as long as the state. */
void N(hooks_init)(N(hooks) * h, const N(net) * net, const N(state) * st);
/* After a forward pass: what is not stored as such (dense patterns, scales,
 * scores, results). */
void N(hooks_fill)(const N(net) * net, N(state) * st);

#endif
