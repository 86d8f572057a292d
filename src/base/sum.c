/* Checksums, by the header of xxHash: nothing to link. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sum.h"

static egi_sum of_hash(XXH128_hash_t h)
{
    return (egi_sum){h.high64, h.low64};
}

egi_sum egi_sum_of(const void *data, size_t size)
{
    return of_hash(XXH3_128bits(data, size));
}

bool egi_sum_same(egi_sum a, egi_sum b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

void egi_sum_print(egi_sum s, char hex[EGI_SUM_HEX])
{
    (void)snprintf(hex, EGI_SUM_HEX, "%016" PRIx64 "%016" PRIx64, s.hi, s.lo);
}

bool egi_sum_read(egi_sum *s, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    egi_sum found = {0};

    for (int i = 0; i < EGI_SUM_DIGITS; i++) {
        const char *d = text[i] ? strchr(digits, text[i]) : NULL;

        if (!d) return false;
        found.hi = found.hi << 4 | found.lo >> 60;
        found.lo = found.lo << 4 | (uint64_t)(d - digits);
    }
    *s = found;
    return true;
}

uint64_t egi_sum_row(uint64_t before, const void *row, size_t size)
{
    return XXH3_64bits_withSeed(row, size, before);
}

_Static_assert(sizeof(XXH3_state_t) <= sizeof(egi_summer) &&
                   _Alignof(XXH3_state_t) <= _Alignof(egi_summer),
               "room for the state of XXH3");

static XXH3_state_t *state_of(egi_summer *s)
{
    return (XXH3_state_t *)(void *)s->state;
}

void egi_summer_init(egi_summer *s)
{
    memset(s, 0, sizeof *s);
    (void)XXH3_128bits_reset(state_of(s));
}

void egi_summer_add(egi_summer *s, const void *data, size_t size)
{
    if (size > 0) (void)XXH3_128bits_update(state_of(s), data, size);
}

egi_sum egi_summer_end(const egi_summer *s)
{
    return of_hash(
        XXH3_128bits_digest((const XXH3_state_t *)(const void *)s->state));
}

eg_status egi_sum_file(egi_sum *sum, int64_t *bytes, int fd, const char *path,
                       eg_err *err)
{
    char part[1 << 14];
    egi_summer s;
    int64_t total = 0;

    egi_summer_init(&s);
    for (;;) {
        ssize_t n = read(fd, part, sizeof part);

        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return EG_FAIL(err, EG_EIO, "%s: cannot read: %s", path,
                           strerror(errno));
        if (n == 0) break;
        egi_summer_add(&s, part, (size_t)n);
        total += n;
    }
    *sum = egi_summer_end(&s);
    *bytes = total;
    return EG_OK;
}
