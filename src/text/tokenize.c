/* A corpus into shards: one task of the pool reads the next blocks while the
 * others encode the last ones; ids are written in the order of the text. */
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "text/documents.h"
#include "text/made.h"
#include "text/own.h"
#include "text/shard.h"

enum { TRAIN, VAL, SPLITS };
enum { BLOCKS = 8 }; /* a thread in one round */

typedef struct work {
    egi_block block;
    eg_ids ids[SPLITS];
    eg_err err;
    eg_status st;
} work;

typedef struct job {
    const eg_corpus *c;
    const eg_tokenizer *t;
    const eg_tokenize *how;
    eg_tokenized *info;
    egi_reader reader;
    eg_encoder **encoder; /* [n_threads] */
    int n_threads, n;     /* blocks of a round at most */
    work *round[2];       /* [n] read, and encoded meanwhile */
    int filled[2], read;  /* blocks in each; which is being read */
    eg_err read_err;
    eg_status read_st;
    eg_folder out;
    eg_shard_writer *writer[SPLITS];
    eg_ids *keep; /* [SPLITS], in the place of shards; NULL: shards */
} job;

/* ---- in the pool ----------------------------------------------------------
 */

static void read_round(job *j)
{
    work *w = j->round[j->read];
    int k = 0;

    j->read_st = EG_OK;
    for (; k < j->n && j->read_st == EG_OK; k++) {
        j->read_st = egi_reader_next(&j->reader, &w[k].block, &j->read_err);
        if (w[k].block.n_parts == 0) break;
    }
    j->filled[j->read] = k;
}

static eg_status add_eot(const job *j, const egi_part *p, eg_eot place,
                         eg_ids *ids, eg_err *err)
{
    int32_t eot = eg_tokenizer_eot(j->t);
    bool here = place == EG_EOT_AFTER ? p->ends : p->begins;
    eg_status st;

    if (j->how->eot != place || eot < 0 || !here) return EG_OK;
    st = egi_ids_room(ids, 1, err);
    if (st == EG_OK) ids->id[ids->n++] = eot;
    return st;
}

static int split_of(const job *j, const egi_part *p)
{
    uint64_t d = (uint64_t)p->document;
    eg_rng rng;

    if (j->reader.late_from != INT64_MAX) return p->late ? VAL : TRAIN;
    if (!(j->how->val_share > 0)) return TRAIN;
    rng = eg_rng_make(j->how->seed, EG_RNG_USER, d >> 32, (uint32_t)d);
    return eg_rng_uniform(&rng) < j->how->val_share ? VAL : TRAIN;
}

static eg_status encode_part(const job *j, eg_encoder *e, const egi_part *p,
                             const char *text, eg_ids *ids, eg_err *err)
{
    char *mended = NULL;
    size_t n;
    eg_err why = {0};
    eg_status st;

    EG_TRY(egi_part_utf8(p, j->c->replace, &text, &n, &mended, err));
    EG_TRY(add_eot(j, p, EG_EOT_BEFORE, ids, err));
    st = eg_encode(e, text, n,
                   (j->how->special ? EG_ENCODE_SPECIAL : 0) |
                       (j->how->known ? EG_ENCODE_KNOWN : 0),
                   ids, &why);
    if (st != EG_OK) {
        st = egi_part_fail(p, 0, st, why.msg, err);
        goto done;
    }
    EG_TRY(add_eot(j, p, EG_EOT_AFTER, ids, err));
done:
    eg_free(mended);
    return st;
}

static void encode_block(const job *j, work *w, int worker)
{
    const char *text = w->block.text;

    for (int i = 0; i < SPLITS; i++) w->ids[i].n = 0;
    w->st = EG_OK;
    for (int i = 0; i < w->block.n_parts && w->st == EG_OK; i++) {
        const egi_part *p = &w->block.part[i];

        w->st = encode_part(j, j->encoder[worker], p, text,
                            &w->ids[split_of(j, p)], &w->err);
        text += p->n;
    }
}

static void task(void *ctx, int i, int worker)
{
    job *j = ctx;

    if (i == 0)
        read_round(j);
    else
        encode_block(j, &j->round[!j->read][i - 1], worker);
}

/* ---- in order -------------------------------------------------------------
 */

