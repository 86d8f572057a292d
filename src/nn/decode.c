/* Generating: the program of a model up to what its head reads, and the tokens
 * in hand. */
#include "nn/decode.h"

#include <string.h>

#include "engram/generate.h"
#include "engram/mem.h"

struct eg_decoder {
    const egi_decoder_vt *vt;
    egi_decoder *of;
    egi_program program;
    int32_t *token; /* [n_ctx] */
    int n, T, V;
};

/* What is read across positions has a place of its own for all of them. */
static void choose_cached(egi_program *p)
{
    for (int k = 0; k < p->n_ops; k++) {
        const egi_op *op = &p->op[k];
        bool whole = egi_op_whole(p, op);

        for (int i = 0; i < EGI_INS; i++)
            if (egi_reads_across(p, op, i) ||
                (whole && op->in[i] >= 0 &&
                 p->value[op->in[i]].cls == EGI_POSITION))
                p->value[op->in[i]].cached = true;
        if (whole) p->value[op->out[0]].cached = true;
    }
}

/* The plain program without its head, which is at the end. */
static eg_status program_of(egi_program *p, int *hidden, const eg_model *m,
                            eg_err *err)
{
    const egi_op *loss, *head;
    eg_status st =
        egi_program_build(p, m, eg_task_group(0, 0), EGI_HOOKS_NONE, err);

    if (st != EG_OK) return st;
    loss = &p->op[p->n_ops - 1];
    head = &p->op[p->value[loss->in[0]].maker];
    EG_ASSERT(egi_op_info(loss->kind)->seeds && head->kind == EGI_OP_linear);
    *hidden = head->in[0];
    p->n_ops = p->value[*hidden].maker + 1;
    st = egi_program_need(p, NULL);
    if (st != EG_OK) return EG_FAIL(err, st, "a program of %d ops", p->n_ops);
    p->team = true;
    choose_cached(p);
    return EG_OK;
}

eg_status eg_decoder_new(eg_decoder **out, const eg_model *m, eg_pool *pool,
                         const char *kern, eg_err *err)
{
    egi_decoder_spec s = {.pool = pool, .kern = kern};
    eg_decoder *d = NULL;
    eg_status st = EG_OK;

    *out = NULL;
    if (m->V == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "expected a model of tokens, found one of vectors");
    if (!m->opts.causal)
        return EG_FAIL(err, EG_EINVAL,
                       "expected attention to what is before, found "
                       "model.causal: false");
    d = eg_calloc(1, sizeof *d);
    if (!d) return EG_FAIL(err, EG_ENOMEM, "a decoder");
    d->T = m->T;
    d->V = m->V;
    d->vt = m->precision == EG_FLOAT64 ? &egi_decoder_f64 : &egi_decoder_f32;
    d->token = eg_calloc((size_t)m->T, sizeof *d->token);
    if (!d->token) {
        st = EG_FAIL(err, EG_ENOMEM, "%d tokens", m->T);
        goto done;
    }
    EG_TRY(program_of(&d->program, &s.hidden, m, err));
    s.program = &d->program;
    s.tied = m->opts.tied;
    s.scale = s.tied ? 1 / egi_tied_divisor(m) : 1;
    s.head = eg_model_find(m, s.tied ? "W_E" : "W_U");
    s.bias = eg_model_find(m, "b_U");
    EG_TRY(d->vt->make(&d->of, &s, err));
    *out = d;
    d = NULL;
done:
    eg_decoder_free(d);
    return st;
}

void eg_decoder_free(eg_decoder *d)
{
    if (!d) return;
    if (d->of) d->vt->free(d->of);
    egi_program_release(&d->program);
    eg_free(d->token);
    eg_free(d);
}

int64_t eg_decoder_bytes(const eg_decoder *d)
{
    return d->vt->bytes(d->of);
}

int64_t eg_decoder_reads(const eg_decoder *d)
{
    return d->vt->reads(d->of);
}

void eg_decoder_narrow(eg_decoder *d, bool on)
{
    d->vt->narrow(d->of, on);
}

static eg_status check(const eg_decoder *d, int32_t token, eg_err *err)
{
    if (token >= 0 && token < d->V) return EG_OK;
    return EG_FAIL(err, EG_EINVAL, "token %d: expected 0 to %d", (int)token,
                   d->V - 1);
}

eg_status eg_decoder_prompt(eg_decoder *d, const int32_t *tokens, eg_index n,
                            eg_err *err)
{
    if (n < 1)
        return EG_FAIL(err, EG_EINVAL,
                       "expected at least one token to begin with, found none");
    for (eg_index i = 0; i < n; i++)
        if (check(d, tokens[i], err) != EG_OK) return EG_EINVAL;
    d->n = n < d->T ? (int)n : d->T;
    memcpy(d->token, tokens + (n - d->n), (size_t)d->n * sizeof *tokens);
    d->vt->prompt(d->of, d->token, d->n);
    return EG_OK;
}

eg_status eg_decoder_step(eg_decoder *d, int32_t token, eg_err *err)
{
    int left = d->T - d->T / 2 - 1;

    EG_ASSERT(d->n > 0);
    if (check(d, token, err) != EG_OK) return EG_EINVAL;
    if (d->n < d->T) {
        d->token[d->n] = token;
        d->vt->step(d->of, token, d->n++);
        return EG_OK;
    }
    memmove(d->token, d->token + (d->T - left),
            (size_t)left * sizeof *d->token);
    d->token[left] = token;
    d->n = left + 1;
    d->vt->prompt(d->of, d->token, d->n);
    return EG_OK;
}

int eg_decoder_length(const eg_decoder *d)
{
    return d->n;
}

void eg_decoder_logits(const eg_decoder *d, double *out)
{
    d->vt->logits(d->of, out);
}

int32_t eg_decoder_draw(const eg_decoder *d, const eg_sample_opts *o,
                        uint64_t seed, uint64_t n, double *work)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_USER, n, 0);

    eg_decoder_logits(d, work);
    return eg_sample(work, d->V, o, &rng, work + d->V);
}
