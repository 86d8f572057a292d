/* .npy files. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_view v;
    eg_status st = eg_npy_parse(&v, (const char *)data, size, "fuzz", &err);

    if (st == EG_OK) {
        (void)fuzz_touch(&v);
        eg_view_release(&v);
    } else {
        fuzz_check_failure(st, &err);
        EG_ASSERT(!v.data);
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
