/* Shards: what is opened can be read from its first id to its last. */
#define _GNU_SOURCE /* NOLINT: memfd_create */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "engram/shards.h"

static void read_all(const eg_shards *s)
{
    int64_t n = eg_shards_tokens(s);
    int32_t ids[100];
    eg_err err = {0};

    for (int64_t at = 0; at < n; at += 100) {
        int64_t k = n - at < 100 ? n - at : 100;

        EG_ASSERT(eg_shards_read(s, at, (eg_index)k, ids, &err) == EG_OK);
        for (int64_t i = 0; i < k; i++) EG_ASSERT(ids[i] < 1000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("shard", 0);
    char path[32];
    const char *p = path;
    int64_t live = eg_mem_query().live_bytes;
    eg_shards *s = NULL;
    eg_err err = {0};
    eg_status st;

    EG_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    st = eg_shards_open(&s, &p, 1, 1000, &err);
    if (st == EG_OK)
        read_all(s);
    else
        fuzz_check_failure(st, &err);
    eg_shards_free(s);
    (void)close(fd);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
