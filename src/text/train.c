/* Learning byte-level BPE from the words of a corpus.
 *
 * A table holds each pair of neighbours: how often it is there, over all words,
 * and which words may hold it. A heap has the most frequent on top; what it
 * says may be too much, since counts fall while it waits, and is corrected when
 * it comes up. A merge visits the words of its pair alone. */
#include "engram/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "text/vocab.h"
#include "text/words_table.h"

typedef struct pair {
    int32_t left, right; /* left -1: a free place */
    int64_t times;
    int32_t *word; /* those that may hold it; some twice */
    int32_t n_words, room;
    bool fresh; /* counted up by the merge in hand */
} pair;

typedef struct wait {
    int64_t times;
    int32_t left, right;
} wait;

typedef struct learner {
    const egi_words *words;
    int32_t *ids; /* of all words in a row, each as long as it now is */
    size_t *at;   /* [n_words + 1] where each began */
    int32_t *len; /* [n_words] */
    pair *table;  /* [size] */
    uint32_t size;
    int64_t n_pairs;
    wait *heap;
    size_t n_heap, room_heap;
    bool failed;
    wait *fresh; /* pairs that are, their times of no meaning */
    size_t n_fresh, room_fresh;
    /* the tokens so far, and the merges that made them */
    char *bytes;
    size_t room_bytes;
    size_t *token; /* [n + 1] where each begins */
    int32_t *slot; /* [mask + 1] tokens by their bytes; -1: free */
    uint32_t mask;
    egi_pair *merge;
    int n, most, n_merges;
} learner;

/* ---- the heap -------------------------------------------------------------
 */

static bool before(const wait *a, const wait *b)
{
    if (a->times != b->times) return a->times > b->times;
    if (a->left != b->left) return a->left < b->left;
    return a->right < b->right;
}

/* Room for one more at the end of a list. */
static bool room_for(learner *l, wait **list, size_t n, size_t *room)
{
    wait *more;

    if (n < *room) return true;
    more = eg_realloc(*list, (2 * *room + 4096) * sizeof *more);
    if (!more) {
        l->failed = true;
        return false;
    }
    *list = more;
    *room = 2 * *room + 4096;
    return true;
}

static void push(learner *l, wait w)
{
    size_t i;

    if (!room_for(l, &l->heap, l->n_heap, &l->room_heap)) return;
    for (i = l->n_heap++; i > 0 && before(&w, &l->heap[(i - 1) / 2]);
         i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = w;
}

static wait pop(learner *l)
{
    wait top = l->heap[0], w = l->heap[--l->n_heap];
    size_t i = 0, n = l->n_heap;

    for (size_t k = 1; k < n; k = 2 * i + 1) {
        if (k + 1 < n && before(&l->heap[k + 1], &l->heap[k])) k++;
        if (!before(&l->heap[k], &w)) break;
        l->heap[i] = l->heap[k];
        i = k;
    }
    l->heap[i] = w;
    return top;
}

/* ---- pairs ----------------------------------------------------------------
 */

static uint32_t place(const learner *l, int32_t left, int32_t right)
{
    uint32_t i = egi_hash_pair(left, right) & (l->size - 1);

    while (l->table[i].left >= 0 &&
           (l->table[i].left != left || l->table[i].right != right))
        i = (i + 1) & (l->size - 1);
    return i;
}

static bool grow_table(learner *l)
{
    uint32_t old = l->size;
    pair *was = l->table;

    l->size = old ? 2 * old : 1 << 16;
    l->table = eg_calloc(l->size, sizeof *l->table);
    if (!l->table) {
        l->table = was;
        l->size = old;
        return false;
    }
    for (uint32_t i = 0; i < l->size; i++) l->table[i].left = -1;
    for (uint32_t i = 0; i < old; i++)
        if (was[i].left >= 0)
            l->table[place(l, was[i].left, was[i].right)] = was[i];
    eg_free(was);
    return true;
}

/* The pair's row, new with 0 times; NULL: no memory. */
static pair *row_of(learner *l, int32_t left, int32_t right)
{
    pair *p;

    if (2 * l->n_pairs >= (int64_t)l->size && !grow_table(l)) {
        l->failed = true;
        return NULL;
    }
    p = &l->table[place(l, left, right)];
    if (p->left < 0) {
        *p = (pair){.left = left, .right = right};
        l->n_pairs++;
    }
    return p;
}

static void lose(learner *l, int32_t left, int32_t right, int64_t times)
{
    pair *p = row_of(l, left, right);

    if (p) p->times -= times;
}

/* So many more of a pair, in that word. */
static void gain(learner *l, int32_t left, int32_t right, int64_t times,
                 int32_t word)
{
    pair *p = row_of(l, left, right);

    if (!p) return;
    p->times += times;
    if (!p->fresh && room_for(l, &l->fresh, l->n_fresh, &l->room_fresh)) {
        l->fresh[l->n_fresh++] = (wait){0, left, right};
        p->fresh = true;
    }
    if (p->n_words > 0 && p->word[p->n_words - 1] == word) return;
    if (p->n_words == p->room) {
        int32_t room = 2 * p->room + 2;
        int32_t *more = eg_realloc(p->word, (size_t)room * sizeof *more);

        if (!more) {
            l->failed = true;
            return;
        }
        p->word = more;
        p->room = room;
    }
    p->word[p->n_words++] = word;
}

/* What was counted up is as frequent as it will be: into the heap. */
static void push_fresh(learner *l)
{
    for (size_t i = 0; i < l->n_fresh; i++) {
        pair *p = &l->table[place(l, l->fresh[i].left, l->fresh[i].right)];

        p->fresh = false;
        if (p->times > 0) push(l, (wait){p->times, p->left, p->right});
    }
    l->n_fresh = 0;
}

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
                lose(l, s[k - 1], left, times);
                gain(l, s[k - 1], id, times, w);
            }
            if (i + 2 < n) {
                lose(l, right, s[i + 2], times);
                gain(l, id, s[i + 2], times, w);
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
            l->failed = true;
            return 0;
        }
        l->bytes = more;
        l->room_bytes = 2 * need;
    }
    memcpy(l->bytes + l->token[l->n], l->bytes + l->token[left], a);
    memcpy(l->bytes + l->token[l->n] + a, l->bytes + l->token[right], b);
    return a + b;
}

