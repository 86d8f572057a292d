/* Files that are never half written, folders that lead nowhere else, and the
 * two array formats we speak.
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

/* ---- A folder of ours, held open -------------------------------------------
 *
 * What lies below it is found part by part without following a link, so that
 * whoever can write there cannot lead us elsewhere. The folder itself is the
 * user's choice and may be reached through links. A name below it is one or
 * more parts, as in "arrays/x.npy"; "", "." and ".." are no parts. */
typedef struct eg_folder {
    int fd;          /* -1: not open */
    char path[1024]; /* as it was named, for messages */
    size_t found;    /* bytes of path that were there before eg_folder_make */
} eg_folder;

/* A folder that is there. */
EG_API eg_status eg_folder_open(eg_folder *f, const char *path, eg_err *err);
/* mkdir -p, then opens; remembers which folders it made. */
EG_API eg_status eg_folder_make(eg_folder *f, const char *path, eg_err *err);
/* Closes it and removes those folders again, as far as they are empty. */
EG_API void eg_folder_unmake(eg_folder *f);
EG_API void eg_folder_close(eg_folder *f); /* nothing when fd is -1 */
/* A folder in f; make: it must not be there yet and is made. */
EG_API eg_status eg_folder_sub(eg_folder *out, const eg_folder *f,
                               const char *name, bool make, eg_err *err);
/* EG_EINVAL names the first entry, in the order of their bytes, other than
 * `but` (NULL: no exception). */
EG_API eg_status eg_folder_empty(const eg_folder *f, const char *but,
                                 eg_err *err);
/* A new folder in f, named by the time: 20260131-120000 in UTC, a second one of
 * the same second 20260131-120000-002. */
EG_API eg_status eg_folder_dated(eg_folder *out, const eg_folder *f,
                                 eg_err *err);
/* Is anything called so? A link is something, wherever it leads. */
EG_API bool eg_folder_has(const eg_folder *f, const char *name);
/* The same of the folder at dir; false where none can be opened. */
EG_API bool eg_folder_holds(const char *dir, const char *name);

/* A regular file below f; anything else (a link, a folder, a pipe, a device) is
 * EG_EIO and said to be that. Whatever is changed in place must have no other
 * name (hard link) either. */
typedef enum eg_access {
    EG_READ,
    EG_NEW,    /* read and write; must not be there yet */
    EG_APPEND, /* read, and write at the end; made when absent */
    EG_UPDATE  /* read and write; must be there */
} eg_access;
EG_API eg_status eg_folder_fd(int *fd, const eg_folder *f, const char *name,
                              eg_access how, eg_err *err);
EG_API eg_status eg_folder_stream(FILE **s, const eg_folder *f,
                                  const char *name, eg_access how, eg_err *err);
/* Both names are below f. A file of the new name is replaced. */
EG_API eg_status eg_folder_rename(const eg_folder *f, const char *from,
                                  const char *to, eg_err *err);
/* Removes a file or a link; false: nothing was removed. */
EG_API bool eg_folder_remove(const eg_folder *f, const char *name);

/* ---- Files ------------------------------------------------------------------
 *
 * Functions that end in _in take a name below a folder of ours; in NULL: a path
 * as the user gave it, which may pass through links. */

/* A pipe is read up to so many bytes. */
#define EG_PIPE_BYTES ((size_t)1 << 28)

/* Whole file as bytes, with a 0 behind the last one; at most max_bytes. A path
 * may also be a pipe, of at most EG_PIPE_BYTES, which is waited for 2 s when
 * nobody writes to it. Devices, sockets and folders are EG_EIO. *out is
 * released with eg_free. */
EG_API eg_status eg_file_read(char **out, size_t *size, const char *path,
                              size_t max_bytes, eg_err *err);
EG_API eg_status eg_file_read_in(char **out, size_t *size, const eg_folder *in,
                                 const char *name, size_t max_bytes,
                                 eg_err *err);
/* The same as a stream; a pipe of at most pipe_bytes. */
typedef struct eg_infile {
    int fd;
    bool pipe, begun;
    size_t left; /* bytes a pipe may still give */
    const char *path;
} eg_infile;
EG_API eg_status eg_infile_open(eg_infile *f, const char *path,
                                size_t pipe_bytes, eg_err *err);
/* *got bytes, at most room; 0: the end. */
EG_API eg_status eg_infile_read(eg_infile *f, void *buf, size_t room,
                                size_t *got, eg_err *err);
EG_API void eg_infile_close(eg_infile *f);

