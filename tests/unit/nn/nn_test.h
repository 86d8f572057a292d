/* Shared by the tests of nn: small specs, and the variants every gradient and
 * every shortcut is checked on. */
#ifndef NN_TEST_H
#define NN_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/eval.h"
#include "engram/kern.h"
#include "engram/mem.h"
#include "engram/train.h"

typedef struct variant {
    const char *name;
    const char *model; /* "key=value key=value ..."; task.kind=... where it is
                          not the bigram task */
    const char *train;
} variant;

/* Everything of the basic and the full model of birth that can be combined. */
static const variant VARIANTS[] = {
    {"basic, paper's trained set", "",
     "loss=in_context freeze=W_E,W_U,*W_V,blocks.0.attn.W_O"},
    {"basic, all trained", "pos=learned", "loss=in_context"},
    {"basic, all tokens", "pos=learned", "loss=all"},
    {"basic, linear W_F last", "mlp=none,linear",
     "loss=all freeze=W_E,W_U,*W_V,blocks.0.attn.W_O"},
    {"basic, linear W_F in both", "mlp=linear pos=learned", "loss=all"},
    {"basic, relu in both", "mlp=relu pos=learned", "loss=all"},
    {"basic, gelu last", "mlp=none,gelu", "loss=in_context"},
    {"one layer", "n_layers=1 pos=learned", "loss=all"},
    {"one layer, in context", "n_layers=1", "loss=in_context"},
    {"three layers, two heads merged", "n_layers=3 n_heads=2 pos=learned",
     "loss=all"},
    {"factorised, one head", "qk=factorised pos=learned", "loss=all"},
    {"factorised, four heads, narrow", "qk=factorised n_heads=4 d_head=3",
     "loss=in_context"},
    {"identity values", "value=identity pos=learned", "loss=all"},
    {"identity output", "output=identity", "loss=in_context"},
    {"identity both, two heads",
     "value=identity output=identity n_heads=2 qk=factorised", "loss=all"},
    {"sinusoidal, unscaled scores", "pos=sinusoidal scale_scores=false",
     "loss=all"},
    {"rotary in the first block, merged", "pos=rotary rotary_layers=1",
     "loss=all"},
    {"rotary, factorised heads", "pos=rotary qk=factorised n_heads=2",
     "loss=all"},
    {"rotary, merged heads, pre-norm", "pos=rotary n_heads=2 norm=pre mlp=relu",
     "loss=all"},
    {"no positions, tied", "pos=none tied=true mlp=linear", "loss=all"},
    {"tied, relu, parallel",
     "tied=true norm=parallel mlp=relu pos=learned qk=factorised n_heads=2",
     "loss=all"},
    {"full model", "norm=parallel qk=factorised n_heads=4 mlp=relu pos=learned",
     "loss=all"},
    {"full model, in context",
     "norm=parallel qk=factorised n_heads=4 mlp=gelu pos=learned",
     "loss=in_context"},
    {"full, linear feed-forward",
     "norm=parallel qk=factorised n_heads=2 mlp=linear pos=learned",
     "loss=all"},
    {"full, frozen embeddings",
     "norm=parallel qk=factorised n_heads=2 mlp=relu pos=random",
     "loss=all freeze=W_E,W_U"},
    {"full, no feed-forward in the first",
     "norm=parallel qk=factorised n_heads=2 mlp=none,relu pos=learned",
     "loss=all"},
    {"pre-norm in sequence",
     "norm=pre qk=factorised n_heads=2 mlp=gelu "
     "pos=learned",
     "loss=all"},
    {"pre-norm, merged, no feed-forward", "norm=pre pos=learned",
     "loss=in_context"},
    {"parallel, merged, frozen embeddings", "norm=parallel mlp=relu",
     "loss=all freeze=W_E"},
    {"post-norm", "norm=post qk=factorised n_heads=2 mlp=relu pos=learned",
     "loss=all"},
    {"post-norm, no feed-forward", "norm=post pos=learned", "loss=all"},
    {"RMSNorm, pre, SwiGLU",
     "norm=pre norm_kind=rms qk=factorised n_heads=2 mlp=swiglu pos=rotary",
     "loss=all"},
    {"RMSNorm, post, linear feed-forward",
     "norm=post norm_kind=rms mlp=linear pos=learned", "loss=all"},
    {"LayerNorm without bias, exact GELU, parallel",
     "norm=parallel norm_kind=layer_no_bias mlp=gelu_erf pos=learned",
     "loss=in_context"},
    {"GPT-2's biases, tied",
     "norm=pre qk=factorised n_heads=2 mlp=gelu pos=learned attn_bias=true "
     "mlp_bias=true tied=true tied_scale=false",
     "loss=all"},
    {"biases without norms", "attn_bias=true mlp_bias=true mlp=linear",
     "loss=all"},
    {"grouped keys, normed, SiLU",
     "norm=pre norm_kind=rms qk=factorised n_heads=4 d_head=4 n_kv_heads=2 "
     "qk_norm=rms "
     "mlp=silu pos=rotary",
     "loss=all"},
    {"one head of keys, LayerNorm of both",
     "qk=factorised n_heads=4 n_kv_heads=1 qk_norm=layer pos=learned",
     "loss=in_context"},
    {"merged, normed, GeGLU", "qk_norm=layer_no_bias mlp=geglu pos=learned",
     "loss=all"},
    {"unit queries and keys in the second block",
     "qk_norm=none,unit qk=factorised n_heads=2 pos=learned", "loss=all"},
    {"unit queries and keys, merged, linear and softmax",
     "qk_norm=unit mixer=linear,softmax pos=rotary", "loss=in_context"},
    {"linear attention", "mixer=linear pos=learned", "loss=all"},
    {"linear attention, in context, heads",
     "mixer=linear qk=factorised n_heads=2 n_kv_heads=1", "loss=in_context"},
    {"linear behind softmax, rotary",
     "mixer=softmax,linear pos=rotary n_heads=2 norm=pre mlp=relu", "loss=all"},
    {"mesa layer", "mixer=mesa pos=learned", "loss=all"},
    {"mesa layer behind softmax, in context, heads",
     "mixer=softmax,mesa qk=factorised n_heads=4 n_kv_heads=2 qk_norm=rms",
     "loss=in_context"},
    {"mesa layer, rotary, pre-norm, two blocks",
     "mixer=mesa pos=rotary qk=factorised n_heads=2 norm=pre mlp=gelu",
     "loss=all"},
    {"convolved queries and keys",
     "qk_conv=4 qk=factorised n_heads=2 qk_norm=unit pos=learned", "loss=all"},
    {"convolved, longer than what came before, linear",
     "qk_conv=7 qk=factorised n_kv_heads=1 n_heads=2 mixer=linear,softmax "
     "pos=rotary",
     "loss=in_context"},
    {"decayed", "mixer=decayed qk=factorised n_heads=2 pos=learned",
     "loss=all"},
    {"retention", "mixer=retnet qk=factorised n_heads=2 pos=rotary",
     "loss=all"},
    {"decayed by channel, merged", "mixer=gla pos=learned", "loss=in_context"},
    {"delta rule", "mixer=delta qk=factorised n_heads=2 qk_norm=unit",
     "loss=all"},
    {"delta rule, shared keys, strength up to 2, in context",
     "mixer=softmax,delta qk=factorised n_heads=4 d_head=3 n_kv_heads=2 "
     "qk_norm=unit beta_max=2 pos=learned scale_scores=false",
     "loss=in_context"},
    {"gated delta rule, convolved",
     "mixer=gated_delta qk=factorised n_heads=2 qk_norm=unit qk_conv=4 "
     "decay_init=0.5 norm=pre",
     "loss=all"},
    {"delta rule, gated by channel",
     "mixer=kda qk=factorised n_heads=2 qk_norm=unit decay_init=0.7 "
     "pos=rotary mlp=relu attn_bias=true",
     "loss=all"},
    {"gdn2: channels erased and written, beta 2",
     "mixer=gdn2 qk=factorised n_heads=2 qk_norm=unit beta_max=2 norm=pre",
     "loss=all"},
    {"delta_product: three delta steps",
     "mixer=delta_product qk=factorised n_heads=2 qk_norm=unit delta_steps=3 "
     "beta_max=2 attn_bias=true",
     "loss=all"},
    {"comba: erased along part of the key",
     "mixer=comba qk=factorised n_heads=2 qk_norm=unit pos=rotary",
     "loss=in_context"},
    {"precond_delta: preconditioned",
     "mixer=precond_delta qk=factorised n_heads=2 qk_norm=rms norm=pre",
     "loss=all"},
    {"implicit: implicit",
     "mixer=implicit qk=factorised n_heads=2 qk_norm=rms mlp=relu", "loss=all"},
    {"nlms: normalised least mean squares",
     "mixer=nlms qk=factorised n_heads=2 qk_norm=layer ", "loss=in_context"},
    {"oja: error in the key",
     "mixer=oja qk=factorised n_heads=2 qk_norm=unit pos=learned", "loss=all"},
    {"rwkv7: read before it is forgotten",
     "mixer=rwkv7 qk=factorised n_heads=2 qk_norm=unit decay_init=0.6",
     "loss=in_context"},
    {"titans: momentum",
     "mixer=titans qk=factorised n_heads=2 qk_norm=unit decay_init=0.6",
     "loss=all"},
    {"ttt: trained while it reads",
     "mixer=ttt qk=factorised n_heads=2 ttt_batch=5 qk_norm=unit", "loss=all"},
    {"ttt: in context, one batch",
     "mixer=softmax,ttt qk=factorised n_heads=2 pos=learned beta_max=2",
     "loss=in_context"},
    {"linear memories behind softmax, convolved",
     "mixer=softmax,titans,oja n_layers=3 qk=factorised n_heads=2 qk_conv=4 "
     "qk_norm=none,unit,unit pos=learned",
     "loss=all"},
    {"mesa layer that forgets",
     "mixer=mesa_decay qk=factorised n_heads=2 qk_norm=unit pos=learned "
     "decay_init=0.9",
     "loss=all"},
    {"MesaNet, exact",
     "mixer=mesanet qk=factorised n_heads=2 pos=learned mesa_tol=1e-15 "
     "mesa_steps=100",
     "loss=all"},
    {"MesaNet, all parts, in context",
     "mixer=softmax,mesanet qk=factorised n_heads=4 n_kv_heads=2 qk_norm=unit "
     "qk_conv=3 mesa_tol=1e-15 mesa_steps=100",
     "loss=in_context"},
    {"delta products in chunks",
     "mixer=delta_product qk=factorised n_heads=1 d_head=96 delta_steps=3 "
     "qk_norm=unit pos=learned",
     "loss=all"},
    {"gates of channels in chunks, some of them shut",
     "mixer=kda qk=factorised n_heads=1 d_head=96 qk_norm=unit "
     "decay_init=0.02 pos=learned",
     "loss=in_context"},
    {"chunks that only add up, grouped keys",
     "mixer=gla qk=factorised n_heads=2 d_head=96 decay_init=0.6 pos=learned",
     "loss=all"},
    {"MesaNet as published, normed heads",
     "mixer=mesanet qk=factorised n_heads=2 qk_norm=unit qk_conv=4 "
     "head_norm=rms mesa_tol=1e-15 mesa_steps=100 pos=none",
     "loss=in_context"},
    {"normed heads of several kinds",
     "mixer=softmax,gated_delta,linear n_layers=3 qk=factorised n_heads=2 "
     "head_norm=layer,rms,unit pos=learned norm=pre",
     "loss=all"},
    {"clipped stream", "resid_clip=1.2 pos=learned mlp=relu", "loss=all"},
    {"one layer, full",
     "n_layers=1 norm=parallel qk=factorised n_heads=2 "
     "mlp=relu pos=learned",
     "loss=all"},
    {"rotary at the key, first block",
     "pos=rotary rotary_layers=1 qk=merged_key", "loss=all"},
    {"rotary at the key, paper's trained set",
     "pos=rotary rotary_layers=1 qk=merged_key",
     "loss=in_context freeze=W_E,W_U,*W_V,blocks.0.attn.W_O"},
    {"rotary at the key, two heads, pre-norm",
     "pos=rotary qk=merged_key n_heads=2 norm=pre mlp=relu", "loss=all"},
    {"rotary at the key, parallel, identity values",
     "pos=rotary qk=merged_key norm=parallel value=identity mlp=gelu",
     "loss=in_context"},
    {"merged at the key, no rotation", "pos=learned qk=merged_key", "loss=all"},
    {"relative positions", "pos=relative norm=pre mlp=gelu", "loss=all"},
    {"relative positions, heads, first block",
     "pos=relative pos_layers=1 qk=factorised n_heads=4 n_kv_heads=2",
     "loss=in_context"},
    {"concatenated positions, heads",
     "pos=concatenated qk=factorised n_heads=2 mixer=linear,softmax",
     "loss=all"},
    {"concatenated positions, first block, normed",
     "pos=concatenated pos_layers=1 qk=factorised qk_norm=rms norm=post "
     "attn_bias=true",
     "loss=in_context"},
    {"dropout everywhere",
     "dropout=0.2 dropout_embed=0.3 dropout_attn=0.25 norm=pre mlp=gelu "
     "qk=factorised n_heads=2 pos=learned",
     "loss=all"},
    {"dropout, merged, relative, in context",
     "dropout=0.1 dropout_attn=0.4 pos=relative mlp=linear", "loss=in_context"},
    {"dropout of embeddings, parallel, RMSNorm",
     "dropout_embed=0.5 norm=parallel norm_kind=rms mlp=swiglu pos=rotary",
     "loss=in_context"},
    {"dropout of linear attention's output",
     "dropout=0.3 mixer=linear pos=learned mlp=none,relu", "loss=all"},
    {"scaled embeddings, output bias, dropped inside",
     "norm=post qk=factorised n_heads=2 mlp=relu mlp_bias=true "
     "pos=sinusoidal embed_scale=0 unembed_bias=true dropout=0.1 "
     "dropout_embed=0.1 dropout_attn=0.1 dropout_mlp=0.2",
     "loss=all"},
    {"scaled embeddings, tables",
     "embed_scale=1.7 pos=learned unembed_bias=true mlp=none,linear",
     "loss=in_context"},
    {"scaled embeddings, tied, output bias, pre-norm",
     "embed_scale=0.5 tied=true unembed_bias=true pos=learned norm=pre "
     "mlp=swiglu dropout_mlp=0.3",
     "loss=all"},
    {"BERT's: no mask, normed embeddings, post-norm",
     "causal=false embed_norm=true norm=post qk=factorised n_heads=2 "
     "mlp=gelu_erf attn_bias=true mlp_bias=true pos=learned tied=true",
     "loss=all"},
    {"no mask, in context, merged, tables", "causal=false pos=learned",
     "loss=in_context"},
    {"no mask, rotary, shared keys, pre-norm",
     "causal=false pos=rotary norm=pre norm_kind=rms qk=factorised n_heads=4 "
     "n_kv_heads=2 d_head=4 mlp=relu embed_norm=true",
     "loss=in_context"},
    {"no mask, dropped",
     "causal=false pos=learned dropout_attn=0.3 qk=factorised n_heads=2 "
     "norm=post mlp=linear",
     "loss=in_context"},
    {"Llama's: halves turned, shared keys, SwiGLU",
     "pos=rotary rotary_pairs=halves norm=pre norm_kind=rms qk=factorised "
     "n_heads=3 d_head=4 n_kv_heads=1 mlp=swiglu d_mlp=20",
     "loss=all"},
    {"halves turned at the key", "pos=rotary rotary_pairs=halves qk=merged_key",
     "loss=all"},
    {"OpenELM's: sizes of each block",
     "pos=rotary rotary_pairs=halves norm=pre norm_kind=rms qk=factorised "
     "qk_norm=rms n_layers=3 d_head=4 heads=2,4,6 kv_heads=1,2,3 mlp=swiglu "
     "mlp_widths=10,16,30 dropout_attn=0.1 dropout_embed=0.1",
     "loss=all"},
    {"sizes of each block, linear and delta, biases",
     "n_layers=3 d_head=4 heads=3,1,2 qk=factorised mixer=linear,delta,mesa "
     "qk_norm=unit attn_bias=true mlp=relu,none,gelu mlp_widths=7,9,11 "
     "mlp_bias=true pos=learned",
     "loss=in_context"},
    {"scaled sinusoids, unscaled tied head",
     "pos=sinusoidal_scaled embed_std=0 tied=true tied_scale=false",
     "loss=all"},
    {"unscaled tied head, norms",
     "pos=learned tied=true tied_scale=false norm=post mlp=relu", "loss=all"},
    {"vectors", "task.kind=linear task.dim=5 pos=learned qk=factorised", ""},
    {"vectors, linear attention, pre-norm",
     "task.kind=linear task.dim=3 pos=sinusoidal mixer=linear n_heads=2 "
     "norm=pre mlp=gelu",
     "loss=over"},
    {"vectors, no positions",
     "task.kind=linear task.dim=7 task.noise=0.1 pos=none n_layers=1 "
     "resid_clip=1",
     "loss=under freeze=W_in"},
    {"constructed tokens, no matrix at the ends",
     "task.kind=linear task.dim=3 task.tokens=constructed input=identity "
     "readout=first pos=none mixer=linear qk=factorised n_heads=2 "
     "scale_scores=false resid_clip=2",
     ""},
    {"matrix in, first columns out, normed",
     "task.kind=nonlinear task.dim=5 readout=first norm=pre mlp=gelu "
     "pos=learned",
     "loss=over"},
    {"lagged tokens, as they are, matrix out",
     "task.kind=linear task.dim=4 task.hidden=6 task.tokens=lagged task.lags=3 "
     "input=identity pos=concatenated pos_layers=1 qk=factorised "
     "dropout_embed=0.2",
     "loss=under"},
    {"prompts of the model's own, through W_in",
     "task.kind=regression task.dim=5 task.format=prefix task.n_prefix=4 "
     "pos=learned norm=pre",
     "loss=all"},
    {"an end mark, as it is, frozen rest",
     "task.kind=regression task.dim=12 task.format=eos input=identity "
     "readout=first mixer=linear pos=none",
     "loss=early freeze=blocks.*"},
    {"chains", "task.kind=markov task.n_states=4 pos=rotary", "loss=later"},
};
#define N_VARIANTS ((int)(sizeof VARIANTS / sizeof *VARIANTS))