static void merge_pair(learner *l, const wait *w)
{
    size_t n = put_both(l, w->left, w->right);
    int32_t id = n > 0 ? token_of(l, n) : -1;
    pair p = l->table[place(l, w->left, w->right)], *now;

    if (id < 0) return;
    l->merge[l->n_merges] = (egi_pair){w->left, w->right, l->n_merges, id};
    l->n_merges++;
    l->table[place(l, w->left, w->right)].word = NULL; /* p has them */
    for (int32_t i = 0; i < p.n_words && !l->failed; i++)
        merge_in(l, p.word[i], w->left, w->right, id);
    now = &l->table[place(l, w->left, w->right)];
    eg_free(now->word); /* of a word that holds the pair anew, by its id */
    now->times = 0;
    now->word = NULL;
    now->n_words = now->room = 0;
    eg_free(p.word);
    push_fresh(l);
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
           l->bytes && grow_table(l);
}

static void release(learner *l)
{
    for (uint32_t i = 0; l->table && i < l->size; i++)
        eg_free(l->table[i].word);
    eg_free(l->table);
    eg_free(l->ids);
    eg_free(l->at);
    eg_free(l->len);
    eg_free(l->token);
    eg_free(l->slot);
    eg_free(l->merge);
    eg_free(l->bytes);
    eg_free(l->heap);
    eg_free(l->fresh);
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
    for (int64_t w = 0; w < l->words->n && !l->failed; w++) {
        const egi_word *word = &l->words->word[w];
        const char *s = l->words->pool + word->at;

        l->at[w] = at;
        l->len[w] = (int32_t)word->n;
        for (uint32_t i = 0; i < word->n; i++)
            l->ids[at + i] = id_of[(unsigned char)s[i]];
        for (uint32_t i = 0; i + 1 < word->n; i++)
            gain(l, l->ids[at + i], l->ids[at + i + 1], word->times,
                 (int32_t)w);
        at += word->n;
    }
    push_fresh(l);
}

static eg_status learn(learner *l, int64_t least, const eg_corpus_watch *watch,
                       eg_err *err)
{
    while (l->n < l->most && l->n_merges < 2 * l->most && l->n_heap > 0 &&
           !l->failed) {
        wait w = pop(l);
        int64_t times = l->table[place(l, w.left, w.right)].times;

        if (times < least || times > w.times) continue;
        if (times < w.times)
            push(l, (wait){times, w.left, w.right});
        else
            merge_pair(l, &w);
        if ((l->n_merges & 63) != 0 || !watch) continue;
        if (watch->progress)
            watch->progress(watch->ctx,
                            &(eg_corpus_progress){.what = "learning merges",
                                                  .bytes = l->n,
                                                  .of_bytes = l->most});
        if (watch->stop && watch->stop(watch->ctx))
            return EG_FAIL(err, EG_EBUSY, "stopped; nothing was written");
    }
    return l->failed ? EG_FAIL(err, EG_ENOMEM, "learning merges") : EG_OK;
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
