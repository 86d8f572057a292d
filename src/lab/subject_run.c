/* See engram/subject.h: forwards and back on the caller's sequences. */
#include "lab/subject.h"

#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "nn/nn.h"

/* ---- the caller's sequences -----------------------------------------------
 */

void egi_batch_sequence(const void *from, uint32_t index, eg_seq *out)
{
    const egi_batch_source *s = from;
    const eg_batch *b = s->b;
    size_t T = (size_t)s->io.n_ctx, at = index * T;
    size_t n_in = (size_t)s->io.n_in, n_out = (size_t)s->io.n_out;

    if (b->tokens && out->tokens)
        memcpy(out->tokens, b->tokens + at, T * sizeof *out->tokens);
    if (b->inputs && out->inputs)
        memcpy(out->inputs, b->inputs + at * n_in,
               T * n_in * sizeof *out->inputs);
    if (b->outputs && out->outputs)
        memcpy(out->outputs, b->outputs + at * n_out,
               T * n_out * sizeof *out->outputs);
    for (size_t t = 0; t < T; t++) {
        out->targets[t] = b->targets ? b->targets[at + t] : -1;
        if (out->labels) out->labels[t] = 0;
        if (out->prompts)
            out->prompts[t] = b->prompts ? b->prompts[at + t] : -1;
    }
}

/* Every entry from lo to hi - 1? NULL is. */
static eg_status check_range(const char *what, const int32_t *x, int n, int T,
                             int32_t lo, int32_t hi, eg_err *err)
{
    for (eg_index i = 0; x && i < (eg_index)n * T; i++)
        if (x[i] < lo || x[i] >= hi)
            return EG_FAIL(err, EG_EINVAL,
                           "%s: sequence %td, position %td: expected %d to %d, "
                           "found %d",
                           what, i / T, i % T, lo, hi - 1, x[i]);
    return EG_OK;
}

eg_status egi_batch_check(const eg_subject *s, const eg_batch *b, eg_err *err)
{
    eg_io io = eg_task_io(s->task);
    bool vectors = io.d_vocab == 0;
    int32_t most = vectors ? 1 : io.d_vocab;
    eg_status st;

    if (b->n < 1 || b->n > 1 << 20)
        return EG_FAIL(err, EG_EINVAL, "expected 1 to %d sequences, found %d",
                       1 << 20, b->n);
    if (vectors ? !b->inputs : !b->tokens)
        return EG_FAIL(err, EG_EINVAL, "the model takes %s, and there are none",
                       vectors ? "vectors (inputs)" : "tokens");
    if (vectors && b->targets && !b->outputs)
        return EG_FAIL(err, EG_EINVAL,
                       "targets of vectors want outputs, and there are none");
    EG_TRY(check_range("tokens", b->tokens, b->n, io.n_ctx, 0, most, err));
    EG_TRY(check_range("targets", b->targets, b->n, io.n_ctx, -1, most, err));
    EG_TRY(check_range("prompts", b->prompts, b->n, io.n_ctx, -1,
                       io.n_eos + io.n_prefix, err));
done:
    return st;
}

/* ---- forwards -------------------------------------------------------------
 */

eg_status egi_subject_eval(eg_eval **out, eg_subject *s, int flags, eg_err *err)
{
    eg_status st = EG_OK;

    if (!s->eval[flags])
        st = eg_eval_new(&s->eval[flags], s->c.model, s->task, s->pool, s->kern,
                         flags, err);
    *out = s->eval[flags];
    return st;
}

const char *eg_subject_hook(eg_subject *s, int i)
{
    eg_eval *e;

    if (egi_subject_eval(&e, s, EG_EVAL_FULL, NULL) != EG_OK) return NULL;
    return eg_eval_hook_name(e, i);
}

static bool has_hook(const eg_eval *e, const char *name)
{
    const char *one;

    for (int i = 0; (one = eg_eval_hook_name(e, i)); i++)
        if (strcmp(one, name) == 0) return true;
    return false;
}

/* The evaluator that has all of them, the cheaper one if it does. */
static eg_status eval_for(eg_eval **out, eg_subject *s, const char *const *hook,
                          int n, eg_err *err)
{
    int k = 0;
    eg_status st = egi_subject_eval(out, s, EG_EVAL_BASIC, err);

    while (st == EG_OK && k < n && has_hook(*out, hook[k])) k++;
    if (st != EG_OK || k == n) return st;
    st = egi_subject_eval(out, s, EG_EVAL_FULL, err);
    for (k = 0; st == EG_OK && k < n; k++)
        if (!has_hook(*out, hook[k]))
            return EG_FAIL(err, EG_EINVAL, "the model has no hook '%s'",
                           hook[k]);
    return st;
}

