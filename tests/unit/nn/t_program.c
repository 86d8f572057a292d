/* The program of operations against the engine that was: losses and gradients
 * of every variant, in float64, plain. */
#define EG_REAL_DOUBLE
#include "nn_test.h"

#include "nn/real/exec.h"
#include "nn/trainer.h"

#define TASK "n_ctx=18 n_triggers=3"

/* The mean loss over the batch of step 0 and its gradient, one slot. */
static double run_program(const eg_trainer *tr, const egi_program *p,
                          double *grad, size_t *bytes)
{
    exec_f64 e;
    room_f64 r;
    eg_err err;
    double sum = 0, *acc;
    int64_t n = 0;

    if (exec_init_f64(&e, p, eg_kern_pick_f64("auto"), NULL, &err) != EG_OK ||
        room_init_f64(&r, &e, &err) != EG_OK)
        fail_msg("%s", err.msg);
    acc = calloc((size_t)e.n_acc + 1, sizeof *acc);
    exec_prepare_f64(&e);
    for (int i = 0; i < tr->spec.train.batch; i++) {
        eg_seq seq = {r.tokens, r.targets, r.occur};

        eg_task_sequence(tr->spec.task, EG_TRAIN, 0, (uint32_t)i, &seq);
        /* what lies in a room from before must not matter */
        for (eg_index k = 0; k < e.room.entries; k++) r.base[k] = NAN;
        int here = exec_forward_f64(&e, &r);
        if (here == 0) continue;
        n += here;
        for (int k = 0; k < r.rows; k++)
            if (r.target[k] >= 0) sum += r.nll[k];
        exec_backward_f64(&e, &r, acc);
    }
    exec_finish_f64(&e, acc, grad, n > 0 ? 1 / (double)n : 0);
    *bytes = r.bytes;
    free(acc);
    room_release_f64(&r);
    exec_release_f64(&e);
    return n > 0 ? sum / (double)n : 0;
}

/* Largest difference of a gradient's entries, relative to its largest. */
static double largest(const double *a, const double *b, eg_index n)
{
    double top = 0, off = 0;

    for (eg_index i = 0; i < n; i++) {
        top = fmax(top, fabs(b[i]));
        if (!(fabs(a[i] - b[i]) <= off)) off = fabs(a[i] - b[i]);
    }
    return top > 0 ? off / top : off;
}

static double compare(const variant *v, bool named, size_t *bytes)
{
    setting s;
    double loss, worst, *grad;
    egi_program p;
    eg_err err;
    bool trains[64];

    setting_open(&s, v, TASK, 1);
    set_fields(eg_train_fields, &s.spec.train,
               "precision=float64 algebra=plain");
    eg_trainer *tr = trainer_open(&s);
    eg_model *m = eg_trainer_model(tr);
    double **g = gradients(tr, &loss);
    if (egi_program_build(&p, m, s.spec.train.loss == EG_LOSS_IN_CONTEXT, named,
                          &err) != EG_OK)
        fail_msg("%s", err.msg);
    for (int i = 0; i < m->n_tensors; i++) trains[i] = g[i] != NULL;
    assert_int_equal(egi_program_need(&p, trains), EG_OK);
    grad = calloc((size_t)m->n_params, sizeof *grad);
    worst = fabs(run_program(tr, &p, grad, bytes) - loss) / loss;
    for (int i = 0; i < m->n_tensors; i++) {
        if (!g[i]) continue;
        double d = largest(grad + m->tensor[i].offset, g[i], m->tensor[i].size);
        if (!(d <= worst)) worst = d;
        if (!(d < 1e-12)) fail_msg("%s: %s: %g", v->name, m->tensor[i].name, d);
    }
    free(grad);
    gradients_free(g, m->n_tensors);
    egi_program_release(&p);
    eg_trainer_free(tr);
    setting_close(&s);
    return worst;
}

static void test_plain(void **state)
{
    (void)state;
    for (int k = 0; k < N_VARIANTS; k++) {
        size_t bytes, kept;
        double d = compare(&VARIANTS[k], false, &bytes);
        double e = compare(&VARIANTS[k], true, &kept);

        printf("  %-42s %.1e %.1e, room %zu of %zu bytes\n", VARIANTS[k].name,
               d, e, bytes, kept);
        assert_true(d < 1e-12 && e < 1e-12);
        assert_true(bytes < kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
