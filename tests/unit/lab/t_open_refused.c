/* Other programs' models that contradict themselves, or that ask for what
 * engram does not have, are refused by name. */
#include "models/files.h"

/* ---- what a file says of itself --------------------------------------------
 */

static void refused(const char *says, eg_status want)
{
    eg_checkpoint c;
    eg_err err = {0};
    int64_t live = eg_mem_query().live_bytes;

    assert_int_equal(eg_checkpoint_open(&c, dir, NULL, &err), want);
    printf("  %s\n", err.msg);
    if (!strstr(err.msg, says)) fail_msg("expected '%s'", says);
    assert_non_null(strstr(err.msg, dir)); /* names the file */
    assert_int_equal(eg_mem_query().live_bytes, live);
}

#define LLAMA_HEADS "{\"num_attention_heads\": 4, \"num_key_value_heads\": 2, "

/* config.json that contradicts the tensors, or asks for what engram has not. */
static void test_contradicts(void **state)
{
    static const struct {
        const char *config, *says;
        eg_status want;
    } bad[] = {
        {"[1]", "config.json: expected an object", EG_EFORMAT},
        {"{\"num_attention_heads\": \"4\"}",
         "num_attention_heads: expected a whole number", EG_EFORMAT},
        {LLAMA_HEADS "\"rope_theta\": \"1e5\"}",
         "rope_theta: expected a number", EG_EFORMAT},
        {LLAMA_HEADS "\"rms_norm_eps\": -1}", "norm_eps: expected a number",
         EG_EFORMAT},
        {LLAMA_HEADS "\"num_hidden_layers\": 3}",
         "its tensors make num_hidden_layers 2, expected the 3", EG_EFORMAT},
        {LLAMA_HEADS "\"hidden_size\": 32}", "hidden_size 16", EG_EFORMAT},
        {LLAMA_HEADS "\"intermediate_size\": 23}", "intermediate_size 24",
         EG_EFORMAT},
        {LLAMA_HEADS "\"vocab_size\": 20}", "vocab_size 19", EG_EFORMAT},
        {LLAMA_HEADS "\"sliding_window\": 4}", "no sliding_window",
         EG_EUNSUPPORTED},
        {LLAMA_HEADS "\"partial_rotary_factor\": 0.5}", "default of 0.5",
         EG_EUNSUPPORTED},
        {LLAMA_HEADS "\"rope_parameters\": {\"rope_type\": \"llama3\"}}",
         "found llama3", EG_EUNSUPPORTED},
    };
    eg_checkpoint c;
    form f;

    (void)state;
    llama_form(&f);
    write_form("model.safetensors", &f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text("config.json", bad[i].config);
        refused(bad[i].says, bad[i].want);
    }
    /* as transformers 5 says it */
    write_text("config.json",
               LLAMA_HEADS "\"rope_parameters\": {\"rope_type\": \"default\", "
                           "\"rope_theta\": 5e5}, \"sliding_window\": null}");
    opens(&c, dir, "float32");
    assert_true(c.config->model.rotary_theta == 5e5);
    eg_checkpoint_release(&c);
    f.n--; /* the head */
    write_form("model.safetensors", &f);
    write_text("config.json", LLAMA_HEADS "\"tie_word_embeddings\": false}");
    refused("has no lm_head.weight", EG_EFORMAT);
    write_text("config.json", LLAMA_HEADS "\"tie_word_embeddings\": true}");
    opens(&c, dir, "float32");
    eg_checkpoint_release(&c);
    f.n++;
    form_release(&f);
    clear();
    gpt2_form(&f, "");
    write_form("model.safetensors", &f);
    opens(&c, dir, "float32"); /* narrower than 64: a head */
    assert_int_equal(c.config->model.n_heads, 1);
    eg_checkpoint_release(&c);
    write_text("config.json", "{\"n_head\": 0}");
    refused("n_heads: expected a whole number from 1", EG_EFORMAT);
    write_text("config.json", "{\"n_head\": 2, \"n_positions\": 24}");
    refused("n_positions 12, expected the 24", EG_EFORMAT);
    form_release(&f);
    clear();
}

/* The same of GGUF's metadata. */
static void test_gguf_contradicts(void **state)
{
    eg_checkpoint c;
    form f;

    (void)state;
    llama_form(&f);
    gguf_more = more_blocks;
    write_gguf(&f, "llama");
    refused("llama.block_count 2, expected the 3", EG_EFORMAT);
    gguf_more = more_theta;
    write_gguf(&f, "llama");
    refused("llama.rope.freq_base: expected a finite number", EG_EFORMAT);
    gguf_more = more_linear;
    write_gguf(&f, "llama");
    refused("without rope scaling, found 'llama', 'none' by 0.5",
            EG_EUNSUPPORTED);
    gguf_more = NULL;
    form_add(&f, "rope_freqs.weight", 1, 2, 0);
    write_gguf(&f, "llama");
    refused("rope_freqs.weight that is not all 1", EG_EUNSUPPORTED);
    ((float *)f.own[f.n - 1])[0] = ((float *)f.own[f.n - 1])[1] = 1;
    write_gguf(&f, "llama");
    opens(&c, dir, "float32");
    eg_checkpoint_release(&c);
    form_release(&f);
    clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contradicts),
        cmocka_unit_test(test_gguf_contradicts),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
