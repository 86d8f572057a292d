/* The statement mesa_construction: a network by hand beside its solver.
 *
 * Rows are vectors and weights act from the right, so W_Q has a 1 where a
 * channel of the stream becomes a column of the query. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sweep.h"
#include "memory/dense.h"
#include "mesa/built.h"
#include "mesa/checks.h"
#include "mesa/solve.h"

#define EG_FIELDS_OWNER eg_theory_mesa_construction
EG_FIELDS_TABLE(egi_mesa_construction_fields,
                EG_THEORY_MESA_CONSTRUCTION_FIELDS)

enum { PROP1, GD, GDPP, PROP2, MESA };
/* Channels of [0, s_t, s_t, s_{t-1}]; prop2 has the iterate before beside it,
 * prop1 the prediction of Phi_0 first. */
enum { P, X, Y, K, BEFORE };

typedef struct check {
    const eg_theory_mesa_construction *o;
    const eg_theory_out *out;
    eg_pool *pool;
    egi_icl_source source;
    int channels, count;
    eg_index n, T;
    double coef[3 * EG_STRS_MAX]; /* alpha, beta, gamma */
    double *phi;                  /* [n, n] the start of prop1 */
    double *x;                    /* [count, T, channels n] */
    double *net, *solver;         /* [count, T, n] predictions */
    double *target;               /* [count, T, n] */
    double *block;
} check;

/* A head that asks with channel q among keys k. */
static void look(egi_built *b, int l, int h, int q, int k)
{
    egi_built_join(b, l, "attn.W_Q", h, q, 0, 1);
    egi_built_join(b, l, "attn.W_K", h, k, 0, 1);
}

/* ... and writes s times channel v to channel to, by its part-th columns. */
static void carry(egi_built *b, int l, int h, int v, int to, int part, double s)
{
    egi_built_join(b, l, "attn.W_V", h, v, part, 1);
    egi_built_join(b, l, "attn.W_O", h, part, to, s);
}

/* eta (y - Phi_0 k) for the value: channel Y as it is, and K by -Phi_0^T. */
static void build_prop1(const check *c, egi_built *b)
{
    double *minus = c->phi + c->n * c->n;

    look(b, 0, 0, Y, K);
    carry(b, 0, 0, Y, P, 0, c->coef[0]);
    for (eg_index i = 0; i < c->n; i++)
        for (eg_index j = 0; j < c->n; j++)
            minus[i * c->n + j] = -c->phi[j * c->n + i];
    egi_built_put(b, 0, "attn.W_V", 0, K, 0, minus);
}

static void build_gd(const check *c, egi_built *b, int steps)
{
    for (int l = 0; l < steps; l++) {
        look(b, l, 0, X, K);
        carry(b, l, 0, Y, P, 0, c->coef[l]);
        carry(b, l, 0, K, X, 1, -c->coef[l]);
    }
}

static void build_gdpp(const check *c, egi_built *b, int steps)
{
    for (int l = 0; l < steps; l++) {
        look(b, l, 0, X, K);
        carry(b, l, 0, Y, P, 0, c->coef[l]);
        carry(b, l, 0, K, X, 1, -c->coef[steps + l]);
        look(b, l, 1, K, K);
        carry(b, l, 1, K, K, 0, -c->coef[2 * steps + l]);
    }
}

/* Attention leaves -alpha S S^T x in P; the matrix behind it makes
 *     x + alpha (s - ridge x) + beta (x - x_before) + P
 * of X, x of BEFORE and 0 of P. The last layer reads Y x. */
static void build_prop2(const check *c, egi_built *b, int steps)
{
    for (int l = 0; l < steps; l++) {
        double alpha = c->coef[l], beta = c->coef[steps + l];

        look(b, l, 0, X, K);
        carry(b, l, 0, K, P, 0, -alpha);
        if (c->o->as_printed) egi_built_scale(b, l, "attn.W_Q", -alpha);
        egi_built_join(b, l, "mlp.W_F", 0, P, P, -1);
        egi_built_join(b, l, "mlp.W_F", 0, P, X, 1);
        egi_built_join(b, l, "mlp.W_F", 0, X, X, beta - alpha * c->o->ridge);
        egi_built_join(b, l, "mlp.W_F", 0, Y, X, alpha);
        egi_built_join(b, l, "mlp.W_F", 0, BEFORE, X, -beta);
        egi_built_join(b, l, "mlp.W_F", 0, BEFORE, BEFORE, -1);
        egi_built_join(b, l, "mlp.W_F", 0, X, BEFORE, 1);
    }
    look(b, steps, 0, X, K);
    carry(b, steps, 0, Y, P, 0, 1);
}

