/* Weights as the lenses want them: a head's values and outputs, rows of the
 * tables of tokens, eigenvalues. Norms and their gains are left out. */
#include <stdio.h>
#include <string.h>

#include "flow/lapack.h"
#include "lens/lens.h"

static void copy(float *out, const eg_view *v, eg_index from, eg_index n)
{
    for (eg_index i = 0; i < n; i++) out[i] = (float)eg_view_at(v, from + i);
}

/* The matrix blocks.<l>.attn.<name> [heads, size], of one head; the identity
 * where there is none. */
static bool matrix(const egi_lens *s, float *out, int l, const char *name,
                   int head, eg_index rows, eg_index cols)
{
    char full[64];
    eg_index own = (eg_index)head * s->dh;
    eg_view v;
    int i;

    (void)snprintf(full, sizeof full, "blocks.%d.attn.%s", l, name);
    i = eg_model_find(s->m, full);
    if (i < 0) {
        /* a head's own columns of the stream */
        memset(out, 0, (size_t)(rows * cols) * sizeof *out);
        for (eg_index k = 0; k < s->dh && k + own < s->D; k++)
            out[(rows == s->D ? k + own : k) * cols +
                (rows == s->D ? k : k + own)] = 1;
        return true;
    }
    v = eg_model_view(s->m, i);
    if (eg_view_size(&v) < (head + 1) * rows * cols) return false;
    copy(out, &v, head * rows * cols, rows * cols);
    return true;
}

bool egi_lens_values(const egi_lens *s, int l, int h, float *W_V, float *W_O)
{
    int heads = eg_model_heads(s->m, l), kv = eg_model_kv_heads(s->m, l);

    return h < heads && matrix(s, W_V, l, "W_V", h * kv / heads, s->D, s->dh) &&
           matrix(s, W_O, l, "W_O", h, s->dh, s->D);
}

void egi_lens_embed(const egi_lens *s, float *out, const int32_t *id, int n)
{
    eg_view v = eg_model_view(s->m, eg_model_find(s->m, "W_E"));

    for (int i = 0; i < n; i++) copy(out + i * s->D, &v, id[i] * s->D, s->D);
}

void egi_lens_unembed(const egi_lens *s, float *out, const int32_t *id, int n)
{
    int at = eg_model_find(s->m, "W_U");
    eg_view v;

    if (at < 0) { /* tied */
        egi_lens_embed(s, out, id, n);
        return;
    }
    v = eg_model_view(s->m, at);
    for (int i = 0; i < n; i++)
        for (eg_index j = 0; j < s->D; j++)
            out[i * s->D + j] = (float)eg_view_at(&v, j * s->V + id[i]);
}

void egi_lens_product(const egi_lens *s, float *c, const float *a,
                      const float *b, eg_index m, eg_index n, eg_index k,
                      float *work)
{
    s->kern->gemm(c, n, a, k, 1, b, n, 1, m, n, k, 1, 0, work);
}

eg_status egi_lens_eigen(double *re, double *im, double *a, eg_index n,
                         eg_err *err)
{
    const egi_lapack *lapack;
    eg_status st = egi_lapack_enter(&lapack, err);
    int info;

    if (st != EG_OK) return st;
    info = lapack->dgeev(LAPACK_ROW_MAJOR, 'N', 'N', (int)n, a, (int)n, re, im,
                         NULL, 1, NULL, 1);
    egi_lapack_leave();
    return info ? egi_lapack_fail(info, "eigenvalues", n, n, err) : EG_OK;
}
