/* The linear maps of the memories, applied to rows. */
#include <string.h>

#include "probe/weights.h"

/* C (+)= scale A B in strips of columns, so that packing needs little room. */
static void multiply(const egi_weights *w, const egi_scratch *s, double *c,
                     eg_index ldc, const double *a, eg_index lda,
                     const double *b, eg_index brs, eg_index bcs, eg_index n,
                     eg_index cols, eg_index inner, double scale, int acc)
{
    for (eg_index j = 0; j < cols; j += EGI_COLS) {
        eg_index strip = cols - j < EGI_COLS ? cols - j : EGI_COLS;
        w->kern->gemm(c + j, ldc, a, lda, 1, b + j * bcs, brs, bcs, n, strip,
                      inner, scale, acc, s->pack);
    }
}

void egi_product(const egi_weights *w, const egi_scratch *s, double *c,
                 eg_index ldc, const double *a, eg_index lda, const double *b,
                 eg_index brs, eg_index bcs, eg_index n, eg_index cols,
                 eg_index inner, double scale)
{
    multiply(w, s, c, ldc, a, lda, b, brs, bcs, n, cols, inner, scale, 0);
}

/* y = sum_h x W_QK[h], or sum_h (x W_Q[h]) W_K[h]^T. */
static void map_qk(const egi_weights *w, const egi_scratch *s, int block,
                   double *y, const double *x, eg_index n)
{
    const egi_attn *at = &w->attn[block];
    eg_index M = w->d_model, D = w->d_head;

    for (eg_index h = 0; h < at->n_heads; h++) {
        if (at->W_QK) {
            multiply(w, s, y, M, x, M, at->W_QK + h * M * M, M, 1, n, M, M, 1,
                     h > 0);
            continue;
        }
        multiply(w, s, s->row, D, x, M, at->W_Q + h * M * D, D, 1, n, D, M, 1,
                 0);
        multiply(w, s, y, M, s->row, D, at->W_K + h / at->group * M * D, 1, D,
                 n, M, D, 1, h > 0);
    }
}

/* y = sum_h (x W_V[h]) W_O[h]; an identity hands head h its own columns. */
static void map_ov(const egi_weights *w, const egi_scratch *s, int block,
                   double *y, const double *x, eg_index n)
{
    const egi_attn *at = &w->attn[block];
    eg_index M = w->d_model, D = w->d_head;

    for (eg_index h = 0; h < at->n_heads; h++) {
        const double *z = x + h * D;
        eg_index ldz = M;

        if (at->W_V) {
            multiply(w, s, s->row, D, x, M, at->W_V + h / at->group * M * D, D,
                     1, n, D, M, 1, 0);
            z = s->row;
            ldz = D;
        }
        if (at->W_O) {
            multiply(w, s, y, M, z, ldz, at->W_O + h * D * M, M, 1, n, M, D, 1,
                     h > 0);
            continue;
        }
        for (eg_index i = 0; i < n; i++) {
            memcpy(y + i * M + h * D, z + i * ldz, sizeof(double) * (size_t)D);
        }
    }
}

static void map_ffn(const egi_weights *w, const egi_scratch *s, double *y,
                    const double *x, eg_index n)
{
    const egi_ffn *f = &w->ffn;
    eg_index M = w->d_model, F = w->d_mlp;

    if (f->kind == EG_MLP_LINEAR) {
        multiply(w, s, y, M, x, M, f->W_F, M, 1, n, M, M, 1, 0);
        return;
    }
    multiply(w, s, s->row, F, x, M, f->W_in, F, 1, n, F, M, 1, 0);
    if (f->kind == EG_MLP_RELU) {
        w->kern->relu(s->row, s->row, n * F);
    } else {
        w->kern->gelu(s->row, s->row, n * F);
    }
    multiply(w, s, y, M, s->row, F, f->W_out, M, 1, n, M, F, 1, 0);
}

typedef struct apply_job {
    const egi_weights *w;
    egi_map map;
    int block;
    double *y;
    const double *x;
} apply_job;

static double apply_rows(const void *ctx, const egi_scratch *s, eg_index first,
                         eg_index count)
{
    const apply_job *j = ctx;
    double *y = j->y + first * j->w->d_model;
    const double *x = j->x + first * j->w->d_model;

    switch (j->map) {
    case EGI_MAP_QK:
        map_qk(j->w, s, j->block, y, x, count);
        break;
    case EGI_MAP_OV:
        map_ov(j->w, s, j->block, y, x, count);
        break;
    case EGI_MAP_FFN:
        map_ffn(j->w, s, y, x, count);
        break;
    }
    return 0;
}

void egi_apply(const egi_weights *w, egi_map map, int block, double *y,
               const double *x, eg_index n)
{
    apply_job job = {.w = w, .map = map, .block = block, .x = x};

    job.y = y;
    (void)egi_sum_rows(w, n, apply_rows, &job);
}

typedef struct rows_job {
    const egi_weights *w;
    eg_index n;
    egi_rows_fn fn;
    const void *ctx;
} rows_job;

static void run_block(void *ctx, int block, int worker)
{
    const rows_job *j = ctx;
    eg_index first = (eg_index)block * EGI_ROWS, left = j->n - first;

    j->w->part[block] = j->fn(j->ctx, &j->w->scratch[worker], first,
                              left < EGI_ROWS ? left : EGI_ROWS);
}

double egi_sum_rows(const egi_weights *w, eg_index n, egi_rows_fn fn,
                    const void *ctx)
{
    rows_job job = {w, n, fn, ctx};
    int blocks = (int)((n + EGI_ROWS - 1) / EGI_ROWS);
    double sum = 0;

    eg_pool_run(w->pool, blocks, run_block, &job);
    for (int i = 0; i < blocks; i++) sum += w->part[i];
    return sum;
}
