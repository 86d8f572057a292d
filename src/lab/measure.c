/* The measure language: arithmetic on what is read off series.
 *
 *     expr   = term { (+|-) term }        term = factor { (*|/) factor }
 *     factor = number | -factor | (expr) | abs(expr) | log(expr)
 *            | name(series, ...)
 *     series = run.metric
 *
 * Parsed once into a tree in one block, which measure_eval.c evaluates for
 * every seed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "lab/measure_priv.h"
#include "base/num.h"

#define MAX_DEPTH 32
#define NAME EGI_MEASURE_NAME

/* Functions of a series: how many numbers follow it, at least and at most. */
static const struct {
    const char *name;
    egi_op op;
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
     "rise(run.metric, y): the first step with value >= y; where there is "
     "none, nothing is measured"},
    {"fall", OP_FALL, 1, 1,
     "fall(run.metric, y): the first step with value <= y, likewise"},
    {"never_rises", OP_NEVER_RISES, 1, 1,
     "never_rises(run.metric, y): 1 when no value is >= y, else 0"},
    {"never_falls", OP_NEVER_FALLS, 1, 1,
     "never_falls(run.metric, y): 1 when no value is <= y, else 0"},
    {"lost", OP_LOST, 0, 2,
     "lost(run.metric), lost(run.metric, a, b): how many values are not "
     "finite, which is an error for every other function that meets one"},
    {"gap", OP_GAP, 0, 0,
     "gap(run.metric, curve): the largest distance from a recorded curve, "
     "over the curve's steps"},
};
enum { N_FUNCTIONS = sizeof function / sizeof *function };

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
    const char *found = *at ? at : "the end";

    (void)EG_FAIL(p->err, EG_EINVAL, "column %d: %s, found '%.*s'",
                  (int)(at - p->text) + 1, what, eg_text_fit(found, 20), found);
    return -1;
}

static void skip(parser *p)
{
    while (egi_is_space(*p->s)) p->s++;
}

static bool take(parser *p, char c)
{
    skip(p);
    if (*p->s != c) return false;
    p->s++;
    return true;
}

static int add(parser *p, egi_op o)
{
    if (p->m->n == EGI_MEASURE_NODES)
        return fail(p, p->s, "the measure is too long here");
    p->m->node[p->m->n] = (egi_node){.op = o};
    return p->m->n++;
}

static int add_two(parser *p, egi_op o, int a, int b)
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
    double v = egi_strtod(p->s, &end);
    int i;

    if (end == p->s || egi_is_alpha(*at) || !isfinite(v))
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
    if (!egi_is_alpha(*at) && *at != '_') {
        fail(p, at, what);
        return false;
    }
    while (egi_is_alnum(p->s[n]) || strchr("_.", p->s[n])) {
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
    if (m->n_runs == EGI_MEASURE_RUNS) {
        fail(p, at, "too many runs");
        return false;
    }
    snprintf(m->run[m->n_runs++], NAME, "%s", name);
    return true;
}

static bool parse_series(parser *p, egi_node *n)
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
    egi_node n = {.op = function[f].op};
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

/* expr ) for a function of one number. */
static int parse_unary(parser *p, egi_op o)
{
    int a = parse_sum(p), i;

    if (a < 0) return -1;
    if (!take(p, ')')) return fail(p, p->s, "expected )");
    i = add(p, o);
    if (i >= 0) p->m->node[i].child[0] = a;
    return i;
}

static int parse_word(parser *p)
{
    char name[NAME];
    const char *at = p->s;

    if (!word(p, name, "expected a function")) return -1;
    if (!take(p, '(')) return fail(p, at, "expected function(...)");
    if (strcmp(name, "abs") == 0) return parse_unary(p, OP_ABS);
    if (strcmp(name, "log") == 0) return parse_unary(p, OP_LOG);
    for (int f = 0; f < N_FUNCTIONS; f++)
        if (strcmp(name, function[f].name) == 0) return parse_call(p, f);
    return fail(p, at,
                "expected one of final first at max min mean argmax argmin "
                "rise fall never_rises never_falls lost gap abs log");
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
    } else if (egi_is_alpha(*p->s)) {
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

/* Thousands of claims are held at a time: no larger than it has to be. */
static eg_measure *copy_of(const eg_measure *m)
{
    size_t nodes = (size_t)m->n * sizeof *m->node;
    size_t runs = (size_t)m->n_runs * sizeof *m->run;
    char *block = eg_calloc(1, sizeof *m + nodes + runs);
    eg_measure *c = (eg_measure *)(void *)block;

    if (!c) return NULL;
    *c = *m;
    c->node = (egi_node *)(void *)(block + sizeof *m);
    c->run = (char(*)[NAME])(void *)(block + sizeof *m + nodes);
    memcpy(c->node, m->node, nodes);
    memcpy(c->run, m->run, runs);
    return c;
}

eg_status eg_measure_parse(eg_measure **out, const char *text, eg_err *err)
{
    egi_node node[EGI_MEASURE_NODES];
    char run[EGI_MEASURE_RUNS][NAME];
    eg_measure m = {.node = node, .run = run};
    parser p = {.m = &m, .text = text, .s = text, .err = err};

    *out = NULL;
    m.root = parse_sum(&p);
    skip(&p);
    if (m.root >= 0 && *p.s) m.root = fail(&p, p.s, "expected the end");
    if (m.root < 0) return EG_EINVAL;
    *out = copy_of(&m);
    return *out ? EG_OK : EG_FAIL(err, EG_ENOMEM, "measure: out of memory");
}

void eg_measure_free(eg_measure *m)
{
    eg_free(m);
}

const char *eg_measure_run(const eg_measure *m, int i)
{
    return i >= 0 && i < m->n_runs ? m->run[i] : NULL;
}