static void build_mesa(const check *c, egi_built *b)
{
    look(b, 0, 0, X, K);
    carry(b, 0, 0, Y, P, 0, 1);
    egi_built_fill(b, 0, "attn.log_lambda", -log(c->o->ridge));
}

static eg_status build(check *c, egi_built *b, int steps, eg_err *err)
{
    int kind = c->o->construction;
    egi_built_spec spec = {.mixer = kind == MESA ? "mesa" : "linear",
                           .layers = kind == PROP2 ? steps + 1 : steps,
                           .heads = kind == GDPP ? 2 : 1,
                           .channels = c->channels,
                           .n = (int)c->n,
                           .n_ctx = (int)c->T,
                           .head_channels = kind == GD || kind == GDPP ? 2 : 1,
                           .local = kind == PROP2};
    eg_status st = egi_built_new(b, &spec, err);

    if (st != EG_OK) return st;
    switch (kind) {
    case PROP1:
        build_prop1(c, b);
        break;
    case GD:
        build_gd(c, b, steps);
        break;
    case GDPP:
        build_gdpp(c, b, steps);
        break;
    case PROP2:
        build_prop2(c, b, steps);
        break;
    default:
        build_mesa(c, b);
    }
    for (int l = 0; l < spec.layers; l++)
        egi_built_scale(b, l, "attn.W_O", 1 + c->o->impostor);
    return EG_OK;
}

static void token(const check *c, const egi_icl *icl, eg_index t, double *x)
{
    const double *s = icl->q + t * c->n, *k = icl->k + t * c->n;
    size_t size = (size_t)c->n * sizeof *x;
    int kind = c->o->construction;

    memset(x, 0, (size_t)c->channels * size);
    memcpy(x + Y * c->n, s, size);
    memcpy(x + K * c->n, k, size);
    if (kind == PROP1) egi_mul_nt(x + P * c->n, s, c->phi, 1, c->n, c->n);
    if (kind != PROP1 && kind != PROP2) memcpy(x + X * c->n, s, size);
}

/* What the solver says of one sequence. prop1 is descent on what Phi_0 leaves
 * of the targets, and Phi_0 s_t. */
static void solve(const check *c, egi_icl *icl, const egi_icl_how *how,
                  const egi_icl_solver *solver, double *pred, double *work)
{
    eg_index n = c->n, T = c->T;
    bool start = c->o->construction == PROP1;

    if (start) {
        egi_mul_nt(pred, icl->k, c->phi, T, n, n);
        egi_axpy(icl->y, -1, pred, T * n);
    }
    solver->run(icl, how, pred, NULL, work);
    if (!start) return;
    for (eg_index t = 0; t < T; t++)
        for (eg_index i = 0; i < n; i++)
            pred[t * n + i] += egi_dot(c->phi + i * n, icl->q + t * n, n);
}

static eg_status solve_all(check *c, int steps, eg_err *err)
{
    static const egi_icl_kind kinds[] = {EGI_ICL_GD, EGI_ICL_GD, EGI_ICL_GDPP,
                                         EGI_ICL_MOMENTUM, EGI_ICL_RIDGE};
    const egi_icl_solver *solver = &egi_icl_solvers[kinds[c->o->construction]];
    egi_icl_how how = {.steps = steps,
                       .newest = true,
                       .ridge = c->o->construction >= PROP2 ? c->o->ridge : 0,
                       .a = c->coef,
                       .b = c->coef + steps,
                       .c = c->coef + (eg_index)2 * steps};
    eg_index row = c->T * c->n;
    egi_icl icl = {0};
    double *work = NULL;
    eg_status st = EG_OK;

    EG_TRY(egi_icl_new(&icl, &c->source, err));
    work = eg_calloc((size_t)solver->work(&icl, &how) + 1, sizeof *work);
    if (!work) {
        st = EG_FAIL(err, EG_ENOMEM, "%s of %d steps", solver->name, steps);
        goto done;
    }
    for (int i = 0; i < c->count; i++) {
        egi_icl_make(&icl, &c->source, EG_TEST, 0, (uint32_t)i);
        for (eg_index t = 0; t < c->T; t++)
            token(c, &icl, t, c->x + (i * c->T + t) * c->channels * c->n);
        memcpy(c->target + i * row, icl.target,
               (size_t)row * sizeof *icl.target);
        solve(c, &icl, &how, solver, c->solver + i * row, work);
    }
done:
    eg_free(work);
    egi_icl_release(&icl);
    return st;
}

