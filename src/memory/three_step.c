/* The three-step theorem: one gradient step on each memory, top down. */
#include "memory/checks.h"
#include "memory/dense.h"
#include "memory/passes.h"
#include "memory/space.h"
#include "memory/sweep.h"

#include <math.h>
#include <string.h>

#define EG_FIELDS_OWNER eg_theory_three_step
EG_FIELDS_TABLE(egi_three_step_fields, EG_THEORY_THREE_STEP_FIELDS)

enum { SWEEP_D, SWEEP_T, SWEEP_SEQUENCES, SWEEP_N };
enum { STREAMS_CLEAN, STREAMS_ALL };

/* What is emitted; theory.h says what each is. */
#define VALUES(X)                           \
    X(RECALL_O2, "recall_W_O2")             \
    X(RECALL_K2, "recall_W_K2")             \
    X(RECALL_K1, "recall_W_K1")             \
    X(RECALL_K1_EARLY, "recall_W_K1_early") \
    X(ACC_1, "accuracy_1")                  \
    X(ACC_2, "accuracy_2")                  \
    X(ACC, "accuracy")                      \
    X(ATTENDED, "attended")                 \
    X(SIGNAL_O2, "signal_W_O2")             \
    X(FORMULA_O2, "formula_W_O2")           \
    X(SIGNAL_K2, "signal_W_K2")             \
    X(FORMULA_K2, "formula_W_K2")           \
    X(ROW_MAX, "row_max")                   \
    X(SHAPE_2, "shape_2")                   \
    X(SHAPE_4, "shape_4")                   \
    X(SHAPE_8, "shape_8")                   \
    X(LEAK_1, "leak_1")                     \
    X(BIAS_K2, "bias_W_K2")                 \
    X(FORMULA_BIAS, "formula_bias")         \
    X(CONTROL_K2, "control_W_K2_norm")      \
    X(CONTROL_K1, "control_recall_W_K1")
#define VALUE_ENUM(id, name) id,
#define VALUE_NAME(id, name) name,

enum { VALUES(VALUE_ENUM) N_VALUES };
static const char *const names[] = {VALUES(VALUE_NAME) NULL};
_Static_assert(N_VALUES <= EGI_SWEEP_MAX_VALUES, "room for all values");

typedef struct lab {
    const eg_theory_three_step *o;
    egi_toy toy;
    egi_space space;
    egi_passes passes;
    double *tables;             /* all of these: */
    double *f, *g2, *g1, *work; /* score tables; [(2M)^2] scratch */
} lab;

/* Minus the mean gradient of fresh sequences, [size]. */
static double *descend(lab *l, int stage, egi_toy_back *back, eg_index size)
{
    return egi_passes_descend(&l->passes, stage, back, size, l->o->n_sequences);
}

/* A block of a score table that holds one memory: input i belongs to output
 * i + shift, in a rows x cols corner at k. */
typedef struct target {
    const double *k;
    eg_index stride, rows, cols, shift;
} target;

/* Mean right score minus mean wrong score. */
static double gap(const target *t)
{
    double right = 0, wrong = 0;
    eg_index n_right = 0;

    for (eg_index i = 0; i < t->rows; i++)
        for (eg_index j = 0; j < t->cols; j++) {
            double s = t->k[i * t->stride + j];

            if (j == i + t->shift) {
                right += s;
                n_right++;
            } else {
                wrong += s;
            }
        }
    return right / (double)n_right -
           wrong / (double)(t->rows * t->cols - n_right);
}

/* Share of the first `rows` rows whose largest score is the right one. */
static double recall(const target *t, eg_index rows)
{
    double right = 0;

    for (eg_index i = 0; i < rows; i++)
        right += egi_argmax(t->k + i * t->stride, t->cols) == i + t->shift;
    return right / (double)rows;
}

/* Rescales a table so that its memory has the gap; returns what it was. */
static double rescale(double *table, eg_index size, const target *t,
                      double want)
{
    double found = gap(t);

    if (found == 0) return 0;
    egi_scale(table, want / fabs(found), size);
    return found;
}

