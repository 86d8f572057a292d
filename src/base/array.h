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

/* The bits of x as EG_F16 or EG_BF16, rounded to the nearest, of two to the
 * even one. What is too large becomes infinite, NaN stays NaN. */
uint16_t egi_half_bits(float x, eg_dtype t);
/* The number that bits of these types stand for. */
float egi_half_value(uint16_t h, eg_dtype t);

/* "F32" and so on, as safetensors spells them. */
const char *egi_st_dtype_name(eg_dtype t);

/* What stands in a .npy file before the data; how many bytes. */
enum { EGI_NPY_HEAD = 576 };
size_t egi_npy_head(char buf[EGI_NPY_HEAD], const eg_view *v);
/* Where the data start in a file of size bytes, of which the first are there:
 * 12 will do. */
eg_status egi_npy_data_at(size_t *at, const char *bytes, size_t size,
                          const char *name, eg_err *err);
/* Fills *v but for its data, which start at *at and go on to the end; *fortran:
 * the first axis is the one that runs fastest. All of the header is there. */
eg_status egi_npy_describe(eg_view *v, size_t *at, bool *fortran,
                           const char *bytes, size_t size, const char *name,
                           eg_err *err);

/* A .npy file of which blocks are read as values are asked for, so that a few
 * rows of a large array cost little. */
typedef struct egi_npy {
    eg_view view; /* without data */
    bool open;
    bool failed; /* a value could not be read: the file was cut meanwhile */
    bool grows;  /* opened by egi_npy_open_rows */
    int fd;
    int64_t data_at; /* bytes before the data */
    int64_t block_at;
    int64_t n_block;
    char block[4096];
} egi_npy;
/* Headers fit into a block, data are in C order. */
eg_status egi_npy_open(egi_npy *m, const eg_folder *in, const char *name,
                       eg_err *err);
/* The same of a file that grows by rows (lab/npy_rows.h): its first extent is
 * how many whole rows there are now, whatever its header says. */
eg_status egi_npy_open_rows(egi_npy *m, const eg_folder *in, const char *name,
                            eg_err *err);
/* Value i, as eg_view_at; NaN: it failed. */
double egi_npy_at(egi_npy *m, eg_index i);
void egi_npy_close(egi_npy *m);

#endif
