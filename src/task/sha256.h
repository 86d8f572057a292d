/* SHA-256 (FIPS 180-4), to name the text a statistics file was made from. */
#ifndef EGI_TASK_SHA256_H
#define EGI_TASK_SHA256_H

#include "engram/status.h"

typedef struct egi_sha256 {
    uint32_t h[8];
    uint64_t n_bytes;
    unsigned char block[64];
} egi_sha256;

void egi_sha256_init(egi_sha256 *s);
void egi_sha256_add(egi_sha256 *s, const unsigned char *bytes, size_t n);
/* 64 lower-case hexadecimal digits and a 0. Ends the use of *s. */
void egi_sha256_hex(egi_sha256 *s, char hex[65]);

#endif
