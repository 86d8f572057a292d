/* A token of GPT-2 small's shape beside reading its weights. */
#include "bench_energy.h"

#include <math.h>
#include "bench_out.h"
#include "engram/bench.h"
#include "engram/generate.h"
#include "engram/mem.h"

enum { ROUNDS = 7 };

/* Largest difference of logits behind a prompt from those of its tokens one by
 * one, over the largest logit. */
static eg_status stepwise(double *error, eg_decoder *d, const int32_t *token,
                          double *a, double *b, int V, eg_err *err)
{
    double top = 0;
    eg_status st;

    EG_TRY(eg_decoder_prompt(d, token, ENERGY_PROMPT, err));
    eg_decoder_logits(d, a);
    EG_TRY(eg_decoder_prompt(d, token, ENERGY_PROMPT / 2, err));
    for (int i = ENERGY_PROMPT / 2; i < ENERGY_PROMPT; i++)
        EG_TRY(eg_decoder_step(d, token[i], err));
    eg_decoder_logits(d, b);
    *error = 0;
    for (int i = 0; i < V; i++) {
        top = fmax(top, fabs(a[i]));
        if (!(fabs(a[i] - b[i]) <= *error)) *error = fabs(a[i] - b[i]);
    }
    *error /= top;
done:
    return st;
}

/* Rates of rounds of tokens, each beside all threads reading W_E, which
 * another program's turn has no time for. */
static eg_status rounds(energy_row *r, const energy_listing *l, eg_decoder *d,
                        const eg_model *m, eg_pool *pool, eg_err *err)
{
    eg_view e = eg_model_view(m, eg_model_find(m, "W_E"));
    double *rate = r->rates, *share = r->shares, limit[ENERGY_ROUNDS];
    eg_status st = EG_OK;

    r->n = l->n_rounds ? l->n_rounds : ROUNDS;
    if (l->turns) cli_tell_seconds(0);
    for (int i = 0; i < r->n; i++) {
        double start;

        if (l->turns) EG_TRY(cli_await_round(i, r->n, err));
        start = eg_clock();
        for (int k = 0; k < ENERGY_TOKENS; k++)
            EG_TRY(eg_decoder_step(d, k * 997, err));
        rate[i] = ENERGY_TOKENS / (eg_clock() - start);
        if (l->turns) {
            cli_tell_seconds(1 / rate[i]);
            continue;
        }
        limit[i] = 1e9 / (double)eg_decoder_reads(d) *
                   eg_bench_read_threads(e.data, e.shape[0] * e.shape[1], pool);
        share[i] = rate[i] / limit[i];
    }
    r->rate = cli_median(rate, r->n);
    if (l->turns) goto done;
    r->limit = cli_median(limit, r->n);
    r->share = cli_median(share, r->n);
done:
    return st;
}

/* As of a checkpoint of bfloat16: the lower halves of the numbers are 0. */
static eg_status cut_weights(eg_model *m, eg_err *err)
{
    eg_index most = eg_model_tensor(m, eg_model_find(m, "W_E"))->size;
    double *x = eg_calloc((size_t)most, sizeof *x);

    if (!x) return EG_FAIL(err, EG_ENOMEM, "%td weights", most);
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_model_get(m, i, x);
        for (eg_index k = 0; k < eg_model_tensor(m, i)->size; k++) {
            int e;
            double part = frexp(x[k], &e);

            x[k] = ldexp(trunc(256 * part), e - 8);
        }
        eg_model_set(m, i, x);
    }
    eg_free(x);
    return EG_OK;
}

/* The same token of such weights, which are read in 16 bits. The error is that
 * of the logits against those of the weights read in 32. */
static eg_status bench_narrow(energy_listing *l, eg_model *m, eg_pool *pool,
                              const char *kern, const int32_t *token,
                              double *logits, eg_err *err)
{
    energy_row r = {.what = "token, bfloat16", .unit = "tokens/s"};
    int V = eg_model_vocab(m);
    eg_decoder *d = NULL;
    eg_status st;

    EG_TRY(cut_weights(m, err));
    EG_TRY(eg_decoder_new(&d, m, pool, kern, err));
    for (int on = 0; on < 2; on++) {
        eg_decoder_narrow(d, on);
        EG_TRY(eg_decoder_prompt(d, token, ENERGY_PROMPT, err));
        EG_TRY(eg_decoder_step(d, 1, err));
        eg_decoder_logits(d, logits + (on ? V : 0));
    }
    for (int i = 0; i < V; i++)
        r.error = fmax(r.error, fabs(logits[V + i] - logits[i]));
    r.verified = !(r.error > 0);
    snprintf(r.shape, sizeof r.shape, "GPT-2 small, %.0f MB",
             1e-6 * (double)eg_decoder_reads(d));
    EG_TRY(eg_decoder_prompt(d, token, ENERGY_PROMPT, err));
    EG_TRY(rounds(&r, l, d, m, pool, err));
    cli_energy_add(l, &r);
done:
    eg_decoder_free(d);
    return st;
}

eg_status cli_energy_tokens(energy_listing *l, const eg_model_opts *model,
                            eg_pool *pool, const char *kern, eg_err *err)
{
    eg_io io = {.n_ctx = ENERGY_CTX, .d_vocab = 50257};
    energy_row r = {.what = "token", .unit = "tokens/s"};
    eg_model *m = NULL;
    eg_decoder *d = NULL;
    double *logits = eg_calloc(2 * (size_t)io.d_vocab, sizeof *logits);
    int32_t token[ENERGY_PROMPT];
    eg_status st;

    for (int i = 0; i < ENERGY_PROMPT; i++) token[i] = i * 7919 % io.d_vocab;
    if (!logits) {
        st = EG_FAIL(err, EG_ENOMEM, "logits");
        goto done;
    }
    EG_TRY(eg_model_new(&m, model, io, EG_FLOAT32, 1, err));
    EG_TRY(eg_decoder_new(&d, m, pool, kern, err));
    EG_TRY(stepwise(&r.error, d, token, logits, logits + io.d_vocab, io.d_vocab,
                    err));
    r.verified = r.error < 1e-4;
    EG_TRY(rounds(&r, l, d, m, pool, err));
    snprintf(r.shape, sizeof r.shape, "GPT-2 small, %.0f MB, at %d to %d",
             1e-6 * (double)eg_decoder_reads(d), ENERGY_PROMPT,
             ENERGY_PROMPT + r.n * ENERGY_TOKENS);
    cli_energy_add(l, &r);
    if (!l->turns) EG_TRY(bench_narrow(l, m, pool, kern, token, logits, err));
done:
    eg_decoder_free(d);
    eg_model_free(m);
    eg_free(logits);
    return st;
}
