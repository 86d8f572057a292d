/* Nonlinear systems, fully observed ("Uncovering mesa-optimization algorithms
 * in Transformers", arXiv 2309.05858, section 4.3): all sequences share a
 * network, and each has an orthogonal W of its own,
 *
 *     phi(s) = GELU(s A) B,  psi(s) = phi(s) / |phi(s)|
 *     s_1 ~ U(-a, a)^n,  s_{t+1} = W psi(s_t) + noise N(0, I)
 */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "task/system.h"

#define EG_FIELDS_OWNER eg_task_opts
#define FIELDS(I, R, B, T, E, L)        \
    EG_VECTORS_FIELDS(I, R, B, T, E, L) \
    EG_TOKENS_FIELDS(I, R, B, T, E, L)  \
    EG_NONLINEAR_FIELDS(I, R, B, T, E, L)
static EG_FIELDS_TABLE(fields, FIELDS)

#define MAX_WIDTH 256

typedef struct law {
    egi_vectors_law of;
    double w[]; /* A^T [width, n], then B^T [n, width] */
} law;

/* The tanh form. */
static double gelu(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static void phi(double *y, const law *own, const double *s, int n, int width)
{
    double hidden[MAX_WIDTH];

    egi_mat_vec(hidden, own->w, s, width, n);
    for (int i = 0; i < width; i++) hidden[i] = gelu(hidden[i]);
    egi_mat_vec(y, own->w + (size_t)width * (size_t)n, hidden, n, width);
}

static void psi(double *y, const law *own, const double *s, int n, int width)
{
    double size = 0;

    phi(y, own, s, n, width);
    for (int i = 0; i < n; i++) size += y[i] * y[i];
    size = sqrt(size) + 1e-16;
    for (int i = 0; i < n; i++) y[i] /= size;
}

/* Draws: W, the first state, then the noise of each step. */
static void nonlinear_sequence(const eg_task *task, eg_split split, eg_rng *rng,
                               eg_seq *out)
{
    const eg_task_opts *o = &task->opts;
    double w[EGI_MAX_DIM * EGI_MAX_DIM], first[EGI_MAX_DIM], f[EGI_MAX_DIM];
    int n = (int)o->dim, width = (int)o->teacher_width;
    double a = egi_start_width(o);
    const double *s = first;

    (void)split;
    egi_draw_orthogonal(w, n, rng);
    for (int i = 0; i < n; i++) first[i] = a * (2 * eg_rng_uniform(rng) - 1);
    for (eg_index t = 0; t < task->io.n_ctx; t++) {
        double *next = out->outputs + t * n;

        psi(f, task->state, s, n, width);
        egi_mat_vec(next, w, f, n, n);
        for (int i = 0; i < n; i++) next[i] += o->noise * eg_rng_normal(rng);
        out->labels[t] = t < n ? 0 : 1;
        s = next;
    }
    egi_vectors_write(task, first, out);
}

static void nonlinear_features(const eg_task *task, double *out,
                               const double *state)
{
    phi(out, task->state, state, (int)task->opts.dim,
        (int)task->opts.teacher_width);
}

static eg_status nonlinear_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    size_t entries = 2 * (size_t)(o->dim * o->teacher_width);
    eg_rng rng = eg_rng_make((uint64_t)o->teacher, EG_RNG_TASK, 0, 0);
    eg_status st = EG_OK;
    law *own;

    EG_TRY(egi_vectors_make(task, err));
    if (o->teacher_width < 1 || o->teacher_width > MAX_WIDTH)
        return EG_FAIL(err, EG_EINVAL,
                       "task.teacher_width: %lld: expected 1 to %d",
                       (long long)o->teacher_width, MAX_WIDTH);
    own = eg_calloc(1, sizeof *own + entries * sizeof *own->w);
    if (!own) return EG_FAIL(err, EG_ENOMEM, "nonlinear task");
    own->of.floor = 0.5 * (double)o->dim * o->noise * o->noise;
    for (size_t i = 0; i < entries; i++)
        own->w[i] = o->teacher_std * eg_rng_normal(&rng);
    task->state = own;
done:
    return st;
}

const egi_task_kind egi_task_nonlinear = {
    .name = "nonlinear",
    .help = "the same behind a network that all sequences share "
            "(arXiv 2309.05858)",
    .fields = fields,
    .groups = egi_vectors_groups,
    .loss = "all",
    .make = nonlinear_make,
    .free = egi_vectors_free,
    .sequence = nonlinear_sequence,
    .fact = egi_vectors_fact,
    .facts = egi_vectors_facts,
    .features = nonlinear_features,
};
