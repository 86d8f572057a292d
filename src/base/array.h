/* What the array formats share. */
#ifndef EG_BASE_ARRAY_H
#define EG_BASE_ARRAY_H

#include "engram/file.h"

/* Both formats are little-endian, and so is every machine we run on. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "array files are written in the order of memory");

/* "[2,3]" into buf. */
void egi_shape_format(const eg_view *v, char *buf, size_t size);
/* Bytes of the array; false where the product does not fit eg_index. */
bool egi_view_bytes(const eg_view *v, size_t *bytes);

/* "F32" and so on, as safetensors spells them. */
const char *egi_st_dtype_name(eg_dtype t);

/* A .npy file without reading it: pages come when they are looked at, so
 * that a few rows of a large array cost little. The file must not shrink
 * meanwhile. */
typedef struct egi_npy {
    eg_view view; /* data points into the mapping */
    void *base;
    size_t size;
} egi_npy;
eg_status egi_npy_map(egi_npy *m, const eg_folder *in, const char *name,
                      eg_err *err);
void egi_npy_unmap(egi_npy *m);

#endif
