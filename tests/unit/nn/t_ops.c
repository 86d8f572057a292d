/* The table of ops, row by row: every kind occurs in a program of the variants,
 * and there its backward pass is held against central differences of its own
 * forward pass in float64, and its rows give the same bits however they are
 * split. A kind that no variant reaches fails. */
#define EG_REAL_DOUBLE
#include "nn_test.h"

#include "nn/draw.h"
#include "nn/real/exec.h"
#include "nn/rewrite.h"
#include "nn/trainer.h"
#include "sanitized.h"

#define TASK "n_ctx=18 n_triggers=3"

/* ---- samples --------------------------------------------------------------
 */

/* An op of a program, on its own: its values one by one. */
typedef struct sample {
    const egi_program *p;
    const egi_op *op;
    call_f64 c;
    seq_f64 seq;
    int32_t *ints;
    eg_index size[EGI_INS + EGI_OUTS]; /* entries of each value */
    double *keep[EGI_INS];             /* inputs as they were */
    bool wanted[EGI_INS];              /* has a gradient */
    double *pack[2];                   /* of the weight of op linear */
    double *own[48];                   /* all arrays of numbers */
    int n_own;
    double *weigh; /* the objective: sum of weigh y */
    double loss;   /* of kinds that are the loss */
} sample;

static int32_t *at(const sample *s, int k)
{
    return s->ints + (eg_index)k * s->p->m->T;
}

static arg_f64 *arg_of(sample *s, int i)
{
    return i < EGI_INS ? &s->c.in[i] : &s->c.out[i - EGI_INS];
}

static double *numbers(eg_rng *rng, eg_index n)
{
    double *x = eg_calloc((size_t)n + 1, sizeof *x);

    assert_non_null(x);
    for (eg_index i = 0; i < n; i++) x[i] = eg_rng_normal(rng);
    return x;
}

/* The same, to be let go of with the sample. */
static double *own(sample *s, eg_rng *rng, eg_index n)
{
    assert_true(s->n_own < (int)(sizeof s->own / sizeof *s->own));
    s->own[s->n_own] = numbers(rng, n);
    return s->own[s->n_own++];
}

/* Positions in the loss: two of three, the last but one not counted. */
static void lay_rows(sample *s, eg_rng *rng)
{
    int T = s->p->m->T, rows = 0;
    eg_io io = s->p->m->io;

    s->ints = eg_calloc((size_t)T * 9, sizeof *s->ints);
    assert_non_null(s->ints);
    for (int t = 0; t < T; t++) {
        int32_t target =
            t == T - 2 ? -1 : (int32_t)eg_rng_below(rng, io.d_vocab ? 9 : 1);

        at(s, 0)[t] = io.d_vocab ? (int32_t)eg_rng_below(rng, 9) : 0;
        at(s, 8)[t] = T;         /* limits of attention that sees all */
        at(s, 7)[t] = t % 7 - 1; /* prompts, some that the model lacks */
        at(s, 1)[t] = t;         /* pairs: each place has its own */
        at(s, 2)[t] = t + 1;     /* limits of all positions */
        at(s, 3)[t] = target;    /* and their targets */
        if (t % 3 == 1) continue;
        at(s, 4)[rows] = t + 1; /* the same of those in the loss */
        at(s, 5)[rows++] = target;
    }
    s->seq = (seq_f64){.n = T,
                       .n_loss = rows,
                       .draw = egi_draw_of(3, 4, 5),
                       .tokens = at(s, 0),
                       .inputs = own(s, rng, (eg_index)T * io.n_in),
                       .outputs = own(s, rng, (eg_index)T * io.n_out),
                       .prompts = at(s, 7),
                       .row = at(s, 1),
                       .each = at(s, 2),
                       .limit = at(s, 2),
                       .target = at(s, 3),
                       .nll = own(s, rng, T),
                       .pred = at(s, 6)};
}

static int rows_of(const sample *s, const egi_value *v)
{
    if (v->cls == EGI_WEIGHT) return (int)v->rows;
    return v->cls == EGI_LOSS ? s->seq.n_loss : s->seq.n;
}

