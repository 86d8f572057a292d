/* The measure language: arithmetic on what is read off series.
 *
 *     expr   = term { (+|-) term }        term = factor { (*|/) factor }
 *     factor = number | -factor | (expr) | abs(expr) | name(series, ...)
 *     series = run.metric
 *
 * Parsed once into a tree in one block; evaluated for every seed. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/claim.h"
#include "engram/mem.h"

#define MAX_NODES 64
#define MAX_RUNS 16
#define MAX_ARGS 3
#define MAX_DEPTH 32
#define NAME 96

typedef enum op {
    OP_NUMBER,
    OP_NEG,
    OP_ABS,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FINAL,
    OP_FIRST,
    OP_AT,
    OP_MAX,
    OP_MIN,
    OP_MEAN,
    OP_ARGMAX,
    OP_ARGMIN,
    OP_RISE,
    OP_FALL,
    OP_GAP
} op;

/* Functions of a series: how many numbers follow it, at least and at most. */
static const struct {
    const char *name;
    op op;
    int min, max;
    const char *help;
} function[] = {
    {"final", OP_FINAL, 0, 0, "final(run.metric): the last value"},
    {"first", OP_FIRST, 0, 0, "first(run.metric): the first value"},
    {"at", OP_AT, 1, 1,
     "at(run.metric, x): the value at step (or sweep value) x"},
    {"max", OP_MAX, 0, 2,
     "max(run.metric) or max(run.metric, a, b): the largest value, over all "
     "steps or steps a to b"},
    {"min", OP_MIN, 0, 2, "min(...): the smallest value, likewise"},
    {"mean", OP_MEAN, 0, 2, "mean(...): the mean value, likewise"},
    {"argmax", OP_ARGMAX, 0, 2,
     "argmax(...): the first step of the largest value"},
    {"argmin", OP_ARGMIN, 0, 2,
     "argmin(...): the first step of the smallest value"},
    {"rise", OP_RISE, 1, 1,
     "rise(run.metric, y): the first step with value >= y; infinity when "
     "there is none"},
    {"fall", OP_FALL, 1, 1,
     "fall(run.metric, y): the first step with value <= y; infinity when "
     "there is none"},
    {"gap", OP_GAP, 0, 0,
     "gap(run.metric, curve): the largest distance from a recorded curve, "
     "over the curve's steps"},
};
enum { N_FUNCTIONS = sizeof function / sizeof *function };

typedef struct node {
    op op;
    double number;
    int child[MAX_ARGS]; /* indices of nodes */
    int n_child;
    char run[NAME], metric[NAME], curve[NAME];
} node;

struct eg_measure {
    int n, root;
    int n_runs;
    char run[MAX_RUNS][NAME];
    node node[MAX_NODES];
};

typedef struct parser {
    eg_measure *m;
    const char *text, *s;
    int depth;
    eg_err *err;
} parser;

const char *eg_measure_help(int i)
{
    return i >= 0 && i < N_FUNCTIONS ? function[i].help : NULL;
}

static int fail(parser *p, const char *at, const char *what)
{
    (void)EG_FAIL(p->err, EG_EINVAL, "column %d: %s, found '%.20s'",
                  (int)(at - p->text) + 1, what, *at ? at : "the end");
    return -1;
}

static void skip(parser *p)
{
    while (isspace((unsigned char)*p->s)) p->s++;
}

static bool take(parser *p, char c)
{
    skip(p);
    if (*p->s != c) return false;
    p->s++;
    return true;
}

static int add(parser *p, op o)
{
    if (p->m->n == MAX_NODES)
        return fail(p, p->s, "the measure is too long here");
    p->m->node[p->m->n] = (node){.op = o};
    return p->m->n++;
}

static int add_two(parser *p, op o, int a, int b)
{
    int i = a < 0 || b < 0 ? -1 : add(p, o);

    if (i < 0) return -1;
    p->m->node[i].child[0] = a;
    p->m->node[i].child[1] = b;
    p->m->node[i].n_child = 2;
    return i;
}

static int parse_sum(parser *p);

static int parse_number(parser *p)
{
    const char *at = p->s;
    char *end;
    double v = strtod(p->s, &end);
    int i;

    if (end == p->s || isalpha((unsigned char)*at))
        return fail(p, at, "expected a number or a function");
    p->s = end;
    i = add(p, OP_NUMBER);
    if (i >= 0) p->m->node[i].number = v;
    return i;
}

/* A word of letters, digits, _ and points; false after a message. */
static bool word(parser *p, char *buf, const char *what)
{
    const char *at;
    size_t n = 0;

    skip(p);
    at = p->s;
    if (!isalpha((unsigned char)*at) && *at != '_') {
        fail(p, at, what);
        return false;
    }
    while (isalnum((unsigned char)p->s[n]) || strchr("_.", p->s[n])) {
        if (p->s[n] == '\0') break;
        n++;
    }
    if (n >= NAME) {
        fail(p, at, "a name is too long");
        return false;
    }
    memcpy(buf, at, n);
    buf[n] = '\0';
    p->s += n;
    return true;
}

