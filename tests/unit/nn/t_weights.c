/* What a model is made from must be what it is: files with tensors of another
 * model, patterns that name blocks which are not there. */
#include "nn/nn_test.h"

#include <unistd.h>

#include "engram/file.h"

static const variant SMALL = {"small", "d_model=4", "loss=all"};
static const char TASK[] = "n_ctx=8 n_triggers=1";

static char path[64], kept[64];
static setting set;

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/engram-t_weights-%d", (int)getpid());
    snprintf(kept, sizeof kept, "/tmp/engram-t_weights-%d-kept", (int)getpid());
    setting_open(&set, &SMALL, TASK, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    unlink(kept);
    setting_close(&set);
    return 0;
}

/* The file `from` with n more tensors, [2,3] each, and that step, where it has
 * any, into `path`. */
static void write_at(const char *from, const char *const *name, int n,
                     const char *step)
{
    static const float zero[6];
    eg_safetensors s;
    eg_st_entry *e;
    const char *meta[] = {"format", NULL, "step", step, "seed", "5"};
    eg_err err;
    int n_meta = 1;

    assert_int_equal(eg_st_read(&s, from, &err), EG_OK);
    meta[1] = eg_st_meta(&s, "format");
    if (eg_st_meta(&s, "step")) n_meta = 3;
    e = calloc((size_t)s.n_entries + (size_t)n, sizeof *e);
    assert_non_null(e);
    memcpy(e, s.entry, (size_t)s.n_entries * sizeof *e);
    for (int i = 0; i < n; i++) {
        eg_st_entry *more = &e[s.n_entries + i];

        snprintf(more->name, sizeof more->name, "%s", name[i]);
        more->view = (eg_view){
            .data = zero, .dtype = EG_F32, .ndim = 2, .shape = {2, 3}};
    }
    assert_int_equal(eg_st_write(path, e, s.n_entries + n, meta, n_meta, &err),
                     EG_OK);
    free(e);
    eg_st_release(&s);
}

static void write_with(const char *from, const char *const *name, int n)
{
    write_at(from, name, n, "1");
}

static eg_trainer *start_from(const char *file, bool allow_extra, eg_err *err)
{
    eg_train_spec spec = set.spec;
    eg_trainer *tr = NULL;

    spec.seed = 6; /* other values than those of the file */
    spec.init.allow_extra = allow_extra;
    snprintf(spec.init.from, sizeof spec.init.from, "%s", file);
    return eg_trainer_new(&tr, &spec, err) == EG_OK ? tr : NULL;
}

static void says(const char *text, const char *words)
{
    if (!text || !strstr(text, words))
        fail_msg("expected '%s' in: %s", words, text ? text : "nothing");
}

static void check_same(eg_trainer *a, eg_trainer *b)
{
    const eg_model *m = eg_trainer_model(a);
    const eg_model *n = eg_trainer_model(b);

    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view v = eg_model_view(m, i), w = eg_model_view(n, i);

        assert_memory_equal(v.data, w.data,
                            (size_t)eg_model_tensor(m, i)->size *
                                sizeof(float));
    }
}

static void test_tensors_of_another_model(void **state)
{
    static const char *const extra[] = {"b_U", "blocks.0.attn.b_O",
                                        "blocks.2.attn.W_V"};
    eg_trainer *a = trainer_open(&set), *b;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_model_save(eg_trainer_model(a), kept, &err), EG_OK);
    b = start_from(kept, false, &err);
    if (!b) fail_msg("%s", err.msg);
    assert_null(eg_trainer_note(b, 0));
    eg_trainer_free(b);

    write_with(kept, extra, 3);
    assert_null(start_from(path, false, &err));
    assert_int_equal(err.status, EG_EFORMAT);
    says(err.msg, path);
    says(err.msg, "3 tensors are not of this model (init.allow_extra: true ");
    says(err.msg, ": b_U [2,3], blocks.0.attn.b_O [2,3], "
                  "blocks.2.attn.W_V [2,3]");
    assert_int_equal(eg_model_load(eg_trainer_model(a), path, &err),
                     EG_EFORMAT);

    b = start_from(path, true, &err);
    if (!b) fail_msg("%s", err.msg);
    says(eg_trainer_note(b, 0), "left out 3 tensors: b_U [2,3], blocks");
    assert_null(eg_trainer_note(b, 1));
    check_same(a, b);
    eg_trainer_free(b);
    eg_trainer_free(a);
}

