/* Shards, written: the header says how many ids there are when the file is
 * whole; only then does it get its name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "text/shard.h"

enum { BLOCK = 1 << 14, MOST_FILES = 100000 }; /* of six digits at most */

struct eg_shard_writer {
    const eg_folder *in;
    char stem[64];
    eg_shard_format format;
    int width, n_files;
    bool open, ended;
    int64_t most, tokens, here; /* ids in all, in this file */
    eg_outfile file;
    unsigned char block[BLOCK * 4];
};

eg_status eg_shard_writer_new(eg_shard_writer **out, const eg_folder *in,
                              const char *stem, eg_shard_format format,
                              int d_vocab, int64_t most, eg_err *err)
{
    eg_shard_writer *w = eg_calloc(1, sizeof *w);

    *out = NULL;
    if (!w) return EG_FAIL(err, EG_ENOMEM, "a writer of shards");
    EG_ASSERT(most > 0 && most <= EG_SHARD_MOST);
    if (format == EG_SHARD_NANOGPT && d_vocab > 65536) {
        eg_free(w);
        return EG_FAIL(err, EG_EINVAL,
                       "nanoGPT's files hold ids below 65536; the vocabulary "
                       "has %d",
                       d_vocab);
    }
    w->in = in;
    (void)snprintf(w->stem, sizeof w->stem, "%s", stem);
    w->format = format;
    w->width = d_vocab > 65536 ? 4 : 2;
    w->most = most;
    *out = w;
    return EG_OK;
}

int64_t eg_shard_writer_tokens(const eg_shard_writer *w)
{
    return w->tokens;
}

static void name_of(const eg_shard_writer *w, int i, char name[96])
{
    if (w->format == EG_SHARD_NANOGPT)
        (void)snprintf(name, 96, "%s.bin", w->stem);
    else
        (void)snprintf(name, 96, "%s_%06d.bin", w->stem, i);
}

static void put_header(eg_shard_writer *w)
{
    int32_t head[EGI_SHARD_HEAD] = {w->width == 2 ? EGI_SHARD_16 : EGI_SHARD_32,
                                    w->width == 2 ? EGI_SHARD_16_VERSION
                                                  : EGI_SHARD_32_VERSION,
                                    (int32_t)w->here};

    if (w->format == EG_SHARD_LLMC)
        eg_outfile_write(&w->file, head, sizeof head);
}

static eg_status begin_file(eg_shard_writer *w, eg_err *err)
{
    char name[96];
    eg_status st;

    if (w->n_files == MOST_FILES)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: more than %d shards of %lld tokens each",
                       w->in->path, MOST_FILES, (long long)w->most);
    name_of(w, w->n_files, name);
    st = eg_outfile_open_in(&w->file, w->in, name, err);
    if (st != EG_OK) return st;
    w->open = true;
    w->here = 0;
    put_header(w);
    return EG_OK;
}

static eg_status end_file(eg_shard_writer *w, eg_err *err)
{
    if (!w->open) return EG_OK;
    w->open = false;
    if (w->format == EG_SHARD_LLMC) {
        if (fseek(w->file.f, 0, SEEK_SET) != 0 && !w->file.error)
            w->file.error = errno;
        put_header(w);
    }
    w->n_files++; /* also after a failure: to be removed */
    return eg_outfile_commit(&w->file, err);
}

/* n ids into the open file, n <= BLOCK. */
static eg_status put(eg_shard_writer *w, const int32_t *ids, size_t n,
                     eg_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half = (uint16_t)ids[i];

        if (ids[i] < 0 || (w->width == 2 && ids[i] > UINT16_MAX))
            return EG_FAIL(err, EG_EINVAL,
                           "id %d; a shard of %d bytes an id cannot hold it",
                           (int)ids[i], w->width);
        if (w->width == 2)
            memcpy(w->block + 2 * i, &half, 2);
        else
            memcpy(w->block + 4 * i, &ids[i], 4);
    }
    eg_outfile_write(&w->file, w->block, n * (size_t)w->width);
    w->here += (int64_t)n;
    w->tokens += (int64_t)n;
    return EG_OK;
}

eg_status eg_shard_write(eg_shard_writer *w, const int32_t *ids, size_t n,
                         eg_err *err)
{
    eg_status st = EG_OK;

    while (n > 0) {
        size_t k = n < BLOCK ? n : BLOCK;

        if (w->open && w->here == w->most && w->format == EG_SHARD_LLMC)
            EG_TRY(end_file(w, err));
        if (!w->open) EG_TRY(begin_file(w, err));
        if (w->format == EG_SHARD_LLMC && (int64_t)k > w->most - w->here)
            k = (size_t)(w->most - w->here);
        EG_TRY(put(w, ids, k, err));
        ids += k;
        n -= k;
    }
done:
    return st;
}

eg_status eg_shard_writer_end(eg_shard_writer *w, eg_err *err)
{
    eg_status st = end_file(w, err);

    w->ended = st == EG_OK;
    return st;
}

void egi_shard_writer_undo(eg_shard_writer *w)
{
    w->ended = false;
}

void eg_shard_writer_free(eg_shard_writer *w)
{
    if (!w) return;
    if (w->open) eg_outfile_abort(&w->file);
    for (int i = 0; i < w->n_files && !w->ended; i++) {
        char name[96];

        name_of(w, i, name);
        (void)eg_folder_remove(w->in, name);
    }
    eg_free(w);
}
