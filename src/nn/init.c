/* Initial values: tensor by tensor, each from a stream that its name keys, so
 * that one tensor never shifts another. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "engram/rng.h"
#include "engram/text.h"
#include "nn/nn.h"

void egi_entry_set(eg_model *m, const eg_tensor *t, eg_index j, double x)
{
    if (m->precision == EG_FLOAT64)
        ((double *)m->params)[t->offset + j] = x;
    else
        ((float *)m->params)[t->offset + j] = (float)x;
}

static double sinusoid(const eg_model *m, eg_index j)
{
    eg_index t = j / m->d_model, i = j % m->d_model;
    eg_index even = i / 2 * 2;
    double rate = pow(10000.0, -(double)even / (double)m->d_model);
    double size =
        m->opts.pos == EG_POS_SIN_SCALED ? 1 / sqrt((double)m->d_model) : 1;
    return size * (i % 2 == 0 ? sin((double)t * rate) : cos((double)t * rate));
}

static double matrix_entry(const eg_model *m, eg_rng *rng, const eg_tensor *t)
{
    double std = m->opts.init_std, scale = 1.0 / sqrt((double)t->fan_in);

    if (m->opts.init == EG_INIT_ZERO) return 0;
    if (std > 0) scale = std;
    if (t->fill == EGI_FILL_RESIDUAL && m->opts.init_residual)
        scale /= sqrt(2.0 * m->n_layers);
    if (m->opts.init == EG_INIT_UNIFORM && std <= 0)
        return scale * (2.0 * eg_rng_uniform(rng) - 1.0);
    return scale * eg_rng_normal(rng);
}

void egi_tensor_init(eg_model *m, int i, uint64_t seed)
{
    const eg_tensor *t = &m->tensor[i];
    eg_rng rng = eg_rng_make(seed, EG_RNG_INIT, 0, egi_name_hash(t->name));
    double std = m->opts.embed_std;

    if (std <= 0) std = 1.0 / sqrt((double)m->d_model);
    for (eg_index j = 0; j < t->size; j++) {
        double x = 0;

        switch ((egi_fill)t->fill) {
        case EGI_FILL_MATRIX:
        case EGI_FILL_RESIDUAL:
            x = matrix_entry(m, &rng, t);
            break;
        case EGI_FILL_EMBED:
            x = std * eg_rng_normal(&rng);
            break;
        case EGI_FILL_SINUSOIDS:
            x = sinusoid(m, j);
            break;
        case EGI_FILL_ONE:
            x = 1;
            break;
        case EGI_FILL_ZERO:
            break;
        case EGI_FILL_PRECOND:
            x = -0.2;
            break;
        case EGI_FILL_DECAY:
            x = log(m->opts.decay_init / (1 - m->opts.decay_init));
            break;
        }
        egi_entry_set(m, t, j, x);
    }
}

/* ---- by the tensor's name -------------------------------------------------
 */

/* "PATTERN=STD" into its halves; pattern [EG_STRS_LEN]. */
static eg_status split(const char *item, char *pattern, double *std,
                       eg_err *err)
{
    const char *eq = strrchr(item, '=');
    size_t n = eq ? (size_t)(eq - item) : 0;

    if (!eq || n == 0 || !egi_real_parse(eq + 1, std) || !(*std >= 0) ||
        !isfinite(*std))
        return EG_FAIL(err, EG_EINVAL,
                       "init.std: expected PATTERN=STD with a number from 0, "
                       "found '%s'",
                       item);
    memcpy(pattern, item, n);
    pattern[n] = '\0';
    return EG_OK;
}

/* Gains, biases and sinusoids are not drawn. */
static bool drawn(const eg_tensor *t)
{
    return t->fill == EGI_FILL_MATRIX || t->fill == EGI_FILL_RESIDUAL ||
           t->fill == EGI_FILL_EMBED;
}

static eg_status no_match(const eg_model *m, const char *item,
                          const char *pattern, eg_err *err)
{
    eg_nearest near = {.asked = pattern};

    for (int i = 0; i < m->n_tensors; i++) {
        if (drawn(&m->tensor[i])) eg_nearest_try(&near, m->tensor[i].name);
        if (egi_match(pattern, m->tensor[i].name))
            return EG_FAIL(err, EG_EINVAL,
                           "init.std: '%s': expected a matrix or an embedding, "
                           "found %s, which is not drawn",
                           item, m->tensor[i].name);
    }
    return EG_FAIL(err, EG_EINVAL, "init.std: no tensor matches '%s'%s%s%s",
                   pattern, near.best ? "; did you mean '" : "",
                   near.best ? near.best : "", near.best ? "'?" : "");
}

/* The smallest number above 0 that entries can be. */
static double least(const eg_model *m)
{
    return m->precision == EG_FLOAT64 ? DBL_TRUE_MIN : (double)FLT_TRUE_MIN;
}

/* "0", "0.0e5": what is no smaller than it says. */
static bool says_zero(const char *number)
{
    size_t n = strcspn(number, "eE");

    for (size_t i = 0; i < n; i++)
        if (number[i] >= '1' && number[i] <= '9') return false;
    return true;
}

static void redraw(eg_model *m, const eg_tensor *t, double std, uint64_t seed)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_INIT, 0, egi_name_hash(t->name));

    for (eg_index j = 0; j < t->size; j++)
        egi_entry_set(m, t, j, std * eg_rng_normal(&rng));
}

eg_status egi_init_std(eg_model *m, const eg_init_opts *o, uint64_t seed,
                       eg_err *err)
{
    if (o->std.n > 0 && o->from[0])
        return EG_FAIL(err, EG_EINVAL,
                       "init.std: expected initial values that are drawn, "
                       "found init.from: %s, which has them",
                       o->from);
    for (int k = 0; k < o->std.n; k++) {
        char pattern[EG_STRS_LEN];
        double std;
        int hits = 0;
        eg_status st = split(o->std.item[k], pattern, &std, err);

        if (st != EG_OK) return st;
        if (std < least(m) && !says_zero(strrchr(o->std.item[k], '=') + 1))
            return EG_FAIL(err, EG_EINVAL,
                           "init.std: expected 0 or a number from %.2g, the "
                           "least of entries, found '%s'",
                           least(m), o->std.item[k]);
        for (int i = 0; i < m->n_tensors; i++) {
            const eg_tensor *t = &m->tensor[i];

            if (!drawn(t) || !egi_match(pattern, t->name)) continue;
            hits++;
            if (m->params) redraw(m, t, std, seed);
        }
        if (hits == 0) return no_match(m, o->std.item[k], pattern, err);
    }
    return EG_OK;
}
