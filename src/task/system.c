#include "task/system.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

static double dot(const double *x, const double *y, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

void egi_mat_vec(double *y, const double *w, const double *x, int n, int m)
{
    for (int i = 0; i < n; i++) y[i] = dot(w + (size_t)i * (size_t)m, x, m);
}

/* The orthonormal frame of Gaussian rows, each taken in the half space that it
 * lies in. Twice, so that the rows are orthogonal to the last bits. */
void egi_draw_orthogonal(double *w, int n, eg_rng *rng)
{
    eg_rng_normals(rng, w, (eg_index)n * n);
    for (int i = 0; i < n; i++) {
        double *row = w + (size_t)i * (size_t)n, size;

        for (int pass = 0; pass < 2; pass++) {
            for (int j = 0; j < i; j++) {
                const double *other = w + (size_t)j * (size_t)n;
                double c = dot(row, other, n);

                for (int k = 0; k < n; k++) row[k] -= c * other[k];
            }
        }
        size = sqrt(dot(row, row, n));
        for (int k = 0; k < n; k++) row[k] /= size;
    }
}

static void swap_rows(double *a, int n, int i, int j)
{
    for (int k = 0; k < n; k++) {
        double x = a[i * n + k];

        a[i * n + k] = a[j * n + k];
        a[j * n + k] = x;
    }
}

/* Rows of a [n, n] and b: a x = b is solved for x, in the place of b; partial
 * pivots. Spends a, which is regular with probability 1. */
static void solve(double *a, double *b, int n)
{
    for (int c = 0; c < n; c++) {
        int top = c;

        for (int r = c + 1; r < n; r++)
            if (fabs(a[r * n + c]) > fabs(a[top * n + c])) top = r;
        swap_rows(a, n, c, top);
        swap_rows(b, n, c, top);
        for (int r = 0; r < n; r++) {
            double f = r == c ? 0 : a[r * n + c] / a[c * n + c];

            for (int k = 0; k < n && r != c; k++) {
                a[r * n + k] -= f * a[c * n + k];
                b[r * n + k] -= f * b[c * n + k];
            }
        }
    }
    for (int r = 0; r < n; r++)
        for (int k = 0; k < n; k++) b[r * n + k] /= a[r * n + r];
}

/* W = M D M^-1 is W^T's system M^T W^T = D M^T, solved for W^T. */
void egi_draw_contracting(double *w, int n, double lo, double hi, eg_rng *rng)
{
    double t[EGI_MAX_DIM * EGI_MAX_DIM];

    for (int j = 0; j < n; j++) { /* row j of M^T, and of D M^T */
        double e = j == 0 ? hi : lo + (hi - lo) * eg_rng_uniform(rng);

        eg_rng_normals(rng, &t[(eg_index)j * n], n);
        for (int k = 0; k < n; k++) w[j * n + k] = e * t[j * n + k];
    }
    solve(t, w, n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            double x = w[i * n + j];

            w[i * n + j] = w[j * n + i];
            w[j * n + i] = x;
        }
}

/* States in a token, among them those that are always 0. */
static int slots(const eg_task_opts *o)
{
    switch (o->tokens) {
    case EG_TOKENS_LAGGED:
        return (int)o->lags;
    case EG_TOKENS_RAW:
        return 1;
    default:
        return 4;
    }
}

eg_status egi_vectors_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;
    eg_status st = EG_OK;

    if (o->dim < 1 || o->dim > EGI_MAX_DIM)
        return EG_FAIL(err, EG_EINVAL, "task.dim: %lld: expected 1 to %d",
                       (long long)o->dim, EGI_MAX_DIM);
    EG_TRY(egi_option_only(o, o->tokens == EG_TOKENS_LAGGED, "lags",
                           "task.tokens lagged", err));
    task->io.n_out = (int)o->dim;
    task->io.n_in = task->io.n_out * slots(o);
done:
    return st;
}

bool egi_vectors_fact(const eg_task *task, const char *name, eg_view *out)
{
    const egi_vectors_law *law = task->state;

    if (strcmp(name, "systems") == 0 && law->systems) {
        *out = (eg_view){law->systems,
                         EG_F64,
                         3,
                         {(eg_index)task->opts.n_systems, law->n, law->n}};
        return true;
    }
    if (strcmp(name, "noise_floor") != 0) return false;
    *out = (eg_view){&law->floor, EG_F64, 1, {1}};
    return true;
}

const char *const egi_vectors_facts[] = {"noise_floor", "systems", NULL};

static eg_rng stream_of(const eg_task *task, uint32_t i)
{
    return eg_rng_make(task->seed, EG_RNG_TASK, 0, i);
}

bool egi_system_known(const eg_task *task, eg_split split, eg_rng *rng,
                      eg_rng *own)
{
    if (task->opts.n_systems == 0 || split == EG_TEST) return false;
    *own = stream_of(task, eg_rng_below(rng, (uint32_t)task->opts.n_systems));
    return true;
}

eg_status egi_systems_keep(egi_vectors_law *law, const eg_task *task,
                           egi_draw_w draw, eg_index n, eg_err *err)
{
    int64_t count = task->opts.n_systems;

    law->n = n;
    if (count == 0 || count > EG_SYSTEMS_KEPT) return EG_OK;
    law->systems = eg_calloc((size_t)(count * n * n), sizeof *law->systems);
    if (!law->systems)
        return EG_FAIL(err, EG_ENOMEM, "task.n_systems: %lld",
                       (long long)count);
    for (int64_t i = 0; i < count; i++) {
        eg_rng rng = stream_of(task, (uint32_t)i);

        draw(law->systems + i * n * n, task, &rng);
    }
    return EG_OK;
}

void egi_vectors_free(void *law)
{
    if (law) eg_free(((egi_vectors_law *)law)->systems);
    eg_free(law);
}

const eg_group egi_vectors_groups[] = {
    {"under", 0, 0, "fewer pairs seen than dimensions: W is not determined"},
    {"over", 1, 1, "pairs enough to know W, but for the noise"},
    {NULL, 0, 0, NULL}};

double egi_start_width(const eg_task_opts *o)
{
    if (o->start_width > 0) return o->start_width;
    return o->kind == EG_TASK_NONLINEAR ? 0.25 : 1;
}

/* s_t, t from 0; before the first 0. */
static void put_state(double *to, const double *first, const eg_seq *s,
                      eg_index t, int n)
{
    const double *from = t > 0 ? s->outputs + (t - 1) * n : first;

    if (t < 0)
        memset(to, 0, (size_t)n * sizeof *to);
    else
        memcpy(to, from, (size_t)n * sizeof *to);
}

void egi_vectors_write(const eg_task *task, const double *first, eg_seq *out)
{
    const eg_task_opts *o = &task->opts;
    bool built = o->tokens == EG_TOKENS_CONSTRUCTED ||
                 o->tokens == EG_TOKENS_CONSTRUCTED_ONE;
    int n = task->io.n_out, k = slots(o);

    for (eg_index t = 0; t < task->io.n_ctx; t++) {
        double *to = out->inputs + t * task->io.n_in;

        out->targets[t] = 0;
        for (int j = 0; j < k; j++) {
            eg_index lag = !built ? j : j == 3 ? 1 : 0;
            bool empty =
                built &&
                (j == 0 || (j == 1 && o->tokens == EG_TOKENS_CONSTRUCTED_ONE));

            put_state(to + (size_t)j * (size_t)n, first, out,
                      empty ? -1 : t - lag, n);
        }
    }
}
