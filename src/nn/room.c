/* Laying out a room; see room.h. */
#include "nn/room.h"

#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"

/* A stretch of memory and the times at which it is in use. Spans 0 .. n - 1 are
 * the entries of the values, n .. 2 n - 1 their gradients; what shares a place
 * with another is no stretch of its own. */
typedef struct span {
    int into; /* the span whose place this is; itself */
    eg_index size, at;
    int from, to;
} span;

typedef struct planner {
    const egi_program *p;
    egi_room *r;
    span *s;    /* [2 n_values] */
    int *last;  /* [n_values] the last op that reads it; -1 */
    int *first; /* [n_values] the op whose backward reaches its gradient
                   first: the last that contributes; -1 */
} planner;

/* Rows 64 entries apart alias in a cache's sets: give such widths a skew. What
 * is read from outside is contiguous. */
static eg_index stride(const egi_value *v)
{
    eg_index n = (v->cols + 15) / 16 * 16;

    if (v->kept || v->cols < 16) return v->cols;
    return n % 64 == 0 ? n + 16 : n;
}

static bool in_room(const egi_value *v)
{
    return v->cls != EGI_WEIGHT;
}

static int root(const planner *pl, int i)
{
    while (pl->s[i].into != i) i = pl->s[i].into;
    return i;
}

/* The span of a value's gradient. */
static int grad_of(const planner *pl, int value)
{
    return pl->p->n_values + value;
}

static int back_time(const planner *pl, int op)
{
    return 2 * pl->p->n_ops - 1 - op;
}

static void extend(span *s, int time)
{
    if (s->from < 0 || time < s->from) s->from = time;
    if (time > s->to) s->to = time;
}

/* When each value and gradient is in use. */
static void lives(planner *pl)
{
    const egi_program *p = pl->p;

    for (int k = 0; k < p->n_ops; k++) {
        const egi_op *op = &p->op[k];
        const egi_kind_info *info = egi_op_info(op->kind);
        bool back = egi_op_back(p, op);

        for (int i = 0; i < EGI_OUTS; i++) {
            int v = op->out[i];
            if (v < 0) continue;
            extend(&pl->s[v], k);
            if (back && info->reads_out >> i & 1)
                extend(&pl->s[v], back_time(pl, k));
            if (back && i == 0)
                extend(&pl->s[grad_of(pl, v)], back_time(pl, k));
            if (p->value[v].kept || p->value[v].cached)
                extend(&pl->s[v], 2 * p->n_ops);
            if (p->value[v].cached) extend(&pl->s[v], 0);
        }
        for (int i = 0; i < EGI_INS; i++) {
            int v = op->in[i];
            if (v < 0) continue;
            extend(&pl->s[v], k);
            pl->last[v] = k;
            if (back && info->reads_in >> i & 1)
                extend(&pl->s[v], back_time(pl, k));
            if (!p->value[v].grad || !(back || info->seeds)) continue;
            pl->first[v] = k;
            extend(&pl->s[grad_of(pl, v)], info->seeds ? k : back_time(pl, k));
        }
    }
}

/* The places where a gradient is reached for the first time. */
static void freshness(planner *pl)
{
    const egi_program *p = pl->p;

    for (int k = 0; k < p->n_ops; k++)
        for (int i = 0; i < EGI_INS; i++) {
            int v = p->op[k].in[i];
            bool again = false;

            for (int j = 0; j < i; j++) again |= p->op[k].in[j] == v;
            pl->r->fresh[k * EGI_INS + i] =
                v >= 0 && !again && in_room(&p->value[v]) && pl->first[v] == k;
        }
}

static bool same_shape(const planner *pl, int a, int b)
{
    const egi_value *x = &pl->p->value[a], *y = &pl->p->value[b];

    return x->cls == y->cls && x->cols == y->cols && !x->entries &&
           !y->entries && pl->r->at[a].ld == pl->r->at[b].ld;
}

static int times_read(const egi_op *op, int v)
{
    int n = 0;

    for (int i = 0; i < EGI_INS; i++) n += op->in[i] == v;
    return n;
}

static void share(planner *pl, int guest, int host)
{
    guest = root(pl, guest);
    host = root(pl, host);
    extend(&pl->s[host], pl->s[guest].from);
    extend(&pl->s[host], pl->s[guest].to);
    pl->s[guest].into = host;
}

/* Nobody reads v behind op k; or only the backward pass of v's maker, which may
 * as well read what op k makes of it. */
static bool free_behind(const planner *pl, int v, int k)
{
    const egi_program *p = pl->p;
    int maker = p->value[v].maker;

    if (pl->s[v].to == k) return true;
    return egi_op_info(p->op[k].kind)->stands_in && maker >= 0 &&
           pl->last[v] == k && pl->s[v].to == back_time(pl, maker) &&
           !p->value[v].kept;
}

/* Output 0 in the place of an input that nobody reads later. */
static void share_values(planner *pl, int k)
{
    const egi_op *op = &pl->p->op[k];
    unsigned bits = egi_op_info(op->kind)->in_place;

    for (int i = 0; i < EGI_INS; i++) {
        int v = op->in[i];
        bool alone = v >= 0 && times_read(op, v) == 1;

        if (!(bits >> i & 1) || !alone || !free_behind(pl, v, k)) continue;
        if (!in_room(&pl->p->value[v]) || !same_shape(pl, v, op->out[0]))
            continue;
        for (int j = 0; j < EGI_INS; j++)
            alone &=
                j == i || op->in[j] < 0 || root(pl, op->in[j]) != root(pl, v);
        if (!alone) continue;
        share(pl, op->out[0], v);
        return;
    }
}

