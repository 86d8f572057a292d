/* The statement energy_scaling: laws of the loss over parameters N and tokens
 * D, what they ask of N beside D, and how many parameters a model has. */
#include <math.h>

#include "base/sweep.h"
#include "energy/checks.h"
#include "engram/energy.h"

#define EG_FIELDS_OWNER eg_theory_energy_scaling
EG_FIELDS_TABLE(egi_energy_scaling_fields, EG_THEORY_ENERGY_SCALING_FIELDS)

#define ENDLESS 1e100

typedef struct scaling {
    const eg_theory_energy_scaling *o;
    const eg_theory_out *out;
    double N[EG_STRS_MAX], D[EG_STRS_MAX], compute[EG_STRS_MAX];
    double d_ff[EG_STRS_MAX];
    int n, n_computes, n_widths;
} scaling;

/* One of the two laws. */
typedef double (*loss_fn)(const eg_theory_energy_scaling *o, double N,
                          double D);

static double kaplan(const eg_theory_energy_scaling *o, double N, double D)
{
    return pow(pow(o->n_c / N, o->alpha_n / o->alpha_d) + o->d_c / D,
               o->alpha_d);
}

static double chinchilla(const eg_theory_energy_scaling *o, double N, double D)
{
    return o->floor + o->a / pow(N, o->alpha) + o->b / pow(D, o->beta);
}

static eg_status read_options(scaling *s, eg_err *err)
{
    const eg_theory_energy_scaling *o = s->o;
    int n = 0;
    eg_status st;

    EG_TRY(egi_list_reals(s->N, &s->n, &o->parameters, 1, 1e30, "parameters",
                          err));
    EG_TRY(egi_list_reals(s->D, &n, &o->tokens, 1, 1e30, "tokens", err));
    if (n != s->n)
        return EG_FAIL(err, EG_EINVAL,
                       "tokens: expected %d numbers, one for each of "
                       "parameters, found %d",
                       s->n, n);
    EG_TRY(egi_list_reals(s->compute, &s->n_computes, &o->compute, 1e6, 1e40,
                          "compute", err));
    EG_TRY(
        egi_list_reals(s->d_ff, &s->n_widths, &o->d_ff, 1, 1e9, "d_ff", err));
    if (s->n_computes < 2)
        st = EG_FAIL(err, EG_EINVAL, "compute: expected two at least");
done:
    return st;
}

/* log D at which the loss of N parameters is (1 + excess) times that of endless
 * tokens: it falls with D, so that halving an interval finds it. */
static double enough_tokens(const scaling *s, loss_fn loss, double N)
{
    double goal = (1 + s->o->excess) * loss(s->o, N, ENDLESS);
    double low = 0, high = log(1e60);

    for (int i = 0; i < 200; i++) {
        double mid = (low + high) / 2;

        if (loss(s->o, N, exp(mid)) > goal)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* log N that loses least among all N and D = compute / (6 N): by golden
 * sections, the loss having one least value. */
static double best_size(const scaling *s, loss_fn loss, double compute)
{
    const double part = (sqrt(5) - 1) / 2;
    double low = 0, high = log(compute / 6);

    for (int i = 0; i < 200; i++) {
        double x = high - part * (high - low), y = low + part * (high - low);

        if (loss(s->o, exp(x), compute / 6 / exp(x)) <
            loss(s->o, exp(y), compute / 6 / exp(y)))
            high = y;
        else
            low = x;
    }
    return (low + high) / 2;
}

static eg_status slopes(const scaling *s, eg_err *err)
{
    double N[EG_STRS_MAX], D[EG_STRS_MAX];
    eg_power_fit fit;
    eg_status st;

    for (int i = 0; i < s->n_computes; i++) {
        N[i] = exp(best_size(s, chinchilla, s->compute[i]));
        D[i] = s->compute[i] / 6 / N[i];
        s->out->emit(s->out->ctx, i + 1, "best_n", N[i]);
        s->out->emit(s->out->ctx, i + 1, "best_d", D[i]);
    }
    EG_TRY(eg_power_fit_pairs(&fit, D, N, s->n_computes, .95, err));
    s->out->emit(s->out->ctx, 0, "chinchilla_slope", fit.slope);
    for (int i = 0; i < 4; i++) {
        N[i] = pow(10, 6 + 2 * i);
        D[i] = exp(enough_tokens(s, kaplan, N[i]));
    }
    EG_TRY(eg_power_fit_pairs(&fit, D, N, 4, .95, err));
    s->out->emit(s->out->ctx, 0, "kaplan_slope", fit.slope);
done:
    return st;
}

static void count(const scaling *s)
{
    double l = (double)s->o->layers, w = (double)s->o->width;
    double qkv = 3 * l * w * w, dense = l * (w * w + 2 * w);

    for (int i = 0; i < s->n_widths; i++) {
        double ffn = l * (2 * w * s->d_ff[i] + w + s->d_ff[i]);

        s->out->emit(s->out->ctx, i + 1, "qkv", qkv);
        s->out->emit(s->out->ctx, i + 1, "dense", dense);
        s->out->emit(s->out->ctx, i + 1, "ffn", ffn);
        s->out->emit(s->out->ctx, i + 1, "expansion",
                     (qkv + dense + ffn) / (l * w * w));
    }
}

eg_status egi_theory_energy_scaling(const void *options, uint64_t seed,
                                    eg_pool *pool, const eg_theory_out *out,
                                    eg_err *err)
{
    scaling s = {.o = options, .out = out};
    eg_status st;

    (void)seed;
    (void)pool;
    EG_TRY(read_options(&s, err));
    if (!egi_progress(out, 0)) return EG_OK;
    for (int i = 0; i < s.n; i++) {
        out->emit(out->ctx, i + 1, "kaplan", kaplan(s.o, s.N[i], s.D[i]));
        out->emit(out->ctx, i + 1, "chinchilla",
                  chinchilla(s.o, s.N[i], s.D[i]));
    }
    out->emit(out->ctx, 0, "kaplan_limit", kaplan(s.o, ENDLESS, ENDLESS));
    out->emit(out->ctx, 0, "chinchilla_limit",
              chinchilla(s.o, ENDLESS, ENDLESS));
    EG_TRY(slopes(&s, err));
    count(&s);
done:
    return st;
}
