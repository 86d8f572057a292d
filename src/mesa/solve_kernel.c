/* An induction head: the softmax of how alike earlier inputs are, over what
 * came after them. */
#include <math.h>
#include <string.h>

#include "memory/dense.h"
#include "mesa/solve.h"

void egi_icl_kernel(const egi_icl *c, const egi_icl_how *h, double *pred,
                    const egi_icl_grad *g, double *work)
{
    (void)g, (void)work;
    for (eg_index t = 0; t < c->T; t++) {
        const double *q = c->q + t * c->m;
        double *out = pred + t * c->p, top = -HUGE_VAL, sum = 0;
        eg_index last = h->newest ? t : t - 1;

        memset(out, 0, (size_t)c->p * sizeof *out);
        for (eg_index i = 1; i <= last; i++) {
            double s = h->sharpness * egi_dot(c->k + i * c->m, q, c->m);
            double w = 1;

            if (s > top) { /* what was summed is taken relative to it */
                double keep = exp(top - s);

                for (eg_index j = 0; j < c->p; j++) out[j] *= keep;
                sum *= keep;
                top = s;
            } else {
                w = exp(s - top);
            }
            egi_axpy(out, w, c->y + i * c->p, c->p);
            sum += w;
        }
        for (eg_index j = 0; j < c->p && last >= 1; j++) out[j] /= sum;
    }
}