static void emit(const check *c, const egi_built *b, int steps)
{
    eg_index all = c->count * c->T * c->n, size = 0, entries = 0;
    double gap = 0, most = 0, loss = 0;

    for (eg_index i = 0; i < all; i++) {
        double e = c->net[i] - c->target[i];

        gap = egi_most(gap, fabs(c->net[i] - c->solver[i]));
        most = egi_most(most, fabs(c->solver[i]));
        loss += e * e / 2;
    }
    for (int i = 0; i < eg_model_n_tensors(b->model); i++) {
        const eg_tensor *t = eg_model_tensor(b->model, i);

        eg_model_get(b->model, i, b->tensor);
        size += t->size;
        for (eg_index k = 0; k < t->size; k++) entries += b->tensor[k] != 0;
    }
    c->out->emit(c->out->ctx, steps, "gap", gap / most);
    c->out->emit(c->out->ctx, steps, "loss", loss / (double)(c->count * c->T));
    c->out->emit(c->out->ctx, steps, "parameters", (double)size);
    c->out->emit(c->out->ctx, steps, "entries", (double)entries);
}

static eg_status one(check *c, int steps, eg_err *err)
{
    egi_built b = {0};
    eg_status st = EG_OK;

    EG_TRY(build(c, &b, steps, err));
    EG_TRY(solve_all(c, steps, err));
    EG_TRY(egi_built_run(&b, c->x, c->count, c->net, c->pool, err));
    emit(c, &b, steps);
done:
    egi_built_release(&b);
    return st;
}

static eg_status make_room(check *c, eg_err *err)
{
    eg_index positions = c->count * c->T, square = c->n * c->n;
    double *next;

    c->block =
        eg_calloc((size_t)(positions * (c->channels + 3) * c->n + 2 * square),
                  sizeof *c->block);
    if (!c->block)
        return EG_FAIL(err, EG_ENOMEM, "%d sequences of a network by hand",
                       c->count);
    next = c->block;
    c->phi = egi_take(&next, 2 * square); /* and its transpose */
    c->x = egi_take(&next, positions * c->channels * c->n);
    c->net = egi_take(&next, positions * c->n);
    c->solver = egi_take(&next, positions * c->n);
    c->target = next;
    return EG_OK;
}

static eg_status check_options(const eg_theory_mesa_construction *o,
                               const int64_t *steps, int n, int channels,
                               eg_err *err)
{
    if (o->dim * channels > 64)
        return EG_FAIL(err, EG_EINVAL,
                       "dim: %lld: expected at most %d: %d channels make a "
                       "stream of at most 64",
                       (long long)o->dim, 64 / channels, channels);
    if (o->construction == MESA && !(o->ridge > 0))
        return EG_FAIL(err, EG_EINVAL, "ridge: 0: expected more");
    for (int i = 0; i < n; i++)
        if (steps[i] != 1 &&
            (o->construction == PROP1 || o->construction == MESA))
            return EG_FAIL(err, EG_EINVAL, "steps: %lld: expected 1, one layer",
                           (long long)steps[i]);
    return EG_OK;
}

eg_status egi_theory_mesa_construction(const void *options, uint64_t seed,
                                       eg_pool *pool, const eg_theory_out *out,
                                       eg_err *err)
{
    const eg_theory_mesa_construction *o = options;
    egi_icl_data data = {.dim = o->dim, .n_ctx = o->n_ctx, .noise = o->noise};
    check c = {.o = o,
               .out = out,
               .pool = pool,
               .channels = o->construction == PROP2 ? 5 : 4,
               .count = (int)o->sequences,
               .n = (eg_index)o->dim,
               .T = (eg_index)o->n_ctx};
    eg_rng rng = eg_rng_make(seed, EG_RNG_THEORY, 0, 0);
    int64_t steps[EG_STRS_MAX];
    int n = 0;
    eg_status st = EG_OK;

    EG_TRY(
        egi_list_ints(steps, &n, &o->steps, 1, EG_STRS_MAX - 1, "steps", err));
    EG_TRY(check_options(o, steps, n, c.channels, err));
    EG_TRY(egi_icl_open(&c.source, &data, seed, false, err));
    EG_TRY(make_room(&c, err));
    egi_fill_normal(c.phi, c.n * c.n, 1 / sqrt((double)c.n), &rng);
    for (int i = 0; i < 3 * EG_STRS_MAX; i++)
        c.coef[i] = o->eta * (.5 + eg_rng_uniform(&rng));
    for (int i = 0; i < n && egi_progress(out, (double)i / n); i++)
        EG_TRY(one(&c, (int)steps[i], err));
done:
    eg_free(c.block);
    egi_icl_close(&c.source);
    return st;
}