/* What the others are too narrow for. */
static const variant WIDER[] = {
    {"wide, linear W_F last", "d_model=66 mlp=none,linear", "loss=in_context"},
    {"wide, no W_O", "d_model=66 output=identity n_heads=2", "loss=all"},
    {"wide, factorised, two heads",
     "d_model=40 d_head=72 n_heads=2 qk=factorised pos=learned", "loss=all"},
    {"wide, no positions, no matrices",
     "d_model=64 pos=none value=identity output=identity", "loss=in_context"},
    {"wide, all trained", "d_model=66 pos=learned mlp=linear", "loss=all"},
    {"wide, vectors in by a matrix",
     "task.kind=linear task.dim=3 d_model=40 "
     "n_heads=2 qk=factorised pos=none",
     ""},
    {"wide, vectors in by a matrix, positions beside them",
     "task.kind=linear task.dim=3 d_model=40 n_heads=2 qk=factorised "
     "pos=concatenated pos_layers=1",
     "loss=over"},
    {"wide, vectors in by a matrix, frozen, biases",
     "task.kind=linear task.dim=3 d_model=40 n_heads=2 qk=factorised "
     "pos=concatenated pos_layers=1 attn_bias=true",
     "freeze=W_in"},
    {"wide, first columns out, clipped",
     "task.kind=linear task.dim=3 d_model=40 readout=first pos=none "
     "qk=factorised n_heads=2 resid_clip=2",
     ""},
    {"wide, first columns out of a feed-forward part with biases",
     "task.kind=linear task.dim=3 d_model=40 readout=first pos=learned "
     "mlp=relu mlp_bias=true attn_bias=true",
     "loss=under"},
};

