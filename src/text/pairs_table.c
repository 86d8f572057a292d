/* Counts of pairs; see pairs_table.h. */
#include "text/pairs_table.h"

#include "engram/mem.h"
#include "text/vocab.h"

/* ---- the heap -------------------------------------------------------------
 */

static bool before(const egi_pair_wait *a, const egi_pair_wait *b)
{
    if (a->times != b->times) return a->times > b->times;
    if (a->left != b->left) return a->left < b->left;
    return a->right < b->right;
}

/* Room for one more at the end of a list. */
static bool room_for(egi_pairs *p, egi_pair_wait **list, size_t n, size_t *room)
{
    egi_pair_wait *more;

    if (n < *room) return true;
    more = eg_realloc(*list, (2 * *room + 4096) * sizeof *more);
    if (!more) {
        p->failed = true;
        return false;
    }
    *list = more;
    *room = 2 * *room + 4096;
    return true;
}

static void push(egi_pairs *p, egi_pair_wait w)
{
    size_t i;

    if (!room_for(p, &p->heap, p->n_heap, &p->room_heap)) return;
    for (i = p->n_heap++; i > 0 && before(&w, &p->heap[(i - 1) / 2]);
         i = (i - 1) / 2)
        p->heap[i] = p->heap[(i - 1) / 2];
    p->heap[i] = w;
}

static egi_pair_wait pop(egi_pairs *p)
{
    egi_pair_wait top = p->heap[0], w = p->heap[--p->n_heap];
    size_t i = 0, n = p->n_heap;

    for (size_t k = 1; k < n; k = 2 * i + 1) {
        if (k + 1 < n && before(&p->heap[k + 1], &p->heap[k])) k++;
        if (!before(&p->heap[k], &w)) break;
        p->heap[i] = p->heap[k];
        i = k;
    }
    p->heap[i] = w;
    return top;
}

/* ---- the table ------------------------------------------------------------
 */

/* The pair's row, or the free place for it. */
static egi_pair_count *at(const egi_pairs *p, int32_t left, int32_t right)
{
    uint32_t i = egi_hash_pair(left, right) & (p->size - 1);

    while (p->table[i].left >= 0 &&
           (p->table[i].left != left || p->table[i].right != right))
        i = (i + 1) & (p->size - 1);
    return &p->table[i];
}

static bool grow(egi_pairs *p)
{
    uint32_t old = p->size;
    egi_pair_count *was = p->table;

    p->size = old ? 2 * old : 1 << 16;
    p->table = eg_calloc(p->size, sizeof *p->table);
    if (!p->table) {
        p->table = was;
        p->size = old;
        return false;
    }
    for (uint32_t i = 0; i < p->size; i++) p->table[i].left = -1;
    for (uint32_t i = 0; i < old; i++)
        if (was[i].left >= 0) *at(p, was[i].left, was[i].right) = was[i];
    eg_free(was);
    return true;
}

bool egi_pairs_init(egi_pairs *p)
{
    return grow(p);
}

void egi_pairs_release(egi_pairs *p)
{
    for (uint32_t i = 0; p->table && i < p->size; i++)
        eg_free(p->table[i].in.word);
    eg_free(p->table);
    eg_free(p->heap);
    eg_free(p->fresh);
}

/* The pair's row, new with 0 times; NULL: no memory. */
static egi_pair_count *row_of(egi_pairs *p, int32_t left, int32_t right)
{
    egi_pair_count *row;

    if (2 * p->n >= (int64_t)p->size && !grow(p)) {
        p->failed = true;
        return NULL;
    }
    row = at(p, left, right);
    if (row->left < 0) {
        *row = (egi_pair_count){.left = left, .right = right};
        p->n++;
    }
    return row;
}

void egi_pairs_lose(egi_pairs *p, int32_t left, int32_t right, int64_t times)
{
    egi_pair_count *row = row_of(p, left, right);

    if (row) row->times -= times;
}

void egi_pairs_gain(egi_pairs *p, int32_t left, int32_t right, int64_t times,
                    int32_t word)
{
    egi_pair_count *row = row_of(p, left, right);
    egi_pair_words *in;

    if (!row) return;
    row->times += times;
    if (!row->fresh && room_for(p, &p->fresh, p->n_fresh, &p->room_fresh)) {
        p->fresh[p->n_fresh++] = (egi_pair_wait){0, left, right};
        row->fresh = true;
    }
    in = &row->in;
    if (in->n > 0 && in->word[in->n - 1] == word) return;
    if (in->n == in->room) {
        int32_t room = 2 * in->room + 2;
        int32_t *more = eg_realloc(in->word, (size_t)room * sizeof *more);

        if (!more) {
            p->failed = true;
            return;
        }
        in->word = more;
        in->room = room;
    }
    in->word[in->n++] = word;
}

void egi_pairs_settle(egi_pairs *p)
{
    for (size_t i = 0; i < p->n_fresh; i++) {
        egi_pair_count *row = at(p, p->fresh[i].left, p->fresh[i].right);

        row->fresh = false;
        if (row->times > 0)
            push(p, (egi_pair_wait){row->times, row->left, row->right});
    }
    p->n_fresh = 0;
}

bool egi_pairs_next(egi_pairs *p, int64_t least, int32_t *left, int32_t *right)
{
    while (p->n_heap > 0 && !p->failed) {
        egi_pair_wait w = pop(p);
        int64_t times = at(p, w.left, w.right)->times;

        if (times < least || times > w.times) continue;
        *left = w.left;
        *right = w.right;
        if (times == w.times) return true;
        push(p, (egi_pair_wait){times, w.left, w.right});
    }
    return false;
}

egi_pair_words egi_pairs_take(egi_pairs *p, int32_t left, int32_t right)
{
    egi_pair_count *row = at(p, left, right);
    egi_pair_words in = row->in;

    row->in = (egi_pair_words){.n = 0};
    return in;
}

void egi_pairs_gone(egi_pairs *p, int32_t left, int32_t right)
{
    egi_pair_count *row = at(p, left, right);

    eg_free(row->in.word); /* of a word that holds the pair anew, by its id */
    row->in = (egi_pair_words){.n = 0};
    row->times = 0;
}
