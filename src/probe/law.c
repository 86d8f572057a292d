/* Beside the exact law: what a perfect model pays, and what is known by heart.
 */
#include <math.h>

#include "probe/batch.h"

enum { GIVEN = 4 }; /* words of a sequence that `extracted` is shown */

/* Mean of -log p by the law itself, where it is finite. */
egi_ratio egi_floor_group(const egi_seq *s)
{
    egi_ratio r = {0, 0};

    for (int t = 0; s->law && t < s->n_ctx; t++) {
        if (s->targets[t] < 0 || !isfinite(s->law[t])) continue;
        if (s->occur[t] < s->group->lo || s->occur[t] > s->group->hi) continue;
        r.sum += s->law[t];
        r.count += 1;
    }
    return r;
}

/* Bits by which the model codes the sequence shorter than the law does, if it
 * does. */
egi_ratio egi_memorised(const egi_seq *s)
{
    double gain = 0;

    if (!s->law) return (egi_ratio){0, 0};
    for (int t = 0; t < s->n_ctx; t++)
        if (s->targets[t] >= 0) gain += s->law[t] - s->nll[t];
    if (!isfinite(gain)) return (egi_ratio){0, 0};
    return (egi_ratio){gain > 0 ? gain / log(2) : 0, 1};
}

/* Does the model, shown the first words, say all the others? Greedily, so that
 * its argmax must be right at every one. */
egi_ratio egi_extracted(const egi_seq *s)
{
    bool all = true;

    for (int t = GIVEN; t < s->n_ctx; t++)
        if (s->targets[t] >= 0) all = all && s->pred[t] == s->targets[t];
    return (egi_ratio){all, 1};
}
