/* The hull in R^3 by quickhull (Barber, Dobkin, Huhdanpaa 1996): every face
 * keeps the points above it; the farthest becomes a corner, and the faces it
 * sees give way to a fan from their rim. A point exactly in the plane of a face
 * is not above it, so faces may end up coplanar; which corners are extreme is
 * decided last, by the creases that meet there. */
#include "base/grow.h"
#include "engram/mem.h"
#include "flow/gram.h"
#include "flow/hull.h"

#include <math.h>

enum { FIRST = 64 /* places of a list */ };

typedef struct face {
    int32_t v[3];  /* counterclockwise from outside */
    int32_t nb[3]; /* nb[k] is across the edge v[k], v[k+1] */
    int32_t above; /* list of points, through next; -1: none */
    int32_t mark;  /* round in which it was seen */
    bool gone;
} face;

typedef struct edge { /* of the rim: a, b, and the face that stays */
    int32_t a, b, outside;
} edge;

typedef struct hull {
    const double *x;
    face *f;
    eg_index n_faces, room;
    int32_t *next;  /* [n]: lists of points */
    int32_t *fan;   /* [n]: face of the fan whose rim edge starts there */
    int32_t *stack; /* faces to work on */
    eg_index n_stack, stack_room;
    int32_t *seen; /* faces seen from the point of this round */
    eg_index n_seen, seen_room;
    edge *rim;
    eg_index n_rim, rim_room;
    int32_t round;
} hull;

static const double *point(const hull *h, int32_t i)
{
    return h->x + (eg_index)3 * i;
}

static int32_t new_face(hull *h, int32_t a, int32_t b, int32_t c)
{
    if (h->n_faces >= INT32_MAX ||
        !egi_grow(&h->f, &h->room, h->n_faces + 1, FIRST, sizeof *h->f))
        return -1;
    h->f[h->n_faces] = (face){.v = {a, b, c}, .nb = {-1, -1, -1}, .above = -1};
    return (int32_t)h->n_faces++;
}

static bool push(int32_t **list, eg_index *n, eg_index *room, int32_t f)
{
    if (!egi_grow(list, room, *n + 1, FIRST, sizeof **list)) return false;
    (*list)[(*n)++] = f;
    return true;
}

static bool push_work(hull *h, int32_t f)
{
    return push(&h->stack, &h->n_stack, &h->stack_room, f);
}

static bool sees(const hull *h, int32_t i, const face *f)
{
    return egi_orient3(point(h, f->v[0]), point(h, f->v[1]), point(h, f->v[2]),
                       point(h, i)) > 0;
}

/* Six times the volume between face f and p behind it. */
static double volume_to(const hull *h, const face *f, const double *p)
{
    double u[3][3];

    for (int k = 0; k < 3; k++)
        for (int c = 0; c < 3; c++) u[k][c] = point(h, f->v[k])[c] - p[c];
    return (u[0][0] * (u[1][1] * u[2][2] - u[1][2] * u[2][1]) +
            u[0][1] * (u[1][2] * u[2][0] - u[1][0] * u[2][2]) +
            u[0][2] * (u[1][0] * u[2][1] - u[1][1] * u[2][0]));
}

/* Gives point i to a face of [from, n_faces) that sees it; else it is inside
 * for good (see the paper: it need not look at the faces that stay). */
static void place(hull *h, int32_t i, eg_index from)
{
    for (eg_index k = from; k < h->n_faces; k++) {
        face *f = &h->f[k];

        if (!sees(h, i, f)) continue;
        h->next[i] = f->above;
        f->above = i;
        return;
    }
}

static int32_t farthest(const hull *h, const face *f)
{
    int32_t best = f->above;
    double top = -INFINITY;

    for (int32_t i = f->above; i >= 0; i = h->next[i]) {
        double here = -volume_to(h, f, point(h, i));

        if (here > top) {
            top = here;
            best = i;
        }
    }
    return best;
}

/* Marks the faces that see p, from one that does; their rim into h->rim. */
static bool look(hull *h, int32_t p, int32_t from)
{
    h->n_seen = h->n_rim = 0;
    h->round++;
    h->f[from].mark = h->round;
    if (!push(&h->seen, &h->n_seen, &h->seen_room, from)) return false;
    for (eg_index s = 0; s < h->n_seen; s++)
        for (int k = 0; k < 3; k++) {
            const face *f = &h->f[h->seen[s]];
            face *g = &h->f[f->nb[k]];

            if (g->mark == h->round) continue;
            if (g->mark != -h->round && sees(h, p, g)) {
                g->mark = h->round;
                if (!push(&h->seen, &h->n_seen, &h->seen_room, f->nb[k]))
                    return false;
                continue;
            }
            g->mark = -h->round;
            if (!egi_grow(&h->rim, &h->rim_room, h->n_rim + 1, FIRST,
                          sizeof *h->rim))
                return false;
            h->rim[h->n_rim++] = (edge){f->v[k], f->v[(k + 1) % 3], f->nb[k]};
        }
    return true;
}

/* New faces from the rim to p, joined to each other and to what stays. */
static bool make_fan(hull *h, int32_t p)
{
    for (eg_index r = 0; r < h->n_rim; r++) {
        edge e = h->rim[r];
        int32_t f = new_face(h, e.a, e.b, p);
        face *g;

        if (f < 0) return false;
        h->f[f].nb[0] = e.outside;
        h->fan[e.a] = f;
        g = &h->f[e.outside];
        for (int k = 0; k < 3; k++)
            if (g->v[k] == e.b && g->v[(k + 1) % 3] == e.a) g->nb[k] = f;
    }
    for (eg_index r = 0; r < h->n_rim; r++) {
        int32_t f = h->fan[h->rim[r].a], g = h->fan[h->rim[r].b];

        h->f[f].nb[1] = g;
        h->f[g].nb[2] = f;
    }
    return true;
}

