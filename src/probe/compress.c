/* The products of a network, their blocks, and the two networks made of them.
 */
#include "probe/compress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"

/* The tensors of a block's products, and where in `room` copies of them lie. */
enum { W_Q, W_K, W_V, W_O, TENSORS };
static const char *const tensor[TENSORS] = {"attn.W_Q", "attn.W_K", "attn.W_V",
                                            "attn.W_O"};

static int find(const eg_model *m, int l, int which)
{
    char name[64];

    (void)snprintf(name, sizeof name, "blocks.%d.%s", l, tensor[which]);
    return eg_model_find(m, name);
}

static bool any_other(const eg_strs *list, const char *word)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->item[i], word) != 0) return true;
    return false;
}

/* Between the products and the scores there may be nothing. */
static eg_status check_model(const eg_model *m, eg_err *err)
{
    const eg_model_opts *o = eg_model_options(m);
    eg_io io = eg_model_io(m);

    if (io.n_out == 0 || o->d_model % io.n_out != 0)
        return EG_FAIL(err, EG_EINVAL,
                       "probe.compressed: expected a stream of whole channels "
                       "of the predicted vectors, found d_model %lld for %d "
                       "entries",
                       (long long)o->d_model, io.n_out);
    for (int i = 0; i < o->mixer.n; i++)
        if (strcmp(o->mixer.item[i], "linear") != 0 &&
            strcmp(o->mixer.item[i], "softmax") != 0)
            return EG_FAIL(err, EG_EINVAL,
                           "probe.compressed: expected mixers linear or "
                           "softmax, which know their products only, found %s",
                           o->mixer.item[i]);
    if (any_other(&o->qk_norm, "none") || any_other(&o->head_norm, "none") ||
        o->qk_conv > 0 || o->attn_bias || o->pos == EG_POS_ROTARY ||
        o->pos == EG_POS_RELATIVE)
        return EG_FAIL(
            err, EG_EINVAL,
            "probe.compressed: expected queries and keys that are "
            "products with the stream, and heads that are added as they "
            "are: no model.qk_norm, head_norm, qk_conv, "
            "attn_bias, rotary or relative positions");
    for (int i = 0; i < o->n_layers * TENSORS; i++) {
        int w = i % TENSORS, at = find(m, i / TENSORS, w);
        const eg_tensor *t = at < 0 ? NULL : eg_model_tensor(m, at);

        if (!t || (w <= W_V && t->shape[1] != o->d_model))
            return EG_FAIL(err, EG_EINVAL,
                           "probe.compressed: expected matrices W_Q, W_K, W_V, "
                           "W_O of the stream (model.qk: factorised, no "
                           "concatenated positions)");
    }
    return EG_OK;
}

static eg_status make_model(egi_compress *c, int which, const eg_task *task,
                            eg_pool *pool, const char *kern, eg_err *err)
{
    eg_model_opts *o = eg_calloc(1, sizeof *o);
    eg_status st = EG_OK;

    if (!o) return EG_FAIL(err, EG_ENOMEM, "probe.compressed");
    *o = *eg_model_options(c->of);
    o->d_head = o->d_model;
    o->n_kv_heads = 0;
    EG_TRY(eg_model_new(&c->model[which], o, eg_model_io(c->of),
                        eg_model_precision(c->of), 0, err));
    EG_TRY(eg_eval_new(&c->eval[which], c->model[which], task, pool, kern,
                       EG_EVAL_PRED, err));
done:
    eg_free(o);
    return st;
}

/* Entries of the largest tensor of any of the models. */
static eg_index largest(const egi_compress *c)
{
    eg_index most = c->heads * c->d * c->d;

    for (int i = 0; i < eg_model_n_tensors(c->of); i++) {
        eg_index size = eg_model_tensor(c->of, i)->size;

        if (size > most) most = size;
    }
    return most;
}

/* Means of the diagonals of the blocks of a [d, d]. */
static void block_means(const egi_compress *c, double *mean, const double *a)
{
    for (int i = 0; i < c->channels; i++)
        for (int j = 0; j < c->channels; j++) {
            const double *block = a + (i * c->d + j) * c->n;
            double sum = 0;

            for (eg_index k = 0; k < c->n; k++) sum += block[k * (c->d + 1)];
            mean[i * c->channels + j] = sum / (double)c->n;
        }
}

/* The products of head h: A for which = 0, B for 1. x, y: the tensors W_Q and
 * W_K, or W_V and W_O, of the block. */