typedef struct gather {
    eg_arrays *to;
    const char *const *hook;
    int n_hooks, n, T;
    bool tokens;
    eg_status st;
    eg_err *err;
} gather;

/* Arrays as large as those of the first sequence ask for. */
static void make_arrays(void *ctx, int index, int worker, const eg_acts *acts)
{
    gather *g = ctx;
    eg_view v, nll = {.dtype = EG_F64, .ndim = 2, .shape = {g->n, g->T}};
    int k = 0;

    (void)worker;
    if (index != 0) return;
    for (; k < g->n_hooks && g->st == EG_OK; k++) {
        bool there = eg_acts_hook(acts, g->hook[k], &v);

        EG_ASSERT(there && v.ndim < EG_MAX_DIMS);
        memmove(v.shape + 1, v.shape, (size_t)v.ndim * sizeof *v.shape);
        v.shape[0] = g->n;
        v.ndim++;
        g->st = egi_arrays_make(g->to, k, g->hook[k], &v, g->err);
    }
    if (g->st == EG_OK)
        g->st = egi_arrays_make(g->to, k++, "nll", &nll, g->err);
    nll.dtype = EG_I32;
    if (g->st == EG_OK && g->tokens)
        g->st = egi_arrays_make(g->to, k, "pred", &nll, g->err);
}

static void put(const gather *g, int i, int index, const void *from)
{
    const eg_view *v = &g->to->row[i].view;
    size_t bytes = (size_t)(eg_view_size(v) / g->n) * eg_dtype_size(v->dtype);

    memcpy((char *)g->to->row[i].data + (size_t)index * bytes, from, bytes);
}

static void copy_acts(void *ctx, int index, int worker, const eg_acts *acts)
{
    gather *g = ctx;
    eg_view v;

    (void)worker;
    for (int k = 0; k < g->n_hooks; k++)
        if (eg_acts_hook(acts, g->hook[k], &v)) put(g, k, index, v.data);
    put(g, g->n_hooks, index, acts->nll);
    if (g->tokens) put(g, g->n_hooks + 1, index, acts->pred);
}

eg_status eg_subject_forward(eg_arrays **out, eg_subject *s, const eg_batch *b,
                             const char *const *hook, int n_hooks, eg_err *err)
{
    eg_io io = eg_task_io(s->task);
    egi_batch_source from = {.b = b, .io = io};
    gather g = {.hook = hook,
                .n_hooks = n_hooks,
                .n = b->n,
                .T = io.n_ctx,
                .tokens = io.d_vocab > 0,
                .err = err};
    eg_eval *e = NULL;
    eg_status st;

    *out = NULL;
    EG_TRY(egi_batch_check(s, b, err));
    EG_TRY(eval_for(&e, s, hook, n_hooks, err));
    EG_TRY(egi_arrays_new(&g.to, n_hooks + 1 + g.tokens, err));
    eg_eval_run_on(e, egi_batch_sequence, &from, 1, make_arrays, &g);
    EG_TRY(g.st);
    eg_eval_run_on(e, egi_batch_sequence, &from, b->n, copy_acts, &g);
    *out = g.to;
    g.to = NULL;
done:
    eg_arrays_free(g.to);
    return st;
}

/* ---- held -----------------------------------------------------------------
 */

eg_index eg_subject_columns(eg_subject *s, const char *hook, int head)
{
    eg_eval *e;

    if (egi_subject_eval(&e, s, EG_EVAL_FULL, NULL) != EG_OK) return 0;
    return eg_eval_columns(e, hook, head);
}

eg_status eg_subject_hold(eg_subject *s, const eg_hold *h, eg_err *err)
{
    eg_eval *e;
    eg_status st = EG_OK;

    if (h->other)
        return EG_FAIL(err, EG_EINVAL, "%s: held at another model's values",
                       h->hook);
    for (int flags = 0; flags < 2; flags++) {
        EG_TRY(egi_subject_eval(&e, s, flags, err));
        EG_TRY(eg_eval_hold(e, h, err));
        s->held = true;
    }
done:
    if (st != EG_OK && st != EG_EINVAL && st != EG_ESHAPE) eg_subject_let_go(s);
    return st;
}

