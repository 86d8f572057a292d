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

/* Normal entries, as many calls of eg_rng_normal would have them. */
static void normal_entries(eg_model *m, const eg_tensor *t, eg_rng *rng,
                           double std)
{
    enum { SOME = 1024 };
    double x[SOME];

    for (eg_index at = 0; at < t->size; at += SOME) {
        eg_index n = t->size - at < SOME ? t->size - at : SOME;

        eg_rng_normals(rng, x, n);
        for (eg_index j = 0; j < n; j++)
            egi_entry_set(m, t, at + j, std * x[j]);
    }
}

static void matrix_entries(eg_model *m, const eg_tensor *t, eg_rng *rng)
{
    double std = m->opts.init_std, scale = 1.0 / sqrt((double)t->fan_in);

    if (std > 0) scale = std;
    if (t->fill == EGI_FILL_RESIDUAL && m->opts.init_residual)
        scale /= sqrt(2.0 * m->n_layers);
    if (m->opts.init == EG_INIT_NORMAL || std > 0) {
        normal_entries(m, t, rng, scale);
        return;
    }
    for (eg_index j = 0; j < t->size; j++)
        egi_entry_set(m, t, j, scale * (2.0 * eg_rng_uniform(rng) - 1.0));
}

/* Entries that are not drawn. */
static double fixed_entry(const eg_model *m, const eg_tensor *t, eg_index j)
{
    switch ((egi_fill)t->fill) {
    case EGI_FILL_SINUSOIDS:
        return sinusoid(m, j);
    case EGI_FILL_ONE:
        return 1;
    case EGI_FILL_PRECOND:
        return -0.2;
    case EGI_FILL_DECAY:
        return log(m->opts.decay_init / (1 - m->opts.decay_init));
    default:
        return 0;
    }
}

void egi_tensor_init(eg_model *m, int i, uint64_t seed)
{
    const eg_tensor *t = &m->tensor[i];
    eg_rng rng = eg_rng_make(seed, EG_RNG_INIT, 0, egi_name_hash(t->name));
    double std = m->opts.embed_std;
    bool matrix = t->fill == EGI_FILL_MATRIX || t->fill == EGI_FILL_RESIDUAL;

    if (std <= 0) std = 1.0 / sqrt((double)m->d_model);
    if (t->fill == EGI_FILL_EMBED)
        normal_entries(m, t, &rng, std);
    else if (matrix && m->opts.init != EG_INIT_ZERO)
        matrix_entries(m, t, &rng);
    else
        for (eg_index j = 0; j < t->size; j++)
            egi_entry_set(m, t, j, fixed_entry(m, t, j));
}