/* Inputs that are gates: numbers between 0 and 1. */
static bool is_gate(const egi_op *op, int i)
{
    return (op->kind == EGI_OP_precond && (i == 1 || i == 2)) ||
           (op->kind == EGI_OP_stepsize && i == 0);
}

static void lay_value(sample *s, eg_rng *rng, int i)
{
    int v = i < EGI_INS ? s->op->in[i] : s->op->out[i - EGI_INS];
    const egi_value *value = v < 0 ? NULL : &s->p->value[v];
    arg_f64 *a = arg_of(s, i);
    const kern *K = s->c.K;

    if (!value) return;
    a->rows = rows_of(s, value);
    a->cols = value->cols;
    a->ld = value->cls == EGI_WEIGHT || a->cols < 16 ? a->cols : a->cols + 7;
    s->size[i] = value->entries ? value->entries : value->rows * a->ld;
    a->x = own(s, rng, s->size[i]);
    if (i >= EGI_INS) return;
    for (eg_index j = 0; is_gate(s->op, i) && j < s->size[i]; j++)
        a->x[j] = 1 / (1 + exp(-a->x[j]));
    s->keep[i] = own(s, rng, s->size[i]);
    if ((s->op->kind == EGI_OP_mesanet || s->op->kind == EGI_OP_mesa) &&
        (i == 2 || i == 3)) /* gates, of which not all is forgotten */
        for (eg_index j = 0; j < s->size[i]; j++)
            a->x[j] = 0.8 + 0.2 / (1 + exp(-a->x[j]));
    memcpy(s->keep[i], a->x, (size_t)s->size[i] * sizeof *a->x);
    s->wanted[i] = value->grad;
    if (s->op->kind != EGI_OP_linear || i != 1) return;
    a->pw = s->pack[0] = own(s, rng, K->pack_size(a->rows, a->cols));
    a->pwt = s->pack[1] = own(s, rng, K->pack_size(a->cols, a->rows));
}

/* The truth, then what is used. */
static const char *set_name = "ref";

static void sample_open(sample *s, const egi_program *p, const egi_op *op)
{
    const kind_f64 *kind = kinds_f64[op->kind];
    /* by name, so that a new kind does not shift the others onto a kink */
    eg_rng rng = eg_rng_make(9, EG_RNG_USER, 0, egi_name_hash(kind->info.name));
    const egi_value *y = &p->value[op->out[0]];
    double *table;

    *s = (sample){.p = p, .op = op};
    s->c = (call_f64){.K = eg_kern_pick_f64(set_name), .op = op};
    lay_rows(s, &rng);
    for (int i = 0; i < EGI_INS + EGI_OUTS; i++) lay_value(s, &rng, i);
    s->weigh = own(s, &rng, s->size[EGI_INS]);
    if (y->cls == EGI_LOSS) {
        s->seq.limit = at(s, 4);
        s->seq.target = at(s, 5);
    }
    if (y->cls != EGI_WEIGHT) {
        s->c.seq = &s->seq;
        s->c.limit = y->cls == EGI_LOSS ? at(s, 4) : at(s, 2);
        s->c.sees = op->attr.whole ? at(s, 8) : s->c.limit;
    }
    if (kind->work) s->c.work = own(s, &rng, kind->work(s->c.K, p, op));
    if (kind->shared) s->c.shared = own(s, &rng, kind->shared(s->c.K, p, op));
    if (!kind->table) return;
    table = own(s, &rng, kind->table(p, op));
    kind->fill(table, p, op);
    s->c.table = table;
}

static void sample_close(sample *s)
{
    for (int i = 0; i < s->n_own; i++) eg_free(s->own[i]);
    eg_free(s->ints);
}

/* ---- gradients ------------------------------------------------------------
 */

static void forward(const sample *s)
{
    const arg_f64 *w = &s->c.in[1];

    if (s->pack[0]) {
        s->c.K->pack(s->pack[0], w->x, w->ld, 1, w->rows, w->cols);
        s->c.K->pack(s->pack[1], w->x, 1, w->ld, w->cols, w->rows);
    }
    kinds_f64[s->op->kind]->forward(&s->c);
}

