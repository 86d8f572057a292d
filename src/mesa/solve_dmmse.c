/* The best prediction of who knows the systems of training, and no others: the
 * mean over them, weighed by how likely each makes the pairs seen. */
#include <math.h>
#include <string.h>

#include "memory/dense.h"
#include "mesa/solve.h"

eg_index egi_icl_dmmse_work(const egi_icl *c, const egi_icl_how *h)
{
    (void)h;
    return c->n_systems;
}

/* |y - W k|^2 */
static double miss(const double *w, const double *k, const double *y,
                   eg_index m, eg_index p)
{
    double sum = 0;

    for (eg_index i = 0; i < p; i++) {
        double d = y[i] - egi_dot(w + i * m, k, m);

        sum += d * d;
    }
    return sum;
}

/* work [n_systems]: what each system has missed. */
void egi_icl_dmmse(const egi_icl *c, const egi_icl_how *h, double *pred,
                   const egi_icl_grad *g, double *work)
{
    eg_index size = c->p * c->m;
    double per = 1 / (2 * c->noise * c->noise);

    (void)g;
    memset(work, 0, (size_t)c->n_systems * sizeof *work);
    for (eg_index t = 0; t < c->T; t++) {
        eg_index seen = h->newest ? t : t - 1;
        double *out = pred + t * c->p, least = HUGE_VAL, sum = 0;

        for (eg_index j = 0; j < c->n_systems; j++) {
            if (seen >= 1) /* the first pair is empty */
                work[j] += miss(c->systems + j * size, c->k + seen * c->m,
                                c->y + seen * c->p, c->m, c->p);
            least = fmin(least, work[j]);
        }
        memset(out, 0, (size_t)c->p * sizeof *out);
        for (eg_index j = 0; j < c->n_systems; j++) {
            double w = exp((least - work[j]) * per);

            sum += w;
            for (eg_index i = 0; i < c->p && w > 0; i++)
                out[i] += w * egi_dot(c->systems + j * size + i * c->m,
                                      c->q + t * c->m, c->m);
        }
        for (eg_index i = 0; i < c->p; i++) out[i] /= sum;
    }
}