/* Rows of W_O^2's table are outputs; recall asks for each input, so this is
 * the transposed corner in l->work. */
static target output_target(lab *l)
{
    eg_index n = l->toy.n, mm = 2 * l->toy.m;

    for (eg_index j = 0; j < n; j++)
        for (eg_index k = 0; k < n; k++) l->work[j * n + k] = l->f[k * mm + j];
    return (target){l->work, n, n, n, 0};
}

/* Queries p_t, t >= 1, over keys p_s, s <= T - 2: right is s = t - 1. */
static target position_target(const lab *l)
{
    eg_index n = l->toy.n, m = l->toy.m, t = l->toy.t;

    return (target){l->g1 + (n + 1) * m + n, m, t - 1, t - 1, 0};
}

static void step_output(lab *l, double *value)
{
    eg_index n = l->toy.n, mm = 2 * l->toy.m;
    const double *c = descend(l, 1, egi_toy_back_output, n * mm);
    target t;

    egi_mul(l->work, l->space.ku, c, n, mm, n);
    egi_mul(l->f, l->work, l->space.kv, n, mm, mm);
    t = output_target(l);
    value[RECALL_O2] = recall(&t, n);
    value[SIGNAL_O2] = rescale(l->f, n * mm, &t, l->o->gap_W_O2);
    value[FORMULA_O2] = 1 / (double)(n * l->toy.t);
    l->toy.f = l->f;
}

/* (1/(NT)) (E 1/(tau+1) - E (1/T) sum_{s > tau} 1/s), tau = 1..T-2 */
static double formula_keys2(double n, eg_index t)
{
    double first = 0, rest = 0;

    for (eg_index tau = 1; tau <= t - 2; tau++) {
        first += 1 / (double)(tau + 1);
        for (eg_index s = tau + 1; s <= t; s++)
            rest += 1 / ((double)t * (double)s);
    }
    return (first - rest) / (double)(t - 2) / (n * (double)t);
}

/* Range over s of the score between the query's position and the key's, in
 * gaps: what position alone does to the second layer. */
static double position_bias(const lab *l)
{
    eg_index n = l->toy.n, t = l->toy.t;
    const double *row = l->g2 + (n + t - 1) * 2 * l->toy.m + n;
    double lo = row[0], hi = row[0];

    if (!(l->toy.query2 & l->toy.key2 & EGI_POSITIONS)) return 0;
    for (eg_index s = 1; s < t; s++) {
        lo = fmin(lo, row[s]);
        hi = fmax(hi, row[s]);
    }
    return (hi - lo) / l->o->gap_W_K2;
}

static void step_keys2(lab *l, double *value)
{
    eg_index n = l->toy.n, mm = 2 * l->toy.m;
    double *c = descend(l, 2, egi_toy_back_keys2, mm * mm);
    target t = {l->g2 + l->toy.m, mm, n, n, 0};

    if (l->o->centre)
        for (eg_index i = 0; i < mm; i++)
            for (eg_index j = 0; j < mm; j++)
                if (c[i * mm + j] != 0)
                    c[i * mm + j] -=
                        l->passes.means[i] * l->passes.means[mm + j];
    egi_mul(l->work, l->space.kz, c, mm, mm, mm);
    egi_mul(l->g2, l->work, l->space.kz, mm, mm, mm);
    value[RECALL_K2] = recall(&t, n);
    value[SIGNAL_K2] = rescale(l->g2, mm * mm, &t, l->o->gap_W_K2);
    value[FORMULA_K2] = formula_keys2((double)n, l->toy.t);
    value[BIAS_K2] = position_bias(l);
    value[FORMULA_BIAS] =
        1 / (double)(l->toy.t * (l->toy.t - 2)) / value[FORMULA_K2];
    l->toy.g2 = l->g2;
}

