/* A system of tokens: what is asked for is checked, copied and made ready. */
#include <math.h>
#include <string.h>

#include "engram/kern.h"
#include "engram/mem.h"
#include "flow/choose.h"
#include "flow/matrices.h"
#include "flow/system.h"

static eg_status check_array(const char *name, const double *a, eg_index n,
                             eg_err *err)
{
    for (eg_index i = 0; a && i < n; i++)
        if (!isfinite(a[i]))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: expected finite numbers, found %g at %td", name,
                           a[i], i);
    return EG_OK;
}

static eg_status check_mass(const eg_flow_spec *s, eg_err *err)
{
    double total = 0;

    for (eg_index i = 0; s->mass && i < s->n; i++) {
        if (!isfinite(s->mass[i]) || s->mass[i] < 0)
            return EG_FAIL(err, EG_EINVAL,
                           "mass: expected numbers >= 0, found %g of token %td",
                           s->mass[i], i);
        total += s->mass[i];
    }
    if (s->mass && !(total > 0))
        return EG_FAIL(err, EG_EINVAL, "mass: expected some, found all 0");
    if (s->mass && s->causal && s->mass[0] == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "mass: expected one of token 0, which causal token 0 "
                       "alone sees, found 0");
    return EG_OK;
}

static eg_status check_times(const eg_flow_spec *s, eg_err *err)
{
    eg_status st = EG_OK;

    if (s->n_intervals > 1 && !s->change_time)
        return EG_FAIL(err, EG_EINVAL,
                       "changes: expected %td times for %td intervals, found "
                       "none",
                       s->n_intervals - 1, s->n_intervals);
    EG_TRY(check_array("changes", s->change_time, s->n_intervals - 1, err));
    for (eg_index i = 1; i < s->n_intervals - 1; i++)
        if (!(s->change_time[i] > s->change_time[i - 1]))
            return EG_FAIL(err, EG_EINVAL,
                           "changes: expected ascending times, found %g after "
                           "%g",
                           s->change_time[i], s->change_time[i - 1]);
done:
    return st;
}

/* What goes together. */
static eg_status check_modes(const eg_flow_spec *s, eg_err *err)
{
    bool sphere = s->space == EG_FLOW_SPHERE;

    if (s->norm != EG_FLOW_POST && !sphere)
        return EG_FAIL(err, EG_EINVAL,
                       "norm: expected post where space is not the sphere");
    if (s->space == EG_FLOW_RESCALED &&
        (s->n_heads > 1 || s->n_intervals > 1 || s->ffn != EG_FLOW_FFN_NONE ||
         s->model != EG_FLOW_SA))
        return EG_FAIL(err, EG_EINVAL,
                       "space rescaled: expected one head, constant matrices, "
                       "model SA and no feed-forward: coordinates exp(-tV) x "
                       "need one V and weights that sum to 1");
    if (s->noise > 0 &&
        !(sphere ? s->norm == EG_FLOW_POST || s->norm == EG_FLOW_NGPT ||
                       s->norm == EG_FLOW_SQRT
                 : s->space == EG_FLOW_EUCLIDEAN))
        return EG_FAIL(err, EG_EINVAL,
                       "noise: expected norm post, nGPT or sqrt on the sphere, "
                       "or space euclidean");
    if (s->model == EG_FLOW_USA && !s->Q && !s->K && sphere &&
        fabs(s->beta) > 700)
        return EG_FAIL(err, EG_EINVAL,
                       "beta: expected at most 700 for model USA, whose "
                       "weights exp(beta) overflow, found %g; USA_shifted is "
                       "the same flow on a slower clock",
                       s->beta);
    return EG_OK;
}

static eg_status check_spec(const eg_flow_spec *s, eg_err *err)
{
    eg_status st = EG_OK;
    eg_index nm = s->n_heads * s->n_intervals * s->d * s->d;

    if (s->n < 1 || s->d < 1)
        return EG_FAIL(err, EG_ESHAPE,
                       "tokens: expected n >= 1 and d >= 1, found [%td, %td]",
                       s->n, s->d);
    if (!isfinite(s->beta) || !isfinite(s->noise) || s->noise < 0)
        return EG_FAIL(err, EG_EINVAL,
                       "expected finite beta and noise >= 0, found %g and %g",
                       s->beta, s->noise);
    EG_TRY(eg_kern_check(s->kern, err));
    EG_TRY(check_array("Q", s->Q, nm, err));
    EG_TRY(check_array("K", s->K, nm, err));
    EG_TRY(check_array("V", s->V, nm, err));
    EG_TRY(check_mass(s, err));
    EG_TRY(check_times(s, err));
    EG_TRY(check_modes(s, err));
    if (s->ffn != EG_FLOW_FFN_NONE) {
        if (!s->w || !s->a || s->d_mlp < 1)
            return EG_FAIL(err, EG_EINVAL,
                           "feed-forward: expected w [%td, m] and a [m, %td]",
                           s->d, s->d);
        EG_TRY(check_array("w", s->w, s->d * s->d_mlp, err));
        EG_TRY(check_array("a", s->a, s->d * s->d_mlp, err));
        EG_TRY(check_array("b", s->b, s->d_mlp, err));
    }
done:
    return st;
}

