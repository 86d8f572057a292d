/* The statement mesa_solver: coefficients, looked for where asked, and the loss
 * at every position. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "base/sweep.h"
#include "mesa/checks.h"
#include "mesa/crew.h"

#define EG_FIELDS_OWNER eg_theory_mesa_solver
EG_FIELDS_TABLE(egi_mesa_solver_fields, EG_THEORY_MESA_SOLVER_FIELDS)

enum { TUNE_NONE, TUNE_GRID, TUNE_ADAM };

typedef struct check {
    const eg_theory_mesa_solver *o;
    const egi_icl_solver *solver;
    const eg_theory_out *out;
    eg_pool *pool;
    egi_icl_source source;
    egi_icl_how how;
    double coef[3 * EG_STRS_MAX]; /* alpha, beta, gamma, steps each */
    bool stopped;
} check;

static eg_status read_list(double *coef, const eg_strs *list, const char *name,
                           double without, eg_index steps, bool has,
                           eg_err *err)
{
    double value[EG_STRS_MAX];
    int n = 0;
    eg_status st;

    for (eg_index i = 0; i < steps; i++) coef[i] = without;
    if (list->n == 0) return EG_OK;
    if (!has)
        return EG_FAIL(err, EG_EINVAL, "%s: this solver has no %s", name, name);
    st = egi_list_reals(value, &n, list, -1e6, 1e6, name, err);
    if (st != EG_OK) return st;
    if (n != steps)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected %td numbers, as steps says, found %d",
                       name, steps, n);
    memcpy(coef, value, (size_t)n * sizeof *coef);
    return EG_OK;
}

static eg_status read_options(check *c, eg_err *err)
{
    const eg_theory_mesa_solver *o = c->o;
    int kind = o->solver, n = c->solver->coefs;
    eg_index steps = (eg_index)o->steps;
    bool descends = kind == EGI_ICL_GD || kind == EGI_ICL_GDPP;
    double a = descends || kind == EGI_ICL_MOMENTUM ? o->eta : 1;
    double b = kind == EGI_ICL_GDPP ? o->eta : 0;
    eg_status st = EG_OK;

    c->how = (egi_icl_how){.steps = steps,
                           .ridge = o->ridge,
                           .low = o->low,
                           .sharpness = o->sharpness,
                           .clip = o->clip,
                           .newest = o->newest,
                           .a = c->coef,
                           .b = c->coef + steps,
                           .c = c->coef + 2 * steps};
    EG_TRY(read_list(c->coef, &o->alpha, "alpha", a, steps, n >= 1, err));
    EG_TRY(read_list(c->coef + steps, &o->beta, "beta", b, steps, n >= 2, err));
    EG_TRY(read_list(c->coef + 2 * steps, &o->gamma, "gamma", 0, steps, n >= 3,
                     err));
    if (kind == EGI_ICL_RIDGE && !(o->ridge > 0) && o->tune != TUNE_GRID)
        return EG_FAIL(err, EG_EINVAL,
                       "ridge: 0: expected more, since fewer pairs than "
                       "entries leave the solution open");
    if (o->clip > 0 && !descends)
        return EG_FAIL(err, EG_EINVAL, "clip: %s has no layers to clip",
                       c->solver->name);
    if ((kind == EGI_ICL_GDPP || o->clip > 0) && (!o->newest || o->ridge > 0))
        return EG_FAIL(err, EG_EINVAL,
                       "layers: expected newest true and ridge 0, which is "
                       "what layers can do");
    if (kind == EGI_ICL_CHEBYSHEV && !(o->low > 0))
        return EG_FAIL(err, EG_EINVAL, "low: 0: expected more");
    if (kind == EGI_ICL_ORACLE && o->n_ctx <= o->dim)
        return EG_FAIL(err, EG_EINVAL,
                       "n_ctx: %lld: expected more than dim, %lld: the system "
                       "is found from the states",
                       (long long)o->n_ctx, (long long)o->dim);
    if (kind == EGI_ICL_ORACLE &&
        (o->lags > 1 || o->hidden > 0 || o->system == EGI_ICL_NONLINEAR))
        return EG_FAIL(err, EG_EINVAL,
                       "solver: the oracle knows linear systems whose states "
                       "are seen, without lags");
    if (kind == EGI_ICL_DMMSE &&
        (o->n_systems == 0 || !(o->noise > 0) || o->lags > 1 || o->hidden > 0))
        return EG_FAIL(err, EG_EINVAL,
                       "solver: dmmse weighs the systems of training, "
                       "n_systems, by the noise: expected some of both, and "
                       "states that are seen, without lags");
    if (o->met && o->n_systems == 0)
        return EG_FAIL(err, EG_EINVAL, "met: expected n_systems above 0");
    if (o->n_systems > 0 && o->system != EGI_ICL_ORTHOGONAL &&
        o->system != EGI_ICL_CONTRACTING)
        return EG_FAIL(err, EG_EINVAL,
                       "n_systems: expected the orthogonal or the contracting "
                       "system");
    if (o->features && (o->system != EGI_ICL_NONLINEAR || o->lags > 1))
        return EG_FAIL(err, EG_EINVAL,
                       "features: of system nonlinear, without lags");
    if (o->hidden > 0 && o->system == EGI_ICL_NONLINEAR)
        return EG_FAIL(err, EG_EINVAL,
                       "hidden: expected 0 for the nonlinear system");
    if (o->tune == TUNE_GRID && !c->solver->tuned)
        return EG_FAIL(err, EG_EINVAL, "tune: %s has nothing for a grid",
                       c->solver->name);
    if (o->tune == TUNE_GRID && !(o->grid_to > o->grid_from))
        return EG_FAIL(err, EG_EINVAL,
                       "grid_to: %g: expected more than grid_from, %g",
                       o->grid_to, o->grid_from);
    if (o->tune == TUNE_ADAM && n == 0)
        return EG_FAIL(err, EG_EINVAL, "tune: %s has nothing for adam",
                       c->solver->name);
done:
    return st;
}

