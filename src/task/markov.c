/* Markov chains to be learnt in context ("The Evolution of Statistical
 * Induction Heads", arXiv 2402.11004): every sequence walks along a chain of
 * its own, whose transitions only the sequence itself tells. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "task/kind.h"

#define MAX_STATES 64

#define EG_FIELDS_OWNER eg_task_opts
static EG_FIELDS_TABLE(fields, EG_MARKOV_FIELDS)

typedef struct chain {
    int k;
    double p[MAX_STATES][MAX_STATES]; /* rows sum to 1 */
    double log_p[MAX_STATES][MAX_STATES];
    bool tiny; /* some entry has no full precision in p */
    double start[MAX_STATES];
} chain;

/* The logarithm of a Gamma(a, 1) variable: Marsaglia and Tsang's for a >= 1,
 * and for less log Gamma(a + 1) + log(u) / a, which cannot underflow. */
static double log_gamma_draw(double a, eg_rng *rng)
{
    double boost = 0, d, c;

    if (a < 1) {
        boost = log(1 - eg_rng_uniform(rng)) / a;
        a += 1;
    }
    d = a - 1.0 / 3;
    c = 1 / sqrt(9 * d);
    for (;;) {
        double x = eg_rng_normal(rng), v = 1 + c * x;

        if (v <= 0) continue;
        v = v * v * v;
        if (log(1 - eg_rng_uniform(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return log(d * v) + boost;
    }
}

/* Row i is Dirichlet(a, ..., a). */
static void draw_row(chain *c, int i, double a, eg_rng *rng)
{
    double *p = c->p[i], *log_p = c->log_p[i], top = -INFINITY, sum = 0;

    for (int j = 0; j < c->k; j++) {
        log_p[j] = log_gamma_draw(a, rng);
        if (log_p[j] > top) top = log_p[j];
    }
    for (int j = 0; j < c->k; j++) sum += p[j] = exp(log_p[j] - top);
    for (int j = 0; j < c->k; j++) {
        p[j] /= sum;
        log_p[j] -= top + log(sum);
        if (p[j] < DBL_MIN) c->tiny = true;
    }
}

/* The stationary law, by elimination without subtractions (Grassmann, Taksar
 * and Heyman 1985): every entry to nearly full relative precision. */
static void stationary(chain *c)
{
    double a[MAX_STATES][MAX_STATES], sum = 1;
    int k = c->k;

    memcpy(a, c->p, sizeof a);
    for (int n = k - 1; n > 0; n--) {
        double out = 0;

        for (int j = 0; j < n; j++) out += a[n][j];
        for (int i = 0; i < n; i++) {
            a[i][n] /= out;
            for (int j = 0; j < n; j++) a[i][j] += a[i][n] * a[n][j];
        }
    }
    c->start[0] = 1;
    for (int n = 1; n < k; n++) {
        c->start[n] = 0;
        for (int i = 0; i < n; i++) c->start[n] += c->start[i] * a[i][n];
        sum += c->start[n];
    }
    for (int n = 0; n < k; n++) c->start[n] /= sum;
}

static double log_sum(double x, double y)
{
    double top = x > y ? x : y;

    return isinf(top) ? top : top + log1p(exp(-fabs(x - y)));
}

/* The same in logarithms, some hundred times slower: with rows of nearly one
 * entry the others are too small for a double, and yet they alone say how long
 * the chain is where. Spends log_p. */
static void stationary_logs(chain *c)
{
    double(*a)[MAX_STATES] = c->log_p, at[MAX_STATES] = {0}, sum = 0;
    int k = c->k;

    for (int n = k - 1; n > 0; n--) {
        double out = -INFINITY;

        for (int j = 0; j < n; j++) out = log_sum(out, a[n][j]);
        for (int i = 0; i < n; i++) {
            a[i][n] -= out;
            for (int j = 0; j < n; j++)
                a[i][j] = log_sum(a[i][j], a[i][n] + a[n][j]);
        }
    }
    for (int n = 1; n < k; n++) {
        at[n] = -INFINITY;
        for (int i = 0; i < n; i++) at[n] = log_sum(at[n], at[i] + a[i][n]);
        sum = log_sum(sum, at[n]);
    }
    for (int n = 0; n < k; n++) c->start[n] = exp(at[n] - sum);
}

static void draw_chain(chain *c, const eg_task_opts *o, eg_rng *rng)
{
    c->k = (int)o->n_states;
    c->tiny = false;
    for (int i = 0; i < c->k; i++) draw_row(c, i, o->concentration, rng);
    if (o->start == EG_START_UNIFORM)
        for (int i = 0; i < c->k; i++) c->start[i] = 1.0 / c->k;
    else if (c->tiny)
        stationary_logs(c);
    else
        stationary(c);
}

static int32_t draw(const double *p, int k, eg_rng *rng)
{
    double u = eg_rng_uniform(rng), at = 0;
    int32_t last = 0;

    for (int32_t i = 0; i < k; i++) {
        if (p[i] <= 0) continue;
        at += p[i];
        last = i;
        if (u < at) return i;
    }
    return last; /* the sum was rounded down */
}

/* Draws: which chain (n_chains > 0), the chain, then one a token. */
static void markov_sequence(const eg_task *task, eg_split split, eg_rng *rng,
                            eg_seq *out)
{
    const eg_task_opts *o = &task->opts;
    int32_t seen[MAX_STATES] = {0}, x;
    chain c;

    if (o->n_chains > 0 && split != EG_TEST) {
        uint32_t i = eg_rng_below(rng, (uint32_t)o->n_chains);
        eg_rng own = eg_rng_make(task->seed, EG_RNG_TASK, 0, i);

        draw_chain(&c, o, &own);
    } else {
        draw_chain(&c, o, rng);
    }
    x = draw(c.start, c.k, rng);
    for (eg_index t = 0; t < task->io.n_ctx; t++) {
        out->tokens[t] = x;
        out->labels[t] = seen[x]++;
        x = draw(c.p[x], c.k, rng);
        out->targets[t] = x;
    }
}

static eg_status markov_make(eg_task *task, eg_err *err)
{
    const eg_task_opts *o = &task->opts;

    if (o->n_states < 2 || o->n_states > MAX_STATES)
        return EG_FAIL(err, EG_EINVAL, "task.n_states: %lld: expected 2 to %d",
                       (long long)o->n_states, MAX_STATES);
    if (!(o->concentration > 0))
        return EG_FAIL(err, EG_EINVAL,
                       "task.concentration: %g: expected more than 0",
                       o->concentration);
    task->io.d_vocab = (int)o->n_states;
    return EG_OK;
}

/* A position's label is how often its token has been seen before. */
static const eg_group groups[] = {
    {"first", 0, 0, "the token is seen for the first time"},
    {"later", 1, INT32_MAX, "the context has shown what follows the token"},
    {NULL, 0, 0, NULL}};

const egi_task_kind egi_task_markov = {
    .name = "markov",
    .help = "a Markov chain of its own for each sequence, to be learnt in "
            "context (arXiv 2402.11004)",
    .fields = fields,
    .groups = groups,
    .loss = "all",
    .make = markov_make,
    .sequence = markov_sequence,
};
