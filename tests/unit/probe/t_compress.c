/* Compressed networks: what is made of blocks is kept to the last digits, what
 * is not is lost, and half ways are half ways. */
#include "rig.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "engram/mem.h"

enum { N = 3, C = 4, D = N * C, H = 2, SIZE = H * D * D };

#define VECTORS                                                               \
    {"task.kind", "linear"}, {"task.dim", "3"}, {"task.n_ctx", "8"},          \
        {"task.tokens", "constructed"}, {"model.d_model", "12"},              \
        {"model.n_heads", "2"}, {"model.d_head", "12"},                       \
        {"model.qk", "factorised"}, {"model.pos", "none"},                    \
        {"model.input", "identity"}, {"model.readout", "first"},              \
        {"train.precision", "float64"}, {"train.batch", "4"},                 \
        {"probe.test", "16"}, {"probe.batch", "4"}, {"probe.snapshots", "0"}, \
        {"probe.norms", "false"}, {"probe.compressed", "true"},               \
        {"probe.attention", "false"},                                         \
    {                                                                         \
        "model.scale_scores", "false"                                         \
    }

/* Every matrix of attention by fn, from its own stream. */
typedef double (*entry_fn)(eg_rng *rng, double *blocks, int row, int col);

/* Multiples of the identity in every block of N, from blocks [D, D / N]. */
static double in_blocks(eg_rng *rng, double *blocks, int row, int col)
{
    (void)rng;
    return row % N == col % N ? blocks[row / N * C + col / N] : 0;
}

static double anywhere(eg_rng *rng, double *blocks, int row, int col)
{
    (void)blocks, (void)row, (void)col;
    return .2 * eg_rng_normal(rng);
}

static void fill(eg_model *m, entry_fn fn)
{
    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        const eg_tensor *t = eg_model_tensor(m, i);
        eg_rng rng = eg_rng_make(9, EG_RNG_USER, 0, (uint32_t)i);
        eg_index cols = t->shape[2], rows = t->shape[1];
        double w[SIZE], blocks[C * C];

        if (!strstr(t->name, "attn.W_")) continue;
        assert_true(t->size <= SIZE);
        for (eg_index h = 0; h < t->shape[0]; h++) {
            for (int k = 0; k < C * C; k++)
                blocks[k] = .3 * eg_rng_normal(&rng);
            for (eg_index k = 0; k < rows * cols; k++)
                w[h * rows * cols + k] =
                    fn(&rng, blocks, (int)(k / cols), (int)(k % cols));
        }
        eg_model_set(m, i, w);
    }
}

static void measure(rig *r, seen *s)
{
    s->n = 0;
    eg_probes_after(r->probes, 0, keep, s);
}

static void near(const seen *s, const char *name, double want, double tol)
{
    double got = value_of(s, name);

    if (!(fabs(got - want) <= tol))
        fail_msg("%s: %.17g, expected %.17g +- %.2g", name, got, want, tol);
}

static void check_kept(const setting *settings)
{
    rig r;
    seen s = {0};
    double loss;

    rig_new(&r, 2, settings);
    fill(eg_trainer_model(r.trainer), in_blocks);
    measure(&r, &s);
    loss = value_of(&s, "loss_test.all");
    near(&s, "loss_compressed", loss, 1e-12 * loss);
    near(&s, "loss_interpolated", loss, 1e-12 * loss);
    near(&s, "compressed_qk", 1, 1e-14);
    near(&s, "compressed_ov", 1, 1e-14);
    fill(eg_trainer_model(r.trainer), anywhere);
    measure(&r, &s);
    loss = value_of(&s, "loss_test.all");
    assert_true(fabs(value_of(&s, "loss_compressed") - loss) > 1e-3 * loss);
    assert_true(fabs(value_of(&s, "loss_interpolated") - loss) > 1e-4 * loss);
    assert_true(value_of(&s, "compressed_qk") < .5);
    rig_free(&r);
}

static void blocks_are_kept(void **state)
{
    const setting linear[] = {VECTORS,
                              {"model.mixer", "linear"},
                              {"model.n_layers", "2"},
                              {NULL, NULL}};
    const setting softmax[] = {VECTORS,
                               {"model.mixer", "softmax"},
                               {"model.n_layers", "2"},
                               {"model.scale_scores", "true"},
                               {"model.n_kv_heads", "1"},
                               {"model.mlp", "relu"},
                               {NULL, NULL}};

    (void)state;
    check_kept(linear);
    check_kept(softmax);
}

/* Scores are scaled by the width of a head, whatever it is in the compressed
 * network: weights of which half the columns are 0, and a head of half. */
static void narrow_heads(void **state)
{
    const setting settings[] = {VECTORS,
                                {"model.mixer", "linear"},
                                {"model.n_layers", "1"},
                                {"model.d_head", "6"},
                                {"model.scale_scores", "true"},
                                {NULL, NULL}};
    rig r;
    seen s = {0};
    double loss;

    (void)state;
    rig_new(&r, 1, settings);
    fill(eg_trainer_model(r.trainer), in_blocks);
    measure(&r, &s);
    loss = value_of(&s, "loss_test.all");
    near(&s, "loss_compressed", loss, 1e-12 * loss);
    rig_free(&r);
}

