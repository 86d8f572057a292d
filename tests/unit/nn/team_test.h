/* Teams against each other: the same bits whatever the number of threads, and
 * gradients of one setting against those of another. */
#ifndef TEAM_TEST_H
#define TEAM_TEST_H

#include <unistd.h>

#include "nn_test.h"

#include "sanitized.h"

/* Statistics of a text of so many symbols, no multiple of 7. */
static inline void many_symbols(char *path, size_t size, int symbols)
{
    char text[64];
    eg_err err;
    FILE *f;

    (void)snprintf(text, sizeof text, "/tmp/engram-team-%d.txt", (int)getpid());
    (void)snprintf(path, size, "/tmp/engram-team-%d.stats", (int)getpid());
    f = fopen(text, "wb");
    assert_non_null(f);
    for (int i = 0; i < 2 * symbols; i++) {
        unsigned c = 0x4e00 + (unsigned)(i * 7 % symbols);

        (void)fprintf(f, "%c%c%c", (int)(0xe0 | c >> 12),
                      (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
    }
    assert_int_equal(fclose(f), 0);
    if (eg_stats_measure(text, path, "a test", &err) != EG_OK)
        fail_msg("%s", err.msg);
    (void)remove(text);
}

/* All parameters after a few steps, with a sanitizer after one. */
static inline double *trained(const variant *v, const char *task, int threads,
                              size_t *n, double *loss)
{
    setting s;
    double *x;
    size_t at = 0;

    setting_open(&s, v, task, threads);
    set_fields(eg_optim_fields, &s.spec.optim,
               "kind=adamw lr=1e-3 clip=norm clip_at=0.01");
    eg_trainer *tr = trainer_open(&s);
    const eg_model *m = eg_trainer_model(tr);
    for (int i = 0; i < (SANITIZED ? 1 : 3); i++) {
        eg_step_info info;

        eg_trainer_step(tr, &info);
        *loss = info.loss;
    }
    *n = 0;
    for (int i = 0; i < eg_model_n_tensors(m); i++)
        *n += (size_t)eg_model_tensor(m, i)->size;
    x = calloc(*n + 1, sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_model_get(m, i, x + at);
        at += (size_t)eg_model_tensor(m, i)->size;
    }
    eg_trainer_free(tr);
    setting_close(&s);
    return x;
}

static inline void same_bits(const variant *v, const char *task)
{
    static const int threads[] = {3, 2, 8};
    size_t n_threads = SANITIZED ? 1 : sizeof threads / sizeof *threads;
    size_t n, m;
    double loss, again, *one = trained(v, task, 1, &n, &loss);

    assert_true(isfinite(loss) && loss > 0);
    for (size_t i = 0; i < n_threads; i++) {
        double *more = trained(v, task, threads[i], &m, &again);

        assert_int_equal(n, m);
        assert_true(loss == again);
        if (memcmp(one, more, n * sizeof *one) != 0)
            fail_msg("%s: %d threads", v->name, threads[i]);
        free(more);
    }
    printf("  %s: loss %.6f\n", v->name, loss);
    free(one);
}

/* The gradient against that of other options: sums, algebra, kernels. */
static inline void same_gradient(const variant *v, const char *task,
                                 const char *mine, const char *other,
                                 double bound)
{
    double loss[2], worst = 0;
    double **g[2];
    int n = 0;

    for (int k = 0; k < 2; k++) {
        setting s;

        setting_open(&s, v, task, 2);
        set_fields(eg_train_fields, &s.spec.train, k ? other : mine);
        eg_trainer *tr = trainer_open(&s);
        g[k] = gradients(tr, &loss[k]);
        n = eg_model_n_tensors(eg_trainer_model(tr));
        for (int i = 0; k == 1 && i < n; i++) {
            const eg_tensor *t = eg_model_tensor(eg_trainer_model(tr), i);
            double d;

            assert_true(!g[0][i] == !g[1][i]);
            if (!g[0][i] || !g[1][i] || no_gradient(v, t->name)) continue;
            d = distance(g[0][i], g[1][i], t->size, NULL);
            if (!(d <= worst)) worst = d;
            if (!(d < bound)) fail_msg("%s: %s: %g", v->name, t->name, d);
        }
        eg_trainer_free(tr);
        setting_close(&s);
    }
    printf("  %s: %s | %s: %.1e, loss %.1e\n", v->name, mine, other, worst,
           fabs(loss[0] - loss[1]));
    assert_true(fabs(loss[0] - loss[1]) <= bound * loss[1]);
    gradients_free(g[0], n);
    gradients_free(g[1], n);
}

#endif
