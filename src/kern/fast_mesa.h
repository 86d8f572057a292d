/* Recursive least squares. The state is float64, rows padded to whole vectors,
 * and small (20 x 24: 3.8 KB), so what counts is to touch it once a key: one
 * sweep takes off what the key before has left to take off and multiplies what
 * is then R_{t-1} by this key and by the row that asks. R is symmetric to the
 * bit, so columns stand for rows, and a sweep goes over the rows in strips of a
 * few vectors of columns whose sums stay in registers. */

enum { MESA_STRIP = 4 };

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

/* n vectors of columns from `at` on. */
INLINE void mesa_strip(const mesa *m, eg_index at, const int n,
                       const bool forgets)
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
            k[v] += kj * r;
            x[v] += xj * r;
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < n; v++) {
        dstore(m->uk + at + v * DW, k[v]);
        dstore(m->ux + at + v * DW, x[v]);
    }
}

INLINE void mesa_sweep(const mesa *m, const bool forgets)
{
    eg_index at = 0, strip = MESA_STRIP * DW;

    for (; at + strip <= m->ld; at += strip)
        mesa_strip(m, at, MESA_STRIP, forgets);
    switch ((m->ld - at) / DW) {
    case 3:
        mesa_strip(m, at, 3, forgets);
        break;
    case 2:
        mesa_strip(m, at, 2, forgets);
        break;
    case 1:
        mesa_strip(m, at, 1, forgets);
        break;
    default:
        break;
    }
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

/* y = R_t x = keep R_{t-1} x - p (p.x), R_{t-1} x in ux, whose place is used.
 */
INLINE void mesa_answer(real *y, const mesa *m)
{
    typedef real narrow __attribute__((vector_size(DW * sizeof(real))));
    dvec px = dset(mesa_dot(m->p, m->x, m->ld));
    real *to = (void *)m->ux; /* behind what is read */

    for (eg_index i = 0; i < m->ld; i += DW) {
        dvec v = dset(m->keep) * dload(m->ux + i) - px * dload(m->p + i);
        narrow f = __builtin_convertvector(v, narrow);

        memcpy(to + i, &f, sizeof f);
    }
    for (eg_index i = 0; i < m->w && !m->sound; i++) to[i] = NAN;
    memcpy(y, to, (size_t)m->w * sizeof *y);
}

/* Another row at the same key: R holds R_{t-1}. */
static void mesa_ask(mesa *m, const real *x)
{
    mesa_widen(m->x, x, m->w);
    for (eg_index i = 0; i < m->w; i++)
        m->ux[i] = mesa_dot(m->R + i * m->ld, m->x, m->ld);
}

static void fast_mesa(real *y, eg_index ldy, const real *x, eg_index ldx,
                      const int32_t *limit, eg_index rows, const real *k,
                      eg_index ldk, const real *g, eg_index ldg, eg_index w,
                      double lambda, int on, real *work)
{
    mesa m = mesa_start(work, w, lambda, on);
    eg_index r = 0;

    m.forgets = g != NULL;
    for (eg_index t = 0; r < rows; t++) {
        bool asked = limit[r] == t + 1;

        mesa_widen(m.k, k + t * ldk, w);
        if (asked) mesa_widen(m.x, x + r * ldx, w);
        if (g)
            mesa_sweep(&m, true);
        else
            mesa_sweep(&m, false);
        mesa_take(&m, g ? (double)g[t * ldg] : 1);
        if (asked) mesa_answer(y + r++ * ldy, &m);
        for (; r < rows && limit[r] == t + 1; r++) {
            mesa_ask(&m, x + r * ldx);
            mesa_answer(y + r * ldy, &m);
        }
    }
    mesa_leave(&m);
}
