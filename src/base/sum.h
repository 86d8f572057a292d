/* Checksums: XXH3, for whatever may have changed on disk since it was written.
 * They find accidents and edits; they are no proof against a forger.
 *
 * Files have 128 bits, printed as `xxhsum -H2` prints them; the rows of a file
 * that grows have 64, each over all rows up to it. */
#ifndef EG_BASE_SUM_H
#define EG_BASE_SUM_H

#include "engram/status.h"

typedef struct egi_sum {
    uint64_t hi, lo;
} egi_sum;

enum { EGI_SUM_DIGITS = 32, EGI_SUM_HEX = EGI_SUM_DIGITS + 1 };

egi_sum egi_sum_of(const void *data, size_t size);
bool egi_sum_same(egi_sum a, egi_sum b);
/* As 32 hexadecimal digits; and back, false unless text begins with them. */
void egi_sum_print(egi_sum s, char hex[EGI_SUM_HEX]);
bool egi_sum_read(egi_sum *s, const char *text);

/* The checksum of a row behind rows whose checksum is before. */
uint64_t egi_sum_row(uint64_t before, const void *row, size_t size);

/* The same as egi_sum_of, of data that come in parts. */
typedef struct egi_summer {
    _Alignas(64) unsigned char state[640];
} egi_summer;
void egi_summer_init(egi_summer *s);
void egi_summer_add(egi_summer *s, const void *data, size_t size);
egi_sum egi_summer_end(const egi_summer *s); /* of all so far */

/* Of the rest of an open file, and how many bytes that is; EG_EIO names it as
 * path. Bounded by the memory or the disk, not by the arithmetic. */
eg_status egi_sum_file(egi_sum *sum, int64_t *bytes, int fd, const char *path,
                       eg_err *err);

#endif