/* All variants, NULL past the end. */
static inline const variant *variant_at(int k)
{
    int wide = (int)(sizeof WIDER / sizeof *WIDER);

    if (k < N_VARIANTS) return &VARIANTS[k];
    return k - N_VARIANTS < wide ? &WIDER[k - N_VARIANTS] : NULL;
}

/* "a=1 b=x,y" into a struct by its table; task.a=1 into a task's alone. */
static inline void set_fields(const eg_field *table, void *opts,
                              const char *text)
{
    char copy[512], *save = NULL;
    eg_err err;

    snprintf(copy, sizeof copy, "%s", text);
    for (char *item = strtok_r(copy, " ", &save); item;
         item = strtok_r(NULL, " ", &save)) {
        char *eq = strchr(item, '=');
        bool tasks = strncmp(item, "task.", 5) == 0;
        assert_non_null(eq);
        if (tasks && table != eg_task_fields) continue;
        if (tasks) item += 5;
        *eq = 0;
        const eg_field *f = eg_field_find(table, item);
        assert_non_null(f);
        if (eg_field_parse(f, opts, eq + 1, &err) != EG_OK)
            fail_msg("%s: %s", item, err.msg);
    }
}

typedef struct setting {
    eg_task *task;
    eg_pool *pool;
    eg_train_spec spec;
} setting;

