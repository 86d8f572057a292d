/* Other programs' models: GGUF, llm.c's .bin, safetensors under Hugging Face's
 * names. What is taken has a model that can be made, and a tokenizer or none.
 */
#include "fuzz.h"

#include "models/models.h"
#include "models/vocab.h"

/* Small enough to be made some thousand times a second. */
static bool is_small(const egi_found *f)
{
    const eg_model_opts *o = &f->opts;

    return f->vocab <= 64 && o->n_layers <= 3 && o->d_model <= 64 &&
           o->d_mlp <= 256 && o->n_heads <= 8 && o->d_head <= 64;
}

static void touch_rows(const egi_source *s)
{
    for (int i = 0; i < s->n; i++) {
        const egi_in *t = &s->in[i];
        eg_index rows = egi_in_rows(t), cols = egi_in_cols(t);
        float *row;

        if (rows == 0 || t->stored == EGI_OTHER) continue;
        row = eg_calloc((size_t)cols + 1, sizeof *row);
        EG_ASSERT(row);
        egi_in_row(t, 0, row);
        egi_in_row(t, rows - 1, row);
        eg_free(row);
    }
}

static void look(egi_source *s)
{
    char note[512];
    egi_found f;
    eg_model *m = NULL;
    eg_tokenizer *t = NULL;
    eg_err err = {0};
    eg_status st = egi_gguf_tokenizer(&t, s, &err);

    if (st != EG_OK) fuzz_check_failure(st, &err);
    eg_tokenizer_free(t);
    touch_rows(s);
    st = egi_found_of(&f, s, &err);
    if (st == EG_OK && is_small(&f) && f.max_ctx >= 2)
        st = egi_found_model(&m, &f, s, 2, EG_FLOAT32, true, note, sizeof note,
                             &err);
    if (st != EG_OK) fuzz_check_failure(st, &err);
    eg_model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    char *bytes = eg_calloc(size + 1, 1);
    eg_safetensors st = {0};
    eg_err err = {0};
    egi_source s;
    eg_status status;

    EG_ASSERT(bytes);
    memcpy(bytes, data, size);
    if (egi_gguf_is(bytes, size)) {
        status = egi_gguf_take(&s, bytes, size, "fuzz", &err);
    } else if (egi_llmc_is(bytes, size)) {
        status = egi_llmc_take(&s, bytes, size, "fuzz", &err);
    } else {
        status = eg_st_parse_take(&st, bytes, size, "fuzz", &err);
        if (status == EG_OK)
            status = egi_safetensors_take(&s, &st, "fuzz", &err);
    }
    if (status == EG_OK) {
        look(&s);
        egi_source_release(&s);
    } else {
        fuzz_check_failure(status, &err);
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