/* Writes size bytes to path, atomically. A character device or a pipe is
 * written directly; a path whose last part is a link is EG_EIO. */
EG_API eg_status eg_file_write(const char *path, const void *data, size_t size,
                               eg_err *err);
EG_API eg_status eg_file_write_in(const eg_folder *in, const char *name,
                                  const void *data, size_t size, eg_err *err);

/* The same for streams: write to eg_outfile.f, then commit or abort. Failed
 * writes need no check of their own: the commit reports them. */
typedef struct eg_outfile {
    FILE *f;
    char path[1024]; /* for messages */
    bool held;       /* the folder of the file is open */
    int folder;
    char name[256], tmp[256]; /* in that folder; tmp "": written directly */
    bool fresh;               /* nothing may have the name at the commit */
    bool soft; /* to be set before the commit, which then does not wait for the
                  disk: after a power cut the file may be cut short or gone */
    int error; /* errno of the first eg_outfile_write that failed */
} eg_outfile;
EG_API eg_status eg_outfile_open(eg_outfile *o, const char *path, eg_err *err);
EG_API eg_status eg_outfile_open_in(eg_outfile *o, const eg_folder *in,
                                    const char *name, eg_err *err);
/* Where a user may have put a file: nothing is replaced but a regular file that
 * has the text mark in its first EG_MARK_BYTES, as all files of this kind that
 * engram writes; any other is EG_EINVAL. */
#define EG_MARK_BYTES 512
EG_API eg_status eg_outfile_open_own(eg_outfile *o, const eg_folder *in,
                                     const char *name, const char *mark,
                                     eg_err *err);
/* A file that is not there yet (EG_EINVAL), or a pipe. */
EG_API eg_status eg_outfile_open_new(eg_outfile *o, const char *path,
                                     eg_err *err);
/* fwrite that remembers why it failed ("No space left on device"). */
EG_API void eg_outfile_write(eg_outfile *o, const void *data, size_t size);
EG_API eg_status eg_outfile_commit(eg_outfile *o, eg_err *err);
EG_API void eg_outfile_abort(eg_outfile *o); /* nothing after a commit */

/* EG_EINVAL when out is one of the files in[n]: the same device and inode,
 * whatever their names. */
EG_API eg_status eg_output_apart(const char *out, const char *const *in, int n,
                                 eg_err *err);
/* May a file be written there, as in eg_outfile_open_own? Asked before the work
 * that it is to hold. */
EG_API eg_status eg_output_own(const char *path, const char *mark, eg_err *err);
/* EG_EINVAL names the first entry of f that has no such mark. */
EG_API eg_status eg_folder_own(const eg_folder *f, const char *mark,
                               eg_err *err);

/* mkdir -p. */
EG_API eg_status eg_mkdirs(const char *path, eg_err *err);
EG_API bool eg_file_exists(const char *path);

/* Advisory lock on a file in f (created when absent), held until released or
 * the process dies; EG_EBUSY names the holder's pid. *fd is the handle. A file
 * that holds anything but a pid is not ours: EG_EFORMAT. Nothing is written
 * until it is signed. */
EG_API eg_status eg_lock_take(int *fd, const eg_folder *f, const char *name,
                              eg_err *err);
EG_API eg_status eg_lock_sign(int fd, eg_err *err);
EG_API void eg_lock_drop(int fd);
/* Is it there, and held by nobody? Creates and writes nothing. */
EG_API bool eg_lock_free(const eg_folder *f, const char *name);

/* EG_F16, EG_BF16: IEEE binary16, and the upper half of a float32. In
 * safetensors only; as numbers they are float32's, each exactly. */
typedef enum eg_dtype {
    EG_F32,
    EG_F64,
    EG_I32,
    EG_I64,
    EG_U8,
    EG_F16,
    EG_BF16
} eg_dtype;
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
EG_API eg_status eg_npy_write_in(const eg_folder *in, const char *name,
                                 const eg_view *v, eg_err *err);
/* v->data is allocated here; release with eg_view_release. */
EG_API eg_status eg_npy_read(eg_view *v, const char *path, eg_err *err);
EG_API eg_status eg_npy_read_in(eg_view *v, const eg_folder *in,
                                const char *name, eg_err *err);
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
EG_API eg_status eg_st_read_in(eg_safetensors *s, const eg_folder *in,
                               const char *name, eg_err *err);
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
EG_API eg_status eg_st_write_in(const eg_folder *in, const char *name,
                                const eg_st_entry *entries, int n_entries,
                                const char *const *meta, int n_meta,
                                eg_err *err);

#ifdef __cplusplus
}
#endif
#endif
