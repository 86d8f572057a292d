/* Few-shot regression ("Uncovering mesa-optimization algorithms in
 * Transformers", arXiv 2309.05858, section 5): each sequence has a W of its own
 * and shows pairs of
 *
 *     x ~ U(-a, a)^n,  y = W x + noise N(0, I),  W uniform on the orthogonal
 *                                                matrices
 *
 * one vector a position; y is to be told where x stands. Between and before the
 * pairs there may be vectors that belong to the model and are trained.
 */
#include <string.h>

#include "engram/mem.h"
#include "task/system.h"

#define EG_FIELDS_OWNER eg_task_opts
#define FIELDS(I, R, B, T, E, L)        \
    EG_VECTORS_FIELDS(I, R, B, T, E, L) \
    EG_SYSTEMS_FIELDS(I, R, B, T, E, L) \
    EG_REGRESSION_FIELDS(I, R, B, T, E, L)
static EG_FIELDS_TABLE(fields, FIELDS)

/* Labels of pairs of the second W begin behind this one. */
#define SECOND (1 << 24)

/* Position t holds x (0) or y (1) of pair *pair, counted from 0, or (2) a
 * vector of the model, *prompt. */
static int what(const eg_task *task, eg_index t, eg_index *pair, int *prompt)
{
    eg_index head = task->io.n_prefix, period = 2 + task->io.n_eos;

    *prompt = -1;
    if (t < head) {
        *prompt = (int)(task->io.n_eos + t);
        return 2;
    }
    *pair = (t - head) / period;
    if ((t - head) % period == 2) *prompt = 0;
    return (int)((t - head) % period);
}

static void draw_w(double *w, const eg_task *task, eg_rng *rng)
{
    egi_draw_orthogonal(w, (int)task->opts.dim, rng);
}

/* Draws, of each pair: W where a new one begins (which, n_systems > 0), x, then
 * the noise of y. */
static void regression_sequence(const eg_task *task, eg_split split,
                                eg_rng *rng, eg_seq *out)
{
    const eg_task_opts *o = &task->opts;
    double w[EGI_MAX_DIM * EGI_MAX_DIM], x[EGI_MAX_DIM], y[EGI_MAX_DIM];
    int n = (int)o->dim, prompt;
    size_t bytes = (size_t)n * sizeof *x;
    double a = egi_start_width(o);

    for (eg_index t = 0; t < task->io.n_ctx; t++) {
        eg_index pair = 0;
        eg_rng own;
        int is = what(task, t, &pair, &prompt);
        bool second = o->switch_at > 0 && pair >= o->switch_at;

        out->targets[t] = is == 0 ? 0 : -1;
        out->labels[t] = 0;
        if (out->prompts) out->prompts[t] = prompt;
        memset(out->inputs + t * n, 0, bytes);
        memset(out->outputs + t * n, 0, bytes);
        if (is == 0) {
            if (pair == 0 || (second && pair == o->switch_at))
                draw_w(w, task,
                       egi_system_known(task, split, rng, &own) ? &own : rng);
            for (int i = 0; i < n; i++)
                x[i] = a * (2 * eg_rng_uniform(rng) - 1);
            egi_mat_vec(y, w, x, n, n);
            for (int i = 0; i < n; i++) y[i] += o->noise * eg_rng_normal(rng);
            memcpy(out->inputs + t * n, x, bytes);
            memcpy(out->outputs + t * n, y, bytes);
            out->labels[t] =
                (int32_t)(second ? SECOND + pair - o->switch_at : pair) + 1;
        } else if (is == 1) {
            memcpy(out->inputs + t * n, y, bytes);
        }
    }
}

static eg_status regression_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    bool prefix = o->format == EG_FORMAT_PREFIX;
    eg_status st = EG_OK;
    egi_vectors_law *law;

    EG_TRY(egi_vectors_make(task, err));
    EG_TRY(egi_option_only(o, prefix, "n_prefix", "task.format prefix", err));
    if (prefix && o->n_prefix >= o->n_ctx)
        return EG_FAIL(err, EG_EINVAL,
                       "task.n_prefix: %lld: expected fewer than task.n_ctx, "
                       "%d, which holds them and the pairs",
                       (long long)o->n_prefix, task->io.n_ctx);
    task->io.n_eos = o->format != EG_FORMAT_PLAIN;
    task->io.n_prefix = prefix ? (int)o->n_prefix : 0;
    law = task->state = eg_calloc(1, sizeof *law);
    if (!law) return EG_FAIL(err, EG_ENOMEM, "regression task");
    law->floor = 0.5 * (double)o->dim * o->noise * o->noise;
    EG_TRY(egi_systems_keep(law, task, draw_w, (eg_index)o->dim, err));
done:
    return st;
}

/* The label of an x is the number of its pair, of the second W from SECOND on.
 */
static const eg_group groups[] = {
    {"first", 1, 1, "the first pair: nobody can know"},
    {"early", 2, 10, "the second to the tenth"},
    {"late", 11, SECOND, "all that follow, of the first W"},
    {"second_first", SECOND + 1, SECOND + 1, "the first pair of the second W"},
    {"second", SECOND + 2, INT32_MAX, "its further pairs"},
    {NULL, 0, 0, NULL}};

const egi_task_kind egi_task_regression = {
    .name = "regression",
    .help = "pairs x, W x to be told in context, with vectors of the model's "
            "own between and before them (arXiv 2309.05858)",
    .fields = fields,
    .groups = groups,
    .loss = "all",
    .make = regression_make,
    .free = egi_vectors_free,
    .sequence = regression_sequence,
    .fact = egi_vectors_fact,
    .facts = egi_vectors_facts,
};
