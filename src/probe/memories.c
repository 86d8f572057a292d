/* The associative memories as products of two tables of vectors. */
#include "probe/weights.h"

static void to_vocab(egi_scores *s, const egi_weights *w)
{
    s->a = w->a;
    s->b = w->W_U;
    s->n = w->d_vocab;
    s->brs = w->u_rs;
    s->bcs = w->u_cs;
    s->scale = w->u_scale;
}

/* B holds one row of keys for every row of A. */
static void to_keys(egi_scores *s, const egi_weights *w, const double *keys,
                    eg_index n)
{
    s->a = w->a;
    s->b = keys;
    s->n = n;
    s->brs = 1;
    s->bcs = w->d_model;
    s->scale = 1;
}

bool egi_memory_scores(egi_scores *s, const egi_weights *w, egi_memory which)
{
    bool two = w->n_blocks >= 2 && w->W_E;

    switch (which) {
    case EGI_MEM_O2:
        if (!two) return false;
        egi_apply(w, EGI_MAP_OV, 1, w->a, w->W_E, w->d_vocab);
        to_vocab(s, w);
        return true;
    case EGI_MEM_K2:
        if (!two) return false;
        egi_apply(w, EGI_MAP_QK, 1, w->a, w->W_E, w->d_vocab);
        egi_apply(w, EGI_MAP_OV, 0, w->b, w->W_E, w->d_vocab);
        to_keys(s, w, w->b, w->d_vocab);
        return true;
    case EGI_MEM_K1:
        if (!w->W_pos) return false;
        egi_apply(w, EGI_MAP_QK, 0, w->a, w->W_pos, w->n_ctx);
        to_keys(s, w, w->W_pos, w->n_ctx);
        return true;
    case EGI_MEM_F:
        if (!two || w->ffn.kind == EG_MLP_NONE || w->ffn.kind > EG_MLP_GELU)
            return false;
        egi_apply(w, EGI_MAP_FFN, 1, w->a, w->W_E, w->d_vocab);
        to_vocab(s, w);
        return true;
    }
    return false;
}

typedef struct write_job {
    const egi_weights *w;
    const egi_scores *s;
    float *out;
    eg_index cols;
} write_job;

static double write_rows(const void *ctx, const egi_scratch *scratch,
                         eg_index first, eg_index count)
{
    const write_job *j = ctx;
    const egi_scores *s = j->s;
    eg_index M = j->w->d_model;

    for (eg_index c = 0; c < j->cols; c += EGI_COLS) {
        eg_index strip = j->cols - c < EGI_COLS ? j->cols - c : EGI_COLS;
        egi_product(j->w, scratch, scratch->row, EGI_COLS, s->a + first * M, M,
                    s->b + c * s->bcs, s->brs, s->bcs, count, strip, M,
                    s->scale);
        for (eg_index i = 0; i < count; i++) {
            float *to = j->out + (first + i) * j->cols + c;
            const double *from = scratch->row + i * EGI_COLS;
            for (eg_index k = 0; k < strip; k++) to[k] = (float)from[k];
        }
    }
    return 0;
}

void egi_scores_write(float *out, const egi_weights *w, const egi_scores *s,
                      eg_index rows, eg_index cols)
{
    write_job job = {.w = w, .s = s, .cols = cols};

    job.out = out;
    (void)egi_sum_rows(w, rows, write_rows, &job);
}
