/* When tokens leave their caps (2410.06833): the flow against the equation of
 * two clusters, and the theorem's T2. */
#include "flow/checks.h"

#include <math.h>
#include <string.h>

#include "engram/mem.h"

#define EG_FIELDS_OWNER eg_flow_theory_cap_exit
EG_FIELDS_TABLE(egi_flow_cap_exit_fields, EG_FLOW_THEORY_CAP_EXIT_FIELDS)

enum { SLICES = 48 };

typedef struct guard {
    eg_index n;
    double side, e;  /* angle of the odd tokens' centre, cap size */
    double *kept;    /* [n, 2]: the last state with all inside */
    double from, to; /* between these the first token leaves */
    bool left;
} guard;

/* Angle of token i from the centre of its cap. */
static double astray(const guard *g, const double *x, eg_index i)
{
    double centre = i % 2 ? g->side : 0, at = atan2(x[2 * i + 1], x[2 * i]);

    return fabs(remainder(at - centre, 2 * M_PI));
}

static bool watch(void *ctx, eg_index k, double t, const double *x)
{
    guard *g = ctx;
    double reach = acos(1 - 2 * g->e);

    (void)k;
    for (eg_index i = 0; i < g->n; i++)
        if (astray(g, x, i) > reach) g->left = true;
    if (g->left) {
        g->to = t;
        return false;
    }
    g->from = t;
    memcpy(g->kept, x, (size_t)(2 * g->n) * sizeof *x);
    return true;
}

/* Finer and finer slices of the time at which the first token leaves. */
static eg_status find_exit(double *when, guard *g, const eg_flow_spec *spec,
                           double *x, double from, double to, eg_err *err)
{
    eg_flow_solve how = {.method = EG_FLOW_DOP853,
                         .rtol = 1e-12,
                         .atol = 1e-14,
                         .fuse = true,
                         .output = watch,
                         .ctx = g};
    eg_status st = EG_OK;

    memcpy(g->kept, x, (size_t)(2 * g->n) * sizeof *x);
    for (int round = 0; round < 5 && st == EG_OK; round++) {
        double times[SLICES + 1];

        for (int k = 0; k <= SLICES; k++)
            times[k] = from + (to - from) * k / SLICES;
        g->left = false;
        memcpy(x, g->kept, (size_t)(2 * g->n) * sizeof *x);
        st = egi_play(spec, x, times, SLICES + 1, &how, NULL, err);
        if (st == EG_OK && !g->left) {
            *when = INFINITY;
            return EG_OK;
        }
        from = g->from;
        to = g->to;
    }
    *when = (from + to) / 2;
    return st;
}

/* Two clusters of n/2 tokens at angle u: du/dt of section 2.5, p = q. */
static double closing(double u, double beta)
{
    double near = exp(beta * (cos(u) - 1));

    return 2 * sin(u) * near / (1 + near);
}

/* Time in which the angle falls from u to v, by Simpson's rule. */
static double predicted(double u, double v, double beta)
{
    enum { N = 2000 };
    double sum = 0, h = (u - v) / N;

    for (int k = 0; k <= N; k++)
        sum += (k == 0 || k == N ? 1
                : k % 2          ? 4
                                 : 2) /
               closing(v + h * k, beta);
    return sum * h / 3;
}

/* Points of a line by least squares. */
typedef struct line {
    double n, x, y, xx, xy; /* sums */
} line;

static void add_point(line *l, double x, double y)
{
    l->n++;
    l->x += x;
    l->y += y;
    l->xx += x * x;
    l->xy += x * y;
}

static double slope(const line *l)
{
    return (l->n * l->xy - l->x * l->y) / (l->n * l->xx - l->x * l->x);
}

/* Mean angle of the tokens of a cap from its centre, towards the other. */
static double lean(const guard *g, const double *x, int odd)
{
    double sum = 0;

    for (eg_index i = odd; i < g->n; i += 2) {
        double at = atan2(x[2 * i + 1], x[2 * i]);

        sum += odd ? remainder(g->side - at, 2 * M_PI) : at;
    }
    return 2 * sum / (double)g->n;
}

