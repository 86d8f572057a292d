/* Texts that `engram stats` counts: whatever is counted is a sound law. */
#include <unistd.h>

#include "fuzz.h"
#include "task/stats.h"

/* The bytes as a file without a name. */
static FILE *file_of(const uint8_t *data, size_t size)
{
    static FILE *f;

    if (!f) f = tmpfile();
    EG_ASSERT(f);
    rewind(f);
    EG_ASSERT(ftruncate(fileno(f), 0) == 0);
    EG_ASSERT(fwrite(data, 1, size, f) == size && fflush(f) == 0);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    egi_stats s;
    char path[64];
    eg_status st = EG_OK;

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d",
                   fileno(file_of(data, size)));
    st = egi_stats_count(&s, path, "fuzz", &err);
    if (st == EG_OK) {
        EG_ASSERT(egi_stats_check(&s, "fuzz", &err) == EG_OK);
        EG_ASSERT(s.length > 0 && (size_t)s.length <= size);
        EG_ASSERT(s.row[0] == 0 && s.row[s.n_symbols] == s.n_pairs);
        for (int i = 0; i < s.n_symbols; i++)
            EG_ASSERT(s.row[i] <= s.row[i + 1]);
        egi_stats_release(&s);
    } else {
        fuzz_check_failure(st, &err);
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
