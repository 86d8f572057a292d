/* Our weights, written as TransformerLens writes its own, are the same model.
 */
#include "nn_test.h"

#include <unistd.h>

#include "engram/file.h"

enum { MANY = 128 };

static char kept[64], path[64];
static const float zero[64];

/* A file as HookedTransformer.state_dict has it: prefixes, underscores before
 * grouped keys and values, masks, biases whether there are any or not. */
typedef struct foreign {
    eg_safetensors s;
    int n;
    eg_st_entry e[MANY];
} foreign;

static void add(foreign *f, const char *name, eg_view view)
{
    assert_true(f->n < MANY);
    (void)snprintf(f->e[f->n].name, sizeof f->e[0].name, "%s", name);
    f->e[f->n++].view = view;
}

static void rename_to_theirs(char *name, size_t size, bool grouped)
{
    static const char *const prefixed[][2] = {
        {"W_E", "embed."}, {"W_pos", "pos_embed."}, {"W_U", "unembed."}};
    static const char *const split[] = {"W_K", "W_V", "b_K", "b_V"};
    char old[128];

    (void)snprintf(old, sizeof old, "%s", name);
    for (int i = 0; i < 3; i++)
        if (strcmp(old, prefixed[i][0]) == 0)
            (void)snprintf(name, size, "%s%s", prefixed[i][1], old);
    for (int i = 0; i < 4 && grouped; i++) {
        char *at = strstr(name, split[i]);

        if (!at) continue;
        memmove(at + 1, at, strlen(at) + 1);
        *at = '_';
    }
}

static void foreign_open(foreign *f, bool grouped)
{
    eg_err err = {0};

    f->n = 0;
    assert_int_equal(eg_st_read(&f->s, kept, &err), EG_OK);
    for (int i = 0; i < f->s.n_entries; i++) {
        add(f, f->s.entry[i].name, f->s.entry[i].view);
        rename_to_theirs(f->e[f->n - 1].name, sizeof f->e[0].name, grouped);
    }
    add(f, "blocks.0.attn.mask", (eg_view){zero, EG_U8, 2, {8, 8}});
    add(f, "blocks.1.attn.IGNORE", (eg_view){zero, EG_F32, 0, {0}});
}

static void foreign_close(foreign *f, const char *expect)
{
    eg_err err = {0};

    if (eg_st_write(path, f->e, f->n, NULL, 0, &err) != EG_OK)
        fail_msg("%s", err.msg);
    eg_st_release(&f->s);
    printf("  %d entries, %s\n", f->n, expect);
}

static eg_trainer *other(const setting *set, bool allow_extra, eg_err *err)
{
    eg_train_spec spec = set->spec;
    eg_trainer *tr = NULL;

    spec.seed = 99;
    spec.init.allow_extra = allow_extra;
    (void)snprintf(spec.init.from, sizeof spec.init.from, "%s", path);
    return eg_trainer_new(&tr, &spec, err) == EG_OK ? tr : NULL;
}

/* Logits of one sequence. */
static void copy_logits(void *ctx, int index, int worker, const eg_acts *a)
{
    float *to = ctx;
    eg_view v;

    (void)index;
    (void)worker;
    assert_true(eg_acts_hook(a, "logits", &v));
    memcpy(to, v.data, (size_t)eg_view_size(&v) * sizeof *to);
}

static void logits_of(const setting *set, eg_trainer *tr, float *out)
{
    eg_eval *e;
    eg_err err = {0};

    assert_int_equal(eg_eval_new(&e, eg_trainer_model(tr), set->task, set->pool,
                                 "auto", EG_EVAL_BASIC, &err),
                     EG_OK);
    eg_eval_run(e, EG_TEST, 0, 0, 1, copy_logits, out);
    eg_eval_free(e);
}

