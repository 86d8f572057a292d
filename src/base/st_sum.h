/* The checksum inside a safetensors file: an entry of its __metadata__, over
 * all bytes of the file with the checksum's own digits taken as '0'. */
#ifndef EG_BASE_ST_SUM_H
#define EG_BASE_ST_SUM_H

#include "base/sum.h"

#define EGI_ST_SUM "engram.xxh128" /* the key */
#define EGI_ST_NO_SUM                                       \
    "00000000000000000000000000000000" /* its value, before \
                                        */

/* Where the digits of the checksum begin, among size bytes that hold a header
 * as we write it; 0: it has none, or one in another form. */
size_t egi_st_digits(const char *bytes, size_t size);

/* Is the checksum with its digits there that of these bytes, a whole file?
 * EG_EFORMAT says what was expected and found. bytes are as before
 * afterwards. */
eg_status egi_st_check(char *bytes, size_t size, size_t digits,
                       const char *file, eg_err *err);

#endif
