/* See row_scan.h. */
#include "lab/row_scan.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/num.h"
#include "engram/mem.h"

enum {
    MAX_CELLS = 1024,
    INTEGER_DIGITS = 18, /* an int64_t holds these, */
    REAL_DIGITS = 200,   /* and a double these before its point, */
    POWER_DIGITS = 2,    /* whatever these come to */
    IN_VAIN = 64         /* shapes learnt beyond the rows that had one */
};

static const char *digits(const char *p)
{
    while (egi_is_digit(*p)) p++;
    return p;
}

/* Behind the number at p, as JSON's grammar has it; NULL: there is none, or one
 * that jansson may find too large. */
static const char *number(const char *p, egi_cell *c)
{
    const char *from = p, *whole;
    eg_index most = INTEGER_DIGITS;

    p += *p == '-';
    whole = p;
    p = digits(p);
    if (p == whole || (*whole == '0' && p - whole > 1)) return NULL;
    c->kind = EGI_INTEGER;
    if (*p == '.' || *p == 'e' || *p == 'E') {
        c->kind = EGI_REAL;
        most = REAL_DIGITS;
    }
    if (p - whole > most) return NULL;
    if (*p == '.') {
        const char *part = p + 1;

        p = digits(part);
        if (p == part) return NULL;
    }
    if (*p == 'e' || *p == 'E') {
        const char *power = p + 1;

        power += *power == '-' || *power == '+';
        p = digits(power);
        if (p == power || p - power > POWER_DIGITS) return NULL;
    }
    c->text = from;
    c->size = (size_t)(p - from);
    return p;
}

static const char *value(const char *p, egi_cell *c)
{
    if (*p != 'n') return number(p, c);
    if (strncmp(p, "null", 4) != 0) return NULL;
    *c = (egi_cell){p, 4, EGI_NULL};
    return p + 4;
}

static double number_of(const egi_cell *c)
{
    int64_t v = 0;

    if (c->kind == EGI_NULL) return (double)NAN;
    if (c->kind == EGI_REAL) return egi_decimal(c->text, c->size);
    for (size_t i = c->text[0] == '-'; i < c->size; i++)
        v = 10 * v + (c->text[i] - '0');
    return c->text[0] == '-' ? -(double)v : (double)v; /* -0 is -0.0 */
}

void egi_scan_values(egi_scan *s, const egi_shape *h)
{
    for (int i = 0; i < h->n; i++) s->value[i] = number_of(&s->cell[i]);
}

/* ---- rows of a known shape ------------------------------------------------
 */

static bool take(egi_scan *s, const egi_shape *h, const char *p,
                 const char *end)
{
    for (int i = 0;; i++) {
        size_t at = h->piece[i], n = h->piece[i + 1] - at;

        if ((size_t)(end - p) < n || memcmp(p, h->text + at, n) != 0)
            return false;
        p += n;
        if (i == h->n) return p == end;
        p = value(p, &s->cell[i]);
        if (!p) return false;
    }
}

egi_shape *egi_scan_row(egi_scan *s, const char *line, size_t size)
{
    for (int k = 0; k < s->n; k++) {
        int i = (s->last + k) % s->n;
        egi_shape *h = &s->shape[i];

        if (!take(s, h, line, line + size)) continue;
        if (s->cell[h->step].kind == EGI_NULL) return NULL;
        s->last = i;
        s->taken++;
        return h;
    }
    return NULL;
}

/* ---- new shapes -----------------------------------------------------------
 */

static void release(egi_shape *h)
{
    if (h->name) eg_free(h->name[0]);
    eg_free(h->name);
    eg_free(h->text);
    eg_free(h->piece);
    eg_free(h->tag);
    *h = (egi_shape){0};
}

static const char *space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r')) p++;
    return p;
}

/* Behind the name in quotes at p, which is [from, to); NULL: it is not
 * plain. */
static const char *quoted(const char *p, const char *end, const char **from,
                          const char **to)
{
    if (p == end || *p != '"') return NULL;
    *from = ++p;
    while (p < end && *p >= ' ' && *p <= '~' && *p != '"' && *p != '\\') p++;
    *to = p;
    return p < end && *p == '"' ? p + 1 : NULL;
}

