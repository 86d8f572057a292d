/* Fusing: nothing is lost beyond rounding, and the fast rates inside a
 * collapsed cluster are gone. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "flow/fuse.h"

static const double fuse_delta = 0.5e-18; /* |x - y| < 1e-9 */

eg_status egi_fusion_init(egi_fusion *w, eg_index n, eg_err *err)
{
    int32_t *all = eg_calloc((size_t)n, 5 * sizeof *all);

    *w = (egi_fusion){.owner = all};
    if (!all) return EG_FAIL(err, EG_ENOMEM, "fusing %td tokens", n);
    w->label = all + n;
    w->fallen = all + 2 * n;
    w->newest = all + 3 * n;
    w->older = all + 4 * n;
    for (eg_index i = 0; i < n; i++) w->owner[i] = (int32_t)i;
    return EG_OK;
}

void egi_fusion_release(egi_fusion *w)
{
    eg_free(w->owner);
    *w = (egi_fusion){0};
}

/* 1 - <x,y> = |x - y|^2 / 2 of unit vectors, without cancellation */
static bool met(const double *x, const double *y, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++) {
        s += (x[k] - y[k]) * (x[k] - y[k]);
        if (s >= 2 * fuse_delta) return false;
    }
    return true;
}

static double mass_of(const eg_flow *f, eg_index i)
{
    return f->mass ? f->mass[i] : 1;
}

/* The masses of a system that had none. */
static void give_masses(eg_flow *f)
{
    if (f->mass) return;
    f->mass = f->mass_block;
    for (eg_index i = 0; i < f->n; i++) f->mass[i] = 1;
}

/* Token i joins row j. */
static void join(eg_flow *f, double *y, eg_index j, eg_index i)
{
    eg_index d = f->spec.d;

    give_masses(f);
    double a = f->mass[j], b = mass_of(f, i);
    double share = a + b > 0 ? b / (a + b) : 0.5;

    for (eg_index k = 0; k < d; k++)
        y[j * d + k] += share * (y[i * d + k] - y[j * d + k]);
    egi_unit(y + j * d, y + j * d, d);
    f->mass[j] = a + b;
}

/* Tokens that have met are of one component; a component may be long, so that
 * its tokens are compared one with another: rows of one are chained from
 * newest[label] through older[row]. */
bool egi_fuse(eg_flow *f, double *y, egi_fusion *w, egi_components *c)
{
    eg_index d = f->spec.d, kept = 0;
    eg_index count = egi_components_count(c, w->label, y, f->n, fuse_delta);

    if (count == f->n) return false;
    for (eg_index i = 0; i < count; i++) w->newest[i] = -1;
    for (eg_index i = 0; i < f->n; i++) {
        int32_t *newest = &w->newest[w->label[i]], j = *newest;

        while (j >= 0 && !met(y + j * d, y + i * d, d)) j = w->older[j];
        w->fallen[i] = j >= 0 ? j : (int32_t)kept;
        if (j >= 0) {
            join(f, y, j, i);
            continue;
        }
        if (kept < i) {
            memcpy(y + kept * d, y + i * d, (size_t)d * sizeof *y);
            f->mass[kept] = mass_of(f, i);
        }
        w->older[kept] = *newest;
        *newest = (int32_t)kept++;
    }
    if (kept == f->n) return false;
    for (eg_index i = 0; i < f->spec.n; i++)
        w->owner[i] = w->fallen[w->owner[i]];
    f->n = kept;
    for (eg_index i = 0; i < kept; i++) f->log_mass[i] = log(f->mass[i]);
    return true;
}

void egi_unfuse(const eg_flow *f, double *out, const double *y,
                const int32_t *owner)
{
    eg_index d = f->spec.d;

    /* an owner never stands behind its token */
    for (eg_index i = f->spec.n; i-- > 0;)
        memmove(out + i * d, y + owner[i] * d, (size_t)d * sizeof *out);
}

void egi_fuse_reset(eg_flow *f)
{
    const double *mass = f->spec.mass;

    f->n = f->spec.n;
    f->mass = mass ? f->mass_block : NULL;
    for (eg_index i = 0; mass && i < f->n; i++) {
        f->mass[i] = mass[i];
        f->log_mass[i] = log(mass[i]);
    }
}