static void product(const egi_compress *c, int which, int h, const double *x,
                    const double *y, double *a)
{
    eg_index d = c->d, k = c->k, hk = h / c->group;
    const double *left = x + (which == 0 ? h : hk) * d * k;
    const double *right = y + (which == 0 ? hk : h) * d * k;

    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j < d; j++) {
            double sum = 0;

            for (eg_index r = 0; r < k; r++)
                sum += left[i * k + r] *
                       (which == 0 ? right[j * k + r] : right[r * d + j]);
            a[i * d + j] = sum;
        }
}

/* w, a head's W_Q or W_V: a share of a, the product, and the rest of the
 * blocks.
 */
static void fill_head(const egi_compress *c, double *w, const double *a,
                      const double *mean, double share, double scale)
{
    for (eg_index i = 0; i < c->d; i++)
        for (eg_index j = 0; j < c->d; j++) {
            double block = i % c->n == j % c->n
                               ? mean[i / c->n * c->channels + j / c->n]
                               : 0;

            w[i * c->d + j] =
                scale * (share * a[i * c->d + j] + (1 - share) * block);
        }
}

/* Entries of a above a tenth of the largest. */
static double count_large(const double *a, eg_index n)
{
    double most = 0, large = 0;

    for (eg_index i = 0; i < n; i++) most = fmax(most, fabs(a[i]));
    for (eg_index i = 0; i < n; i++) large += fabs(a[i]) > .1 * most;
    return large;
}

/* The scalars of one head's product a, and its squares. */
static void compress_head(egi_compress *c, double *mean, const double *a,
                          int which)
{
    block_means(c, mean, a);
    c->large += count_large(a, c->d * c->d);
    for (eg_index i = 0; i < c->d * c->d; i++) c->all[which] += a[i] * a[i];
    for (int i = 0; i < c->channels * c->channels; i++)
        c->kept[which] += (double)c->n * mean[i] * mean[i];
}

/* All scalars of m; with write the two models become those of m. */
static void analyse(egi_compress *c, const eg_model *m, double *scalars,
                    bool write)
{
    eg_index size = largest(c), square = c->d * c->d;
    eg_index n = (eg_index)c->channels * c->channels;
    double *x = c->room, *y = x + size, *out[2] = {y + size, y + 2 * size};
    double *a = y + 3 * size;

    for (int w = 0; w < 2; w++) c->kept[w] = c->all[w] = 0;
    c->large = 0;
    for (int i = 0; i < 2 * c->blocks; i++) {
        int l = i / 2, which = i % 2, first = which == 0 ? W_Q : W_V;

        eg_model_get(m, find(m, l, first), x);
        eg_model_get(m, find(m, l, first + 1), y);
        for (int h = 0; h < c->heads; h++) {
            eg_index at = ((eg_index)i * c->heads + h) * n;
            double scale = which == 0 ? c->scale : 1;
            const double *with = c->with ? c->with : scalars;

            product(c, which, h, x, y, a);
            compress_head(c, scalars + at, a, which);
            if (!write) continue;
            fill_head(c, out[0] + h * square, a, scalars + at, 0, scale);
            fill_head(c, out[1] + h * square, a, with + at, .5, scale);
        }
        for (int k = 0; k < 2 && write; k++)
            eg_model_set(c->model[k], find(c->model[k], l, first), out[k]);
    }
}

static eg_status load_with(egi_compress *c, const char *path, eg_err *err)
{
    const eg_model *m = c->of;
    eg_model *other = NULL;
    eg_status st = EG_OK;

    EG_TRY(eg_model_new(&other, eg_model_options(m), eg_model_io(m),
                        eg_model_precision(m), 0, err));
    EG_TRY(eg_model_load(other, path, err));
    analyse(c, other, c->with, false);
done:
    eg_model_free(other);
    return st;
}

/* W_K and W_O of both models, once: the identity for every head. */
static void set_identities(egi_compress *c)
{
    double *eye = c->room;

    memset(eye, 0, (size_t)largest(c) * sizeof *eye);
    for (int h = 0; h < c->heads; h++)
        for (eg_index i = 0; i < c->d; i++) eye[(h * c->d + i) * c->d + i] = 1;
    for (int i = 0; i < 2; i++)
        for (int l = 0; l < c->blocks; l++) {
            eg_model_set(c->model[i], find(c->model[i], l, W_K), eye);
            eg_model_set(c->model[i], find(c->model[i], l, W_O), eye);
        }
}

