/* Initial values: tensor by tensor, each from a stream that its name keys, so
 * that one tensor never shifts another. */
#include <math.h>

#include "engram/rng.h"
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