/* Of many, the first ones and how many more. */
static void test_many_tensors(void **state)
{
    enum { MANY = 60 };
    static char text[MANY][32];
    const char *extra[MANY];
    eg_trainer *a = trainer_open(&set);
    eg_err err = {0};
    char *more = NULL;
    int shown = 1;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "blocks.%d.attn.b_V", i);
        extra[i] = text[i];
    }
    assert_int_equal(eg_model_save(eg_trainer_model(a), kept, &err), EG_OK);
    write_with(kept, extra, MANY);
    assert_null(start_from(path, false, &err));
    print_message("%s\n", err.msg);
    says(err.msg, "60 tensors are not of this model");
    more = strstr(err.msg, " and ");
    assert_non_null(more);
    for (const char *s = strstr(err.msg, "b_V"); (s = strstr(s + 1, "b_V"));)
        shown++;
    assert_int_equal(shown + (int)strtol(more + 5, NULL, 10), MANY);
    says(more, " more");
    eg_trainer_free(a);
}

/* A checkpoint is a place to start from, with all that only a resumed run
 * needs; one with more than that is no checkpoint of this run. */
static void test_checkpoints(void **state)
{
    static const char *const moment[] = {"optim.m2.W_E"}, *const bias[] = {
                                                              "b_U"};
    eg_trainer *a = trainer_open(&set), *b;
    eg_step_info info;
    eg_err err = {0};

    (void)state;
    eg_trainer_step(a, &info);
    assert_int_equal(eg_trainer_save(a, kept, &err), EG_OK);
    b = start_from(kept, false, &err);
    if (!b) fail_msg("%s", err.msg);
    check_same(a, b);
    eg_trainer_free(b);

    write_with(kept, moment, 1); /* SGD has no second moment */
    assert_int_equal(eg_trainer_load(a, path, &err), EG_EFORMAT);
    says(err.msg, "this run alone, found optim.m2.W_E [2,3]");
    write_with(kept, bias, 1);
    assert_int_equal(eg_trainer_load(a, path, &err), EG_EFORMAT);
    says(err.msg, "found b_U [2,3]");
    assert_null(start_from(path, false, &err));
    says(err.msg, "1 tensor is not of this model");
    write_with(kept, NULL, 0);
    assert_int_equal(eg_trainer_load(a, path, &err), EG_OK);

    /* a step that no run makes would be an assertion at the next batch */
    write_at(kept, NULL, 0, "1000000000");
    assert_int_equal(eg_trainer_load(a, path, &err), EG_OK);
    write_at(kept, NULL, 0, "1099511627776");
    assert_int_equal(eg_trainer_load(a, path, &err), EG_EFORMAT);
    says(err.msg, "expected a step, found '1099511627776'");

    /* moments in a file that calls itself weights belong to nobody */
    assert_int_equal(eg_model_save(eg_trainer_model(a), kept, &err), EG_OK);
    write_with(kept, moment, 1);
    assert_null(start_from(path, false, &err));
    says(err.msg, "optim.m2.W_E");
    eg_trainer_free(a);
}

static eg_trainer *frozen(const char *model, const char *freeze, bool strict,
                          eg_err *err)
{
    eg_train_spec spec = set.spec;
    eg_trainer *tr = NULL;

    set_fields(eg_model_fields, &spec.model, model);
    set_fields(eg_train_fields, &spec.train, freeze);
    spec.strict_freeze = strict;
    return eg_trainer_new(&tr, &spec, err) == EG_OK ? tr : NULL;
}