eg_status egi_compress_init(egi_compress *c, const eg_probe_opts *opts,
                            const eg_model *m, const eg_task *task,
                            eg_pool *pool, const char *kern, eg_err *err)
{
    const eg_model_opts *o = eg_model_options(m);
    eg_index scalars, work;
    eg_status st = EG_OK;

    *c = (egi_compress){.of = m, .count = (int)opts->test};
    if (opts->test == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "probe.compressed: expected probe.test above 0");
    EG_TRY(check_model(m, err));
    c->blocks = (int)o->n_layers;
    c->heads = eg_model_heads(m, 0);
    c->group = eg_model_heads(m, 0) / eg_model_kv_heads(m, 0);
    c->d = (eg_index)o->d_model;
    c->n = eg_model_io(m).n_out;
    c->k = eg_model_head_width(m);
    c->channels = (int)(c->d / c->n);
    c->scale = o->scale_scores ? sqrt((double)c->d / (double)c->k) : 1;
    for (int i = 0; i < 2; i++) EG_TRY(make_model(c, i, task, pool, kern, err));
    scalars = (eg_index)c->blocks * 2 * c->heads * c->channels * c->channels;
    work = 4 * largest(c) + c->d * c->d;
    c->room =
        eg_calloc((size_t)(work + 2 * scalars + opts->test), sizeof *c->room);
    if (!c->room) {
        st = EG_FAIL(err, EG_ENOMEM, "probe.compressed");
        goto done;
    }
    c->scalars = c->room + work;
    c->nll = c->scalars + 2 * scalars;
    if (opts->compressed_with[0]) {
        c->with = c->scalars + scalars;
        EG_TRY(load_with(c, opts->compressed_with, err));
    }
    set_identities(c);
done:
    if (st != EG_OK) egi_compress_release(c);
    return st;
}

void egi_compress_release(egi_compress *c)
{
    for (int i = 0; i < 2; i++) {
        eg_eval_free(c->eval[i]);
        eg_model_free(c->model[i]);
    }
    eg_free(c->room);
    *c = (egi_compress){0};
}

/* What no product is made of is the model's own. */
static void copy_others(egi_compress *c)
{
    for (int i = 0; i < eg_model_n_tensors(c->of); i++) {
        const char *name = eg_model_tensor(c->of, i)->name;
        const char *dot = strstr(name, ".attn.");
        bool in_product = false;

        for (int w = 0; w < TENSORS && dot; w++)
            in_product = in_product || strcmp(dot + 1, tensor[w]) == 0;
        if (in_product) continue;
        eg_model_get(c->of, i, c->room);
        for (int k = 0; k < 2; k++)
            eg_model_set(c->model[k], eg_model_find(c->model[k], name),
                         c->room);
    }
}

static void add_up(void *ctx, int index, int worker, const eg_acts *acts)
{
    egi_compress *c = ctx;
    double sum = 0;

    (void)worker;
    for (int t = 0; t < acts->n_ctx; t++) sum += acts->nll[t];
    c->nll[index] = sum / acts->n_ctx;
}

static double test_loss(egi_compress *c, int which)
{
    double sum = 0;

    eg_eval_run(c->eval[which], EG_TEST, 0, 0, c->count, add_up, c);
    for (int i = 0; i < c->count; i++) sum += c->nll[i];
    return sum / c->count;
}

/* Of tokens [p, x, y, k] the size of the gradient step that the first block
 * takes in its prediction: queries x or y among keys k, values x or y to p. */
static double step_size(const egi_compress *c)
{
    enum { XP = 4, XK = 7, YP = 8, YK = 11 }; /* row, column of 4 x 4 */
    eg_index n = (eg_index)c->channels * c->channels;
    const double *a = c->scalars, *b = a + c->heads * n;
    double sum = 0;

    for (int h = 0; h < c->heads; h++, a += n, b += n)
        sum += (a[XK] + a[YK]) * (b[XP] + b[YP]);
    return sum;
}

void egi_compress_run(egi_compress *c, eg_probe_emit emit, void *ctx)
{
    double products = 2.0 * c->blocks * c->heads, loss[2];

    copy_others(c);
    analyse(c, c->of, c->scalars, true);
    for (int i = 0; i < 2; i++) {
        loss[i] = test_loss(c, i);
        if (eg_eval_stopped(c->eval[i])) return;
    }
    emit(ctx, "loss_compressed", loss[0]);
    emit(ctx, "loss_interpolated", loss[1]);
    if (c->all[0] > 0) emit(ctx, "compressed_qk", c->kept[0] / c->all[0]);
    if (c->all[1] > 0) emit(ctx, "compressed_ov", c->kept[1] / c->all[1]);
    emit(ctx, "compressed_large", c->large / products / (double)(c->d * c->d));
    if (c->channels == 4) emit(ctx, "compressed_step", step_size(c));
}