/* The number that a grid varies. */
static void set_tuned(check *c, double x)
{
    switch (c->o->solver) {
    case EGI_ICL_GD:
        for (eg_index i = 0; i < c->how.steps; i++) c->coef[i] = x;
        break;
    case EGI_ICL_RIDGE:
        c->how.ridge = x;
        break;
    case EGI_ICL_CHEBYSHEV:
        c->how.low = x;
        break;
    default:
        EG_ASSERT(c->o->solver == EGI_ICL_KERNEL);
        c->how.sharpness = x;
    }
}

static eg_status search_grid(check *c, eg_err *err)
{
    const eg_theory_mesa_solver *o = c->o;
    double step = (o->grid_to - o->grid_from) / (double)(o->grid_points - 1);
    double best = HUGE_VAL, at = o->grid_from;
    egi_icl_crew *crew = NULL;
    eg_status st = egi_icl_crew_new(&crew, c->solver, &c->source, c->how.steps,
                                    (int)o->tune_sequences, c->pool, err);

    for (int64_t i = 0; i < o->grid_points && st == EG_OK; i++) {
        egi_icl_loss loss = {0};
        double x = o->grid_from + (double)i * step;

        if (!egi_progress(c->out, .9 * (double)i / (double)o->grid_points)) {
            c->stopped = true;
            break;
        }
        set_tuned(c, x);
        egi_icl_crew_run(crew, &c->how, EG_TRAIN, 0, &loss, NULL);
        if (!(loss.mean < best)) continue;
        best = loss.mean;
        at = x;
    }
    egi_icl_crew_free(crew);
    if (st != EG_OK || c->stopped) return st;
    set_tuned(c, at);
    c->out->emit(c->out->ctx, 0, "tuned", at);
    return EG_OK;
}

/* Adam with its usual constants; n numbers, from 1 update on. */
static void adam(double *x, const double *grad, double *moments, eg_index n,
                 double lr, double clip, int64_t update)
{
    double c1 = 1 - pow(.9, (double)update), c2 = 1 - pow(.999, (double)update);

    for (eg_index i = 0; i < n; i++) {
        double *m = moments + i, *v = moments + n + i;
        double g = grad[i], slope = g > clip ? clip : g < -clip ? -clip : g;

        *m = .9 * *m + .1 * slope;
        *v = .999 * *v + .001 * slope * slope;
        x[i] -= lr * (*m / c1) / (sqrt(*v / c2) + 1e-8);
    }
}

/* The product of (1 - a_l A) knows no order: equal steps have equal slopes, and
 * would stay equal. */
