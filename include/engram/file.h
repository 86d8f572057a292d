/* Files that are never half written, and the two array formats we speak.
 *
 * Whatever is read is checked against the file's length before anything is
 * allocated. Whatever is written goes to a temporary name in the same folder,
 * is synced, then renamed. */
#ifndef ENGRAM_FILE_H
#define ENGRAM_FILE_H

#include <stdio.h>
#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whole file as bytes, with a 0 behind the last one; at most max_bytes.
 * *out is released with eg_free. */
EG_API eg_status eg_file_read(char **out, size_t *size, const char *path,
                              size_t max_bytes, eg_err *err);
/* Writes size bytes to path, atomically. */
EG_API eg_status eg_file_write(const char *path, const void *data, size_t size,
                               eg_err *err);

/* The same for streams: write to eg_outfile.f, then commit or abort. Failed
 * writes need no check of their own: the commit reports them. */
typedef struct eg_outfile {
    FILE *f;
    char path[1024], tmp[1088];
    int error; /* errno of the first eg_outfile_write that failed */
} eg_outfile;
EG_API eg_status eg_outfile_open(eg_outfile *o, const char *path, eg_err *err);
/* fwrite that remembers why it failed ("No space left on device"). */
EG_API void eg_outfile_write(eg_outfile *o, const void *data, size_t size);
EG_API eg_status eg_outfile_commit(eg_outfile *o, eg_err *err);
EG_API void eg_outfile_abort(eg_outfile *o); /* nothing after a commit */

/* mkdir -p. */
EG_API eg_status eg_mkdirs(const char *path, eg_err *err);
EG_API bool eg_file_exists(const char *path);

/* Advisory lock on path (created when absent), held until released or the
 * process dies; EG_EBUSY names the holder's pid. *fd is the handle. */
EG_API eg_status eg_lock_take(int *fd, const char *path, eg_err *err);
EG_API void eg_lock_drop(int fd);

typedef enum eg_dtype { EG_F32, EG_F64, EG_I32, EG_I64, EG_U8 } eg_dtype;
/* Bytes of one entry, and the name NumPy uses. */
EG_API size_t eg_dtype_size(eg_dtype t);
EG_API const char *eg_dtype_name(eg_dtype t); /* "float32", ... */

#define EG_MAX_DIMS 8

/* A dense row-major array somewhere; data is borrowed. */
typedef struct eg_view {
    const void *data;
    eg_dtype dtype;
    int ndim;
    eg_index shape[EG_MAX_DIMS];
} eg_view;
EG_API eg_index eg_view_size(const eg_view *v); /* entries */
EG_API double eg_view_at(const eg_view *v, eg_index i);
/* The first entry that is not finite; -1: all are. */
EG_API eg_index eg_view_not_finite(const eg_view *v);

/* NumPy .npy, little-endian: version 1.0 in C order written, 1.0 and 2.0 read;
 * what is in Fortran order is read into C order. */
EG_API eg_status eg_npy_write(const char *path, const eg_view *v, eg_err *err);
/* v->data is allocated here; release with eg_view_release. */
EG_API eg_status eg_npy_read(eg_view *v, const char *path, eg_err *err);
EG_API void eg_view_release(eg_view *v); /* of eg_npy_read, eg_npy_parse */
/* The same from memory, for tests and fuzzing; data is copied. */
EG_API eg_status eg_npy_parse(eg_view *v, const char *bytes, size_t size,
                              const char *name, eg_err *err);

/* safetensors: 8-byte length, JSON header, raw data. What is written carries a
 * checksum, "engram.xxh128" of its __metadata__; where a file has one, it is
 * checked before anything else is believed (EG_EFORMAT). */
typedef struct eg_st_entry {
    char name[128];
    eg_view view; /* data points into the file's bytes */
} eg_st_entry;
typedef struct eg_safetensors {
    int n_entries;
    eg_st_entry *entry;
    int n_meta; /* the __metadata__ object, strings only */
    struct {
        char *key, *value;
    } * meta;
    char *bytes;
    size_t size;
    bool checked; /* it has a checksum, the right one */
} eg_safetensors;
EG_API eg_status eg_st_read(eg_safetensors *s, const char *path, eg_err *err);
/* Takes over bytes (from eg_calloc or eg_file_read). */
EG_API eg_status eg_st_parse_take(eg_safetensors *s, char *bytes, size_t size,
                                  const char *name, eg_err *err);
EG_API void eg_st_release(eg_safetensors *s);
EG_API const eg_st_entry *eg_st_find(const eg_safetensors *s, const char *name);
EG_API const char *eg_st_meta(const eg_safetensors *s, const char *key);
/* meta: n_meta pairs key, value, key, value, ... Atomic. */
EG_API eg_status eg_st_write(const char *path, const eg_st_entry *entries,
                             int n_entries, const char *const *meta, int n_meta,
                             eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
