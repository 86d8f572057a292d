/* A matrix times a row. */
#include "nn/real/row_product.h"

/* Entries of a matrix from which on threads share it; columns of a part are a
 * multiple of LANES, so that no part cuts a vector. */
enum { WORTH = 1 << 16, LANES = 64 };

typedef struct shared {
    const N(row_product) * of;
    eg_index part;
} shared;

#ifdef EG_REAL_DOUBLE
static void narrow_part(const N(row_product) * j, eg_index at, eg_index n)
{
    (void)j;
    (void)at;
    (void)n;
}

eg_status N(row_weights16)(egi_weights16 *out, const real *w, eg_index ld,
                           eg_index rows, eg_index cols, eg_err *err)
{
    (void)w;
    (void)ld;
    (void)err;
    *out = (egi_weights16){.rows = rows, .cols = cols};
    return EG_OK;
}
#else
static void narrow_part(const N(row_product) * j, eg_index at, eg_index n)
{
    const egi_weights16 *w = j->narrow;

    if (j->turned)
        j->half->gemv_t(j->y + at, w->a + at * w->cols, w->form, w->cols, j->x,
                        n, j->k);
    else
        j->half->gemv(j->y + at, j->x, w->a + at, w->form, w->cols, j->k, n);
}

eg_status N(row_weights16)(egi_weights16 *out, const real *w, eg_index ld,
                           eg_index rows, eg_index cols, eg_err *err)
{
    return egi_weights16_init(out, w, ld, rows, cols, err);
}
#endif

static void task(void *ctx, int i, int worker)
{
    const shared *s = ctx;
    const N(row_product) *j = s->of;
    eg_index at = i * s->part, n = j->n - at < s->part ? j->n - at : s->part;

    (void)worker;
    if (j->half && j->narrow->a)
        narrow_part(j, at, n);
    else if (j->turned)
        j->K->gemv_t(j->y + at, j->w + at * j->ld, j->ld, j->x, n, j->k);
    else
        j->K->gemv(j->y + at, j->x, j->w + at, j->ld, j->k, n);
}

void N(row_multiply)(const N(row_product) * j)
{
    eg_index each = (j->n + eg_pool_size(j->pool) - 1) / eg_pool_size(j->pool);
    shared s = {j, (each + LANES - 1) / LANES * LANES};

    if (j->k * j->n >= WORTH && s.part < j->n) {
        eg_pool_run(j->pool, (int)((j->n + s.part - 1) / s.part), task, &s);
        return;
    }
    s.part = j->n;
    task(&s, 0, 0);
}
