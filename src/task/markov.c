/* Markov chains to be learnt in context ("The Evolution of Statistical
 * Induction Heads", arXiv 2402.11004): every sequence walks along a chain of
 * its own, whose transitions only the sequence itself tells. */
#include <math.h>
#include <string.h>

#include "task/kind.h"

#define MAX_STATES 64

#define EG_FIELDS_OWNER eg_task_opts
static EG_FIELDS_TABLE(fields, EG_MARKOV_FIELDS)

    typedef struct chain {
    int k;
    double p[MAX_STATES][MAX_STATES]; /* rows sum to 1 */
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

/* Dirichlet(a, ..., a). */
static void draw_row(double *p, int k, double a, eg_rng *rng)
{
    double top = -INFINITY, sum = 0;

    for (int i = 0; i < k; i++) {
        p[i] = log_gamma_draw(a, rng);
        if (p[i] > top) top = p[i];
    }
    for (int i = 0; i < k; i++) sum += p[i] = exp(p[i] - top);
    for (int i = 0; i < k; i++) p[i] /= sum;
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
            a[i][n] = out > 0 ? a[i][n] / out : 0;
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

static void draw_chain(chain *c, const eg_task_opts *o, eg_rng *rng)
{
    c->k = (int)o->n_states;
    for (int i = 0; i < c->k; i++)
        draw_row(c->p[i], c->k, o->concentration, rng);
    if (o->start == EG_START_STATIONARY)
        stationary(c);
    else
        for (int i = 0; i < c->k; i++) c->start[i] = 1.0 / c->k;
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
