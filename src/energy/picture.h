/* Small pictures: portable gray and bit maps, and ASCII art. */
#ifndef EGI_ENERGY_PICTURE_H
#define EGI_ENERGY_PICTURE_H

#include "engram/status.h"

/* Several of one size; a value is 1 (black, a mark) to -1, NaN: not known. */
typedef struct egi_pictures {
    double *value; /* [n, height, width], released with eg_free */
    eg_index n, height, width;
} egi_pictures;

/* At most so many pixels in a file. */
#define EGI_PIXELS ((eg_index)1 << 24)

/* P1, P2, P4, P5 of up to 16 bits, the first picture of the file. bytes[size]
 * is 0; name is for messages. */
eg_status egi_picture_parse(egi_pictures *out, const char *bytes, size_t size,
                            const char *name, eg_err *err);
/* Pictures parted by empty lines; all get the size of the largest. '?' is not
 * known, ' ' and '.' are -1, anything else is a mark. */
eg_status egi_art_parse(egi_pictures *out, const char *bytes, size_t size,
                        const char *name, eg_err *err);

#endif