static void part_equal_steps(double *a, eg_index n)
{
    for (eg_index l = 1; l < n; l++)
        if (a[l] != a[0]) return;
    for (eg_index l = 0; l < n && n > 1; l++)
        a[l] *= 1.5 - (double)l / (double)(n - 1);
}

static eg_status train(check *c, eg_err *err)
{
    const eg_theory_mesa_solver *o = c->o;
    eg_index n = 3 * c->how.steps;
    double grad[3 * EG_STRS_MAX], moments[6 * EG_STRS_MAX] = {0};
    egi_icl_crew *crew = NULL;
    eg_status st = egi_icl_crew_new(&crew, c->solver, &c->source, c->how.steps,
                                    (int)o->batch, c->pool, err);

    if (o->solver == EGI_ICL_GD || o->solver == EGI_ICL_MOMENTUM)
        part_equal_steps(c->coef, c->how.steps);
    for (int64_t i = 0; i < o->updates && st == EG_OK; i++) {
        egi_icl_loss loss = {0};
        double done = (double)i / (double)o->updates;

        if (!egi_progress(c->out, .9 * done)) {
            c->stopped = true;
            break;
        }
        egi_icl_crew_run(crew, &c->how, EG_TRAIN, (uint64_t)i, &loss, grad);
        adam(c->coef, grad, moments, n,
             o->lr * (1 + cos(3.14159265358979323846 * done)) / 2,
             o->grad_clip > 0 ? o->grad_clip : HUGE_VAL, i + 1);
    }
    egi_icl_crew_free(crew);
    for (int l = 0; l < c->solver->coefs && st == EG_OK && !c->stopped; l++)
        for (eg_index j = 0; j < c->how.steps; j++) {
            static const char *const lists[] = {"alpha", "beta", "gamma"};
            char name[32];

            (void)snprintf(name, sizeof name, "%s_%td", lists[l], j + 1);
            c->out->emit(c->out->ctx, 0, name, c->coef[l * c->how.steps + j]);
        }
    return st;
}

static eg_status test(check *c, eg_err *err)
{
    const eg_theory_mesa_solver *o = c->o;
    int T = (int)o->n_ctx;
    egi_icl_crew *crew = NULL;
    egi_icl_loss loss = {.at = eg_calloc((size_t)T, sizeof *loss.at)};
    eg_status st = EG_OK;

    if (!loss.at) {
        st = EG_FAIL(err, EG_ENOMEM, "losses at %d positions", T);
        goto done;
    }
    EG_TRY(egi_icl_crew_new(&crew, c->solver, &c->source, c->how.steps,
                            (int)o->sequences, c->pool, err));
    egi_icl_crew_run(crew, &c->how, o->met ? EG_PROBE : EG_TEST, 0, &loss,
                     NULL);
    c->out->emit(c->out->ctx, 0, "mean", loss.mean);
    c->out->emit(c->out->ctx, 0, "mean_se", loss.se);
    c->out->emit(c->out->ctx, 0, "mean_entry", loss.mean / (double)o->dim);
    for (int t = 0; t < T; t++)
        c->out->emit(c->out->ctx, t + 1, "loss", loss.at[t]);
done:
    egi_icl_crew_free(crew);
    eg_free(loss.at);
    return st;
}

eg_status egi_theory_mesa_solver(const void *options, uint64_t seed,
                                 eg_pool *pool, const eg_theory_out *out,
                                 eg_err *err)
{
    const eg_theory_mesa_solver *o = options;
    egi_icl_data data = {.dim = o->dim,
                         .n_ctx = o->n_ctx,
                         .noise = o->noise,
                         .system = o->system,
                         .hidden = o->hidden,
                         .lags = o->lags,
                         .n_systems = o->n_systems,
                         .features = o->features};
    check c = {.o = o,
               .solver = &egi_icl_solvers[o->solver],
               .out = out,
               .pool = pool};
    eg_status st = EG_OK;

    EG_TRY(read_options(&c, err));
    EG_TRY(
        egi_icl_open(&c.source, &data, seed, o->solver == EGI_ICL_ORACLE, err));
    if (o->tune == TUNE_GRID) EG_TRY(search_grid(&c, err));
    if (o->tune == TUNE_ADAM) EG_TRY(train(&c, err));
    if (!c.stopped) EG_TRY(test(&c, err));
done:
    egi_icl_close(&c.source);
    return st;
}
