/* Which pairs (token, position) a batch holds, and what is computed for them;
 * see batch.h. */
#include "nn/real/batch.h"

#include <string.h>

#include "engram/mem.h"
#include "nn/real/layout.h"

/* The values that op spread reads. */
static void find_cuts(N(batch) * b, const N(exec) * e)
{
    const egi_program *p = e->p;

    for (int k = 0; k < p->n_ops; k++) {
        int v = p->op[k].in[0];

        if (p->op[k].kind != EGI_OP_spread) continue;
        EG_ASSERT(b->n_cuts < EGI_CUTS);
        b->cut[b->n_cuts++] = (N(cut)){
            .value = v, .ld = e->room.at[v].ld, .cols = p->value[v].cols};
    }
}

static size_t batch_lay(N(batch) * b, const N(exec) * e, int size, char *base)
{
    layout l = {base, 0};
    eg_index T = e->p->m->T, V = e->p->m->V, max = V < size ? V : size;

    *b = (N(batch)){.T = (int)T, .V = (int)V, .size = size, .max = (int)max};
    find_cuts(b, e);
    if (b->n_cuts == 0) return 0;
    b->tokens = lay_int(&l, size * T);
    b->row = lay_int(&l, size * T);
    b->length = lay_int(&l, size);
    b->token = lay_int(&l, max * T);
    b->limit = lay_int(&l, max * T);
    b->rows = lay_int(&l, max);
    b->seen = lay_int(&l, V);
    for (int i = 0; i < b->n_cuts; i++) {
        N(cut) *c = &b->cut[i];

        c->out = lay_real(&l, max * T * c->ld);
        if (e->p->value[c->value].grad)
            c->dout = lay_real(&l, size * T * c->ld);
    }
    return l.used;
}

size_t N(batch_bytes)(const N(exec) * e, int size)
{
    N(batch) b;

    return batch_lay(&b, e, size, NULL);
}

eg_status N(batch_init)(N(batch) * b, const N(exec) * e, int size, eg_err *err)
{
    size_t bytes = batch_lay(b, e, size, NULL);
    void *block = bytes > 0 ? eg_calloc(1, bytes) : NULL;

    if (bytes == 0) return EG_OK;
    if (!block)
        return EG_FAIL(err, EG_ENOMEM, "a batch's pairs, %zu bytes", bytes);
    batch_lay(b, e, size, block);
    b->block = block;
    b->bytes = bytes;
    return EG_OK;
}

void N(batch_release)(N(batch) * b)
{
    eg_free(b->block);
    *b = (N(batch)){.T = 0};
}

void N(batch_index)(N(batch) * b)
{
    int T = b->T;

    b->n = 0;
    memset(b->rows, 0, (size_t)b->max * sizeof *b->rows);
    memset(b->token, 0, (size_t)b->max * (size_t)T * sizeof *b->token);
    for (int t = 0; t < T; t++) {
        int distinct = 0;
        memset(b->seen, 0xff, (size_t)b->V * sizeof *b->seen);
        for (int i = 0; i < b->size; i++) {
            int32_t token = b->tokens[i * T + t];
            if (b->seen[token] < 0) {
                int j = distinct++;
                b->seen[token] = j * T + b->rows[j];
                b->token[j * T + t] = token;
                b->limit[j * T + b->rows[j]++] = t + 1;
            }
            b->row[i * T + t] = b->seen[token];
        }
        if (distinct > b->n) b->n = distinct;
    }
}

/* ---- a sheet --------------------------------------------------------------
 */

static void sheet_ops(const N(exec) * e, N(room) * r, const N(batch) * b,
                      int sheet)
{
    eg_index at = (eg_index)sheet * b->T;

    memcpy(r->seq.tokens, b->token + at, (size_t)b->T * sizeof *r->seq.tokens);
    r->pair_rows = b->rows[sheet];
    r->pair_limit = b->limit + at;
    r->n = r->pair_limit[r->pair_rows - 1];
    N(exec_ops)(e, r, true, (N(sums)){NULL, NULL});
}

void N(sheet_out)(const N(exec) * e, N(room) * r, N(batch) * b, int sheet)
{
    sheet_ops(e, r, b, sheet);
    for (int i = 0; i < b->n_cuts; i++) {
        const N(cut) *c = &b->cut[i];
        const real *x = r->base + e->room.at[c->value].x;
        real *to = c->out + (eg_index)sheet * b->T * c->ld;

        for (eg_index k = 0; k < r->pair_rows; k++)
            memcpy(to + k * c->ld, x + k * c->ld, (size_t)c->cols * sizeof *to);
    }
}

static void sum_places(const N(exec) * e, const N(batch) * b, const N(cut) * c,
                       int sheet, real *dx)
{
    int T = b->T, first = sheet * T;

    for (int k = 0; k < b->rows[sheet]; k++)
        memset(dx + k * c->ld, 0, (size_t)c->cols * sizeof *dx);
    for (eg_index i = 0; i < b->size; i++)
        for (int t = 0; t < b->length[i]; t++) {
            int k = b->row[i * T + t] - first;
            if (k < 0 || k >= T) continue;
            e->K->add(dx + k * c->ld, c->dout + (i * T + t) * c->ld, c->cols);
        }
}

void N(sheet_back)(const N(exec) * e, N(room) * r, const N(batch) * b,
                   int sheet, N(sums) s)
{
    sheet_ops(e, r, b, sheet);
    for (int i = 0; i < b->n_cuts; i++)
        if (b->cut[i].dout)
            sum_places(e, b, &b->cut[i], sheet,
                       r->base + e->room.at[b->cut[i].value].g);
    N(exec_ops_back)(e, r, true, s);
}
