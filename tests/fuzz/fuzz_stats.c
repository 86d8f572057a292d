/* Files of character statistics. */
#include "fuzz.h"
#include "task/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    egi_stats s = {0};
    eg_status st = egi_stats_parse(&s, (const char *)data, size, "fuzz", &err);

    if (st == EG_OK) {
        EG_ASSERT(egi_stats_check(&s, "fuzz", &err) == EG_OK);
        egi_stats_release(&s);
    } else {
        fuzz_check_failure(st, &err);
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
