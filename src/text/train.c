/* Learning byte-level BPE from the words of a corpus: the most frequent pair of
 * neighbours (pairs_table.h) becomes a token, in the words that hold it, until
 * there are enough. */
#include "engram/corpus.h"

#include <string.h>

#include "engram/mem.h"
#include "text/pairs_table.h"
#include "text/vocab.h"
#include "text/words_table.h"

typedef struct learner {
    const egi_words *words;
    int32_t *ids; /* of all words in a row, each as long as it now is */
    size_t *at;   /* [n_words + 1] where each began */
    int32_t *len; /* [n_words] */
    egi_pairs pairs;
    /* the tokens so far, and the merges that made them */
    char *bytes;
    size_t room_bytes;
    size_t *token; /* [n + 1] where each begins */
    int32_t *slot; /* [mask + 1] tokens by their bytes; -1: free */
    uint32_t mask;
    egi_pair *merge;
    int n, most, n_merges;
} learner;

/* ---- merging in a word ----------------------------------------------------
 */

static void merge_in(learner *l, int32_t w, int32_t left, int32_t right,
                     int32_t id)
{
    int32_t *s = l->ids + l->at[w], n = l->len[w], k = 0;
    int64_t times = l->words->word[w].times;

    for (int32_t i = 0; i < n; i++) {
        if (i + 1 < n && s[i] == left && s[i + 1] == right) {
            if (k > 0) {
                egi_pairs_lose(&l->pairs, s[k - 1], left, times);
                egi_pairs_gain(&l->pairs, s[k - 1], id, times, w);
            }
            if (i + 2 < n) {
                egi_pairs_lose(&l->pairs, right, s[i + 2], times);
                egi_pairs_gain(&l->pairs, id, s[i + 2], times, w);
            }
            s[k++] = id;
            i++;
        } else {
            s[k++] = s[i];
        }
    }
    l->len[w] = k;
}

/* ---- tokens ---------------------------------------------------------------
 */

/* The token with the n bytes at the end of the pool: one that is there already,
 * or a new one. */
static int32_t token_of(learner *l, size_t n)
{
    const char *s = l->bytes + l->token[l->n];
    uint32_t i = egi_hash_bytes(s, n) & l->mask;

    for (; l->slot[i] >= 0; i = (i + 1) & l->mask) {
        int32_t id = l->slot[i];

        if (l->token[id + 1] - l->token[id] == n &&
            memcmp(l->bytes + l->token[id], s, n) == 0)
            return id;
    }
    l->slot[i] = l->n++;
    l->token[l->n] = l->token[l->n - 1] + n;
    return l->n - 1;
}

/* The bytes of two tokens at the end of the pool; 0: no memory. */
static size_t put_both(learner *l, int32_t left, int32_t right)
{
    size_t a = l->token[left + 1] - l->token[left];
    size_t b = l->token[right + 1] - l->token[right];
    size_t need = l->token[l->n] + a + b;

    if (need > l->room_bytes) {
        char *more = eg_realloc(l->bytes, 2 * need);

        if (!more) {
            l->pairs.failed = true;
            return 0;
        }
        l->bytes = more;
        l->room_bytes = 2 * need;
    }
    memcpy(l->bytes + l->token[l->n], l->bytes + l->token[left], a);
    memcpy(l->bytes + l->token[l->n] + a, l->bytes + l->token[right], b);
    return a + b;
}

static void merge_pair(learner *l, int32_t left, int32_t right)
{
    size_t n = put_both(l, left, right);
    int32_t id = n > 0 ? token_of(l, n) : -1;
    egi_pair_words in;

    if (id < 0) return;
    l->merge[l->n_merges] = (egi_pair){left, right, l->n_merges, id};
    l->n_merges++;
    in = egi_pairs_take(&l->pairs, left, right);
    for (int32_t i = 0; i < in.n && !l->pairs.failed; i++)
        merge_in(l, in.word[i], left, right, id);
    eg_free(in.word);
    egi_pairs_gone(&l->pairs, left, right);
    egi_pairs_settle(&l->pairs);
}

/* ---- beginning and end ----------------------------------------------------
 */

static bool allocate(learner *l)
{
    size_t words = (size_t)l->words->n, bytes = l->words->n_pool;

    l->mask = 1023;
    while (l->mask < 2 * (uint32_t)l->most) l->mask = 2 * l->mask + 1;
    l->ids = eg_calloc(bytes + 1, sizeof *l->ids);
    l->at = eg_calloc(words + 1, sizeof *l->at);
    l->len = eg_calloc(words + 1, sizeof *l->len);
    l->token = eg_calloc((size_t)l->most + 2, sizeof *l->token);
    l->slot = eg_calloc((size_t)l->mask + 1, sizeof *l->slot);
    l->merge = eg_calloc(2 * (size_t)l->most, sizeof *l->merge);
    l->room_bytes = 4096;
    l->bytes = eg_calloc(l->room_bytes, 1);
    return l->ids && l->at && l->len && l->token && l->slot && l->merge &&
           l->bytes && egi_pairs_init(&l->pairs);
}