static eg_status keep(eg_ids *all, const eg_ids *ids, eg_err *err)
{
    eg_status st = egi_ids_room(all, ids->n, err);

    if (st != EG_OK || ids->n == 0) return st;
    memcpy(all->id + all->n, ids->id, ids->n * sizeof *ids->id);
    all->n += ids->n;
    return EG_OK;
}

static eg_status write_round(job *j, const work *w, int n, eg_err *err)
{
    eg_status st = EG_OK;

    for (int k = 0; k < n; k++) {
        if (w[k].st != EG_OK) {
            if (err) *err = w[k].err;
            return w[k].st;
        }
        for (int i = 0; i < SPLITS; i++)
            EG_TRY(j->keep ? keep(&j->keep[i], &w[k].ids[i], err)
                           : eg_shard_write(j->writer[i], w[k].ids[i].id,
                                            w[k].ids[i].n, err));
    }
done:
    return st;
}

static eg_status tell(const job *j, const eg_corpus_watch *watch, eg_err *err)
{
    eg_corpus_progress p = {.what = "tokenizing",
                            .bytes = egi_reader_at(&j->reader),
                            .of_bytes = j->reader.files.bytes};

    for (int i = 0; i < SPLITS && !j->keep; i++)
        p.tokens += eg_shard_writer_tokens(j->writer[i]);
    if (watch && watch->progress) watch->progress(watch->ctx, &p);
    if (watch && watch->stop && watch->stop(watch->ctx))
        return EG_FAIL(err, EG_EBUSY, "stopped; nothing was written");
    return EG_OK;
}

static eg_status work_through(job *j, eg_pool *pool,
                              const eg_corpus_watch *watch, eg_err *err)
{
    eg_status st = EG_OK;

    read_round(j);
    for (;;) {
        if (j->read_st != EG_OK) {
            if (err) *err = j->read_err;
            return j->read_st;
        }
        if (j->filled[j->read] == 0) break;
        j->read = !j->read;
        eg_pool_run(pool, 1 + j->filled[!j->read], task, j);
        EG_TRY(write_round(j, j->round[!j->read], j->filled[!j->read], err));
        EG_TRY(tell(j, watch, err));
    }
    j->info->documents = j->reader.documents;
    j->info->bytes = j->reader.bytes;
    for (int i = 0; i < j->n_threads; i++)
        j->info->left_out += eg_encoder_left_out(j->encoder[i]);
    if (j->info->bytes == 0)
        st = EG_FAIL(err, EG_EINVAL, "%s: the corpus has no text",
                     j->c->path[0]);
done:
    return st;
}

/* ---- the folder -----------------------------------------------------------
 */

/* Shards first, then what says that they are whole. */
static eg_status finish(job *j, const eg_corpus_watch *watch, eg_err *err)
{
    egi_subset subset[EG_SUBSETS] = {0};
    egi_made made = {.c = j->c, .t = j->t, .how = j->how};
    eg_status st;

    EG_TRY(eg_tokenizer_write(j->t, &j->out, EG_TOKENIZER_FILE, err));
    for (int i = 0; i < SPLITS; i++)
        EG_TRY(eg_shard_writer_end(j->writer[i], err));
    j->info->train = eg_shard_writer_tokens(j->writer[TRAIN]);
    j->info->val = eg_shard_writer_tokens(j->writer[VAL]);
    made.info = *j->info;
    EG_TRY(egi_subsets_write(subset, &j->out, &made, watch, err));
    EG_TRY(egi_made_record(&j->out, &made, 1, err));
done:
    egi_subsets_end(subset, j->how->n_subsets, st == EG_OK);
    if (st == EG_OK) return EG_OK;
    (void)eg_folder_remove(&j->out, EG_TOKENIZER_FILE);
    for (int i = 0; i < SPLITS; i++) egi_shard_writer_undo(j->writer[i]);
    return st;
}

static eg_status open_out(job *j, eg_err *err)
{
    static const char *const stems[] = {"train", "val"};
    int64_t most = j->how->most > 0 ? j->how->most : EG_SHARD_MOST;
    eg_status st;

    EG_TRY(eg_folder_make(&j->out, j->how->out, err));
    EG_TRY(eg_folder_empty(&j->out, NULL, err));
    for (int i = 0; i < SPLITS; i++)
        EG_TRY(eg_shard_writer_new(&j->writer[i], &j->out, stems[i],
                                   j->how->format, eg_tokenizer_vocab(j->t),
                                   most, err));
done:
    return st;
}

