/* safetensors files. */
#include "fuzz.h"

static void check_contents(const eg_safetensors *s)
{
    for (int i = 0; i < s->n_entries; i++) {
        const eg_st_entry *e = &s->entry[i];
        size_t width = eg_dtype_size(e->view.dtype);

        EG_ASSERT((uintptr_t)e->view.data % width == 0);
        EG_ASSERT(eg_st_find(s, e->name) == e);
        (void)fuzz_touch(&e->view);
    }
    for (int i = 0; i < s->n_meta; i++) {
        EG_ASSERT(eg_st_meta(s, s->meta[i].key) == s->meta[i].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_safetensors s;
    eg_status st = EG_OK;
    char *bytes = eg_calloc(size, 1);

    EG_ASSERT(bytes);
    memcpy(bytes, data, size);
    st = eg_st_parse_take(&s, bytes, size, "fuzz", &err);
    if (st == EG_OK) {
        check_contents(&s);
        eg_st_release(&s);
    } else {
        fuzz_check_failure(st, &err);
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
