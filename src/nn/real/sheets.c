/* Which pairs (token, position) a batch holds, and where. */
#include "nn/real/sheets.h"

#include <string.h>

#include "nn/real/layout.h"

static size_t sheets_lay(N(sheets) * s, void **block, const eg_model *m,
                         int batch, eg_index ld)
{
    layout l = {block ? *block : NULL, 0};
    eg_index T = m->T, max = m->V < batch ? m->V : batch;

    s->T = m->T;
    s->V = m->V;
    s->batch = batch;
    s->max = (int)max;
    s->ld = ld;
    s->tokens = lay_int(&l, batch * T);
    s->row = lay_int(&l, batch * T);
    s->length = lay_int(&l, batch);
    s->token = lay_int(&l, max * T);
    s->limit = lay_int(&l, max * T);
    s->rows = lay_int(&l, max);
    s->seen = lay_int(&l, m->V);
    s->out = lay_real(&l, max * T * ld);
    s->dout = lay_real(&l, batch * T * ld);
    return l.used;
}

size_t N(sheets_bytes)(const eg_model *m, int batch, eg_index ld)
{
    N(sheets) s;
    return sheets_lay(&s, NULL, m, batch, ld);
}

eg_status N(sheets_init)(N(sheets) * s, const eg_model *m, int batch,
                         eg_index ld, eg_err *err)
{
    size_t bytes = sheets_lay(s, NULL, m, batch, ld);
    void *block = eg_calloc(1, bytes);

    if (!block)
        return EG_FAIL(err, EG_ENOMEM, "a batch's feed-forward, %zu bytes",
                       bytes);
    sheets_lay(s, &block, m, batch, ld);
    return EG_OK;
}

void N(sheets_release)(N(sheets) * s)
{
    eg_free(s->tokens); /* the block begins there */
    memset(s, 0, sizeof *s);
}

void N(sheets_index)(N(sheets) * s)
{
    int T = s->T;

    s->n = 0;
    memset(s->rows, 0, (size_t)s->max * sizeof *s->rows);
    memset(s->token, 0, (size_t)s->max * (size_t)T * sizeof *s->token);
    for (int t = 0; t < T; t++) {
        int distinct = 0;
        memset(s->seen, 0xff, (size_t)s->V * sizeof *s->seen);
        for (int b = 0; b < s->batch; b++) {
            int32_t token = s->tokens[b * T + t];
            if (s->seen[token] < 0) {
                int j = distinct++;
                s->seen[token] = j * T + s->rows[j];
                s->token[j * T + t] = token;
                s->limit[j * T + s->rows[j]++] = t + 1;
            }
            s->row[b * T + t] = s->seen[token];
        }
        if (distinct > s->n) s->n = distinct;
    }
}

void N(sheets_sum)(const N(sheets) * s, int sheet, real *dx, const kern *K,
                   int d)
{
    int T = s->T, first = sheet * T;

    for (int r = 0; r < s->rows[sheet]; r++)
        memset(dx + r * s->ld, 0, (size_t)d * sizeof *dx);
    for (eg_index b = 0; b < s->batch; b++)
        for (int t = 0; t < s->length[b]; t++) {
            int r = s->row[b * T + t] - first;
            if (r < 0 || r >= T) continue;
            K->add(dx + r * s->ld, s->dout + (b * T + t) * s->ld, d);
        }
}