static bool note_run(parser *p, const char *name, const char *at)
{
    eg_measure *m = p->m;

    for (int i = 0; i < m->n_runs; i++)
        if (strcmp(m->run[i], name) == 0) return true;
    if (m->n_runs == MAX_RUNS) {
        fail(p, at, "too many runs");
        return false;
    }
    snprintf(m->run[m->n_runs++], NAME, "%s", name);
    return true;
}

static bool parse_series(parser *p, node *n)
{
    char text[NAME], *dot;
    const char *at;

    skip(p);
    at = p->s;
    if (!word(p, text, "expected run.metric")) return false;
    dot = strchr(text, '.');
    if (!dot || !dot[1]) {
        fail(p, at, "expected run.metric");
        return false;
    }
    *dot = '\0';
    snprintf(n->run, NAME, "%s", text);
    snprintf(n->metric, NAME, "%s", dot + 1);
    return note_run(p, n->run, at);
}

/* name ( series {, number} ) for the f-th function. */
static int parse_call(parser *p, int f)
{
    node n = {.op = function[f].op};
    const char *at;
    int i;

    if (!parse_series(p, &n)) return -1;
    if (n.op == OP_GAP) {
        if (!take(p, ',')) return fail(p, p->s, "expected , and a curve");
        if (!word(p, n.curve, "expected the name of a curve")) return -1;
    }
    while (take(p, ',')) {
        if (n.n_child == function[f].max)
            return fail(p, p->s, "expected no more arguments");
        n.child[n.n_child] = parse_sum(p);
        if (n.child[n.n_child++] < 0) return -1;
    }
    skip(p);
    at = p->s;
    if (n.n_child < function[f].min || (function[f].max == 2 && n.n_child == 1))
        return fail(p, at, "expected another argument");
    if (!take(p, ')')) return fail(p, at, "expected )");
    i = add(p, n.op);
    if (i >= 0) p->m->node[i] = n;
    return i;
}

static int parse_word(parser *p)
{
    char name[NAME];
    const char *at = p->s;
    int i;

    if (!word(p, name, "expected a function")) return -1;
    if (!take(p, '(')) return fail(p, at, "expected function(...)");
    if (strcmp(name, "abs") == 0) {
        int a = parse_sum(p);

        if (a < 0) return -1;
        if (!take(p, ')')) return fail(p, p->s, "expected )");
        i = add(p, OP_ABS);
        if (i >= 0) p->m->node[i].child[0] = a;
        return i;
    }
    for (int f = 0; f < N_FUNCTIONS; f++)
        if (strcmp(name, function[f].name) == 0) return parse_call(p, f);
    return fail(p, at,
                "expected one of final first at max min mean argmax "
                "argmin rise fall gap abs");
}

static int parse_factor(parser *p)
{
    int i = -1, a;

    skip(p);
    if (++p->depth > MAX_DEPTH)
        return fail(p, p->s, "the measure is nested too deeply");
    if (take(p, '(')) {
        i = parse_sum(p);
        if (i >= 0 && !take(p, ')')) i = fail(p, p->s, "expected )");
    } else if (take(p, '-')) {
        a = parse_factor(p);
        i = a < 0 ? -1 : add(p, OP_NEG);
        if (i >= 0) p->m->node[i].child[0] = a;
    } else if (isalpha((unsigned char)*p->s)) {
        i = parse_word(p);
    } else {
        i = parse_number(p);
    }
    p->depth--;
    return i;
}

static int parse_product(parser *p)
{
    int a = parse_factor(p);

    while (a >= 0) {
        if (take(p, '*'))
            a = add_two(p, OP_MUL, a, parse_factor(p));
        else if (take(p, '/'))
            a = add_two(p, OP_DIV, a, parse_factor(p));
        else
            break;
    }
    return a;
}

static int parse_sum(parser *p)
{
    int a = parse_product(p);

    while (a >= 0) {
        if (take(p, '+'))
            a = add_two(p, OP_ADD, a, parse_product(p));
        else if (take(p, '-'))
            a = add_two(p, OP_SUB, a, parse_product(p));
        else
            break;
    }
    return a;
}

eg_status eg_measure_parse(eg_measure **out, const char *text, eg_err *err)
{
    eg_measure *m = eg_calloc(1, sizeof *m);
    parser p = {.m = m, .text = text, .s = text, .err = err};

    *out = NULL;
    if (!m) return EG_FAIL(err, EG_ENOMEM, "measure: out of memory");
    m->root = parse_sum(&p);
    skip(&p);
    if (m->root >= 0 && *p.s) m->root = fail(&p, p.s, "expected the end");
    if (m->root < 0) {
        eg_free(m);
        return EG_EINVAL;
    }
    *out = m;
    return EG_OK;
}