/* What step 3's coefficients between positions look like. */
static void position_shape(const lab *l, const double *c, double *value)
{
    eg_index n = l->toy.n, m = l->toy.m, t = l->toy.t;
    double first = 0, all = 0, diagonal = 0, top = 0;

    for (eg_index s = 1; s < t; s++) {
        const double *row = c + (n + s) * m + n;
        double ratio =
            row[s - 1] / (1 / (double)(s + 1)) / (1 - 1 / (double)(s + 1));

        top += egi_argmax(row, s + 1) == s - 1;
        if (s == 1) first = ratio;
        if (s == 2) value[SHAPE_2] = ratio / first;
        if (s == 4) value[SHAPE_4] = ratio / first;
        if (s == 8) value[SHAPE_8] = ratio / first;
        for (eg_index r = 0; r <= s; r++) {
            all += row[r] * row[r];
            if (r == s - 1) diagonal += row[r] * row[r];
        }
    }
    value[ROW_MAX] = top / (double)(t - 1);
    value[LEAK_1] = all > 0 ? 1 - diagonal / all : 0;
}

static void step_keys1(lab *l, double *value)
{
    eg_index m = l->toy.m, t = l->toy.t;
    const double *c = descend(l, 3, egi_toy_back_keys1, m * m);
    target right = position_target(l);

    position_shape(l, c, value);
    egi_mul(l->work, l->space.kx, c, m, m, m);
    egi_mul(l->g1, l->work, l->space.kx, m, m, m);
    value[RECALL_K1] = recall(&right, t - 1);
    value[RECALL_K1_EARLY] = recall(&right, t - 1 < 16 ? t - 1 : 16);
    (void)rescale(l->g1, m * m, &right, l->o->gap_W_K1);
    l->toy.g1 = l->g1;
}

/* The key-query matrices first, while W_O^2 = 0. */
static void control(lab *l, double *value)
{
    eg_index m = l->toy.m, mm = 2 * m;
    target right = position_target(l);
    const double *c = descend(l, 4, egi_toy_back_keys2, mm * mm);

    value[CONTROL_K2] = egi_norm(c, mm * mm);
    c = descend(l, 5, egi_toy_back_keys1, m * m);
    egi_mul(l->work, l->space.kx, c, m, m, m);
    egi_mul(l->g1, l->work, l->space.kx, m, m, m);
    value[CONTROL_K1] = recall(&right, l->toy.t - 1);
}

static void evaluate(lab *l, double *accuracy, double *attended)
{
    egi_passes_evaluate(&l->passes, 6, l->o->n_test, accuracy, attended);
}

static void three_steps(lab *l, double *value)
{
    const eg_theory_three_step *o = l->o;
    eg_index m = l->toy.m, mm = 2 * m;

    l->toy.dir = l->space.dir;
    control(l, value);
    step_output(l, value);
    evaluate(l, &value[ACC_1], NULL);
    step_keys2(l, value);
    step_keys1(l, value);
    /* accuracies with the final strengths */
    l->toy.g1 = NULL;
    egi_scale(l->f, o->final_W_O2, l->toy.n * mm);
    egi_scale(l->g2, o->final_W_K2, mm * mm);
    evaluate(l, &value[ACC_2], NULL);
    l->toy.g1 = l->g1;
    egi_scale(l->g1, o->final_W_K1, m * m);
    evaluate(l, &value[ACC], &value[ATTENDED]);
}

static eg_status read_streams(egi_toy *toy, const eg_theory_three_step *o,
                              eg_err *err)
{
    bool all = o->streams == STREAMS_ALL;
    int plain = EGI_TOKENS | EGI_POSITIONS, every = 15;
    eg_status st = EG_OK;

    EG_TRY(egi_toy_kinds(&toy->read1, all ? plain : EGI_POSITIONS, o->read1,
                         "tp", "read1", err));
    EG_TRY(egi_toy_kinds(&toy->write1, all ? plain : EGI_TOKENS, o->write1,
                         "tp", "write1", err));
    EG_TRY(egi_toy_kinds(&toy->query2, all ? every : EGI_TOKENS, o->query2,
                         "tpTP", "query2", err));
    EG_TRY(egi_toy_kinds(&toy->key2, all ? every : EGI_TOKENS_MAPPED, o->key2,
                         "tpTP", "key2", err));
    EG_TRY(egi_toy_kinds(&toy->value2, all ? every : EGI_TOKENS, o->value2,
                         "tpTP", "value2", err));
    EG_TRY(egi_toy_kinds(&toy->direct, all ? every : 0, o->direct, "tpTP",
                         "direct", err));
done:
    return st;
}