static const variant variants[] = {
    {"GPT-2's parts",
     "d_model=8 n_heads=2 qk=factorised norm=pre mlp=gelu attn_bias=true "
     "mlp_bias=true pos=learned",
     "loss=all"},
    {"no biases", "d_model=8 n_heads=2 qk=factorised pos=learned", "loss=all"},
    {"grouped, gated, rotary",
     "d_model=8 n_heads=4 n_kv_heads=2 qk=factorised norm=pre norm_kind=rms "
     "mlp=swiglu pos=rotary",
     "loss=all"},
};

static void same_logits(void **state)
{
    static float mine[8 * 65], theirs[8 * 65];

    (void)state;
    for (size_t k = 0; k < sizeof variants / sizeof *variants; k++) {
        bool grouped = strstr(variants[k].model, "n_kv_heads") != NULL;
        eg_err err = {0};
        setting set;
        foreign f;

        setting_open(&set, &variants[k], "n_ctx=8 n_triggers=1", 1);
        eg_trainer *a = trainer_open(&set), *b;
        assert_int_equal(eg_model_save(eg_trainer_model(a), kept, &err), EG_OK);
        foreign_open(&f, grouped);
        add(&f, "unembed.b_U", (eg_view){zero, EG_F32, 1, {64}});
        if (k == 1)
            add(&f, "blocks.1.attn.b_O", (eg_view){zero, EG_F32, 1, {8}});
        foreign_close(&f, variants[k].name);
        b = other(&set, false, &err);
        if (!b) fail_msg("%s", err.msg);
        assert_null(eg_trainer_note(b, 0));
        logits_of(&set, a, mine);
        logits_of(&set, b, theirs);
        assert_memory_equal(mine, theirs, sizeof mine);
        assert_true(mine[0] != mine[1]);
        eg_trainer_free(a);
        eg_trainer_free(b);
        setting_close(&set);
    }
}

static void says(const eg_err *err, const char *words)
{
    if (!strstr(err->msg, words))
        fail_msg("expected '%s' in: %s", words, err->msg);
}

/* A bias that is not zero is another model's, and so is a name that nobody
 * knows; a shape that does not fit is said by our name. */
static void what_does_not_fit(void **state)
{
    static const float one[8] = {0, 1};
    eg_err err = {0};
    setting set;
    foreign f;
    eg_trainer *b;

    (void)state;
    setting_open(&set, &variants[1], "n_ctx=8 n_triggers=1", 1);
    eg_trainer *a = trainer_open(&set);
    assert_int_equal(eg_model_save(eg_trainer_model(a), kept, &err), EG_OK);
    foreign_open(&f, false);
    add(&f, "unembed.b_U", (eg_view){one, EG_F32, 1, {8}});
    add(&f, "hook_tokens", (eg_view){zero, EG_F32, 1, {8}});
    foreign_close(&f, "two too many");
    assert_null(other(&set, false, &err));
    says(&err, "2 tensors are not of this model");
    says(&err, "unembed.b_U [8]");
    says(&err, "hook_tokens [8]");
    b = other(&set, true, &err);
    if (!b) fail_msg("%s", err.msg);
    assert_non_null(strstr(eg_trainer_note(b, 0), "left out 2 tensors"));
    eg_trainer_free(b);

    foreign_open(&f, false);
    for (int i = 0; i < f.n; i++)
        if (strcmp(f.e[i].name, "embed.W_E") == 0) f.e[i].view.shape[1] = 7;
    for (int i = 0; i < f.n; i++)
        if (strcmp(f.e[i].name, "unembed.W_U") == 0) f.e[i].view.shape[0] = 7;
    foreign_close(&f, "narrow");
    assert_null(other(&set, false, &err));
    says(&err, "W_E: expected [65,8], found [65,7]");
    eg_trainer_free(a);
    setting_close(&set);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/engram-t_names-%d", (int)getpid());
    (void)snprintf(kept, sizeof kept, "/tmp/engram-t_names-%d-kept",
                   (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    unlink(kept);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_logits),
        cmocka_unit_test(what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
