/* Causal attention to be measured: one head, forward and backward. Only the
 * lower triangle counts: 2 T (T+1) d FLOP forward, twice that backward; half of
 * either where scores come from tables. */
#include "kern/bench_case.h"

static const int lengths[] = {256, 1024};
static const int heads[] = {32, 64, 128};

/* Arrays: 0 q, 1 k, 2 v, 3 dz, 4 pattern, 5 work, 6 dk, 7 dv, 8 z. */
static void run_forward(const egi_bench *b, const kern *set, const egi_case *c)
{
    real *z = b->x[c->result + (set == b->ref)];
    set->attn(z, c->n, b->x[4], b->x[0], c->n, b->limit, b->x[1], c->n, b->x[2],
              c->n, c->m, c->n, c->n, (real)0.125, b->x[5]);
}

static void run_backward(const egi_bench *b, const kern *set, const egi_case *c)
{
    real *dq = b->x[c->result + (set == b->ref)];
    set->attn_back(dq, c->n, b->x[6], c->n, b->x[7], c->n, b->x[3], c->n,
                   b->x[8], c->n, b->x[4], b->x[0], c->n, b->limit, b->x[1],
                   c->n, b->x[2], c->n, c->m, c->n, c->n, (real)0.125, b->x[5]);
}

static void prepare_backward(const egi_bench *b, const kern *set,
                             const egi_case *c)
{
    set->attn(b->x[8], c->n, b->x[4], b->x[0], c->n, b->limit, b->x[1], c->n,
              b->x[2], c->n, c->m, c->n, c->n, (real)0.125, b->x[5]);
}

/* Scores from tables: arrays 0 and 1 are those of tokens and positions, 6 the
 * gradient of the latter. */
enum { TABLE_TOKENS = 80, TABLE_T = 256 };
static const eg_index table_ld = TABLE_TOKENS + TABLE_T;

static void table_forward(const egi_bench *b, const kern *set,
                          const egi_case *c, real *z)
{
    set->attn_table(z, c->n, b->x[4], b->x[0], b->x[1], table_ld, TABLE_TOKENS,
                    b->ids, b->limit, b->x[2], c->n, c->m, c->n, b->x[5]);
}

static void run_table(const egi_bench *b, const kern *set, const egi_case *c)
{
    table_forward(b, set, c, b->x[c->result + (set == b->ref)]);
}

static void run_table_back(const egi_bench *b, const kern *set,
                           const egi_case *c)
{
    real *dte = b->x[c->result + (set == b->ref)];
    set->attn_table_back(dte, b->x[6], table_ld, TABLE_TOKENS, b->ids, NULL, 0,
                         b->x[3], c->n, b->x[8], c->n, b->x[4], b->limit,
                         b->x[2], c->n, c->m, c->n, b->x[5]);
}

static void prepare_table_back(const egi_bench *b, const kern *set,
                               const egi_case *c)
{
    table_forward(b, set, c, b->x[8]);
}

static bool table_case(egi_case *c, int i)
{
    int back = i & 1, d = heads[1 + i / 2 % 2];

    if (i >= 4) return false;
    *c = (egi_case){.kernel = back ? "attn_table_back" : "attn_table",
                    .form = "",
                    .m = TABLE_T,
                    .n = d,
                    .k = TABLE_T,
                    .run = back ? run_table_back : run_table,
                    .prepare = back ? prepare_table_back : NULL,
                    .flop = TABLE_T * (TABLE_T + 1.0) * d,
                    .result = EGI_BENCH_RESULT,
                    .n_result =
                        back ? TABLE_TOKENS * table_ld : (eg_index)TABLE_T * d};
    return true;
}

bool B(egi_case_attn)(egi_case *c, int i)
{
    int back = i & 1, T = lengths[i / 6 % 2], d = heads[i / 2 % 3];

    if (i >= 12) return table_case(c, i - 12);
    *c = (egi_case){.kernel = back ? "attn_back" : "attn",
                    .form = "",
                    .m = T,
                    .n = d,
                    .k = T,
                    .run = back ? run_backward : run_forward,
                    .prepare = back ? prepare_backward : NULL,
                    .flop = (back ? 4.0 : 2.0) * T * (T + 1.0) * d,
                    .result = EGI_BENCH_RESULT,
                    .n_result = (eg_index)T * d};
    return true;
}