static void lab_release(lab *l)
{
    egi_space_release(&l->space);
    egi_passes_release(&l->passes);
    eg_free(l->tables);
}

/* One point of the sweep, one draw. */
static eg_status run_point(lab *l, int64_t at, double *value, eg_err *err)
{
    const eg_theory_three_step *o = l->o;
    eg_index n = (eg_index)(o->sweep == SWEEP_N ? at : o->d_vocab);
    eg_index t = (eg_index)(o->sweep == SWEEP_T ? at : o->n_ctx);
    eg_index d = (eg_index)(o->sweep == SWEEP_D ? at : o->d_model);
    eg_index m = n + t, mm = 2 * m;
    eg_rng rng = eg_rng_make(l->passes.seed, EG_RNG_THEORY, (uint64_t)d,
                             (uint32_t)l->passes.draw);
    eg_status st = EG_OK;
    double *next;

    memset(value, 0, EGI_SWEEP_MAX_VALUES * sizeof *value);
    l->toy = (egi_toy){.n = n,
                       .t = t,
                       .m = m,
                       .q_in_noise = o->q_in_noise,
                       .anywhere = o->asked};
    EG_TRY(read_streams(&l->toy, o, err));
    EG_TRY(egi_passes_init(&l->passes, &l->toy, err));
    l->tables =
        eg_calloc((size_t)(2 * mm * mm + n * mm + m * m), sizeof *l->tables);
    if (!l->tables) {
        st = EG_FAIL(err, EG_ENOMEM, "toy model of %td tokens, %td positions",
                     n, t);
        goto done;
    }
    next = l->tables;
    l->work = egi_take(&next, mm * mm);
    l->g2 = egi_take(&next, mm * mm);
    l->f = egi_take(&next, n * mm);
    l->g1 = egi_take(&next, m * m);
    EG_TRY(egi_space_init(&l->space, n, t, o->embeddings ? 0 : d,
                          o->value_matrix, &rng, err));
    three_steps(l, value);
done:
    lab_release(l);
    return st;
}

eg_status egi_theory_three_step(const void *options, uint64_t seed,
                                eg_pool *pool, const eg_theory_out *out,
                                eg_err *err)
{
    static const int64_t lo[] = {1, 4, 1, 3},
                         hi[] = {16384, 1024, 4000000000, 1024};
    const eg_theory_three_step *o = options;
    eg_theory_three_step point = *o;
    int64_t at[EG_STRS_MAX];
    int n = 0, draws = (int)o->draws;
    double *value = NULL;
    eg_status st = EG_OK;

    EG_TRY(egi_list_ints(at, &n, &o->values, lo[o->sweep], hi[o->sweep],
                         "values", err));
    value = eg_calloc((size_t)draws * EGI_SWEEP_MAX_VALUES, sizeof *value);
    if (!value) {
        st = EG_FAIL(err, EG_ENOMEM, "%d draws", draws);
        goto done;
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < draws; k++) {
            lab l = {.o = &point,
                     .passes = {.pool = pool, .seed = seed, .draw = k}};

            if (!egi_progress(out, (double)(i * draws + k) / (n * draws)))
                goto done;
            if (o->sweep == SWEEP_SEQUENCES) point.n_sequences = at[i];
            EG_TRY(run_point(&l, at[i],
                             value + (eg_index)k * EGI_SWEEP_MAX_VALUES, err));
        }
        egi_sweep_emit(value, draws, at[i], names, out);
    }
done:
    eg_free(value);
    return st;
}
