/* Recursive least squares. The state is float64, rows padded to whole vectors,
 * and small (20 x 24: 3.8 KB), so what counts is to touch it once a key: one
 * sweep takes off what the key before has left to take off and multiplies what
 * is then R_{t-1} by this key and by the row that asks. R is symmetric to the
 * bit, so columns stand for rows, and a sweep goes over the rows in strips of a
 * few vectors of columns whose sums stay in registers.
 *
 * Between two sweeps of a head lies a chain: a product with the key, a root, a
 * division, and what is taken off. A few heads take their keys in turns, so
 * that one's chain is behind another's sweep. */

enum { MESA_STRIP = 4, MESA_TURNS = 4 };

typedef struct mesa {
    double *R;          /* [w, ld] */
    double *p, *k, *x;  /* [ld] to be taken off: R - p p^T; key; row */
    double *uk, *ux;    /* [ld] R k, R x */
    double *left;       /* keep, trace, sound of a call that goes on */
    double keep, trace; /* R keep - p p^T; the trace, without forgetting */
    eg_index w, ld;
    bool forgets, sound;
} mesa;

static eg_index mesa_ld(eg_index w)
{
    return (w + DW - 1) / DW * DW;
}

static eg_index fast_mesa_work(eg_index w)
{
    return ((w + 5) * mesa_ld(w) + 16) * (8 / (eg_index)sizeof(real));
}

/* With on, behind what mesa_leave left in work. */
static mesa mesa_start(real *work, eg_index w, double lambda, int on)
{
    double *at = (void *)(work + -(uintptr_t)work % 64 / sizeof *work);
    eg_index ld = mesa_ld(w);
    mesa m = {.R = at,
              .p = at + w * ld,
              .k = at + (w + 1) * ld,
              .x = at + (w + 2) * ld,
              .uk = at + (w + 3) * ld,
              .ux = at + (w + 4) * ld,
              .keep = 1,
              .trace = lambda * (double)w,
              .left = at + (w + 5) * ld,
              .w = w,
              .ld = ld,
              .sound = lambda > 0 && isfinite(lambda)};

    if (on) {
        m.keep = m.left[0];
        m.trace = m.left[1];
        m.sound = m.left[2] > 0;
        return m;
    }
    for (eg_index i = 0; i < (w + 5) * ld; i++) at[i] = 0;
    for (eg_index i = 0; i < w; i++) m.R[i * (ld + 1)] = lambda;
    return m;
}

static void mesa_leave(const mesa *m)
{
    m->left[0] = m->keep;
    m->left[1] = m->trace;
    m->left[2] = m->sound;
}

INLINE void mesa_widen(double *to, const real *x, eg_index n)
{
    eg_index i = 0;

    for (; i + DW <= n; i += DW) dstore(to + i, vload_wide(x + i));
    for (; i < n; i++) to[i] = (double)x[i];
}

/* n vectors of columns from `at` on. again: p is this key's, and nobody asks
 * for R k. */
