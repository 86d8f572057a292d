/* Probes beside an exact law, by hand; and batches of training, which are the
 * next lines of the epoch without dropout. */
#include <math.h>

#include "engram/eval.h"
#include "engram/mem.h"
#include "probe/batch.h"
#include "probe/rig.h"

enum { T = 7 };
static const int32_t targets[T] = {3, 4, 5, 6, 7, 8, -1};
static const int32_t label[T] = {2, 2, 1, 2, 9, 9, 0};
static const double law[T] = {1, 2, INFINITY, 4, 0.5, 0.5, 0};
static const double possible[T] = {1, 2, 8, 4, 0.5, 0.5, 0};
static const double nll[T] = {1, 1, 1, 1, 1, 1, 1e9};

static void ratio(const char *what, egi_ratio r, double sum, double count)
{
    print_message("%s: %g / %g\n", what, r.sum, r.count);
    assert_true(fabs(r.sum - sum) < 1e-12 && r.count == count);
}

static void by_hand(void **state)
{
    static const eg_group all = {"all", INT32_MIN, INT32_MAX, ""};
    static const eg_group two = {"two", 2, 2, ""};
    static const int32_t right[T] = {0, 0, 0, 0, 7, 8, 1};
    static const int32_t wrong[T] = {3, 4, 5, 6, 7, 0, 1};
    egi_seq s = {.n_ctx = T,
                 .targets = targets,
                 .occur = label,
                 .nll = nll,
                 .pred = right,
                 .law = law,
                 .group = &all};

    (void)state;
    ratio("floor", egi_floor_group(&s), 8, 5);
    ratio("memorised, impossible line", egi_memorised(&s), 0, 0);
    s.group = &two;
    ratio("floor of a group", egi_floor_group(&s), 7, 3);
    s.law = possible;
    ratio("memorised", egi_memorised(&s), 10 / log(2), 1);
    s.law = nll;
    ratio("nothing memorised", egi_memorised(&s), 0, 1);
    ratio("said to the end", egi_extracted(&s), 1, 1);
    s.pred = wrong;
    ratio("not said", egi_extracted(&s), 0, 1);
    s.law = NULL;
    ratio("no law", egi_floor_group(&s), 0, 0);
    ratio("no law", egi_memorised(&s), 0, 0);
}

static const setting small[] = {{"task.kind", "question_formation"},
                                {"task.n_ctx", "36"},
                                {"task.lines", "40"},
                                {"task.gen_lines", "30"},
                                {"task.test_lines", "20"},
                                {"model.d_model", "16"},
                                {"model.n_heads", "2"},
                                {"model.pos", "sinusoidal"},
                                {"model.qk", "factorised"},
                                {"model.dropout", "0.5"},
                                {"train.batch", "8"},
                                {"probe.batch", "16"},
                                {"probe.test", "30"},
                                {"probe.train", "40"},
                                {NULL, NULL}};

typedef struct file {
    const eg_task *task;
    double nats[40], targets[40];
} file;

static void file_line(const void *from, uint32_t index, eg_seq *out)
{
    const file *f = from;

    eg_task_line(f->task, EG_SET_TRAIN, index, out);
}

static void add_line(void *ctx, int index, int worker, const eg_acts *acts)
{
    file *f = ctx;

    (void)worker;
    for (int t = 0; t < acts->n_ctx; t++) {
        if (acts->targets[t] < 0) continue;
        f->nats[index] += acts->nll[t];
        f->targets[index] += 1;
    }
}

/* An epoch is the whole file, in whatever order. */
static void training_lines(void **state)
{
    rig r;
    seen s = {.quiet = true};
    file f = {.task = NULL};
    eg_eval *eval = NULL;
    double nats = 0, n = 0, rate;
    eg_view v;

    (void)state;
    rig_new(&r, 2, small);
    eg_task_set_batch(r.task, 8);
    f.task = r.task;
    eg_probes_before(r.probes, 4, keep, &s);
    eg_probes_after(r.probes, 4, keep, &s); /* step 5 begins an epoch */
    assert_int_equal(eg_eval_new(&eval, eg_trainer_model(r.trainer), r.task,
                                 r.pool, "auto", EG_EVAL_PRED, NULL),
                     EG_OK);
    eg_eval_run_on(eval, file_line, &f, 40, add_line, &f);
    for (int i = 0; i < 40; i++) {
        nats += f.nats[i];
        n += f.targets[i];
    }
    print_message("loss_train.all %.9f, of the file %.9f\n",
                  value_of(&s, "loss_train.all"), nats / n);
    assert_true(fabs(value_of(&s, "loss_train.all") - nats / n) < 1e-9);
    assert_true(eg_task_fact(r.task, "rate_train", &v));
    rate = *(const double *)v.data;
    print_message("floor_train.all %.9f, the task's fact %.9f\n",
                  value_of(&s, "floor_train.all"), rate);
    assert_true(fabs(value_of(&s, "floor_train.all") - rate) < 1e-9);
    assert_true(has(&s, "acc_test.front"));
    assert_false(has(&s, "floor_test.tag")); /* which the law never has */
    assert_false(has(&s, "memorised_test"));
    assert_true(value_of(&s, "memorised_train") == 0);
    assert_true(value_of(&s, "extracted_train") == 0);
    eg_eval_free(eval);
    rig_free(&r);
}

/* A step's loss is the sum over targets of the batch by their number, however
 * many each line has: no mean of means. */
static void by_targets(void **state)
{
    static const setting more[] = {{"model.dropout", "0"},
                                   {"train.precision", "float64"}};
    enum { SMALL = sizeof small / sizeof *small };
    setting all[SMALL + 2];
    eg_eval *eval = NULL;
    eg_step_info info;
    double nats = 0, n = 0, means = 0;
    file f = {.task = NULL};
    rig r;

    (void)state;
    memcpy(all, small, sizeof small);
    memcpy(all + SMALL - 1, more, sizeof more);
    all[SMALL + 1] = (setting){NULL, NULL};
    rig_begin(&r, 2, all);
    eg_task_set_batch(r.task, 8);
    eg_trainer_look(r.trainer, &info);
    assert_int_equal(eg_eval_new(&eval, eg_trainer_model(r.trainer), r.task,
                                 r.pool, "auto", EG_EVAL_PRED, NULL),
                     EG_OK);
    eg_eval_run(eval, EG_TRAIN, 0, 0, 8, add_line, &f);
    for (int i = 0; i < 8; i++) {
        nats += f.nats[i];
        n += f.targets[i];
        means += f.nats[i] / f.targets[i] / 8;
    }
    print_message("loss %.9f over %lld, by targets %.9f over %g, mean of means "
                  "%.9f\n",
                  info.loss, (long long)info.n_loss, nats / n, n, means);
    assert_true(info.n_loss == (int64_t)n);
    assert_true(fabs(info.loss - nats / n) < 1e-12);
    assert_true(fabs(info.loss - means) > 1e-6);
    eg_eval_free(eval);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand),
                                       cmocka_unit_test(training_lines),
                                       cmocka_unit_test(by_targets)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