/* A small task (T = n_ctx, d = 12; task begins with n_ctx=...) and a spec of
 * the variant on it. */
static inline void setting_open(setting *s, const variant *v, const char *task,
                                int threads)
{
    eg_err err;
    eg_task_opts to;

    memset(s, 0, sizeof *s);
    eg_fields_default(eg_task_fields, &to);
    if (strncmp(v->model, "task.", 5) == 0) {
        const char *end = v->model, *next; /* of the last task.key=value */
        char items[512];

        while ((next = strstr(end, "task."))) end = next + strcspn(next, " ");
        snprintf(items, sizeof items, "%.*s %.*s", (int)strcspn(task, " "),
                 task, (int)(end - v->model), v->model);
        set_fields(eg_task_fields, &to, items); /* of `task` its n_ctx */
    } else {
        set_fields(eg_task_fields, &to, task);
    }
    if (eg_task_new(&s->task, &to, 7, &err) != EG_OK) fail_msg("%s", err.msg);
    if (eg_pool_new(&s->pool, threads, &err) != EG_OK) fail_msg("%s", err.msg);
    eg_fields_default(eg_model_fields, &s->spec.model);
    eg_fields_default(eg_optim_fields, &s->spec.optim);
    eg_fields_default(eg_train_fields, &s->spec.train);
    set_fields(eg_model_fields, &s->spec.model, "d_model=12");
    set_fields(eg_model_fields, &s->spec.model, v->model);
    set_fields(eg_train_fields, &s->spec.train, "batch=4 slots=3 steps=20");
    set_fields(eg_train_fields, &s->spec.train, v->train);
    s->spec.task = s->task;
    s->spec.pool = s->pool;
    s->spec.seed = 5;
    s->spec.kern = "auto";
}