/* The farthest point above face f becomes a corner. */
static bool extend(hull *h, int32_t from)
{
    int32_t p = farthest(h, &h->f[from]);
    eg_index first = h->n_faces;

    if (!look(h, p, from) || !make_fan(h, p)) return false;
    for (eg_index s = 0; s < h->n_seen; s++) {
        face *f = &h->f[h->seen[s]];

        f->gone = true;
        for (int32_t i = f->above, next; i >= 0; i = next) {
            next = h->next[i];
            if (i != p) place(h, i, first);
        }
    }
    for (eg_index f = first; f < h->n_faces; f++)
        if (h->f[f].above >= 0 && !push_work(h, (int32_t)f)) return false;
    return true;
}

/* The tetrahedron, and all points above its faces. */
static bool begin(hull *h, eg_index n, const eg_index start[4])
{
    static const int side[4][3] = {{0, 1, 2}, {1, 0, 3}, {2, 1, 3}, {0, 2, 3}};
    int32_t v[4];

    for (int k = 0; k < 4; k++) v[k] = (int32_t)start[k];
    if (egi_orient3(point(h, v[0]), point(h, v[1]), point(h, v[2]),
                    point(h, v[3])) > 0) {
        v[1] = (int32_t)start[2];
        v[2] = (int32_t)start[1];
    }
    for (int f = 0; f < 4; f++)
        if (new_face(h, v[side[f][0]], v[side[f][1]], v[side[f][2]]) < 0)
            return false;
    for (int f = 0; f < 4; f++)
        for (int g = 0; g < 4; g++)
            for (int k = 0; k < 9; k++)
                if (h->f[f].v[k / 3] == h->f[g].v[(k % 3 + 1) % 3] &&
                    h->f[f].v[(k / 3 + 1) % 3] == h->f[g].v[k % 3])
                    h->f[f].nb[k / 3] = g;
    for (eg_index i = 0; i < n; i++) place(h, (int32_t)i, 0);
    for (int32_t f = 0; f < 4; f++)
        if (h->f[f].above >= 0 && !push_work(h, f)) return false;
    return true;
}

/* Corner v[0] of an edge counts it when the faces on both sides are not in one
 * plane. Three such edges make it extreme; two, a point on an edge of the
 * hull; none, a point within a side. */
static void find_corners(hull *h, bool *is_vertex, eg_index n)
{
    int32_t *creases = h->fan;

    for (eg_index i = 0; i < n; i++) creases[i] = 0;
    for (eg_index i = 0; i < h->n_faces; i++) {
        const face *f = &h->f[i];

        for (int k = 0; k < 3 && !f->gone; k++) {
            const face *g = &h->f[f->nb[k]];

            for (int c = 0; c < 3; c++)
                if (g->v[c] != f->v[k] && g->v[c] != f->v[(k + 1) % 3])
                    creases[f->v[k]] +=
                        egi_orient3(point(h, f->v[0]), point(h, f->v[1]),
                                    point(h, f->v[2]), point(h, g->v[c])) != 0;
        }
    }
    for (eg_index i = 0; i < n; i++) is_vertex[i] = creases[i] >= 3;
}

static bool keep(egi_hull3 *out, const hull *h, const eg_index start[4])
{
    double centre[3] = {0};
    egi_sum volume = {0};

    out->face = eg_calloc((size_t)h->n_faces, sizeof *out->face);
    if (!out->face) return false;
    for (int k = 0; k < 12; k++)
        centre[k % 3] += point(h, (int32_t)start[k / 3])[k % 3] / 4;
    for (eg_index i = 0; i < h->n_faces; i++) {
        if (h->f[i].gone) continue;
        for (int k = 0; k < 3; k++) out->face[out->n_faces][k] = h->f[i].v[k];
        out->n_faces++;
        egi_sum_add(&volume, volume_to(h, &h->f[i], centre));
    }
    out->volume = egi_sum_value(&volume) / 6;
    return true;
}

eg_status egi_hull3_init(egi_hull3 *out, bool *is_vertex, const double *x,
                         eg_index n, const eg_index start[4], eg_err *err)
{
    hull h = {.x = x};
    bool ok;

    *out = (egi_hull3){0};
    h.next = eg_calloc((size_t)n, sizeof *h.next);
    h.fan = eg_calloc((size_t)n, sizeof *h.fan);
    ok = h.next && h.fan && begin(&h, n, start);
    while (ok && h.n_stack > 0) {
        int32_t f = h.stack[--h.n_stack];

        if (!h.f[f].gone) ok = extend(&h, f);
    }
    if (ok) {
        find_corners(&h, is_vertex, n);
        ok = keep(out, &h, start);
    }
    eg_free(h.next);
    eg_free(h.fan);
    eg_free(h.f);
    eg_free(h.stack);
    eg_free(h.seen);
    eg_free(h.rim);
    return ok ? EG_OK : EG_FAIL(err, EG_ENOMEM, "hull of %td points", n);
}

void egi_hull3_release(egi_hull3 *h)
{
    eg_free(h->face);
    *h = (egi_hull3){0};
}