/* Copies of arrays, one after another. */
static const double *copy(double **next, const double *from, eg_index n)
{
    double *to = *next;

    if (!from || n <= 0) return NULL;
    memcpy(to, from, (size_t)n * sizeof *to);
    *next += n;
    return to;
}

/* Changes of matrices, and the switch of mix in its place among them. */
static void set_stops(eg_flow *f)
{
    const eg_flow_spec *s = &f->spec;
    bool mix = s->norm == EG_FLOW_MIX;

    for (eg_index i = 0; i < s->n_intervals - 1; i++) {
        if (mix && s->tau < s->change_time[i]) {
            f->stops[f->n_stops++] = s->tau;
            mix = false;
        }
        f->stops[f->n_stops++] = s->change_time[i];
    }
    if (mix) f->stops[f->n_stops++] = s->tau;
}

static eg_status copy_arrays(eg_flow *f, eg_err *err)
{
    eg_flow_spec *s = &f->spec;
    eg_index nm = s->n_heads * s->n_intervals * s->d * s->d;
    eg_index mlp = s->ffn == EG_FLOW_FFN_NONE ? 0 : s->d_mlp;
    eg_index total =
        2 * s->n_intervals + 3 * nm + mlp * (2 * s->d + 1) + 2 * s->n;
    double *next = eg_calloc((size_t)total, sizeof *next);

    f->copies = next;
    if (!next) return EG_FAIL(err, EG_ENOMEM, "matrices of a flow");
    s->change_time = copy(&next, s->change_time, s->n_intervals - 1);
    s->Q = copy(&next, s->Q, nm);
    s->K = copy(&next, s->K, nm);
    s->V = copy(&next, s->V, nm);
    s->w = copy(&next, s->w, s->d * mlp);
    s->a = copy(&next, s->a, s->d * mlp);
    s->b = copy(&next, s->b, mlp);
    s->mass = copy(&next, s->mass, s->n);
    f->stops = next;
    next += s->n_intervals;
    set_stops(f);
    f->total_mass = (double)s->n;
    f->mass_block = next;
    if (s->mass) {
        f->mass = f->mass_block;
        memcpy(f->mass, s->mass, (size_t)s->n * sizeof *next);
        f->total_mass = 0;
        for (eg_index i = 0; i < s->n; i++) f->total_mass += s->mass[i];
    }
    return EG_OK;
}

/* Room for the products: B where there is a Q, Vt where there is a V. */
static eg_status make_products(eg_flow *f, eg_index count, eg_err *err)
{
    const eg_flow_spec *s = &f->spec;
    eg_index each = ((s->Q ? 1 : 0) + (s->V ? 1 : 0)) * s->d * s->d;

    f->head = eg_calloc((size_t)count, sizeof *f->head);
    if (each > 0)
        f->products = eg_calloc((size_t)(count * each), sizeof *f->products);
    if (!f->head || (each > 0 && !f->products))
        return EG_FAIL(err, EG_ENOMEM, "%td matrices of %td x %td", count, s->d,
                       s->d);
    return EG_OK;
}

/* B = Q'K and V' of every head, where they are not multiples of the
 * identity. */
static eg_status multiply_out(eg_flow *f, eg_err *err)
{
    eg_status st = EG_OK;
    const eg_flow_spec *s = &f->spec;
    eg_index count = s->n_heads * s->n_intervals, dd = s->d * s->d;
    double *next;

    EG_TRY(make_products(f, count, err));
    next = f->products;
    for (eg_index i = 0; i < count; i++) {
        egi_head *h = &f->head[i];

        *h = (egi_head){.b = 1, .v = 1};
        if (s->K) h->B = s->K + i * dd;
        if (s->Q) { /* K = Id leaves Q' */
            if (s->K)
                egi_mat_mul_tn(next, s->Q + i * dd, h->B, s->d);
            else
                egi_mat_transpose(next, s->Q + i * dd, s->d);
            h->B = next;
            next += dd;
        }
        if (h->B && egi_mat_is_scalar(h->B, s->d, &h->b)) h->B = NULL;
        if (!s->V) continue;
        h->V = s->V + i * dd;
        if (egi_mat_is_scalar(h->V, s->d, &h->v)) {
            h->V = NULL;
            continue;
        }
        egi_mat_transpose(next, h->V, s->d);
        h->Vt = next;
        next += dd;
    }
done:
    return st;
}