void eg_subject_let_go(eg_subject *s)
{
    for (int i = 0; i < 2; i++)
        if (s->eval[i]) eg_eval_let_go(s->eval[i]);
    s->held = false;
}

eg_status eg_subject_decoder(eg_decoder **out, eg_subject *s, eg_err *err)
{
    *out = NULL;
    if (s->held)
        return EG_FAIL(err, EG_EINVAL,
                       "tokens are generated by the model as it is: let go of "
                       "what is held first");
    return eg_decoder_new(out, s->c.model, s->pool, s->kern, err);
}

/* ---- back -----------------------------------------------------------------
 */

/* A trainer whose loss is the mean over all targets of n sequences, by the
 * plain algebra, without dropout; nothing of the configuration freezes. */
static eg_train_spec spec_of(const eg_subject *s, int n)
{
    const eg_config *cfg = s->c.config;
    eg_train_spec spec = {.model = cfg->model,
                          .task = s->task,
                          .pool = s->pool,
                          .kern = s->kern,
                          .seed = (uint64_t)cfg->run.seed};
    eg_model_opts *m = &spec.model;

    eg_fields_default(eg_optim_fields, &spec.optim);
    eg_fields_default(eg_train_fields, &spec.train);
    eg_fields_default(eg_init_fields, &spec.init);
    m->dropout = m->dropout_embed = m->dropout_attn = m->dropout_mlp = 0;
    spec.optim.momentum = 0;
    spec.train.steps = 1;
    spec.train.batch = n;
    if (eg_model_precision(s->c.model) == EG_FLOAT64)
        spec.train.precision = EG_TRAIN_FLOAT64;
    spec.train.algebra = EG_ALGEBRA_PLAIN;
    eg_text_copy(spec.train.loss, sizeof spec.train.loss, "all");
    return spec;
}

static eg_status trainer_for(eg_subject *s, int n, eg_err *err)
{
    eg_train_spec spec = spec_of(s, n);
    eg_status st = EG_OK;

    if (s->n != n) {
        eg_trainer_free(s->trainer);
        s->trainer = NULL;
        s->n = 0;
        st = eg_trainer_new(&s->trainer, &spec, err);
    }
    if (st != EG_OK) return st;
    s->n = n;
    egi_model_copy(eg_trainer_model(s->trainer), s->c.model);
    return EG_OK;
}

static eg_status check_targets(const eg_subject *s, const eg_batch *b,
                               eg_err *err)
{
    eg_index n = (eg_index)b->n * eg_task_ctx(s->task);

    if (s->held)
        return EG_FAIL(err, EG_EINVAL,
                       "gradients are of the model as it is: let go of what is "
                       "held first");
    for (eg_index i = 0; b->targets && i < n; i++)
        if (b->targets[i] >= 0) return EG_OK;
    return EG_FAIL(err, EG_EINVAL, "no position has a target");
}

static eg_status take_gradient(eg_arrays **out, const eg_trainer *tr,
                               const eg_model *m, eg_err *err)
{
    int n = 0, k = 0;
    eg_status st;

    for (int i = 0; i < eg_model_n_tensors(m); i++)
        n += eg_trainer_trains(tr, i, 0);
    EG_TRY(egi_arrays_new(out, n, err));
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view v;

        if (!eg_trainer_trains(tr, i, 0)) continue;
        v = eg_trainer_grad(tr, i);
        EG_TRY(egi_arrays_make(*out, k, eg_model_tensor(m, i)->name, &v, err));
        memcpy((*out)->row[k++].data, v.data,
               (size_t)eg_view_size(&v) * eg_dtype_size(v.dtype));
    }
done:
    if (st != EG_OK) {
        eg_arrays_free(*out);
        *out = NULL;
    }
    return st;
}

eg_status eg_subject_gradient(eg_arrays **out, double *loss, eg_subject *s,
                              const eg_batch *b, eg_err *err)
{
    egi_batch_source from = {.b = b, .io = eg_task_io(s->task)};
    eg_status st;

    *out = NULL;
    EG_TRY(egi_batch_check(s, b, err));
    EG_TRY(check_targets(s, b, err));
    EG_TRY(trainer_for(s, b->n, err));
    eg_trainer_gradient_on(s->trainer, egi_batch_sequence, &from, loss);
    EG_TRY(take_gradient(out, s->trainer, s->c.model, err));
done:
    return st;
}