INLINE void mesa_strip(const mesa *m, eg_index at, const int n,
                       const bool forgets, const bool again)
{
    dvec p[MESA_STRIP], k[MESA_STRIP], x[MESA_STRIP];

#pragma GCC unroll 4
    for (int v = 0; v < n; v++) {
        p[v] = dload(m->p + at + v * DW);
        k[v] = x[v] = (dvec){0};
    }
    for (eg_index j = 0; j < m->w; j++) {
        double *row = m->R + j * m->ld + at;
        dvec pj = dset(m->p[j]), kj = dset(m->k[j]), xj = dset(m->x[j]);

#pragma GCC unroll 4
        for (int v = 0; v < n; v++) {
            dvec r = dload(row + v * DW);

            if (forgets) r *= dset(m->keep);
            r -= pj * p[v];
            dstore(row + v * DW, r);
            if (!again) k[v] += kj * r;
            x[v] += xj * r;
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < n; v++) {
        if (!again) dstore(m->uk + at + v * DW, k[v]);
        dstore(m->ux + at + v * DW, x[v]);
    }
}

INLINE void mesa_strips(const mesa *m, const bool forgets, const bool again)
{
    eg_index at = 0, strip = MESA_STRIP * DW;

    for (; at + strip <= m->ld; at += strip)
        mesa_strip(m, at, MESA_STRIP, forgets, again);
    switch ((m->ld - at) / DW) {
    case 3:
        mesa_strip(m, at, 3, forgets, again);
        break;
    case 2:
        mesa_strip(m, at, 2, forgets, again);
        break;
    case 1:
        mesa_strip(m, at, 1, forgets, again);
        break;
    default:
        break;
    }
}

static void mesa_sweep(const mesa *m)
{
    if (m->forgets)
        mesa_strips(m, true, false);
    else
        mesa_strips(m, false, false);
}

static void mesa_sweep_again(const mesa *m)
{
    if (m->forgets)
        mesa_strips(m, true, true);
    else
        mesa_strips(m, false, true);
}

INLINE double mesa_dot(const double *x, const double *y, eg_index n)
{
    dvec s = {0};

    for (eg_index i = 0; i < n; i += DW) s += dload(x + i) * dload(y + i);
    return dsum(s);
}

/* The trace of R_{t-1}. Without forgetting it follows from what was taken off;
 * with it the error of that would grow by 1 / g a key. */
INLINE double mesa_trace(const mesa *m)
{
    double sum = 0;

    if (!m->forgets) return m->trace;
    for (eg_index i = 0; i < m->w; i++) sum += m->R[i * (m->ld + 1)];
    return sum;
}

/* The key in m->k, whose R k is known: what it takes off. */
INLINE void mesa_take(mesa *m, double g)
{
    double ku = mesa_dot(m->k, m->uk, m->ld);
    double kk = mesa_dot(m->k, m->k, m->ld), s = 1 / sqrt((g + ku) * g);
    bool sound =
        egi_mesa_sound(ku / g, kk * mesa_trace(m) / g, sizeof(real) == 4);

    for (eg_index i = 0; i < m->ld; i += DW)
        dstore(m->p + i, dload(m->uk + i) * dset(s));
    m->keep = 1 / g;
    m->trace -= mesa_dot(m->p, m->p, m->ld);
    m->sound = sound && m->sound;
}

/* y = ux, whose place is used. */
INLINE void mesa_write(real *y, const mesa *m)
{
    typedef real narrow __attribute__((vector_size(DW * sizeof(real))));
    real *to = (void *)m->ux; /* behind what is read */

    for (eg_index i = 0; i < m->ld; i += DW) {
        narrow f = __builtin_convertvector(dload(m->ux + i), narrow);

        memcpy(to + i, &f, sizeof f);
    }
    for (eg_index i = 0; i < m->w && !m->sound; i++) to[i] = NAN;
    memcpy(y, to, (size_t)m->w * sizeof *y);
}

/* y = R_t x = keep R_{t-1} x - p (p.x), R_{t-1} x in ux, whose place is used.
 */
INLINE void mesa_answer(real *y, const mesa *m)
{
    dvec px = dset(mesa_dot(m->p, m->x, m->ld));

    for (eg_index i = 0; i < m->ld; i += DW)
        dstore(m->ux + i,
               dset(m->keep) * dload(m->ux + i) - px * dload(m->p + i));
    mesa_write(y, m);
}

/* Another row at the same key: ux = R x. */
static void mesa_ask(mesa *m, const real *x)
{
    mesa_widen(m->x, x, m->w);
    for (eg_index i = 0; i < m->w; i++)
        m->ux[i] = mesa_dot(m->R + i * m->ld, m->x, m->ld);
}

/* What key t took off, NaN where no digit is left. */
static void mesa_keep(double *taken, const mesa *m)
{
    memcpy(taken, m->p, (size_t)m->w * sizeof *taken);
    for (eg_index i = 0; i < m->w && !m->sound; i++) taken[i] = (double)NAN;
}

/* What is handed to the kernel, of all heads. */
typedef struct mesa_call {
    real *y;
    const real *x, *k, *g;
    const int32_t *limit;
    double *taken; /* or NULL */
    eg_index ldy, ldx, ldk, ldg, rows, w, shared;
} mesa_call;

/* Heads first .. first + n - 1, key by key. */
static void mesa_turns(const mesa_call *c, mesa *m, eg_index first, eg_index n)
{
    eg_index keys = c->rows > 0 ? c->limit[c->rows - 1] : 0, w = c->w, r = 0;

    for (eg_index t = 0; t < keys; t++) {
        bool asked = c->limit[r] == t + 1;

        for (eg_index i = 0; i < n; i++) {
            eg_index h = first + i;

            mesa_widen(m[i].k, c->k + t * c->ldk + h / c->shared * w, w);
            if (asked) mesa_widen(m[i].x, c->x + r * c->ldx + h * w, w);
            mesa_sweep(&m[i]);
        }
        for (eg_index i = 0; i < n; i++) {
            eg_index h = first + i;

            mesa_take(&m[i], c->g ? (double)c->g[t * c->ldg + h] : 1);
            if (c->taken) mesa_keep(c->taken + (h * keys + t) * w, &m[i]);
        }
        for (eg_index i = 0; asked && i < n; i++)
            mesa_answer(c->y + r * c->ldy + (first + i) * w, &m[i]);
        for (r += asked; r < c->rows && c->limit[r] == t + 1; r++)
            for (eg_index i = 0; i < n; i++) {
                mesa_ask(&m[i], c->x + r * c->ldx + (first + i) * w);
                mesa_answer(c->y + r * c->ldy + (first + i) * w, &m[i]);
            }
    }
}

static void fast_mesa(real *y, eg_index ldy, const real *x, eg_index ldx,
                      const int32_t *limit, eg_index rows, const real *k,
                      eg_index ldk, const real *g, eg_index ldg, eg_index w,
                      eg_index heads, eg_index shared, const double *lambda,
                      int on, double *taken, real *work)
{
    mesa_call c = {.y = y,
                   .x = x,
                   .k = k,
                   .g = g,
                   .limit = limit,
                   .taken = taken,
                   .ldy = ldy,
                   .ldx = ldx,
                   .ldk = ldk,
                   .ldg = ldg,
                   .rows = rows,
                   .w = w,
                   .shared = shared};

    for (eg_index h = 0; h < heads; h += MESA_TURNS) {
        eg_index n = heads - h < MESA_TURNS ? heads - h : MESA_TURNS;
        mesa m[MESA_TURNS];

        for (eg_index i = 0; i < n; i++) {
            m[i] = mesa_start(work + (h + i) * fast_mesa_work(w), w,
                              lambda[h + i], on);
            m[i].forgets = g != NULL;
        }
        mesa_turns(&c, m, h, n);
        for (eg_index i = 0; i < n; i++) mesa_leave(&m[i]);
    }
}

static void fast_mesa_again(real *y, eg_index ldy, const real *x, eg_index ldx,
                            const int32_t *limit, eg_index rows,
                            const double *taken, const real *g, eg_index ldg,
                            eg_index w, double lambda, real *work)
{
    mesa m = mesa_start(work, w, lambda, 0);
    eg_index r = 0;

    m.forgets = g != NULL;
    for (eg_index t = 0; r < rows; t++) {
        bool asked = limit[r] == t + 1;

        memcpy(m.p, taken + t * w, (size_t)w * sizeof *m.p);
        if (asked) mesa_widen(m.x, x + r * ldx, w);
        if (g) m.keep = 1 / (double)g[t * ldg];
        mesa_sweep_again(&m);
        if (asked) mesa_write(y + r++ * ldy, &m);
        for (; r < rows && limit[r] == t + 1; r++) {
            mesa_ask(&m, x + r * ldx);
            mesa_write(y + r * ldy, &m);
        }
    }
}
