/* Linear dynamical systems ("Uncovering mesa-optimization algorithms in
 * Transformers", arXiv 2309.05858, section 4.1 and appendix E): every sequence
 * has a system of its own,
 *
 *     h_1 ~ U(-a, a)^m,  h_{t+1} = clip(W h_t + noise N(0, I), -b, b)
 *
 * of which h itself is seen, or s_t = C h_t + seen_noise N(0, I) with entries
 * of C from N(0, seen_std^2); and what is seen next is to be told.
 */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "task/system.h"

#define EG_FIELDS_OWNER eg_task_opts
#define FIELDS(I, R, B, T, E, L)        \
    EG_VECTORS_FIELDS(I, R, B, T, E, L) \
    EG_SYSTEMS_FIELDS(I, R, B, T, E, L) \
    EG_TOKENS_FIELDS(I, R, B, T, E, L)  \
    EG_LINEAR_FIELDS(I, R, B, T, E, L)
static EG_FIELDS_TABLE(fields, FIELDS)

typedef struct law {
    egi_vectors_law of;
    double bound;
    eg_index over; /* pairs to have been seen before the law is determined */
    double w[];    /* the W of all sequences, when it is fixed */
} law;

typedef struct system {
    int n, m; /* entries of what is seen, of the state */
    double w[EGI_MAX_DIM * EGI_MAX_DIM];
    double c[EGI_MAX_DIM * EGI_MAX_DIM];
} system;

static int state_size(const eg_task_opts *o)
{
    return (int)(o->hidden > 0 ? o->hidden : o->dim);
}

static double clipped(double x, double bound)
{
    return x > bound ? bound : x < -bound ? -bound : x;
}

static void draw_w(double *w, const eg_task *task, eg_rng *rng)
{
    const eg_task_opts *o = &task->opts;
    int m = state_size(o);

    if (o->system == EG_SYSTEM_CONTRACTING)
        egi_draw_contracting(w, m, o->eig_min, o->eig_max, rng);
    else
        egi_draw_orthogonal(w, m, rng);
}

static void draw_system(system *y, const eg_task *task, eg_rng *rng)
{
    const eg_task_opts *o = &task->opts;
    const law *own = task->state;
    int m = y->m = state_size(o);

    y->n = (int)o->dim;
    if (o->system == EG_SYSTEM_FIXED)
        memcpy(y->w, own->w, (size_t)(m * m) * sizeof *y->w);
    else
        draw_w(y->w, task, rng);
    if (o->hidden == 0) return;
    for (int i = 0; i < y->n * m; i++)
        y->c[i] = o->seen_std * eg_rng_normal(rng);
}

static void see(double *s, const system *y, const double *h,
                const eg_task_opts *o, eg_rng *rng)
{
    if (o->hidden == 0) {
        memcpy(s, h, (size_t)y->n * sizeof *s);
        return;
    }
    egi_mat_vec(s, y->c, h, y->n, y->m);
    for (int i = 0; i < y->n; i++) s[i] += o->seen_noise * eg_rng_normal(rng);
}

/* Draws: which system (n_systems > 0), W, C, the first state and what is seen
 * of it; then for each step its noise and that of what is seen. */
static void linear_sequence(const eg_task *task, eg_split split, eg_rng *rng,
                            eg_seq *out)
{
    const eg_task_opts *o = &task->opts;
    const law *own = task->state;
    double h[EGI_MAX_DIM], next[EGI_MAX_DIM], first[EGI_MAX_DIM];
    double drawn[EGI_MAX_DIM];
    double a = egi_start_width(o);
    eg_rng known;
    system y;

    draw_system(&y, task,
                egi_system_known(task, split, rng, &known) ? &known : rng);
    for (int i = 0; i < y.m; i++)
        h[i] = clipped(a * (2 * eg_rng_uniform(rng) - 1), own->bound);
    see(first, &y, h, o, rng);
    if (o->hidden == 0) /* all noise at once, where what is seen will stand */
        eg_rng_normals(rng, out->outputs, (eg_index)task->io.n_ctx * y.n);
    for (eg_index t = 0; t < task->io.n_ctx; t++) {
        const double *noise = o->hidden > 0 ? drawn : out->outputs + t * y.n;

        if (o->hidden > 0) eg_rng_normals(rng, drawn, y.m);
        egi_mat_vec(next, y.w, h, y.m, y.m);
        for (int i = 0; i < y.m; i++)
            h[i] = clipped(next[i] + o->noise * noise[i], own->bound);
        see(out->outputs + t * y.n, &y, h, o, rng);
        out->labels[t] = t < own->over ? 0 : 1;
    }
    egi_vectors_write(task, first, out);
}