void eg_measure_free(eg_measure *m)
{
    eg_free(m);
}

const char *eg_measure_run(const eg_measure *m, int i)
{
    return i >= 0 && i < m->n_runs ? m->run[i] : NULL;
}

/* ---- evaluation --------------------------------------------------------- */

static double value_at(const eg_series *s, double x, bool *found)
{
    for (int i = 0; i < s->n; i++) {
        if (s->step[i] == x) {
            *found = true;
            return s->value[i];
        }
    }
    *found = false;
    return NAN;
}

/* max, min, mean and their steps, over steps a to b. */
static double extreme(const eg_series *s, op o, double a, double b, int *count)
{
    double best = NAN, where = NAN, sum = 0;
    bool largest = o == OP_MAX || o == OP_ARGMAX;

    *count = 0;
    for (int i = 0; i < s->n; i++) {
        double v = s->value[i];

        if (s->step[i] < a || s->step[i] > b || isnan(v)) continue;
        ++*count;
        sum += v;
        if (*count > 1 && !(largest ? v > best : v < best)) continue;
        best = v;
        where = s->step[i];
    }
    if (o == OP_MEAN) return sum / *count;
    return o == OP_ARGMAX || o == OP_ARGMIN ? where : best;
}

static double crossing(const eg_series *s, op o, double level)
{
    for (int i = 0; i < s->n; i++)
        if (o == OP_RISE ? s->value[i] >= level : s->value[i] <= level)
            return s->step[i];
    return INFINITY;
}

static eg_status gap(const node *n, const eg_series *s, double *out,
                     const eg_measure_source *from, eg_err *err)
{
    const eg_series *c = from->curve ? from->curve(from->ctx, n->curve) : NULL;

    if (!c) return EG_FAIL(err, EG_EINVAL, "no curve '%s'", n->curve);
    *out = 0;
    for (int i = 0; i < c->n; i++) {
        bool found;
        double d = fabs(value_at(s, c->step[i], &found) - c->value[i]);

        if (!found)
            return EG_FAIL(err, EG_EINVAL,
                           "%s.%s has no value at step %g of curve %s", n->run,
                           n->metric, c->step[i], n->curve);
        if (!(d <= *out)) *out = d;
    }
    return EG_OK;
}

static eg_status eval_series(const node *n, const double *arg, double *out,
                             const eg_measure_source *from, eg_err *err)
{
    const eg_series *s = from->series(from->ctx, n->run, n->metric);
    bool found = true;
    int count = 1;

    if (!s || s->n == 0)
        return EG_FAIL(err, EG_EINVAL, "run %s has no metric '%s'", n->run,
                       n->metric);
    if (n->op == OP_FINAL)
        *out = s->value[s->n - 1];
    else if (n->op == OP_FIRST)
        *out = s->value[0];
    else if (n->op == OP_AT)
        *out = value_at(s, arg[0], &found);
    else if (n->op == OP_RISE || n->op == OP_FALL)
        *out = crossing(s, n->op, arg[0]);
    else if (n->op == OP_GAP)
        return gap(n, s, out, from, err);
    else if (n->n_child == 2)
        *out = extreme(s, n->op, arg[0], arg[1], &count);
    else
        *out = extreme(s, n->op, -INFINITY, INFINITY, &count);
    if (!found)
        return EG_FAIL(err, EG_EINVAL, "%s.%s has no value at step %g", n->run,
                       n->metric, arg[0]);
    if (count == 0)
        return EG_FAIL(err, EG_EINVAL, "%s.%s has no values there", n->run,
                       n->metric);
    return EG_OK;
}

static eg_status eval(const eg_measure *m, int i, double *out,
                      const eg_measure_source *from, eg_err *err)
{
    const node *n = &m->node[i];
    double a[MAX_ARGS] = {0};
    int n_args = n->n_child;
    eg_status st;

    if (n->op == OP_NEG || n->op == OP_ABS) n_args = 1;
    for (int k = 0; k < n_args; k++) {
        st = eval(m, n->child[k], &a[k], from, err);
        if (st != EG_OK) return st;
    }
    switch (n->op) {
    case OP_NUMBER:
        *out = n->number;
        return EG_OK;
    case OP_NEG:
        *out = -a[0];
        return EG_OK;
    case OP_ABS:
        *out = fabs(a[0]);
        return EG_OK;
    case OP_ADD:
        *out = a[0] + a[1];
        return EG_OK;
    case OP_SUB:
        *out = a[0] - a[1];
        return EG_OK;
    case OP_MUL:
        *out = a[0] * a[1];
        return EG_OK;
    case OP_DIV:
        *out = a[0] / a[1];
        return EG_OK;
    default:
        return eval_series(n, a, out, from, err);
    }
}

eg_status eg_measure_eval(const eg_measure *m, double *out,
                          const eg_measure_source *from, eg_err *err)
{
    *out = NAN;
    return eval(m, m->root, out, from, err);
}