/* The objective: what the kind says is the loss, or a weighted sum of y. */
static double objective(sample *s)
{
    const arg_f64 *y = &s->c.out[0];
    double sum = 0;

    forward(s);
    if (egi_op_info(s->op->kind)->seeds) {
        for (eg_index r = 0; r < y->rows; r++) sum += s->seq.nll[r];
        return sum;
    }
    for (eg_index r = 0; r < y->rows; r++)
        for (eg_index j = 0; j < y->cols; j++)
            sum += s->weigh[r * y->ld + j] * y->x[r * y->ld + j];
    return sum;
}

/* Gradients of all inputs into g; what lies there before is added to, or with
 * fresh is no number and is written over. */
static void backward(sample *s, double *g[EGI_INS], bool fresh)
{
    bool seeds = egi_op_info(s->op->kind)->seeds;

    for (int i = 0; i < EGI_INS; i++) {
        arg_f64 *a = &s->c.in[i];
        bool weight = a->x && s->p->value[s->op->in[i]].cls == EGI_WEIGHT;

        if (!s->wanted[i]) continue;
        a->g = g[i];
        a->fresh = fresh && !weight;
        for (eg_index j = 0; a->fresh && j < s->size[i]; j++) a->g[j] = NAN;
    }
    s->c.out[0].g = seeds ? NULL : s->weigh;
    forward(s);
    if (!seeds) kinds_f64[s->op->kind]->backward(&s->c);
    for (int i = 0; i < EGI_INS; i++) s->c.in[i].g = NULL;
    s->c.out[0].g = NULL;
}

/* Input i moved by h along dir, where rows have entries. */
static void move(sample *s, int i, const double *dir, double h)
{
    for (eg_index j = 0; j < s->size[i]; j++)
        s->c.in[i].x[j] = s->keep[i][j] + h * dir[j];
}

/* Is entry j of input i one of its rows, not what lies between them? */
static bool entry(const sample *s, int i, eg_index j)
{
    const arg_f64 *a = &s->c.in[i];

    return j / a->ld < a->rows && j % a->ld < a->cols;
}

/* The largest difference along random directions, relative to |g|. */
static double check_input(sample *s, int i, const double *g)
{
    static const double where[4] = {-2, -1, 1, 2};
    eg_rng rng = eg_rng_make(10, EG_RNG_USER, 0, (uint32_t)i);
    double norm = 0, worst = 0;

    for (eg_index j = 0; j < s->size[i]; j++)
        if (entry(s, i, j)) norm += g[j] * g[j];
    assert_true(norm > 0);
    for (int k = 0; k < 3; k++) {
        double *dir = numbers(&rng, s->size[i]), f[4], h = 2e-5;
        double want = 0, len = 0, have;

        for (eg_index j = 0; j < s->size[i]; j++) {
            if (!entry(s, i, j)) continue;
            want += g[j] * dir[j];
            len += dir[j] * dir[j];
        }
        for (int m = 0; m < 4; m++) {
            move(s, i, dir, where[m] * h);
            f[m] = objective(s);
        }
        move(s, i, dir, 0);
        have = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
        worst = fmax(worst, fabs(have - want) / sqrt(norm * len));
        eg_free(dir);
    }
    return worst;
}

/* What reaches rows of pairs lies by place, and is summed elsewhere. */
static bool adds(const sample *s, int i)
{
    bool seeds = egi_op_info(s->op->kind)->seeds;

    return !(s->op->kind == EGI_OP_spread && i == 0) &&
           !(seeds && s->op->kind != EGI_OP_head && i == 0);
}

