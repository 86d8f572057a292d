/* Matrix products to be measured: the shapes of a small transformer, in the
 * three storage forms, with B packed beforehand and not. */
#include "kern/bench_case.h"

enum { ROWS = 256 };

static const int sizes[] = {64, 128, 256, 512};
static const char *const forms[] = {"NN", "NT", "TN"};

egi_strides egi_case_strides(const egi_case *c)
{
    bool at = c->form[0] == 'T', bt = c->form[1] == 'T';
    return (egi_strides){.rs = at ? 1 : c->k,
                         .cs = at ? c->m : 1,
                         .brs = bt ? 1 : c->n,
                         .bcs = bt ? c->k : 1};
}

/* Arrays: 0 A, 1 B, 2 packed B, 3 work. */
static void run_gemm(const egi_bench *b, const eg_kern_f32 *set,
                     const egi_case *c)
{
    egi_strides s = egi_case_strides(c);
    float *out = b->x[c->result + (set == b->ref)];
    set->gemm(out, c->n, b->x[0], s.rs, s.cs, b->x[1], s.brs, s.bcs, c->m, c->n,
              c->k, 1, 0, b->x[3]);
}

/* The reference cannot read what a fast set has packed: it takes B. */
static void run_packed(const egi_bench *b, const eg_kern_f32 *set,
                       const egi_case *c)
{
    egi_strides s = egi_case_strides(c);
    if (set == b->ref) {
        run_gemm(b, set, c);
        return;
    }
    set->gemm_packed(b->x[c->result], c->n, b->x[0], s.rs, s.cs, b->x[2], c->m,
                     c->n, c->k, 1, 0);
}

static void run_pack(const egi_bench *b, const eg_kern_f32 *set,
                     const egi_case *c)
{
    egi_strides s = egi_case_strides(c);
    set->pack(b->x[2], b->x[1], s.brs, s.bcs, c->k, c->n);
}

bool egi_case_gemm(egi_case *c, int i)
{
    int packed = i / 48, form = i / 16 % 3, n = sizes[i / 4 % 4],
        k = sizes[i % 4];

    if (i >= 96) return false;
    *c = (egi_case){.kernel = packed ? "gemm_packed" : "gemm",
                    .form = forms[form],
                    .m = ROWS,
                    .n = n,
                    .k = k,
                    .run = packed ? run_packed : run_gemm,
                    .prepare = packed ? run_pack : NULL,
                    .result = EGI_BENCH_ARRAYS - 2,
                    .is_gemm = !packed};
    if (form == 2) { /* weight gradient: the rows are summed over */
        c->m = k;
        c->k = ROWS;
    }
    c->flop = 2.0 * (double)c->m * (double)c->n * (double)c->k;
    c->n_result = c->m * c->n;
    return true;
}
