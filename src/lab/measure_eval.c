/* A measure evaluated. Its value is a finite number or an error that says why
 * there is none: an event that never happens and a number that is not finite
 * are nothing to compare with, unless the measure asks for just that. */
#include <math.h>

#include "lab/claim_priv.h"
#include "lab/measure_priv.h"

/* What one function reads: its series, and the steps from a to b. */
typedef struct reading {
    const egi_node *node;
    const eg_series *s;
    double a, b;
    eg_err *err;
} reading;

static eg_status not_finite(const reading *r, double step)
{
    return EG_FAIL(r->err, EG_EINVAL, "%s.%s is not finite at step %g",
                   r->node->run, r->node->metric, step);
}

static eg_status value_of(const reading *r, int i, double *out)
{
    *out = r->s->value[i];
    return isfinite(*out) ? EG_OK : not_finite(r, r->s->step[i]);
}

static eg_status value_at(const reading *r, double x, double *out)
{
    for (int i = 0; i < r->s->n; i++)
        if (r->s->step[i] == x) return value_of(r, i, out);
    return EG_FAIL(r->err, EG_EINVAL, "%s.%s has no value at step %g",
                   r->node->run, r->node->metric, x);
}

/* max, min, mean and their steps, how many are lost. */
static eg_status over_steps(const reading *r, double *out)
{
    const eg_series *s = r->s;
    egi_op o = r->node->op;
    double best = NAN, where = NAN, sum = 0;
    bool largest = o == OP_MAX || o == OP_ARGMAX;
    int count = 0, lost = 0;

    for (int i = 0; i < s->n; i++) {
        double v = s->value[i];

        if (s->step[i] < r->a || s->step[i] > r->b) continue;
        count++;
        if (!isfinite(v)) {
            lost++;
            if (o != OP_LOST) return not_finite(r, s->step[i]);
            continue;
        }
        sum += v;
        if (count > 1 && !(largest ? v > best : v < best)) continue;
        best = v;
        where = s->step[i];
    }
    if (count == 0)
        return EG_FAIL(r->err, EG_EINVAL, "%s.%s has no values there",
                       r->node->run, r->node->metric);
    *out = best;
    if (o == OP_MEAN) *out = sum / count;
    if (o == OP_ARGMAX || o == OP_ARGMIN) *out = where;
    if (o == OP_LOST) *out = lost;
    return EG_OK;
}

/* The first step at or beyond a level, or whether there is none. */
static eg_status crossing(const reading *r, double level, double *out)
{
    const eg_series *s = r->s;
    egi_op o = r->node->op;
    bool up = o == OP_RISE || o == OP_NEVER_RISES;
    bool asks_never = o == OP_NEVER_RISES || o == OP_NEVER_FALLS;
    double best = s->value[0];

    for (int i = 0; i < s->n; i++) {
        double v = s->value[i];

        if (!isfinite(v)) return not_finite(r, s->step[i]);
        best = up ? fmax(best, v) : fmin(best, v);
        if (up ? v < level : v > level) continue;
        *out = asks_never ? 0 : s->step[i];
        return EG_OK;
    }
    *out = 1;
    if (asks_never) return EG_OK;
    return EG_FAIL(r->err, EG_EINVAL, "%s.%s never %s to %g: its %s is %.4g",
                   r->node->run, r->node->metric, up ? "rises" : "falls", level,
                   up ? "largest" : "smallest", best);
}

static eg_status gap(const reading *r, const eg_measure_source *from,
                     double *out)
{
    const char *name = r->node->curve;
    const eg_series *c = from->curve ? from->curve(from->ctx, name) : NULL;

    if (!c) return EG_FAIL(r->err, EG_EINVAL, "no curve '%s'", name);
    *out = 0;
    for (int i = 0; i < c->n; i++) {
        double v;
        eg_status st = value_at(r, c->step[i], &v);

        if (st != EG_OK) return st;
        *out = fmax(*out, fabs(v - c->value[i]));
    }
    return EG_OK;
}

static eg_status eval_series(const egi_node *n, const double *arg, double *out,
                             const eg_measure_source *from, eg_err *err)
{
    reading r = {n, from->series(from->ctx, n->run, n->metric), -INFINITY,
                 INFINITY, err};

    if (!r.s || r.s->n == 0)
        return EG_FAIL(err, EG_EINVAL, "run %s has no metric '%s'", n->run,
                       n->metric);
    switch (n->op) {
    case OP_FINAL:
        return value_of(&r, r.s->n - 1, out);
    case OP_FIRST:
        return value_of(&r, 0, out);
    case OP_AT:
        return value_at(&r, arg[0], out);
    case OP_RISE:
    case OP_FALL:
    case OP_NEVER_RISES:
    case OP_NEVER_FALLS:
        return crossing(&r, arg[0], out);
    case OP_GAP:
        return gap(&r, from, out);
    default:
        if (n->n_child == 2) {
            r.a = arg[0];
            r.b = arg[1];
        }
        return over_steps(&r, out);
    }
}

static double arithmetic(egi_op o, double a, double b)
{
    switch (o) {
    case OP_NEG:
        return -a;
    case OP_ABS:
        return fabs(a);
    case OP_LOG:
        return log(a);
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_MUL:
        return a * b;
    default:
        return a / b;
    }
}

static eg_status eval(const eg_measure *m, int i, double *out,
                      const eg_measure_source *from, eg_err *err)
{
    const egi_node *n = &m->node[i];
    double a[EGI_MEASURE_ARGS] = {0};
    bool unary = n->op == OP_NEG || n->op == OP_ABS || n->op == OP_LOG;
    int n_args = unary ? 1 : n->n_child;

    for (int k = 0; k < n_args; k++) {
        eg_status st = eval(m, n->child[k], &a[k], from, err);

        if (st != EG_OK) return st;
    }
    if (n->op == OP_NUMBER) {
        *out = n->number;
        return EG_OK;
    }
    if (n->op >= OP_FINAL) return eval_series(n, a, out, from, err);
    *out = arithmetic(n->op, a[0], a[1]);
    if (isfinite(*out)) return EG_OK;
    if (n->op == OP_LOG)
        return EG_FAIL(err, EG_EINVAL, "log(%g) is no finite number", a[0]);
    return EG_FAIL(err, EG_EINVAL, "%g %c %g is no finite number", a[0],
                   "+-*/"[n->op - OP_ADD], a[1]);
}

eg_status eg_measure_eval(const eg_measure *m, double *out,
                          const eg_measure_source *from, eg_err *err)
{
    double v = NAN;
    eg_status st = eval(m, m->root, &v, from, err);

    *out = st == EG_OK ? v : (double)NAN;
    return st;
}

bool egi_measure_is_event(const eg_measure *m)
{
    egi_op o = m->node[m->root].op;

    return o == OP_RISE || o == OP_FALL;
}

eg_status egi_measure_event(const eg_measure *m, double *value, double *until,
                            const eg_measure_source *from, eg_err *err)
{
    const egi_node *n = &m->node[m->root];
    egi_node asks = *n;
    const eg_series *s = from->series(from->ctx, n->run, n->metric);
    double level = NAN, never = 0;
    eg_status st = eval(m, n->child[0], &level, from, err);

    asks.op = n->op == OP_RISE ? OP_NEVER_RISES : OP_NEVER_FALLS;
    if (st == EG_OK) st = eval_series(&asks, &level, &never, from, err);
    if (st == EG_OK && never == 0)
        st = eval_series(n, &level, value, from, err);
    if (st != EG_OK) return st;
    if (never != 0) *value = HUGE_VAL;
    *until = s->step[s->n - 1];
    return EG_OK;
}
