/* What a head is called, and heads in the order of their names. */
#include <math.h>
#include <stdlib.h>

#include "engram/probe.h"

/* How far score i is on the way from a head that looks everywhere alike to one
 * that does nothing else: 0 and 1. NaN where there is no such way. */
static double way(const eg_head *h, const eg_head *even, int i)
{
    return (h->score[i] - even->score[i]) / (1 - even->score[i]);
}

static int kind_of(const eg_head *h, const eg_head *even, double threshold)
{
    int best = 0;

    for (int i = 1; i < EG_HEAD_KINDS; i++)
        if (isnan(way(h, even, best)) || way(h, even, i) > way(h, even, best))
            best = i;
    return way(h, even, best) >= threshold ? best : -1;
}

static int by_kind(const void *pa, const void *pb)
{
    const eg_head *a = pa, *b = pb;

    if (a->kind != b->kind) {
        if (a->kind < 0 || b->kind < 0) return a->kind < 0 ? 1 : -1;
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->kind >= 0 && a->score[a->kind] != b->score[b->kind])
        return a->score[a->kind] > b->score[b->kind] ? -1 : 1;
    if (a->layer != b->layer) return a->layer < b->layer ? -1 : 1;
    return a->head < b->head ? -1 : a->head > b->head;
}

void eg_heads_rank(eg_heads *h, double threshold)
{
    for (int i = 0; i < h->n; i++)
        h->row[i].kind = kind_of(&h->row[i], &h->even, threshold);
    qsort(h->row, (size_t)h->n, sizeof *h->row, by_kind);
}