static eg_status check(const eg_task_opts *o, eg_err *err)
{
    bool contracting = o->system == EG_SYSTEM_CONTRACTING;
    const char *of = "task.system contracting", *seen = "task.hidden above 0";
    eg_status st = EG_OK;

    EG_TRY(egi_option_only(o, contracting, "eig_min", of, err));
    EG_TRY(egi_option_only(o, contracting, "eig_max", of, err));
    EG_TRY(egi_option_only(o, o->system == EG_SYSTEM_FIXED, "draw",
                           "task.system fixed", err));
    EG_TRY(egi_option_only(o, o->system != EG_SYSTEM_FIXED, "n_systems",
                           "task.system orthogonal or contracting", err));
    EG_TRY(egi_option_only(o, o->hidden > 0, "seen_std", seen, err));
    EG_TRY(egi_option_only(o, o->hidden > 0, "seen_noise", seen, err));
    if (o->hidden < 0 || o->hidden > EGI_MAX_DIM)
        st = EG_FAIL(err, EG_EINVAL, "task.hidden: %lld: expected 0 to %d",
                     (long long)o->hidden, EGI_MAX_DIM);
    else if (!(o->eig_min <= o->eig_max))
        st = EG_FAIL(err, EG_EINVAL,
                     "task.eig_min: %g: expected at most task.eig_max, %g",
                     o->eig_min, o->eig_max);
    else if (!(o->bound >= 0))
        st = EG_FAIL(err, EG_EINVAL, "task.bound: %g: expected 0 or more",
                     o->bound);
done:
    return st;
}

/* Half the mean square of what no one can know: the noise of one step, as it is
 * seen. Pairs needed: as many as what is regressed on has entries; behind C
 * that is the fewest states in a row that tell h, each pair of which begins
 * later. */
static void fill_law(law *own, const eg_task_opts *o)
{
    double n = (double)o->dim, m = (double)o->hidden;
    double step = 0.5 * n * o->noise * o->noise;
    eg_index slots = (o->hidden + o->dim - 1) / o->dim;

    own->bound = o->bound;
    if (o->bound == 0) own->bound = o->system == EG_SYSTEM_CONTRACTING ? 2 : 10;
    own->of.floor = step;
    own->over = o->dim;
    if (o->hidden == 0) return;
    own->of.floor = step * m * o->seen_std * o->seen_std +
                    0.5 * n * o->seen_noise * o->seen_noise;
    own->over = slots * o->dim + slots - 1;
}

static eg_status linear_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    int m = state_size(o);
    eg_status st = EG_OK;
    law *own;

    EG_TRY(egi_vectors_make(task, err));
    EG_TRY(check(o, err));
    own = eg_calloc(1, sizeof *own + (size_t)(m * m) * sizeof *own->w);
    if (!own) return EG_FAIL(err, EG_ENOMEM, "linear task");
    task->state = own;
    fill_law(own, o);
    if (o->hidden == 0)
        EG_TRY(egi_systems_keep(&own->of, task, draw_w, m, err));
    if (o->system == EG_SYSTEM_FIXED) {
        eg_rng rng = eg_rng_make((uint64_t)o->draw, EG_RNG_TASK, 0, 0);

        egi_draw_orthogonal(own->w, m, &rng);
    }
done:
    return st;
}

const egi_task_kind egi_task_linear = {
    .name = "linear",
    .help = "states of a linear system of its own for each sequence: vectors, "
            "squared error (arXiv 2309.05858)",
    .fields = fields,
    .groups = egi_vectors_groups,
    .loss = "all",
    .make = linear_make,
    .free = egi_vectors_free,
    .sequence = linear_sequence,
    .fact = egi_vectors_fact,
    .facts = egi_vectors_facts,
};
