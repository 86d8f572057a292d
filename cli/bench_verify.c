/* The gradient of a training benchmark against the same in other numbers. What
 * float32 rounds to the other side of a kink of ReLU is an entry far off, so
 * that norms are compared and not entries. */
#include "bench_verify.h"

#include <math.h>
#include "engram/mem.h"

#define BUDGET 4e9          /* floating-point operations in float64 */
#define FURTHEST 1e-2       /* distance; the cosine is then 0.99995 at least */
#define FURTHEST_WIDE 1e-10 /* of float64 from float64 */
#define FURTHEST_BF16 5e-2  /* 0.9987 */
#define SMALLEST 1e-5       /* of the whole norm: below that all is rounding */
enum { SHORTEST = 8 };      /* positions */

typedef struct norms {
    double g, h, gh, apart;
} norms;

static eg_status tensor_norms(norms *n, const eg_trainer *a,
                              const eg_trainer *b, const eg_tensor *t, int i,
                              eg_err *err)
{
    double *g = eg_calloc((size_t)t->size, sizeof *g);
    double *h = eg_calloc((size_t)t->size, sizeof *h);
    eg_status st = EG_OK;

    *n = (norms){0};
    if (!g || !h) {
        st = EG_FAIL(err, EG_ENOMEM, "bench: a gradient of %td", t->size);
        goto done;
    }
    eg_trainer_get_grad(a, i, g);
    eg_trainer_get_grad(b, i, h);
    for (eg_index k = 0; k < t->size; k++) {
        n->g += g[k] * g[k];
        n->h += h[k] * h[k];
        n->gh += g[k] * h[k];
        n->apart += (g[k] - h[k]) * (g[k] - h[k]);
    }
done:
    eg_free(g);
    eg_free(h);
    return st;
}

static void note(cli_agreement *out, const norms *n, double all)
{
    if (n->h <= SMALLEST * SMALLEST * all) return;
    out->distance = fmax(out->distance, sqrt(n->apart / n->h));
    out->cosine = fmin(out->cosine, n->gh / sqrt(n->g * n->h));
}

static eg_status compare(cli_agreement *out, const eg_train_spec *mine,
                         const eg_train_spec *other, eg_err *err)
{
    eg_trainer *a = NULL, *b = NULL;
    double loss[2], all = 0;
    static const double most[] = {FURTHEST, FURTHEST_WIDE, FURTHEST_BF16};
    double furthest = most[mine->train.precision];
    norms n;
    eg_model *m;
    eg_status st;

    EG_TRY(eg_trainer_new(&a, mine, err));
    EG_TRY(eg_trainer_new(&b, other, err));
    m = eg_trainer_model(a);
    eg_trainer_gradient(a, 0, &loss[0]);
    eg_trainer_gradient(b, 0, &loss[1]);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < eg_model_n_tensors(m); i++) {
            if (!eg_trainer_trains(a, i, 0)) continue;
            EG_TRY(tensor_norms(&n, a, b, eg_model_tensor(m, i), i, err));
            if (round == 0)
                all += n.h;
            else
                note(out, &n, all);
        }
    out->distance = fmax(out->distance, fabs(loss[0] - loss[1]) / loss[1]);
    if (!(out->distance < furthest && all > 0))
        st = EG_FAIL(err, EG_EFORMAT,
                     "the gradient differs from the plain algebra by %g of its "
                     "norm: nothing is timed",
                     out->distance);
done:
    eg_trainer_free(a);
    eg_trainer_free(b);
    return st;
}

/* On a task of fewer positions, by the reference set. */
static eg_status in_float64(cli_agreement *out, eg_train_spec mine, int n_ctx,
                            int batch, eg_err *err)
{
    eg_task_opts opts = *eg_task_options(mine.task);
    eg_task *task = NULL;
    eg_train_spec other;
    eg_status st;

    opts.n_ctx = n_ctx;
    EG_TRY(eg_task_new(&task, &opts, 1, err));
    mine.task = task;
    mine.train.batch = batch;
    other = mine;
    other.train.algebra = EG_ALGEBRA_PLAIN;
    other.train.precision = EG_TRAIN_FLOAT64;
    other.kern = "ref";
    EG_TRY(compare(out, &mine, &other, err));
    out->tokens = n_ctx * batch;
done:
    eg_task_free(task);
    return st;
}

eg_status cli_bench_verify(cli_agreement *out, const eg_train_spec *spec,
                           eg_err *err)
{
    eg_train_spec mine = *spec, other;
    int T = eg_task_ctx(spec->task), n_ctx = T;
    eg_train_plan plan;
    double tokens;
    eg_status st;

    *out = (cli_agreement){.cosine = 1};
    EG_TRY(eg_train_plan_make(&plan, spec, err));
    mine.optim.kind = EG_OPTIM_SGD; /* no memory for moments */
    mine.optim.momentum = 0;
    tokens = BUDGET / plan.flops_per_token;
    if (tokens < T) n_ctx = (int)fmax(tokens, T < SHORTEST ? T : SHORTEST);
    EG_TRY(
        in_float64(out, mine, n_ctx, (int)fmax(1, fmin(8, tokens / T)), err));
    if (n_ctx == T) goto done;
    mine.train.batch = 1;
    other = mine;
    other.train.algebra = EG_ALGEBRA_PLAIN;
    if (mine.train.precision == EG_TRAIN_BFLOAT16) {
        other.train.precision = EG_TRAIN_FLOAT32;
        other.kern = "auto";
    }
    EG_TRY(compare(out, &mine, &other, err));
done:
    return st;
}