/* ---- a job ----------------------------------------------------------------
 */

static eg_status begin(job *j, eg_err *err)
{
    eg_status st;

    EG_TRY(egi_reader_open(&j->reader, j->c, err));
    if (j->how->val_share > 0 && egi_reader_single(&j->reader)) {
        int64_t bytes;

        EG_TRY(eg_corpus_again(
            j->c,
            "its end is for validation, and nobody knows where that "
            "begins",
            err));
        EG_TRY(egi_reader_count(&j->reader, &bytes, err));
        j->reader.late_from =
            bytes - (int64_t)((double)bytes * j->how->val_share);
    }
    j->encoder = eg_calloc((size_t)j->n_threads, sizeof(void *));
    for (int i = 0; i < 2; i++)
        j->round[i] = eg_calloc((size_t)j->n, sizeof *j->round[i]);
    if (!j->encoder || !j->round[0] || !j->round[1]) {
        st = EG_FAIL(err, EG_ENOMEM, "%d blocks of text", j->n);
        goto done;
    }
    for (int i = 0; i < j->n_threads; i++)
        EG_TRY(eg_encoder_new(&j->encoder[i], j->t, err));
    if (!j->keep) EG_TRY(open_out(j, err));
done:
    return st;
}

static void end(job *j, bool keep)
{
    for (int i = 0; i < SPLITS; i++) eg_shard_writer_free(j->writer[i]);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; j->round[i] && k < j->n; k++) {
            egi_block_release(&j->round[i][k].block);
            for (int s = 0; s < SPLITS; s++)
                eg_ids_release(&j->round[i][k].ids[s]);
        }
        eg_free(j->round[i]);
    }
    for (int i = 0; j->encoder && i < j->n_threads; i++)
        eg_encoder_free(j->encoder[i]);
    eg_free(j->encoder);
    egi_reader_close(&j->reader);
    if (keep)
        eg_folder_close(&j->out);
    else
        eg_folder_unmake(&j->out);
}

/* keep NULL: into a folder. */
static eg_status run(eg_tokenized *info, eg_ids *keep, const eg_corpus *c,
                     const eg_tokenizer *t, const eg_tokenize *how,
                     eg_pool *pool, const eg_corpus_watch *watch, eg_err *err)
{
    job j = {.c = c,
             .t = t,
             .how = how,
             .info = info,
             .n_threads = eg_pool_size(pool),
             .n = BLOCKS * eg_pool_size(pool),
             .reader = {.source = {.in = {.fd = -1}}},
             .out = {.fd = -1},
             .keep = keep};
    eg_status st;

    *info = (eg_tokenized){0};
    EG_ASSERT(c->n > 0);
    if (!(how->val_share >= 0 && how->val_share < 1))
        return EG_FAIL(err, EG_EINVAL,
                       "a share for validation: expected 0 to less than 1");
    EG_TRY(eg_subsets_check(how->subset, how->n_subsets, err));
    EG_TRY(begin(&j, err));
    EG_TRY(work_through(&j, pool, watch, err));
    if (!keep) EG_TRY(finish(&j, watch, err));
done:
    end(&j, st == EG_OK);
    return st;
}

eg_status eg_corpus_tokenize(eg_tokenized *info, const eg_corpus *c,
                             const eg_tokenizer *t, const eg_tokenize *how,
                             eg_pool *pool, const eg_corpus_watch *watch,
                             eg_err *err)
{
    return run(info, NULL, c, t, how, pool, watch, err);
}

eg_status eg_corpus_encode(eg_ids ids[2], eg_tokenized *info,
                           const eg_corpus *c, const eg_tokenizer *t,
                           const eg_tokenize *how, eg_pool *pool, eg_err *err)
{
    eg_status st = run(info, ids, c, t, how, pool, NULL, err);

    info->train = (int64_t)ids[TRAIN].n;
    info->val = (int64_t)ids[VAL].n;
    return st;
}
