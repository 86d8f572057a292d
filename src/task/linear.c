/* Fully observed linear dynamical systems ("Uncovering mesa-optimization
 * algorithms in Transformers", arXiv 2309.05858, section 4.1): every sequence
 * has a system of its own,
 *
 *     s_1 ~ U(-a, a)^n,  s_{t+1} = clip(W s_t + noise N(0, I), -b, b)
 *
 * with W uniform on the orthogonal matrices, and the next state is to be told.
 */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "task/kind.h"

#define MAX_DIM 64

#define EG_FIELDS_OWNER eg_task_opts
static EG_FIELDS_TABLE(fields, EG_LINEAR_FIELDS)

static double dot(const double *x, const double *y, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* Uniform (Haar) on the orthogonal matrices: the orthonormal frame of Gaussian
 * rows, each taken in the half space that it lies in. Twice, so that the rows
 * are orthogonal to the last bits. */
static void draw_orthogonal(double *w, int n, eg_rng *rng)
{
    for (int i = 0; i < n; i++) {
        double *row = w + (size_t)i * n, size;

        for (int k = 0; k < n; k++) row[k] = eg_rng_normal(rng);
        for (int pass = 0; pass < 2; pass++) {
            for (int j = 0; j < i; j++) {
                const double *other = w + (size_t)j * n;
                double c = dot(row, other, n);

                for (int k = 0; k < n; k++) row[k] -= c * other[k];
            }
        }
        size = sqrt(dot(row, row, n));
        for (int k = 0; k < n; k++) row[k] /= size;
    }
}

static double clipped(double x, double bound)
{
    return x > bound ? bound : x < -bound ? -bound : x;
}

/* Draws: W, the first state, then the noise of each step. */
static void linear_sequence(const eg_task *task, eg_split split, eg_rng *rng,
                            eg_seq *out)
{
    const eg_task_opts *o = &task->opts;
    double w[MAX_DIM * MAX_DIM], s[MAX_DIM], next[MAX_DIM];
    int n = task->io.n_in;

    (void)split;
    draw_orthogonal(w, n, rng);
    for (int i = 0; i < n; i++)
        s[i] = o->start_width * (2 * eg_rng_uniform(rng) - 1);
    for (eg_index t = 0; t < task->io.n_ctx; t++) {
        for (int i = 0; i < n; i++)
            next[i] = clipped(dot(w + (size_t)i * n, s, n) +
                                  o->noise * eg_rng_normal(rng),
                              o->bound);
        memcpy(out->inputs + t * n, s, (size_t)n * sizeof *s);
        memcpy(out->outputs + t * n, next, (size_t)n * sizeof *s);
        out->targets[t] = 0;
        out->labels[t] = t < n ? 0 : 1;
        memcpy(s, next, (size_t)n * sizeof *s);
    }
}

static eg_status linear_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    double *floor;

    if (o->dim < 1 || o->dim > MAX_DIM)
        return EG_FAIL(err, EG_EINVAL, "task.dim: %lld: expected 1 to %d",
                       (long long)o->dim, MAX_DIM);
    if (!(o->bound > 0))
        return EG_FAIL(err, EG_EINVAL, "task.bound: %g: expected more than 0",
                       o->bound);
    floor = eg_calloc(1, sizeof *floor);
    if (!floor) return EG_FAIL(err, EG_ENOMEM, "linear task");
    *floor = 0.5 * (double)o->dim * o->noise * o->noise;
    task->state = floor;
    task->io.n_in = task->io.n_out = (int)o->dim;
    return EG_OK;
}

static bool linear_fact(const eg_task *task, const char *name, eg_view *out)
{
    if (strcmp(name, "noise_floor") != 0) return false;
    *out = (eg_view){task->state, EG_F64, 1, {1}};
    return true;
}

/* A position's label is 0 while fewer states have been mapped than there are
 * dimensions, then 1. */
static const eg_group groups[] = {
    {"under", 0, 0, "fewer pairs seen than dimensions: W is not determined"},
    {"over", 1, 1, "pairs enough to know W, but for the noise"},
    {NULL, 0, 0, NULL}};

const egi_task_kind egi_task_linear = {
    .name = "linear",
    .help = "states of a linear system of its own for each sequence: vectors, "
            "squared error (arXiv 2309.05858)",
    .fields = fields,
    .groups = groups,
    .loss = "all",
    .make = linear_make,
    .free = eg_free,
    .sequence = linear_sequence,
    .fact = linear_fact,
};
