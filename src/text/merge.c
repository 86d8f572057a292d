/* Merging the bytes of a piece: the pair of least rank first, of equal ones the
 * leftmost, until none is listed. Short pieces are searched through; long ones
 * keep a heap of what may be merged, so that a word of a million letters takes
 * n log n and not n^2. */
#include "text/vocab.h"

#include <string.h>

#include "engram/mem.h"

enum { SHORT = 48 };

void egi_merger_release(egi_merger *m)
{
    eg_free(m->link);
    eg_free(m->wait);
    *m = (egi_merger){0};
}

/* ---- short ----------------------------------------------------------------
 */

static inline int32_t look(const eg_tokenizer *t, int32_t l, int32_t r,
                           int32_t *id)
{
    const egi_pair *p = egi_pair_find(t, l, r);

    *id = p ? p->id : -1;
    return p ? p->rank : INT32_MAX;
}

/* rank[i], made[i]: of ids[i] and ids[i + 1]. */
static eg_index merge_short(const eg_tokenizer *t, int32_t *ids, eg_index n)
{
    int32_t rank[SHORT], made[SHORT];

    for (eg_index i = 0; i + 1 < n; i++)
        rank[i] = look(t, ids[i], ids[i + 1], &made[i]);
    while (n > 1) {
        eg_index best = 0;

        for (eg_index i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best]) best = i;
        if (rank[best] == INT32_MAX) break;
        ids[best] = made[best];
        n--;
        for (eg_index i = best + 1; i < n; i++) {
            ids[i] = ids[i + 1];
            rank[i - 1] = rank[i];
            made[i - 1] = made[i];
        }
        if (best > 0)
            rank[best - 1] = look(t, ids[best - 1], ids[best], &made[best - 1]);
        if (best + 1 < n)
            rank[best] = look(t, ids[best], ids[best + 1], &made[best]);
    }
    return n;
}

/* ---- long -----------------------------------------------------------------
 */

static bool before(const egi_wait *a, const egi_wait *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(egi_merger *m, egi_wait w)
{
    size_t i = m->n_waiting++;

    for (; i > 0 && before(&w, &m->wait[(i - 1) / 2]); i = (i - 1) / 2)
        m->wait[i] = m->wait[(i - 1) / 2];
    m->wait[i] = w;
}

static egi_wait pop(egi_merger *m)
{
    egi_wait top = m->wait[0], w = m->wait[--m->n_waiting];
    size_t i = 0, n = m->n_waiting;

    for (size_t k = 1; k < n; k = 2 * i + 1) {
        if (k + 1 < n && before(&m->wait[k + 1], &m->wait[k])) k++;
        if (!before(&m->wait[k], &w)) break;
        m->wait[i] = m->wait[k];
        i = k;
    }
    m->wait[i] = w;
    return top;
}

/* Notes the pair that begins at place i. */
static void note(const eg_tokenizer *t, egi_merger *m, int32_t i)
{
    int32_t j = m->link[i].behind;
    const egi_pair *p =
        j < 0 ? NULL : egi_pair_find(t, m->link[i].id, m->link[j].id);

    if (p) push(m, (egi_wait){p->rank, i, p->left, p->right, p->id});
}

static void join(const eg_tokenizer *t, egi_merger *m, const egi_wait *w)
{
    egi_link *l = &m->link[w->at];
    int32_t j = l->id == w->left ? l->behind : -1;

    if (j < 0 || m->link[j].id != w->right) return; /* meanwhile another */
    l->id = w->id;
    l->behind = m->link[j].behind;
    m->link[j].id = -1;
    if (l->behind >= 0) m->link[l->behind].before = w->at;
    if (l->before >= 0) note(t, m, l->before);
    note(t, m, w->at);
}

static bool grow(egi_merger *m, size_t n)
{
    size_t room = n + n / 2;

    if (n <= m->room) return true;
    egi_merger_release(m);
    m->link = eg_calloc(room, sizeof *m->link);
    m->wait = eg_calloc(3 * room, sizeof *m->wait);
    if (!m->link || !m->wait) {
        egi_merger_release(m);
        return false;
    }
    m->room = room;
    return true;
}

/* A merge notes two pairs at most and uses up one token: 3 n in all. */
static eg_index merge_long(const eg_tokenizer *t, egi_merger *m, int32_t *ids,
                           eg_index n)
{
    eg_index k = 0;

    if (!grow(m, (size_t)n)) return -1;
    for (int32_t i = 0; i < n; i++)
        m->link[i] = (egi_link){ids[i], i - 1, i + 1 < n ? i + 1 : -1};
    m->n_waiting = 0;
    for (int32_t i = 0; i < n; i++) note(t, m, i);
    while (m->n_waiting > 0) {
        egi_wait w = pop(m);

        join(t, m, &w);
    }
    for (int32_t i = 0; i >= 0; i = m->link[i].behind) ids[k++] = m->link[i].id;
    return k;
}

eg_index egi_merge(const eg_tokenizer *t, egi_merger *m, const unsigned char *s,
                   size_t n, int32_t *ids, size_t *bad)
{
    if (t->whole) {
        int32_t id = eg_tokenizer_id(t, (const char *)s, n);

        if (id >= 0 && !t->special[id]) {
            ids[0] = id;
            return 1;
        }
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = t->byte[s[i]];
        if (ids[i] < 0) {
            *bad = i;
            return -2;
        }
    }
    return n <= SHORT ? merge_short(t, ids, (eg_index)n)
                      : merge_long(t, m, ids, (eg_index)n);
}
