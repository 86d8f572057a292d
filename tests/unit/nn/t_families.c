/* Families of models that papers train, by their sizes: parameters of the whole
 * and of the blocks, and what does not go together. */
#include "nn_test.h"

#include "nn/nn.h"

typedef struct family {
    const char *name, *model;
    int vocab, n_ctx;
    int64_t all, blocks; /* parameters; 0: not asked */
    const char *part;    /* of names, "attn." */
    int64_t in_part;
} family;

#define GPT2                                                        \
    "norm=pre qk=factorised mlp=gelu attn_bias=true mlp_bias=true " \
    "pos=learned tied=true tied_scale=false "
#define NANO                                                       \
    "norm=pre norm_kind=layer_no_bias qk=factorised mlp=gelu_erf " \
    "pos=learned tied=true tied_scale=false "
#define VANILLA                                                      \
    "norm=post qk=factorised mlp=relu mlp_bias=true pos=sinusoidal " \
    "embed_scale=0 unembed_bias=true d_model=512 n_heads=8 "
#define OPENELM                                                      \
    "norm=pre norm_kind=rms qk=factorised qk_norm=rms mlp=swiglu "   \
    "pos=rotary rotary_pairs=halves n_layers=8 d_head=64 tied=true " \
    "tied_scale=false "

static const family FAMILIES[] = {
    {"GPT-2 small", GPT2 "n_layers=12 d_model=768 n_heads=12", 50257, 1024,
     124439808, 85054464, NULL, 0},
    {"GPT-2 medium", GPT2 "n_layers=24 d_model=1024 n_heads=16", 50257, 1024,
     354823168, 302309376, NULL, 0},
    {"GPT-2 large", GPT2 "n_layers=36 d_model=1280 n_heads=20", 50257, 1024,
     774030080, 708387840, NULL, 0},
    {"GPT-2 xl", GPT2 "n_layers=48 d_model=1600 n_heads=25", 50257, 1024,
     1557611200, 1475558400, NULL, 0},
    {"nanoGPT", NANO "n_layers=12 d_model=768 n_heads=12", 50304, 1024,
     124373760, 0, NULL, 0},
    {"Experiment C, 6 layers", VANILLA "n_layers=6 d_mlp=2048", 71, 36,
     18974791, 18902016, NULL, 0},
    {"Experiment C, 10 layers", VANILLA "n_layers=10 d_mlp=2048", 71, 36,
     31576135, 31503360, NULL, 0},
    {"Experiment D, model 1",
     OPENELM "d_model=954 heads=6,6,6,6,8,8,8,10 kv_heads=3,3,3,3,4,4,4,5",
     50257, 1024, 0, 0, "attn.W_", 10623744},
    {"Experiment D, model 2",
     OPENELM "d_model=1280 heads=6,6,6,6,8,8,8,10 kv_heads=3,3,3,3,4,4,4,5",
     50257, 1024, 0, 0, "attn.W_", 14254080},
    {"Experiment D, model 3",
     OPENELM "d_model=1440 heads=6,6,6,8,8,8,10,10 kv_heads=3,3,3,4,4,4,5,5",
     50257, 1024, 0, 0, "attn.W_", 17141760},
    {"SmolLM2-135M",
     "norm=pre norm_kind=rms qk=factorised mlp=swiglu pos=rotary n_layers=30 "
     "d_model=576 n_heads=9 n_kv_heads=3 d_mlp=1536 tied=true tied_scale=false",
     49152, 2048, 134515008, 0, NULL, 0},
    {"MiniLM-L6",
     "causal=false embed_norm=true norm=post qk=factorised mlp=gelu_erf "
     "attn_bias=true mlp_bias=true pos=learned tied=true tied_scale=false "
     "n_layers=6 d_model=384 n_heads=12",
     30522, 512, 22564608, 10646784, NULL, 0},
};

static eg_status shape(eg_model **m, const char *model, int vocab, int n_ctx,
                       eg_err *err)
{
    eg_model_opts o;

    eg_fields_default(eg_model_fields, &o);
    set_fields(eg_model_fields, &o, model);
    return egi_model_shape(m, &o, (eg_io){.d_vocab = vocab, .n_ctx = n_ctx},
                           EG_FLOAT32, err);
}

/* Entries of trained tensors whose name has the text. */
static int64_t entries(const eg_model *m, const char *part)
{
    int64_t n = 0;

    for (int i = 0; i < m->n_tensors; i++)
        if (!m->tensor[i].fixed && strstr(m->tensor[i].name, part))
            n += m->tensor[i].size;
    return n;
}

static void test_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES; i++) {
        const family *f = &FAMILIES[i];
        eg_model *m;
        eg_err err;

        if (shape(&m, f->model, f->vocab, f->n_ctx, &err) != EG_OK)
            fail_msg("%s: %s", f->name, err.msg);
        printf("  %-24s %lld parameters, %lld in blocks\n", f->name,
               (long long)entries(m, ""), (long long)entries(m, "blocks."));
        if (f->all) assert_int_equal(entries(m, ""), f->all);
        if (f->blocks) assert_int_equal(entries(m, "blocks."), f->blocks);
        if (f->part) assert_int_equal(entries(m, f->part), f->in_part);
        eg_model_free(m);
    }
}

static void test_refused(void **state)
{
    static const char *const bad[][2] = {
        {"heads=2,3 d_head=4 n_layers=3",
         "model.heads: expected an item for each of the 3 blocks, found 2"},
        {"heads=2,3", "model.heads: blocks with heads of their own need "
                      "model.d_head"},
        {"heads=2,x d_head=4",
         "model.heads: expected whole numbers from 1 to 256, found 'x'"},
        {"heads=2,257 d_head=4", "found '257'"},
        {"heads=2,4 kv_heads=2,3 d_head=4 qk=factorised",
         "expected a divisor of n_heads = 4, found 3 in block 1"},
        {"mlp_widths=0,4 mlp=relu", "model.mlp_widths: expected whole numbers"},
        {"causal=false mixer=softmax,linear",
         "model.causal: false needs model.mixer: softmax, found linear in "
         "block 1"},
        {"causal=false qk_conv=3 qk=factorised",
         "model.causal: false has no model.qk_conv"},
        {"causal=false pos=relative",
         "model.causal: false has no relative positions"}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eg_model *m;
        eg_err err = {0};

        assert_int_equal(shape(&m, bad[i][0], 9, 8, &err), EG_EINVAL);
        printf("  %s\n", err.msg);
        assert_non_null(strstr(err.msg, bad[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
