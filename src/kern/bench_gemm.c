/* Matrix products to be measured: the shapes of transformers up to GPT-2 small,
 * in the three storage forms, with B packed beforehand and not. */
#include <math.h>

#include "kern/bench_case.h"

enum { N_FORMS = 3, N_ROWS = 3, N_SHAPES = 10 };
enum { SAMPLE = 2000 }; /* entries checked where there are very many */
#define REF_FLOP 2e8    /* more than that takes the reference too long */

static const char *const forms[N_FORMS] = {"NN", "NT", "TN"};
static const int rows[N_ROWS] = {64, 256, 1024};
static const struct {
    int n, k;
} shapes[N_SHAPES] = {{64, 64},    {64, 256},   {256, 64},  {128, 128},
                      {256, 256},  {512, 512},  {768, 768}, {3072, 768},
                      {768, 3072}, {50304, 768}};

egi_strides B(egi_case_strides)(const egi_case *c)
{
    bool at = c->form[0] == 'T', bt = c->form[1] == 'T';
    return (egi_strides){.rs = at ? 1 : c->k,
                         .cs = at ? c->m : 1,
                         .brs = bt ? 1 : c->n,
                         .bcs = bt ? c->k : 1};
}

/* Arrays: 0 A, 1 B, 2 packed B or work. */
static void run_gemm(const egi_bench *b, const kern *set, const egi_case *c)
{
    egi_strides s = B(egi_case_strides)(c);
    real *out = b->x[c->result + (set == b->ref)];
    set->gemm(out, c->n, b->x[0], s.rs, s.cs, b->x[1], s.brs, s.bcs, c->m, c->n,
              c->k, 1, 0, b->x[2]);
}

/* The reference cannot read what a fast set has packed: it takes B. */
static void run_packed(const egi_bench *b, const kern *set, const egi_case *c)
{
    egi_strides s = B(egi_case_strides)(c);
    if (set == b->ref) {
        run_gemm(b, set, c);
        return;
    }
    set->gemm_packed(b->x[c->result], c->n, b->x[0], s.rs, s.cs, b->x[2], c->m,
                     c->n, c->k, 1, 0);
}

static void run_pack(const egi_bench *b, const kern *set, const egi_case *c)
{
    egi_strides s = B(egi_case_strides)(c);
    set->pack(b->x[2], b->x[1], s.brs, s.bcs, c->k, c->n);
}

static eg_index need_gemm(const egi_bench *b, const egi_case *c, int array)
{
    switch (array) {
    case 0:
        return c->m * c->k;
    case 1:
        return c->k * c->n;
    case 2:
        return b->set->pack_size(c->k, c->n);
    case EGI_BENCH_RESULT:
        return c->m * c->n;
    default:
        return 0;
    }
}

/* A sample of the entries, the last one among them, against float64 sums. */
static double sample_error(const egi_bench *b, const egi_case *c)
{
    egi_strides s = B(egi_case_strides)(c);
    eg_index last = c->m * c->n - 1, entry = last;
    uint64_t state = 1;
    double error = 0, top = 0;

    for (int i = 0; i < SAMPLE; i++) {
        const real *x = b->x[0] + entry / c->n * s.rs;
        const real *y = b->x[1] + entry % c->n * s.bcs;
        double want = 0, e;

        for (eg_index k = 0; k < c->k; k++) {
            want += (double)x[k * s.cs] * (double)y[k * s.brs];
        }
        e = fabs((double)b->x[c->result][entry] - want);
        if (!(e <= error)) error = e;
        top = fmax(top, fabs(want));
        state = state * 6364136223846793005u + 1442695040888963407u;
        entry = (eg_index)((state >> 24) % (uint64_t)(last + 1));
    }
    return error / top;
}

bool B(egi_case_gemm)(egi_case *c, int i)
{
    int shape = i % N_SHAPES, row = i / N_SHAPES % N_ROWS;
    int form = i / (N_SHAPES * N_ROWS) % N_FORMS;
    int packed = i / (N_SHAPES * N_ROWS * N_FORMS);

    if (packed > 1) return false;
    *c = (egi_case){.kernel = packed ? "gemm_packed" : "gemm",
                    .form = forms[form],
                    .m = rows[row],
                    .n = shapes[shape].n,
                    .k = shapes[shape].k,
                    .run = packed ? run_packed : run_gemm,
                    .prepare = packed ? run_pack : NULL,
                    .result = EGI_BENCH_RESULT,
                    .is_gemm = !packed,
                    .need = need_gemm};
    if (form == 2) { /* weight gradient: the rows are summed over */
        c->m = shapes[shape].k;
        c->k = rows[row];
    }
    c->flop = 2.0 * (double)c->m * (double)c->n * (double)c->k;
    c->n_result = c->m * c->n;
    if (c->flop > REF_FLOP) c->error = sample_error;
    return true;
}
