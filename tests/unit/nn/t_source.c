/* Gradients on sequences of the caller's: those of the task, handed in, give
 * the same bits, by shortcuts and by the plain algebra; others do not. */
#include "nn_test.h"

#define TASK "n_ctx=24 n_triggers=3"

/* The task's own sequences of a step, from a given one on. */
typedef struct drawn {
    const eg_task *task;
    uint32_t from;
} drawn;

static void sequence(const void *from, uint32_t index, eg_seq *out)
{
    const drawn *d = from;

    eg_task_sequence(d->task, EG_TRAIN, 0, d->from + index, out);
}

/* A sum of all gradients that tells one from another; their bits in *hash. */
static double sum_of(eg_trainer *tr, uint64_t *hash)
{
    const eg_model *m = eg_trainer_model(tr);
    double sum = 0;

    *hash = 14695981039346656037u;
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view v = eg_trainer_grad(tr, i);
        const unsigned char *bytes = v.data;
        size_t n = (size_t)eg_view_size(&v) * eg_dtype_size(v.dtype);

        assert_int_equal(eg_view_size(&v), eg_model_tensor(m, i)->size);
        for (size_t k = 0; k < n; k++)
            *hash = (*hash ^ bytes[k]) * 1099511628211u;
        for (eg_index k = 0; k < eg_view_size(&v); k++)
            sum += fabs(eg_view_at(&v, k));
    }
    return sum;
}

static void check(const variant *v)
{
    setting s;
    double loss, same, other, sum;
    uint64_t a, b, c;

    setting_open(&s, v, TASK, 2);
    eg_trainer *tr = trainer_open(&s);
    drawn d = {s.task, 0};

    eg_trainer_gradient(tr, 0, &loss);
    sum = sum_of(tr, &a);
    eg_trainer_gradient_on(tr, sequence, &d, &same);
    (void)sum_of(tr, &b);
    d.from = 1000;
    eg_trainer_gradient_on(tr, sequence, &d, &other);
    (void)sum_of(tr, &c);
    if (loss != same || a != b)
        fail_msg("%s: losses %.17g and %.17g, gradients %016jx and %016jx",
                 v->name, loss, same, (uintmax_t)a, (uintmax_t)b);
    if (loss == other || a == c || !(sum > 0))
        fail_msg("%s: other sequences, loss %.17g, sum %g", v->name, other,
                 sum);
    /* and it is the task's turn again */
    eg_trainer_gradient(tr, 0, &same);
    (void)sum_of(tr, &b);
    assert_true(loss == same && a == b);
    eg_trainer_free(tr);
    setting_close(&s);
}

static void test_same_bits(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) check(&VARIANTS[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