static eg_status one_beta(const eg_flow_theory_cap_exit *o, double beta,
                          guard *g, double *x, eg_rng *rng, line lines[2],
                          const eg_theory_out *out, eg_err *err)
{
    eg_index n = g->n;
    double reach = acos(1 - o->e), far = acos(1 - 2 * o->e), T1 = o->settle;
    double times[2] = {0, T1}, u, v, when = 0, guess, spread = 0, T2;
    eg_flow_spec spec = {.n = n, .d = 2, .beta = beta};
    eg_flow_solve how = {
        .method = EG_FLOW_DOP853, .rtol = 1e-12, .atol = 1e-14};
    int64_t at = egi_milli(beta);
    eg_status st;

    for (eg_index i = 0; i < n; i++) {
        double a =
            (i % 2 ? g->side : 0) + reach * (2 * eg_rng_uniform(rng) - 1);

        x[2 * i] = cos(a);
        x[2 * i + 1] = sin(a);
    }
    st = egi_play(&spec, x, times, 2, &how, NULL, err);
    if (st != EG_OK) return st;
    for (eg_index i = 2; i < n; i++)
        spread = egi_most(spread, egi_dist2(x + 2 * i, x + 2 * (i % 2), 2));
    u = g->side - lean(g, x, 0) - lean(g, x, 1);
    /* both move at one speed: the one that leans more leaves first */
    v = u - 2 * (far - egi_most(lean(g, x, 0), lean(g, x, 1)));
    if (!(v < u))
        return EG_FAIL(err, EG_EINVAL,
                       "betas: at %g tokens leave their caps before they have "
                       "settled, t = %g",
                       beta, T1);
    guess = T1 + predicted(u, v, beta * (1 + o->impostor));
    T2 = o->e / (double)n * exp((1 - cos(g->side - 2 * far)) * beta);
    EG_TRY(find_exit(&when, g, &spec, x, T1, 1.5 * guess, err));
    egi_emit(out, at, "spread", sqrt(spread));
    egi_emit(out, at, "T2", T2);
    egi_emit(out, at, "exit", when);
    egi_emit(out, at, "ode", guess);
    egi_emit(out, at, "ratio", when / guess);
    egi_emit(out, at, "after", when / T2);
    add_point(&lines[0], beta * (1 - cos(u)), log(beta * when));
    add_point(&lines[1], beta * (1 - cos(u)), log(T2));
done:
    return st;
}

eg_status egi_flow_cap_exit_run(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    const eg_flow_theory_cap_exit *o = options;
    eg_index n = (eg_index)o->n;
    double beta[EG_STRS_MAX];
    int n_betas = 0;
    double *x = eg_calloc((size_t)(4 * n), sizeof *x);
    line lines[2] = {{0}};
    guard g = {.n = n, .side = o->angle, .e = o->e, .kept = egi_part(x, 2 * n)};
    eg_status st;

    (void)pool;
    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td tokens", n);
    EG_TRY(egi_list_reals(beta, &n_betas, &o->betas, 1, 12, "betas", err));
    if (n % 2) {
        st =
            EG_FAIL(err, EG_EINVAL, "n: expected an even number, found %td", n);
        goto done;
    }
    for (int i = 0; i < n_betas; i++) {
        eg_rng rng =
            eg_rng_make(seed, EG_RNG_THEORY, o->same ? 0 : (uint64_t)i, 0);

        EG_TRY(one_beta(o, beta[i], &g, x, &rng, lines, out, err));
    }
    if (n_betas > 1) {
        int64_t at = egi_milli(beta[n_betas - 1]);

        egi_emit(out, at, "slope", slope(&lines[0]));
        egi_emit(out, at, "T2_slope", slope(&lines[1]));
    }
done:
    eg_free(x);
    return st;
}