static void get(const eg_model *m, const char *name, double *w)
{
    int i = eg_model_find(m, name);

    assert_true(i >= 0);
    eg_model_get(m, i, w);
}

/* The share of squares and the step, from their definitions. */
static void by_hand(void **state)
{
    const setting settings[] = {VECTORS,
                                {"model.mixer", "linear"},
                                {"model.n_layers", "1"},
                                {NULL, NULL}};
    double q[SIZE], k[SIZE], v[SIZE], o[SIZE], kept = 0, all = 0, step = 0;
    double ab[2][D * D], large = 0;
    const eg_model *m;
    rig r;
    seen s = {0};

    (void)state;
    rig_new(&r, 1, settings);
    m = eg_trainer_model(r.trainer);
    fill(eg_trainer_model(r.trainer), anywhere);
    measure(&r, &s);
    get(m, "blocks.0.attn.W_Q", q);
    get(m, "blocks.0.attn.W_K", k);
    get(m, "blocks.0.attn.W_V", v);
    get(m, "blocks.0.attn.W_O", o);
    for (int h = 0; h < H; h++) {
        double a[C * C] = {0}, b[C * C] = {0};

        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++) {
                double qk = 0, ov = 0;
                int block = i / N * C + j / N;

                for (int c = 0; c < D; c++) {
                    qk += q[(h * D + i) * D + c] * k[(h * D + j) * D + c];
                    ov += v[(h * D + i) * D + c] * o[(h * D + c) * D + j];
                }
                all += qk * qk;
                ab[0][i * D + j] = fabs(qk);
                ab[1][i * D + j] = fabs(ov);
                if (i % N == j % N) a[block] += qk / N;
                if (i % N == j % N) b[block] += ov / N;
            }
        for (int w = 0; w < 2; w++)
            for (int i = 0; i < D * D; i++) {
                bool most = true; /* above a tenth of every other */

                for (int j = 0; j < D * D; j++)
                    most = most && ab[w][i] > .1 * ab[w][j];
                large += most;
            }
        for (int i = 0; i < C * C; i++) kept += N * a[i] * a[i];
        step += (a[7] + a[11]) * (b[4] + b[8]); /* x, y to k; to p */
    }
    near(&s, "compressed_qk", kept / all, 1e-14);
    near(&s, "compressed_step", step, 1e-14);
    near(&s, "compressed_large", large / (2 * H * D * D), 1e-15);
    rig_free(&r);
}

/* Half way to weights without values is half of what is written, and what half
 * of the values write. */
static void half_way(void **state)
{
    char path[] = "compress-XXXXXX";
    const setting alone[] = {VECTORS,
                             {"model.mixer", "linear"},
                             {"model.n_layers", "1"},
                             {NULL, NULL}};
    const setting with[] = {VECTORS,
                            {"model.mixer", "linear"},
                            {"model.n_layers", "1"},
                            {"probe.compressed_with", path},
                            {NULL, NULL}};
    double v[SIZE], none[SIZE] = {0};
    int fd = mkstemp(path), at;
    rig r;
    seen s = {0}, half = {0};
    eg_model *m;
    eg_err err = {0};

    (void)state;
    assert_true(fd >= 0 && close(fd) == 0 && remove(path) == 0);
    rig_new(&r, 1, alone);
    m = eg_trainer_model(r.trainer);
    fill(m, in_blocks);
    at = eg_model_find(m, "blocks.0.attn.W_V");
    eg_model_get(m, at, v);
    eg_model_set(m, at, none);
    assert_int_equal(eg_model_save(m, path, &err), EG_OK);
    for (int i = 0; i < SIZE; i++) v[i] /= 2;
    eg_model_set(m, at, v);
    measure(&r, &half);
    rig_free(&r);
    rig_new(&r, 1, with);
    assert_int_equal(remove(path), 0);
    fill(eg_trainer_model(r.trainer), in_blocks);
    measure(&r, &s);
    near(&s, "loss_interpolated", value_of(&half, "loss_test.all"), 1e-14);
    assert_true(fabs(value_of(&s, "loss_compressed") -
                     value_of(&s, "loss_interpolated")) > 1e-4);
    rig_free(&r);
}

static void check_refused(const char *key, const char *value, const char *why)
{
    const setting settings[] = {
        VECTORS, {"model.mixer", "linear"}, {key, value}, {NULL, NULL}};
    rig r;
    eg_err err = {0};

    rig_begin(&r, 1, settings);
    assert_int_not_equal(rig_probe(&r, &err), EG_OK);
    printf("  %s\n", err.msg);
    assert_non_null(strstr(err.msg, why));
    rig_free(&r);
}

static void refused(void **state)
{
    (void)state;
    check_refused("model.mixer", "mesa", "linear or softmax");
    check_refused("model.qk", "merged", "W_Q, W_K");
    check_refused("model.pos", "concatenated", "of the stream");
    check_refused("model.pos", "rotary", "rotary");
    check_refused("model.qk_norm", "unit", "qk_norm");
    check_refused("model.head_norm", "rms", "head_norm");
    check_refused("model.attn_bias", "true", "attn_bias");
    check_refused("probe.test", "0", "probe.test");
    check_refused("probe.compressed_with", "nowhere.safetensors", "nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_kept), cmocka_unit_test(narrow_heads),
        cmocka_unit_test(by_hand), cmocka_unit_test(half_way),
        cmocka_unit_test(refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
