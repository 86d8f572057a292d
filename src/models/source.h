/* A file of somebody's weights, opened: named matrices, which are read row by
 * row as numbers whatever they are stored as. Every size in the file has been
 * checked against its length; nothing is believed before. */
#ifndef EG_MODELS_SOURCE_H
#define EG_MODELS_SOURCE_H

#include "engram/file.h"

/* How entries are stored. The last three: blocks of 32 of them with a scale. */
typedef enum egi_stored {
    EGI_F32,
    EGI_F64,
    EGI_F16,
    EGI_BF16,
    EGI_Q4_0,
    EGI_Q4_1,
    EGI_Q8_0,
    EGI_OTHER /* integers and the like: never read */
} egi_stored;

#define EGI_AXES 4

typedef struct egi_in {
    char name[128];
    egi_stored stored;
    const char *what; /* "float32", "Q4_1", "int64" */
    int ndim;
    eg_index shape[EGI_AXES]; /* row-major: the last axis lies together */
    const unsigned char *data;
    bool used;
} egi_in;

/* One value of a GGUF file's metadata; its bytes stand in the file. */
typedef struct egi_meta {
    char key[128];
    int type, of; /* of: the items of an array */
    uint64_t n;   /* items of an array, bytes of a text; else 1 */
    const unsigned char *data;
} egi_meta;

typedef struct egi_source {
    const char *path; /* the caller's, for messages */
    int n, n_meta;
    egi_in *in;
    egi_meta *meta;
    char *bytes; /* of the file */
    size_t size;
    eg_safetensors st; /* of a safetensors file, in the place of bytes */
    int32_t header[8]; /* of a file of llm.c */
} egi_source;

void egi_source_release(egi_source *s);

/* The three kinds of file. bytes, from eg_file_read, are taken over. */
eg_status egi_gguf_take(egi_source *s, char *bytes, size_t size,
                        const char *path, eg_err *err);
eg_status egi_llmc_take(egi_source *s, char *bytes, size_t size,
                        const char *path, eg_err *err);
/* Of a file that was read; *st is taken over. */
eg_status egi_safetensors_take(egi_source *s, eg_safetensors *st,
                               const char *path, eg_err *err);
bool egi_gguf_is(const char *bytes, size_t size);
bool egi_llmc_is(const char *bytes, size_t size);

/* ---- what is in it ---- */

egi_in *egi_source_find(egi_source *s, const char *name);
/* Rows and columns: leading axes are rows; of a vector there is one row. */
eg_index egi_in_cols(const egi_in *t);
eg_index egi_in_rows(const egi_in *t);
/* "[768,2304]" into buf. */
void egi_in_shape(const egi_in *t, char *buf, size_t size);
/* Row r as numbers, out [cols]. */
void egi_in_row(const egi_in *t, eg_index r, float *out);
/* Bytes that rows of so many entries take; 0: they do not fill whole blocks. */
size_t egi_stored_bytes(egi_stored k, uint64_t entries);

/* ---- a GGUF file's metadata ---- */

enum {
    EGI_META_U8,
    EGI_META_I8,
    EGI_META_U16,
    EGI_META_I16,
    EGI_META_U32,
    EGI_META_I32,
    EGI_META_F32,
    EGI_META_BOOL,
    EGI_META_TEXT,
    EGI_META_ARRAY,
    EGI_META_U64,
    EGI_META_I64,
    EGI_META_F64,
    EGI_META_TYPES
};
const egi_meta *egi_meta_find(const egi_source *s, const char *key);
/* A whole number, a real: false where there is none of that key and sort. */
bool egi_meta_int(const egi_source *s, const char *key, int64_t *out);
bool egi_meta_real(const egi_source *s, const char *key, double *out);
/* A text, [size] with its 0; one that is longer is none. */
bool egi_meta_text(const egi_source *s, const char *key, char *buf,
                   size_t size);
/* A file's name of a tensor, '#' replaced by the number of the block; buf
 * [128]. */
void egi_name_of(char buf[128], const char *pattern, int block);

#endif