static void test_blocks_that_are_not_there(void **state)
{
    static const char *const misspelt[] = {
        "freeze=blocks.1.attn.W_KQ", "freeze=blocks.7.attn.W_Q",
        "freeze=blocks.0.attn.W_V0", "freeze=block.1.attn.W_V",
        "freeze=blocks.x.attn.W_V",  "freeze=blocks.*.b_O",
        "freeze=blocks.1",           "freeze=blocks.1.ln1.w"};
    eg_trainer *tr;
    eg_err err = {0};

    (void)state;
    tr =
        frozen("n_layers=1", "freeze=W_E,blocks.1.attn.W_V,blocks.1.attn.W_O@3",
               false, &err);
    if (!tr) fail_msg("%s", err.msg);
    assert_string_equal(eg_trainer_note(tr, 0),
                        "train.freeze: no block for blocks.1.attn.W_V, "
                        "blocks.1.attn.W_O; the model has block 0 alone");
    assert_false(eg_trainer_trains(tr, 0, 0)); /* W_E */
    eg_trainer_free(tr);

    /* what another block of this model would have, whatever its MLP */
    tr = frozen("", "freeze=blocks.2.*,blocks.30.mlp.W_F@9,blocks.2.mlp.W_in",
                false, &err);
    if (!tr) fail_msg("%s", err.msg);
    says(eg_trainer_note(tr, 0), "W_in; the model has blocks 0 to 1");
    eg_trainer_free(tr);

    assert_null(frozen("", "freeze=W_E,blocks.3.attn.W_V", true, &err));
    says(err.msg, "train.freeze: no block for blocks.3.attn.W_V; the model has "
                  "blocks 0 to 1");
    for (size_t i = 0; i < sizeof misspelt / sizeof *misspelt; i++)
        for (int strict = 0; strict < 2; strict++) {
            tr = frozen("", misspelt[i], strict == 1, &err);
            if (tr) fail_msg("%s was taken", misspelt[i]);
            says(err.msg, "train.freeze: no tensor matches");
        }
}

/* A file in half the width: the same numbers where half the width has them. */
static void test_half_precision(void **state)
{
    static const struct {
        eg_dtype dtype;
        uint16_t one, minus; /* 1 and -3/8 */
    } kind[] = {{EG_F16, 0x3c00, 0xb600}, {EG_BF16, 0x3f80, 0xbec0}};
    eg_trainer *a = trainer_open(&set), *b;
    eg_err err = {0};

    (void)state;
    assert_int_equal(eg_model_save(eg_trainer_model(a), kept, &err), EG_OK);
    for (int k = 0; k < 2; k++) {
        eg_safetensors s;
        uint16_t *half = NULL;
        eg_view v;

        assert_int_equal(eg_st_read(&s, kept, &err), EG_OK);
        for (int i = 0; i < s.n_entries; i++) {
            if (strcmp(s.entry[i].name, "W_E") != 0) continue;
            eg_index n = eg_view_size(&s.entry[i].view);

            half = malloc((size_t)n * sizeof *half);
            assert_non_null(half);
            for (eg_index j = 0; j < n; j++)
                half[j] = j % 3 ? kind[k].one : kind[k].minus;
            s.entry[i].view.dtype = kind[k].dtype;
            s.entry[i].view.data = half;
        }
        assert_int_equal(eg_st_write(path, s.entry, s.n_entries, NULL, 0, &err),
                         EG_OK);
        free(half);
        eg_st_release(&s);
        b = start_from(path, false, &err);
        if (!b) fail_msg("%s", err.msg);
        v = eg_model_view(eg_trainer_model(b),
                          eg_model_find(eg_trainer_model(b), "W_E"));
        for (eg_index j = 0; j < eg_view_size(&v); j++)
            assert_true(eg_view_at(&v, j) == (j % 3 ? 1 : -.375));
        eg_trainer_free(b);
    }
    eg_trainer_free(a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_of_another_model),
        cmocka_unit_test(test_many_tensors),
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_blocks_that_are_not_there),
        cmocka_unit_test(test_half_precision),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
