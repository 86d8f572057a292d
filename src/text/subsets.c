/* First parts of a corpus as corpora of their own. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"
#include "text/made.h"
#include "text/shard.h"

enum { TRAIN, VAL, SPLITS };
enum { CHUNK = 1 << 16 };

static const char *const stems[SPLITS] = {"train", "val"};

int64_t eg_subset_tokens(int64_t train, double share)
{
    return (int64_t)((double)train * share);
}

void eg_subset_name(char buf[EG_SUBSET_NAME], double share)
{
    char number[EGI_REAL_TEXT];

    egi_real_text(number, 1, share);
    (void)snprintf(buf, EG_SUBSET_NAME, "share-%s", number);
}

eg_status eg_subsets_check(const double *share, int n, eg_err *err)
{
    if (n > EG_SUBSETS)
        return EG_FAIL(err, EG_EINVAL, "at most %d subsets, found %d",
                       EG_SUBSETS, n);
    for (int i = 0; i < n; i++) {
        char number[EGI_REAL_TEXT];

        egi_real_text(number, 1, share[i]);
        if (!(share[i] > 0 && share[i] < 1))
            return EG_FAIL(err, EG_EINVAL,
                           "the share of a subset: expected more than 0 and "
                           "less than 1, found %s",
                           number);
        for (int k = 0; k < i; k++)
            if (share[k] == share[i])
                return EG_FAIL(err, EG_EINVAL, "subset %s is there twice",
                               number);
    }
    return EG_OK;
}

static eg_status begin(egi_subset *s, const eg_folder *corpus,
                       const egi_made *m, double share, eg_err *err)
{
    char name[EG_SUBSET_NAME];
    int64_t most = m->how->most > 0 ? m->how->most : EG_SHARD_MOST;
    eg_status st = EG_OK;

    s->left = eg_subset_tokens(m->info.train, share);
    eg_subset_name(name, share);
    if (s->left == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: of %lld tokens for training none is left", name,
                       (long long)m->info.train);
    EG_TRY(eg_folder_sub(&s->to, corpus, name, true, err));
    for (int i = 0; i < SPLITS; i++)
        EG_TRY(eg_shard_writer_new(&s->writer[i], &s->to, stems[i],
                                   m->how->format, eg_tokenizer_vocab(m->t),
                                   most, err));
done:
    return st;
}

static eg_status tell(int64_t tokens, int64_t of, const eg_corpus_watch *watch,
                      eg_err *err)
{
    eg_corpus_progress p = {.what = "writing subsets",
                            .bytes = tokens,
                            .of_bytes = of,
                            .tokens = tokens};

    if (watch && watch->progress) watch->progress(watch->ctx, &p);
    if (watch && watch->stop && watch->stop(watch->ctx))
        return EG_FAIL(err, EG_EBUSY, "stopped; nothing was written");
    return EG_OK;
}

/* The first `most` ids of a row of shards, to each that still wants some. */
static eg_status copy(egi_subset *s, int n, int split, const eg_shards *from,
                      int64_t most, int32_t *ids, const eg_corpus_watch *watch,
                      eg_err *err)
{
    eg_status st = EG_OK;

    for (int64_t at = 0; at < most; at += CHUNK) {
        int64_t k = most - at < CHUNK ? most - at : CHUNK;

        EG_TRY(eg_shards_read(from, at, (eg_index)k, ids, err));
        for (int i = 0; i < n; i++) {
            int64_t want = split == TRAIN && s[i].left < k ? s[i].left : k;

            EG_TRY(eg_shard_write(s[i].writer[split], ids, (size_t)want, err));
            if (split == TRAIN) s[i].left -= want;
        }
        EG_TRY(tell(at + k, most, watch, err));
    }
done:
    return st;
}

static eg_status copy_split(egi_subset *s, int n, int split,
                            const eg_folder *corpus, const egi_made *m,
                            const eg_corpus_watch *watch, eg_err *err)
{
    eg_status st = EG_OK;
    eg_shards *from = NULL;
    int32_t *ids = eg_calloc(CHUNK, sizeof *ids);
    int64_t most = split == VAL ? m->info.val : 0;

    for (int i = 0; split == TRAIN && i < n; i++)
        if (s[i].left > most) most = s[i].left;
    if (!ids) {
        st = EG_FAIL(err, EG_ENOMEM, "%d ids", CHUNK);
        goto done;
    }
    if (most == 0) goto done;
    EG_TRY(eg_shards_open_split(&from, corpus->path, stems[split],
                                eg_tokenizer_vocab(m->t), err));
    EG_TRY(copy(s, n, split, from, most, ids, watch, err));
done:
    eg_shards_free(from);
    eg_free(ids);
    return st;
}

static eg_status end(egi_subset *s, const egi_made *m, double share,
                     eg_err *err)
{
    egi_made part = *m;
    eg_status st;

    EG_TRY(eg_tokenizer_write(m->t, &s->to, EG_TOKENIZER_FILE, err));
    for (int i = 0; i < SPLITS; i++)
        EG_TRY(eg_shard_writer_end(s->writer[i], err));
    part.info.train = eg_shard_writer_tokens(s->writer[TRAIN]);
    EG_TRY(egi_made_record(&s->to, &part, share, err));
done:
    return st;
}

eg_status egi_subsets_write(egi_subset *to, const eg_folder *corpus,
                            const egi_made *m, const eg_corpus_watch *watch,
                            eg_err *err)
{
    const double *share = m->how->subset;
    int n = m->how->n_subsets;
    eg_status st = EG_OK;

    for (int i = 0; i < n; i++) to[i].to.fd = -1;
    if (n > 0 && m->info.val == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "subsets share the part for validation, and there is "
                       "none");
    for (int i = 0; i < n; i++) EG_TRY(begin(&to[i], corpus, m, share[i], err));
    for (int i = 0; n > 0 && i < SPLITS; i++)
        EG_TRY(copy_split(to, n, i, corpus, m, watch, err));
    for (int i = 0; i < n; i++) EG_TRY(end(&to[i], m, share[i], err));
done:
    return st;
}

void egi_subsets_end(egi_subset *s, int n, bool keep)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < SPLITS; k++) {
            if (!keep && s[i].writer[k]) egi_shard_writer_undo(s[i].writer[k]);
            eg_shard_writer_free(s[i].writer[k]);
        }
        if (!keep && s[i].to.fd >= 0) {
            (void)eg_folder_remove(&s[i].to, EG_TOKENIZER_FILE);
            (void)eg_folder_remove(&s[i].to, EG_CORPUS_FILE);
            eg_folder_unmake(&s[i].to);
        } else if (keep) {
            eg_folder_close(&s[i].to);
        }
    }
}