static void release(learner *l)
{
    egi_pairs_release(&l->pairs);
    eg_free(l->ids);
    eg_free(l->at);
    eg_free(l->len);
    eg_free(l->token);
    eg_free(l->slot);
    eg_free(l->merge);
    eg_free(l->bytes);
}

/* The bytes as tokens, the words as rows of them, and their pairs. */
static void begin(learner *l)
{
    int32_t id_of[256];
    size_t at = 0;

    for (uint32_t i = 0; i <= l->mask; i++) l->slot[i] = -1;
    for (int i = 0; i < 256; i++) {
        l->bytes[l->token[l->n]] = (char)egi_base_byte(i);
        id_of[egi_base_byte(i)] = token_of(l, 1);
    }
    for (int64_t w = 0; w < l->words->n && !l->pairs.failed; w++) {
        const egi_word *word = &l->words->word[w];
        const char *s = l->words->pool + word->at;

        l->at[w] = at;
        l->len[w] = (int32_t)word->n;
        for (uint32_t i = 0; i < word->n; i++)
            l->ids[at + i] = id_of[(unsigned char)s[i]];
        for (uint32_t i = 0; i + 1 < word->n; i++)
            egi_pairs_gain(&l->pairs, l->ids[at + i], l->ids[at + i + 1],
                           word->times, (int32_t)w);
        at += word->n;
    }
    egi_pairs_settle(&l->pairs);
}

static eg_status learn(learner *l, int64_t least, const eg_corpus_watch *watch,
                       eg_err *err)
{
    int32_t left, right;

    while (l->n < l->most && l->n_merges < 2 * l->most &&
           egi_pairs_next(&l->pairs, least, &left, &right)) {
        merge_pair(l, left, right);
        if ((l->n_merges & 63) != 0 || !watch) continue;
        if (watch->progress)
            watch->progress(watch->ctx,
                            &(eg_corpus_progress){.what = "learning merges",
                                                  .bytes = l->n,
                                                  .of_bytes = l->most});
        if (watch->stop && watch->stop(watch->ctx))
            return EG_FAIL(err, EG_EBUSY, "stopped; nothing was written");
    }
    return l->pairs.failed ? EG_FAIL(err, EG_ENOMEM, "learning merges") : EG_OK;
}

static eg_status make(eg_tokenizer **out, const learner *l,
                      const egi_pretok *pre, eg_err *err)
{
    static const char end[] = "<|endoftext|>";
    eg_tokenizer *t = NULL;
    eg_status st;

    EG_TRY(egi_vocab_new(&t, EG_TOKENIZER_BPE, l->n + 1,
                         l->token[l->n] + sizeof end, err));
    t->pre = pre;
    for (int i = 0; i < l->n; i++)
        egi_vocab_token(t, l->bytes + l->token[i],
                        l->token[i + 1] - l->token[i]);
    egi_vocab_token(t, end, sizeof end - 1);
    t->special[l->n] = true;
    EG_TRY(egi_vocab_index(t, "the learnt vocabulary", err));
    EG_TRY(egi_vocab_pairs(t, l->n_merges, err));
    for (int i = 0; i < l->n_merges; i++)
        (void)egi_vocab_pair(t, l->merge[i].left, l->merge[i].right, i,
                             l->merge[i].id);
    egi_vocab_end(t, l->n);
    *out = t;
    t = NULL;
done:
    eg_tokenizer_free(t);
    return st;
}

eg_status eg_tokenizer_train(eg_tokenizer **out, const eg_corpus *c,
                             const eg_bpe_train *how, eg_pool *pool,
                             const eg_corpus_watch *watch, eg_err *err)
{
    const egi_pretok *pre = egi_pretok_find(how->cut ? how->cut : "gpt2");
    int64_t most = how->most_bytes > 0 ? how->most_bytes : (int64_t)1 << 30;
    egi_words words = {0};
    learner l = {.words = &words, .most = how->d_vocab - 1};
    char known[128];
    eg_status st;

    *out = NULL;
    egi_pretok_names(known, sizeof known);
    if (how->d_vocab < 257 || how->d_vocab > EG_MOST_IDS || !pre)
        return EG_FAIL(err, EG_EINVAL,
                       "a vocabulary of %d to be learnt: expected 257 to %d, "
                       "cut as %s",
                       how->d_vocab, EG_MOST_IDS, known);
    EG_TRY(egi_words_count(&words, c, pre, most, pool, watch, err));
    if (!allocate(&l)) {
        st =
            EG_FAIL(err, EG_ENOMEM, "%lld different words", (long long)words.n);
        goto done;
    }
    begin(&l);
    EG_TRY(learn(&l, how->least > 0 ? how->least : 2, watch, err));
    EG_TRY(make(out, &l, pre, err));
done:
    release(&l);
    egi_words_release(&words);
    return st;
}