/* Gains off 1 and biases off 0, where a wrong gradient would hide. */
static inline void shake_norms(eg_model *m)
{
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        const eg_tensor *t = eg_model_tensor(m, i);
        eg_rng rng = eg_rng_make(11, EG_RNG_USER, 0, (uint32_t)i);
        if (t->ndim != 1) continue;
        double *w = calloc((size_t)t->size, sizeof *w);
        eg_model_get(m, i, w);
        for (eg_index j = 0; j < t->size; j++)
            w[j] += 0.3 * eg_rng_normal(&rng);
        eg_model_set(m, i, w);
        free(w);
    }
}

static inline eg_trainer *trainer_open(const setting *s)
{
    eg_trainer *tr;
    eg_err err;

    if (eg_trainer_new(&tr, &s->spec, &err) != EG_OK)
        fail_msg("%s (%s)", err.msg, err.where);
    shake_norms(eg_trainer_model(tr));
    return tr;
}

static inline void setting_close(setting *s)
{
    eg_task_free(s->task);
    eg_pool_free(s->pool);
}

/* All gradients as they were made, tensors one after the other; NULL where
 * frozen. */
static inline double **gradients_made(eg_trainer *tr)
{
    eg_model *m = eg_trainer_model(tr);
    int n = eg_model_n_tensors(m);
    double **g = calloc((size_t)n, sizeof *g);

    for (int i = 0; i < n; i++) {
        if (!eg_trainer_trains(tr, i, 0)) continue;
        g[i] = calloc((size_t)eg_model_tensor(m, i)->size, sizeof **g);
        eg_trainer_get_grad(tr, i, g[i]);
    }
    return g;
}

