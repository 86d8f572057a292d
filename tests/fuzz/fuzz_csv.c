/* Numbers in .csv files. */
#include "flow/numbers.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    egi_numbers a;
    eg_err err = {0};
    char *text = malloc(size + 1);
    eg_status st;

    EG_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    st = egi_csv_parse(&a, text, size, "fuzz", &err);
    if (st == EG_OK) {
        double sum = 0;

        EG_ASSERT(a.ndim == 2 && a.shape[0] > 0 && a.shape[1] > 0);
        for (eg_index i = 0; i < egi_numbers_size(&a); i++) sum += a.data[i];
        (void)sum;
        egi_numbers_release(&a);
    } else {
        fuzz_check_failure(st, &err);
        EG_ASSERT(!a.data);
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    free(text);
    return 0;
}
