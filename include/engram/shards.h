/* Shards: files of token ids, as nanoGPT and llm.c have them.
 *
 *     nanoGPT    little-endian uint16 ids and nothing else
 *     llm.c      256 int32: 20240520, 1, how many ids, zeros; then uint16 ids
 *     llm.c, 32  256 int32: 20240801, 7, how many ids, zeros; then uint32 ids
 *
 * Several files are one row of ids. They are read with pread, so that a file
 * that becomes shorter meanwhile is an error and nothing worse, and none of
 * them has to fit into memory. */
#ifndef ENGRAM_SHARDS_H
#define ENGRAM_SHARDS_H

#include "engram/file.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eg_shard_format {
    EG_SHARD_LLMC,    /* uint16, or uint32 for ids from 65536 on */
    EG_SHARD_NANOGPT, /* ids below 65536 */
} eg_shard_format;

typedef struct eg_shards eg_shards;

/* Opens path[n] as one row. d_vocab: ids from there on are EG_EFORMAT, where
 * they are looked at: the first EG_SHARDS_LOOK when the files are opened, and
 * all when they are read. A file without one of the two magic numbers is
 * nanoGPT's, unless it has an llm.c file's header in all else. EG_EFORMAT: too
 * short, too long, an odd byte, of another version; EG_EIO. */
#define EG_SHARDS_LOOK ((int64_t)1 << 25)
EG_API eg_status eg_shards_open(eg_shards **out, const char *const *path, int n,
                                int d_vocab, eg_err *err);
/* The files of a folder whose names hold the word split ("train", "val") and
 * end in .bin, in the order of their bytes. No such file: EG_EINVAL. */
EG_API eg_status eg_shards_open_split(eg_shards **out, const char *folder,
                                      const char *split, int d_vocab,
                                      eg_err *err);
/* Has the folder such files? */
EG_API bool eg_shards_has(const char *folder, const char *split);
EG_API void eg_shards_free(eg_shards *s);            /* NULL: nothing */
EG_API int64_t eg_shards_tokens(const eg_shards *s); /* of all files */
EG_API int eg_shards_files(const eg_shards *s);      /* how many */
/* ids at to at + n - 1 into out; there must be so many. Allocates nothing; from
 * any thread. EG_EIO, EG_EFORMAT: out is all zeros. */
EG_API eg_status eg_shards_read(const eg_shards *s, int64_t at, eg_index n,
                                int32_t *out, eg_err *err);

/* ---- writing ---------------------------------------------------------------
 *
 * <stem>_000000.bin, <stem>_000001.bin and so on, of at most `most` ids each;
 * nanoGPT: <stem>.bin alone, of any length. Every file gets its name when it is
 * whole. */
#define EG_SHARD_MOST ((int64_t)2147483391) /* llm.c counts in an int32 */
typedef struct eg_shard_writer eg_shard_writer;
EG_API eg_status eg_shard_writer_new(eg_shard_writer **out, const eg_folder *in,
                                     const char *stem, eg_shard_format format,
                                     int d_vocab, int64_t most, eg_err *err);
/* EG_EINVAL: an id that the format cannot hold. */
EG_API eg_status eg_shard_write(eg_shard_writer *w, const int32_t *ids,
                                size_t n, eg_err *err);
/* Closes the last file. Without an id there is no file. */
EG_API eg_status eg_shard_writer_end(eg_shard_writer *w, eg_err *err);
EG_API int64_t eg_shard_writer_tokens(const eg_shard_writer *w); /* so far */
/* The files of a writer that has not ended are removed. NULL: nothing. */
EG_API void eg_shard_writer_free(eg_shard_writer *w);

#ifdef __cplusplus
}
#endif
#endif