/* Those of step 0. */
static inline double **gradients(eg_trainer *tr, double *loss)
{
    eg_trainer_gradient(tr, 0, loss);
    return gradients_made(tr);
}

static inline void gradients_free(double **g, int n)
{
    for (int i = 0; i < n; i++) free(g[i]);
    free(g);
}

/* Softmax does not see what all keys have in common: a bias of keys that are
 * not turned by their position has no gradient but rounding. */
static inline bool no_gradient(const variant *v, const char *tensor)
{
    if (strstr(v->model, "rotary") ||
        (strstr(v->model, "mixer=") && !strstr(v->model, "mixer=softmax")))
        return false;
    return strstr(tensor, "k_norm.b") ||
           (strstr(tensor, "b_K") &&
            (!strstr(v->model, "qk_norm") || strstr(v->model, "qk_norm=none")));
}

/* |a - b| / |b| over n entries, and the cosine. */
static inline double distance(const double *a, const double *b, eg_index n,
                              double *cosine)
{
    double aa = 0, bb = 0, ab = 0, dd = 0;

    for (eg_index i = 0; i < n; i++) {
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        ab += a[i] * b[i];
        dd += (a[i] - b[i]) * (a[i] - b[i]);
    }
    if (cosine) *cosine = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
    return bb > 0 ? sqrt(dd / bb) : sqrt(dd);
}

#endif