static double check_gradients(sample *s, int *n)
{
    double *g[EGI_INS] = {NULL}, *more[EGI_INS] = {NULL}, worst = 0;

    for (int i = 0; i < EGI_INS; i++) {
        g[i] = eg_calloc((size_t)s->size[i] + 1, sizeof **g);
        more[i] = eg_calloc((size_t)s->size[i] + 1, sizeof **g);
        for (eg_index j = 0; j < s->size[i]; j++)
            more[i][j] = adds(s, i) ? 1 : 0;
    }
    backward(s, g, true);
    backward(s, more, false);
    for (int i = 0; i < EGI_INS; i++) {
        if (!s->wanted[i]) continue;
        (*n)++;
        worst = fmax(worst, check_input(s, i, g[i]));
        for (eg_index j = 0; j < s->size[i]; j++)
            if (entry(s, i, j) && !(fabs(more[i][j] - adds(s, i) - g[i][j]) <=
                                    1e-11 * (1 + fabs(g[i][j]))))
                fail_msg("%s, input %d: gradients are not added: %g and 1 "
                         "give %g",
                         egi_op_info(s->op->kind)->name, i, g[i][j],
                         more[i][j]);
    }
    for (int i = 0; i < EGI_INS; i++) {
        eg_free(g[i]);
        eg_free(more[i]);
    }
    return worst;
}

/* ---- rows -----------------------------------------------------------------
 */

/* Rows from .. from + n - 1 of the output, into the sample's own places. */
static void some_rows(const sample *s, eg_index from, eg_index n,
                      double *const by[EGI_OUTS])
{
    const egi_kind_info *info = egi_op_info(s->op->kind);
    call_f64 c = s->c;
    seq_f64 seq = s->seq;
    bool placed = s->op->kind == EGI_OP_rstd; /* its rows lie by position */

    for (int i = 0; i < EGI_INS; i++) {
        if (!(info->by_row >> i & 1) || !c.in[i].x) continue;
        c.in[i].x += from * c.in[i].ld;
        c.in[i].rows = n;
    }
    for (int i = 0; i < EGI_OUTS; i++) {
        if (i > 0 && c.out[i].x) c.out[i].x = by[i];
        c.out[i].rows = n;
    }
    if (!placed) c.out[0].x += from * c.out[0].ld;
    c.limit += from;
    c.sees += from;
    seq.limit += from;
    seq.target += from;
    seq.nll += from;
    seq.pred += from;
    c.seq = &seq;
    kinds_f64[s->op->kind]->forward(&c);
}

/* The bits of y, and of losses, made in parts of so many rows: by the
 * reference. Fast sets promise that of parts that begin with their blocks. */
static void check_parts(sample *s, eg_index part)
{
    if (strcmp(set_name, "ref") != 0) return;

    eg_rng rng = eg_rng_make(12, EG_RNG_USER, 0, 0);
    const arg_f64 *y = &s->c.out[0];
    size_t bytes = (size_t)s->size[EGI_INS] * sizeof(double);
    double *want = numbers(&rng, s->size[EGI_INS]), nll[64];
    double *by[EGI_OUTS] = {NULL};

    for (int i = 1; i < EGI_OUTS; i++)
        by[i] = numbers(&rng, s->size[EGI_INS + i]);
    forward(s);
    memcpy(want, y->x, bytes);
    memcpy(nll, s->seq.nll, (size_t)y->rows * sizeof *nll);
    for (eg_index r = 0; r < y->rows; r++)
        memset(y->x + r * y->ld, 0, (size_t)y->cols * sizeof *y->x);
    memset(s->seq.nll, 0, (size_t)y->rows * sizeof *nll);
    for (eg_index r = 0; r < y->rows; r += part)
        some_rows(s, r, y->rows - r < part ? y->rows - r : part, by);
    assert_memory_equal(want, y->x, bytes);
    if (egi_op_info(s->op->kind)->seeds)
        assert_memory_equal(nll, s->seq.nll, (size_t)y->rows * sizeof *nll);
    for (int i = 1; i < EGI_OUTS; i++) eg_free(by[i]);
    eg_free(want);
}

/* ---- the table ------------------------------------------------------------
 */

/* The best sample of each kind yet: the one with most gradients, then inputs.
 */
typedef struct found {
    int value, number;
    unsigned which;
    int op;
} found;