static eg_status make_workspace(eg_flow *f, eg_err *err)
{
    const eg_flow_spec *s = &f->spec;
    eg_index n = s->n, d = s->d, dd = d * d;
    eg_index tiles = f->sums ? 0 : (n + EGI_TILE - 1) / EGI_TILE * EGI_TILE * d;
    eg_index each = EGI_ROWS * (3 * d + EGI_TILE) + s->d_mlp;
    int workers = f->pool ? eg_pool_size(f->pool) : 1;
    double *next;

    f->u = eg_calloc((size_t)(n * d), sizeof *f->u);
    f->stage = eg_calloc((size_t)(2 * n * d), sizeof *f->stage);
    f->tiles = eg_calloc((size_t)tiles, sizeof *f->tiles);
    f->log_mass = eg_calloc((size_t)n, sizeof *f->log_mass);
    f->scratch = eg_calloc((size_t)workers, sizeof *f->scratch);
    f->scratch_block =
        eg_calloc((size_t)(each * workers), sizeof *f->scratch_block);
    if (s->space == EG_FLOW_RESCALED)
        f->rescaling.E =
            eg_calloc((size_t)(2 * dd + egi_expm_work(d)), sizeof(double));
    if (!f->u || !f->stage || !f->tiles || !f->log_mass || !f->scratch ||
        !f->scratch_block || (s->space == EG_FLOW_RESCALED && !f->rescaling.E))
        return EG_FAIL(err, EG_ENOMEM, "workspace for tokens [%td, %td]", n, d);
    if (f->rescaling.E) {
        f->rescaling.B = f->rescaling.E + dd;
        f->rescaling.work = f->rescaling.B + dd;
    }
    next = f->scratch_block;
    for (int w = 0; w < workers; w++) {
        egi_scratch *c = &f->scratch[w];

        c->q = next;
        c->sum = c->q + EGI_ROWS * d;
        c->scores = c->sum + EGI_ROWS * d;
        c->hidden = c->scores + (eg_index)EGI_ROWS * EGI_TILE;
        c->vector = c->hidden + s->d_mlp;
        next += each;
    }
    return EG_OK;
}

eg_status eg_flow_new(eg_flow **out, const eg_flow_spec *spec, eg_pool *pool,
                      eg_err *err)
{
    eg_status st = EG_OK;
    eg_flow *f = NULL;
    eg_flow_spec s = *spec;

    *out = NULL;
    if (s.n_heads == 0) s.n_heads = 1;
    if (s.n_intervals == 0) s.n_intervals = 1;
    if (s.sum_tol == 0) s.sum_tol = 1e-13;
    if (s.ffn == EG_FLOW_FFN_NONE) s.d_mlp = 0;
    EG_TRY(check_spec(&s, err));
    f = eg_calloc(1, sizeof *f);
    if (!f) return EG_FAIL(err, EG_ENOMEM, "a flow");
    f->spec = s;
    f->pool = pool;
    f->n = s.n;
    f->rows = egi_rows_pick(s.kern);
    EG_TRY(copy_arrays(f, err));
    EG_TRY(multiply_out(f, err));
    egi_flow_at(f, 0);
    EG_TRY(egi_choose(f, err));
    EG_TRY(make_workspace(f, err));
    for (eg_index i = 0; f->mass && i < s.n; i++)
        f->log_mass[i] = log(f->mass[i]);
    *out = f;
    f = NULL;
done:
    eg_flow_free(f);
    return st;
}

void eg_flow_free(eg_flow *f)
{
    if (!f) return;
    egi_sums_free(f->sums);
    eg_free(f->S);
    eg_free(f->copies);
    eg_free(f->head);
    eg_free(f->products);
    eg_free(f->u);
    eg_free(f->stage);
    eg_free(f->tiles);
    eg_free(f->log_mass);
    eg_free(f->scratch);
    eg_free(f->scratch_block);
    eg_free(f->rescaling.E);
    eg_free(f);
}

const char *eg_flow_why(const eg_flow *f)
{
    return f->why;
}

int eg_flow_precision(const eg_flow *f)
{
    return f->single;
}

int64_t eg_flow_evaluations(const eg_flow *f)
{
    return f->evaluations;
}

bool egi_flow_on_sphere(const eg_flow *f)
{
    return f->spec.space == EG_FLOW_SPHERE && f->norm != EG_FLOW_PRE &&
           f->norm != EG_FLOW_PERI;
}

void egi_flow_at(eg_flow *f, double t)
{
    const eg_flow_spec *s = &f->spec;

    f->interval = 0;
    while (f->interval < s->n_intervals - 1 && s->change_time[f->interval] <= t)
        f->interval++;
    f->norm = s->norm;
    if (s->norm == EG_FLOW_MIX)
        f->norm = t < s->tau ? EG_FLOW_POST : EG_FLOW_PRE;
}