/* What a row is made of: begin of the text before each value, names. */
typedef struct parts {
    int n;
    size_t text; /* bytes of all that is no value */
    struct {
        const char *from, *to;        /* the name */
        const char *piece, *piece_to; /* the text before the value */
    } cell[MAX_CELLS];
    const char *tail;
} parts;

static bool dissect(parts *a, const char *line, const char *end)
{
    const char *p = space(line, end), *piece = line;

    a->n = 0;
    a->text = 0;
    if (p == end || *p != '{') return false;
    for (p = space(p + 1, end); a->n < MAX_CELLS; p = space(p + 1, end)) {
        egi_cell c;

        p = quoted(p, end, &a->cell[a->n].from, &a->cell[a->n].to);
        if (!p) return false;
        p = space(p, end);
        if (p == end || *p != ':') return false;
        p = space(p + 1, end);
        a->cell[a->n].piece = piece;
        a->cell[a->n].piece_to = p;
        a->text += (size_t)(p - piece);
        piece = p = p < end ? value(p, &c) : NULL;
        if (!p) return false;
        a->n++;
        p = space(p, end);
        if (p == end || *p != ',') break;
    }
    if (p == end || *p != '}' || space(p + 1, end) != end) return false;
    a->tail = piece;
    a->text += (size_t)(end - piece);
    return true;
}

static bool names_once(const egi_shape *h)
{
    for (int i = 0; i < h->n; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(h->name[i], h->name[k]) == 0) return false;
    return true;
}

/* False: no memory, a name twice, or no step. */
static bool build(egi_shape *h, const parts *a, const char *end)
{
    size_t at = 0;
    char *name = NULL;

    *h = (egi_shape){.n = a->n, .step = -1};
    h->text = eg_calloc(a->text, 1);
    h->piece = eg_calloc((size_t)a->n + 2, sizeof *h->piece);
    h->tag = eg_calloc((size_t)a->n, sizeof *h->tag);
    h->name = eg_calloc((size_t)a->n, sizeof *h->name);
    name = eg_calloc(a->text, 1); /* quotes make room for the final zeros */
    if (h->name) h->name[0] = name;
    if (!h->text || !h->piece || !h->tag || !h->name || !name) {
        if (!h->name) eg_free(name);
        return false;
    }
    for (int i = 0; i < a->n; i++) {
        size_t n = (size_t)(a->cell[i].piece_to - a->cell[i].piece);
        size_t length = (size_t)(a->cell[i].to - a->cell[i].from);

        h->piece[i] = at;
        memcpy(h->text + at, a->cell[i].piece, n);
        at += n;
        h->name[i] = name;
        memcpy(name, a->cell[i].from, length);
        name += length + 1;
        h->tag[i] = -1;
        if (strcmp(h->name[i], "step") == 0) h->step = i;
    }
    h->piece[a->n] = at;
    memcpy(h->text + at, a->tail, (size_t)(end - a->tail));
    h->piece[a->n + 1] = at + (size_t)(end - a->tail);
    return h->step >= 0 && names_once(h);
}

static bool make_room(egi_scan *s, int n)
{
    egi_cell *cell;
    double *v;

    if (n <= s->cap) return true;
    cell = eg_realloc(s->cell, (size_t)n * sizeof *cell);
    if (cell) s->cell = cell;
    v = eg_realloc(s->value, (size_t)n * sizeof *v);
    if (v) s->value = v;
    if (!cell || !v) return false;
    s->cap = n;
    return true;
}

egi_shape *egi_scan_learn(egi_scan *s, const char *line, size_t size)
{
    egi_shape new = {0};
    parts *a;
    bool ok;

    if (s->learnt > s->taken + IN_VAIN) return NULL;
    s->learnt++;
    a = eg_calloc(1, sizeof *a);
    ok = a && dissect(a, line, line + size) && make_room(s, a->n) &&
         build(&new, a, line + size);
    eg_free(a);
    if (!ok) {
        release(&new);
        return NULL;
    }
    if (s->n < EGI_SHAPES) {
        s->last = s->n++;
    } else {
        s->last = s->oldest;
        s->oldest = (s->oldest + 1) % EGI_SHAPES;
    }
    release(&s->shape[s->last]);
    s->shape[s->last] = new;
    return &s->shape[s->last];
}

void egi_scan_release(egi_scan *s)
{
    for (int i = 0; i < s->n; i++) release(&s->shape[i]);
    eg_free(s->cell);
    eg_free(s->value);
    *s = (egi_scan){0};
}