static void program_of(egi_program *p, eg_model **m, const variant *v,
                       setting *s, unsigned which)
{
    egi_load load = {.batch = 1000, .slots = 3, .rows = 0.5};
    bool trains[128];
    eg_err err;

    setting_open(s, v, TASK, 1);
    if (egi_model_shape(m, &s->spec.model, eg_task_io(s->task), EG_FLOAT64,
                        &err) != EG_OK)
        fail_msg("%s: %s", v->name, err.msg);
    assert_true((*m)->n_tensors <= 128);
    for (int i = 0; i < (*m)->n_tensors; i++) trains[i] = true;
    if (egi_program_build(p, *m,
                          eg_task_group_find(eg_task_options(s->task)->kind,
                                             s->spec.train.loss),
                          EGI_HOOKS_NONE | EGI_TRAINING, &err) != EG_OK ||
        egi_program_rewrite(p, trains, &load, which, &err) != EG_OK)
        fail_msg("%s: %s", v->name, err.msg);
}

static void program_close(egi_program *p, eg_model *m, setting *s)
{
    egi_program_release(p);
    eg_model_free(m);
    setting_close(s);
}

static void look(found best[EGI_N_KINDS], int number, unsigned which)
{
    egi_program p;
    eg_model *m;
    setting s;

    program_of(&p, &m, variant_at(number), &s, which);
    for (int k = 0; k < p.n_ops; k++) {
        const egi_op *op = &p.op[k];
        found *f = &best[op->kind];
        int value = 1;

        for (int i = 0; i < EGI_INS; i++)
            if (op->in[i] >= 0) value += 1 + 10 * p.value[op->in[i]].grad;
        if (value > f->value) *f = (found){value, number, which, k};
    }
    program_close(&p, m, &s);
}

static void check_kind(int kind, const found *f)
{
    const egi_kind_info *info = egi_op_info(kind);
    egi_program p;
    eg_model *m;
    setting st;
    sample s;
    const variant *v = variant_at(f->number);
    double worst;
    int n = 0;

    if (!v || f->value == 0) {
        fail_msg("%s: no variant of nn_test.h has such an op", info->name);
        return;
    }
    program_of(&p, &m, v, &st, f->which);
    sample_open(&s, &p, &p.op[f->op]);
    worst = info->still ? 0 : check_gradients(&s, &n);
    for (eg_index part = 1; info->any_rows && part < 8; part += 3)
        check_parts(&s, part);
    printf("  %-10s %d gradients, off by %.1e%s   (%s)\n", info->name, n, worst,
           info->any_rows ? "; rows in parts: the same bits" : "", v->name);
    assert_true(worst < 1e-8);
    sample_close(&s);
    program_close(&p, m, &st);
}

static void test_table(void **state)
{
    found best[EGI_N_KINDS] = {{0}};

    (void)state;
    for (int k = 0; variant_at(k); k++) {
        look(best, k, 0);
        look(best, k, ~0u);
        for (int i = 0; egi_rewrite_name(i); i++) look(best, k, ~0u >> i);
        for (int i = 0; egi_rewrite_name(i); i++) look(best, k, 1u << i);
    }
    for (int kind = 0; kind < EGI_N_KINDS; kind++)
        check_kind(kind, &best[kind]);
}

/* Op recur has as many forms as there are rules: every one of them. */
static void test_rules(void **state)
{
    int at = 0;

    (void)state;
    for (const variant *v = variant_at(0); v; v = variant_at(++at)) {
        egi_program p;
        eg_model *m;
        setting st;

        program_of(&p, &m, v, &st, 0);
        for (int i = 0; i < p.n_ops; i++) {
            sample s;
            int n = 0;
            double worst;

            if (p.op[i].kind != EGI_OP_recur) continue;
            sample_open(&s, &p, &p.op[i]);
            worst = check_gradients(&s, &n);
            for (eg_index part = 1; part < 8; part += 3) check_parts(&s, part);
            printf("  %-46s %d gradients, off by %.1e\n", v->name, n, worst);
            assert_true(worst < 1e-8);
            sample_close(&s);
        }
        program_close(&p, m, &st);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),
                                       cmocka_unit_test(test_rules)};
    int failed =
        SANITIZED ? 0 : cmocka_run_group_tests_name("ref", tests, NULL, NULL);
    set_name = "auto";
    return failed + cmocka_run_group_tests_name("auto", tests, NULL, NULL);
}
