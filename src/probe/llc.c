/* Chains of Langevin dynamics on a trainer's own model, which is put back. */
#include "probe/llc.h"

#include <math.h>

#include "engram/mem.h"
#include "engram/rng.h"

eg_status egi_llc_init(egi_llc *c, const eg_probe_opts *opts, eg_trainer *tr,
                       eg_err *err)
{
    const eg_model *m = eg_trainer_model(tr);
    eg_index size = 0, most = 0;
    double *next;

    *c = (egi_llc){.trainer = tr,
                   .steps = opts->llc,
                   .chains = opts->llc_chains,
                   .step = opts->llc_step,
                   .nbeta = opts->llc_nbeta,
                   .pull = opts->llc_pull};
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_index n = eg_model_tensor(m, i)->size;

        size += n;
        if (n > most) most = n;
    }
    c->room = eg_calloc((size_t)(2 * size + most + c->steps), sizeof *c->room);
    if (!c->room)
        return EG_FAIL(err, EG_ENOMEM, "probe.llc: %td weights", size);
    next = c->room;
    c->start = next;
    c->w = next + size;
    c->grad = next + 2 * size;
    c->losses = c->grad + most;
    return EG_OK;
}

void egi_llc_release(egi_llc *c)
{
    eg_free(c->room);
    *c = (egi_llc){0};
}

static void get_all(const eg_model *m, double *w)
{
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_model_get(m, i, w);
        w += eg_model_tensor(m, i)->size;
    }
}

static void set_all(eg_model *m, const double *w)
{
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_model_set(m, i, w);
        w += eg_model_tensor(m, i)->size;
    }
}

/* One step of the chain for the tensors that training moves. */
static void move(egi_llc *c, int64_t step, eg_rng *rng)
{
    eg_model *m = eg_trainer_model(c->trainer);
    const double *start = c->start;
    double *w = c->w, half = c->step / 2, noise = sqrt(c->step);

    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_index n = eg_model_tensor(m, i)->size;

        if (eg_trainer_trains(c->trainer, i, step)) {
            eg_trainer_get_grad(c->trainer, i, c->grad);
            for (eg_index k = 0; k < n; k++)
                w[k] += noise * eg_rng_normal(rng) -
                        half * (c->nbeta * c->grad[k] +
                                c->pull * (w[k] - start[k]));
        }
        w += n;
        start += n;
    }
    set_all(m, c->w);
}

/* Is it to end? */
typedef struct until {
    bool (*stop)(void *ctx); /* NULL: never */
    void *ctx;
} until;

static bool is_over(const until *u)
{
    return u->stop && u->stop(u->ctx);
}

/* NaN when it was given up. */
static double run_chain(egi_llc *c, int64_t step, int64_t chain, const until *u)
{
    eg_model *m = eg_trainer_model(c->trainer);
    eg_rng rng = eg_rng_make(0, EG_RNG_THEORY, (uint64_t)step, (uint32_t)chain);
    int64_t burnt = c->steps / 2;
    double sum = 0;

    get_all(m, c->w);
    for (int64_t t = 0; t < c->steps; t++) {
        double loss;

        if (is_over(u)) {
            set_all(m, c->start);
            return (double)NAN;
        }
        eg_trainer_gradient(c->trainer, EGI_LLC_FIRST + t, &loss);
        if (t >= burnt) sum += loss - c->losses[t];
        move(c, step, &rng);
    }
    set_all(m, c->start);
    return c->nbeta * sum / (double)(c->steps - burnt);
}

bool egi_llc_run(egi_llc *c, int64_t step, bool (*stop)(void *ctx),
                 void *stop_ctx, eg_probe_emit emit, void *ctx)
{
    const until u = {stop, stop_ctx};
    eg_model *m = eg_trainer_model(c->trainer);
    double sum = 0, squares = 0, n = (double)c->chains;

    get_all(m, c->start);
    for (int64_t t = 0; t < c->steps; t++) {
        if (is_over(&u)) return false;
        eg_trainer_gradient(c->trainer, EGI_LLC_FIRST + t, &c->losses[t]);
    }
    for (int64_t k = 0; k < c->chains; k++) {
        double llc = run_chain(c, step, k, &u);

        if (is_over(&u)) return false;
        sum += llc;
        squares += llc * llc;
    }
    emit(ctx, "llc", sum / n);
    if (c->chains > 1)
        emit(ctx, "llc_se",
             sqrt(fmax(squares - sum * sum / n, 0) / (n - 1) / n));
    return true;
}
