/* Float64 copies of the tensors that the memory probes read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "probe/weights.h"

/* A copy of the named tensor, or NULL in *out where the model has none. */
static eg_status copy_of(const double **out, egi_weights *w, const eg_model *m,
                         const char *name, eg_err *err)
{
    int i = eg_model_find(m, name);

    *out = NULL;
    if (i < 0) return EG_OK;
    size_t n = (size_t)eg_model_tensor(m, i)->size;
    double *copy = eg_calloc(n, sizeof *copy);
    if (!copy) return EG_FAIL(err, EG_ENOMEM, "probes: copy of %s", name);
    EG_ASSERT(w->n_slots < (int)(sizeof w->slot / sizeof w->slot[0]));
    w->slot[w->n_slots].tensor = i;
    w->slot[w->n_slots++].copy = copy;
    *out = copy;
    return EG_OK;
}

static eg_status copy_in_block(const double **out, egi_weights *w,
                               const eg_model *m, int block, const char *part,
                               eg_err *err)
{
    char name[64];

    (void)snprintf(name, sizeof name, "blocks.%d.%s", block, part);
    return copy_of(out, w, m, name, err);
}

static eg_status copy_tensors(egi_weights *w, const eg_model *m, eg_err *err)
{
    eg_status st = EG_OK;

    EG_TRY(copy_of(&w->W_E, w, m, "W_E", err)); /* vectors: none */
    EG_TRY(copy_of(&w->W_pos, w, m, "W_pos", err));
    EG_TRY(copy_of(&w->W_U, w, m, "W_U", err));
    for (int l = 0; l < w->n_blocks; l++) {
        egi_attn *at = &w->attn[l];
        EG_TRY(copy_in_block(&at->W_QK, w, m, l, "attn.W_QK", err));
        EG_TRY(copy_in_block(&at->W_Q, w, m, l, "attn.W_Q", err));
        EG_TRY(copy_in_block(&at->W_K, w, m, l, "attn.W_K", err));
        EG_TRY(copy_in_block(&at->W_V, w, m, l, "attn.W_V", err));
        EG_TRY(copy_in_block(&at->W_O, w, m, l, "attn.W_O", err));
    }
    if (w->n_blocks < 2) goto done;
    w->ffn.kind = eg_model_mlp(m, 1);
    EG_TRY(copy_in_block(&w->ffn.W_F, w, m, 1, "mlp.W_F", err));
    EG_TRY(copy_in_block(&w->ffn.W_in, w, m, 1, "mlp.W_in", err));
    EG_TRY(copy_in_block(&w->ffn.W_out, w, m, 1, "mlp.W_out", err));
done:
    return st;
}

/* The unembedding as [d_model, d_vocab], which a tied model reads off W_E. */
static void find_unembedding(egi_weights *w, const eg_model_opts *o)
{
    bool tied = !w->W_U;

    if (tied) w->W_U = w->W_E;
    w->u_rs = tied ? 1 : w->d_vocab;
    w->u_cs = tied ? w->d_model : 1;
    w->u_scale = tied && o->tied_scale ? 1.0 / w->d_model : 1;
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static eg_status copy_triggers(egi_weights *w, const eg_task *task, eg_err *err)
{
    eg_view fixed;
    size_t n;

    if (!eg_task_fact(task, "triggers", &fixed)) return EG_OK;
    n = (size_t)fixed.shape[0];
    w->triggers = eg_calloc(n, sizeof *w->triggers);
    if (!w->triggers) return EG_FAIL(err, EG_ENOMEM, "probes: triggers");
    memcpy(w->triggers, fixed.data, n * sizeof *w->triggers);
    qsort(w->triggers, n, sizeof *w->triggers, ascending);
    w->n_triggers = (int)n;
    return EG_OK;
}

static eg_index max(eg_index a, eg_index b)
{
    return a > b ? a : b;
}

eg_status egi_weights_workspace(egi_weights *w, eg_err *err)
{
    int threads = eg_pool_size(w->pool);
    eg_index M = w->d_model, rows = max(w->d_vocab, w->n_ctx);
    eg_index inner = max(max(M, w->d_head), w->d_mlp);
    eg_index wide = max(max(inner, w->d_vocab), EGI_COLS);
    eg_index pack = w->kern->pack_size(inner, EGI_COLS);
    size_t table = (size_t)(rows * M);

    w->scratch = eg_calloc((size_t)threads, sizeof *w->scratch);
    w->a = eg_calloc(table, sizeof(double));
    w->b = eg_calloc(table, sizeof(double));
    w->part = eg_calloc((size_t)(rows / EGI_ROWS + 1), sizeof(double));
    if (!w->scratch || !w->a || !w->b || !w->part) goto no_memory;
    for (int i = 0; i < threads; i++) {
        egi_scratch *s = &w->scratch[i];
        s->row = eg_calloc((size_t)(EGI_ROWS * wide), sizeof(double));
        s->pack = eg_calloc((size_t)pack, sizeof(double));
        if (!s->row || !s->pack) goto no_memory;
    }
    return EG_OK;
no_memory:
    return EG_FAIL(err, EG_ENOMEM, "work space of the weight probes");
}

eg_status egi_weights_init(egi_weights *w, const eg_model *m,
                           const eg_task *task, eg_pool *pool, const char *kern,
                           eg_err *err)
{
    const eg_model_opts *o = eg_model_options(m);
    eg_status st = EG_OK;

    *w = (egi_weights){.pool = pool,
                       .kern = eg_kern_pick_f64(kern && *kern ? kern : "auto")};
    if (!w->kern)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "kernel set '%s': unknown or not runnable on this CPU",
                       kern);
    w->d_vocab = eg_model_vocab(m);
    w->n_ctx = eg_model_ctx(m);
    w->d_model = (int)o->d_model;
    w->d_head = eg_model_head_width(m);
    w->n_blocks = o->n_layers < 2 ? 1 : 2;
    w->d_mlp = eg_model_mlp_width(m, w->n_blocks - 1);
    for (int l = 0; l < w->n_blocks; l++) {
        w->attn[l].n_heads = eg_model_heads(m, l);
        w->attn[l].group = eg_model_heads(m, l) / eg_model_kv_heads(m, l);
    }
    w->bigram = eg_task_bigram(task);
    EG_TRY(copy_tensors(w, m, err));
    find_unembedding(w, eg_model_options(m));
    EG_TRY(copy_triggers(w, task, err));
    EG_TRY(egi_weights_workspace(w, err));
done:
    if (st != EG_OK) egi_weights_release(w);
    return st;
}

void egi_weights_release(egi_weights *w)
{
    for (int i = 0; w->scratch && i < eg_pool_size(w->pool); i++) {
        eg_free(w->scratch[i].row);
        eg_free(w->scratch[i].pack);
    }
    for (int i = 0; i < w->n_slots; i++) eg_free(w->slot[i].copy);
    eg_free(w->scratch);
    eg_free(w->a);
    eg_free(w->b);
    eg_free(w->part);
    eg_free(w->triggers);
    *w = (egi_weights){0};
}

void egi_weights_refresh(egi_weights *w, const eg_model *m)
{
    for (int i = 0; i < w->n_slots; i++) {
        eg_model_get(m, w->slot[i].tensor, w->slot[i].copy);
    }
}