/* An input's gradient in the place of that of output 0. */
static void share_gradients(planner *pl, int k)
{
    const egi_op *op = &pl->p->op[k];
    unsigned bits = egi_op_info(op->kind)->grad_in_place;

    for (int i = 0; i < EGI_INS && egi_op_back(pl->p, op); i++) {
        int v = op->in[i];

        if (!(bits >> i & 1) || v < 0 || !pl->p->value[v].grad) continue;
        if (!pl->r->fresh[k * EGI_INS + i] || times_read(op, v) > 1 ||
            !same_shape(pl, v, op->out[0]))
            continue;
        share(pl, grad_of(pl, v), grad_of(pl, op->out[0]));
        return;
    }
}

static int by_size(const void *a, const void *b)
{
    const span *x = *(span *const *)a, *y = *(span *const *)b;

    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The lowest place for s among those already placed, which lie in order of
 * their beginnings. */
static void settle(span *s, span **placed, int n)
{
    eg_index at = 0;
    int i = n;

    for (int j = 0; j < n; j++) {
        const span *q = placed[j];

        if (q->to < s->from || q->from > s->to) continue;
        if (q->at - at >= s->size) break;
        if (q->at + q->size > at) at = q->at + q->size;
    }
    s->at = at;
    while (i > 0 && placed[i - 1]->at > at) {
        placed[i] = placed[i - 1];
        i--;
    }
    placed[i] = s;
}

static eg_status settle_all(planner *pl, eg_err *err)
{
    int n = 0, all = 2 * pl->p->n_values;
    span **order = eg_calloc((size_t)(2 * all) + 1, sizeof(span *));
    span **placed = order ? order + all : NULL;

    if (!order) return EG_FAIL(err, EG_ENOMEM, "the layout of a room");
    for (int i = 0; i < all; i++)
        if (pl->s[i].from >= 0 && pl->s[i].size > 0 && pl->s[i].into == i)
            order[n++] = &pl->s[i];
    qsort(order, (size_t)n, sizeof(span *), by_size);
    for (int i = 0; i < n; i++) {
        eg_index end;

        settle(order[i], placed, i);
        end = order[i]->at + order[i]->size;
        if (end > pl->r->work) pl->r->work = end;
    }
    eg_free(order);
    return EG_OK;
}

static void sizes(planner *pl)
{
    for (int i = 0; i < pl->p->n_values; i++) {
        const egi_value *v = &pl->p->value[i];
        eg_index size = 0;
        int g = grad_of(pl, i);

        pl->r->at[i].ld = in_room(v) ? stride(v) : v->cols;
        if (in_room(v)) size = egi_stretch(pl->r, pl->p, i) * pl->p->many;
        size = (size + 15) / 16 * 16;
        pl->s[i] = (span){.into = i, .size = size, .from = -1, .to = -1};
        pl->s[g] = (span){.into = g, .size = size, .from = -1, .to = -1};
        pl->first[i] = pl->last[i] = -1;
    }
}

/* The gradient at the loss's input lies where that input lay, unless somebody
 * reads it later. */
static void share_seed(planner *pl)
{
    int loss = pl->p->n_ops - 1, v = pl->p->op[loss].in[0];
    const span *s = &pl->s[root(pl, v)];

    if (pl->p->value[v].grad && !pl->p->value[v].kept && s->to <= loss)
        share(pl, grad_of(pl, v), v);
}

static eg_index place_of(const planner *pl, int i)
{
    const span *s = &pl->s[root(pl, i)];

    return pl->s[i].from >= 0 && s->size > 0 ? s->at : -1;
}

eg_status egi_room_plan(egi_room *r, const egi_program *p, eg_index work,
                        eg_err *err)
{
    size_t n = (size_t)p->n_values;
    planner pl = {.p = p, .r = r};
    eg_status st = EG_OK;

    *r = (egi_room){0};
    r->at = eg_calloc(n, sizeof *r->at);
    r->fresh = eg_calloc((size_t)p->n_ops * EGI_INS, sizeof *r->fresh);
    pl.s = eg_calloc(2 * n, sizeof *pl.s);
    pl.first = eg_calloc(2 * n, sizeof *pl.first);
    pl.last = pl.first ? pl.first + n : NULL;
    if (!r->at || !r->fresh || !pl.s || !pl.first) {
        st = EG_FAIL(err, EG_ENOMEM, "the layout of a room");
        goto done;
    }
    sizes(&pl);
    lives(&pl);
    freshness(&pl);
    for (int k = 0; k < p->n_ops; k++) share_values(&pl, k);
    for (int k = p->n_ops - 1; k >= 0; k--) share_gradients(&pl, k);
    share_seed(&pl);
    EG_TRY(settle_all(&pl, err));
    for (int i = 0; i < p->n_values; i++) {
        r->at[i].x = place_of(&pl, i);
        r->at[i].g = place_of(&pl, grad_of(&pl, i));
    }
    r->entries = r->work + work;
done:
    eg_free(pl.s);
    eg_free(pl.first);
    if (st != EG_OK) egi_room_release(r);
    return st;
}

void egi_room_release(egi_room *r)
{
    eg_free(r->at);
    eg_free(r->fresh);
    *r = (egi_room){0};
}
