/* One kernel on one shape, ready to be verified and timed. bench.c and the
 * files of cases are compiled twice, with real = float and with real = double;
 * B(x) gives each its own names. */
#ifndef EGI_BENCH_CASE_H
#define EGI_BENCH_CASE_H

#include "engram/bench.h"

#ifdef EG_REAL_DOUBLE
typedef double real;
typedef eg_kern_f64 kern;
#define B(x) x##_f64
#else
typedef float real;
typedef eg_kern_f32 kern;
#define B(x) x##_f32
#endif

/* Arrays that the cases share: each has EGI_BENCH_REALS entries or what the
 * largest case needs. The first EGI_BENCH_FILL are given fresh numbers before a
 * verification; the others keep the numbers they began with. */
enum {
    EGI_BENCH_ARRAYS = 12,
    EGI_BENCH_RESULT = EGI_BENCH_ARRAYS - 2,
    EGI_BENCH_REALS = 1 << 20,
    EGI_BENCH_FILL = 1 << 18,
    EGI_BENCH_IDS = 1024
};

typedef struct egi_bench {
    const kern *set, *ref;
    real *x[EGI_BENCH_ARRAYS]; /* the last two: results of set and ref */
    int32_t *ids, *limit;      /* token numbers; causal limits */
    double *nll;
    int32_t *pred;
} egi_bench;

typedef struct egi_case egi_case;
struct egi_case {
    const char *kernel, *form;
    eg_index m, n, k;
    /* runs the kernel of the set once on the arrays */
    void (*run)(const egi_bench *b, const kern *set, const egi_case *c);
    /* what is done once before (may be NULL) */
    void (*prepare)(const egi_bench *b, const kern *set, const egi_case *c);
    double flop, bytes; /* of a call; one of them is 0 */
    int result;         /* the array that run writes (or adds to) */
    eg_index n_result;  /* its entries that count */
    bool is_gemm;       /* yardsticks apply */
    /* Entries of an array that are needed; NULL: no more than there always
     * are. */
    eg_index (*need)(const egi_bench *b, const egi_case *c, int array);
    /* Where the reference would take too long: the largest error of what run
     * has left in x[result] on a sample, relative to its largest entry. */
    double (*error)(const egi_bench *b, const egi_case *c);
};

/* The i-th case of a file; false past the end. */
bool B(egi_case_gemm)(egi_case *c, int i);
bool B(egi_case_attn)(egi_case *c, int i);
bool B(egi_case_elem)(egi_case *c, int i);

/* C[M,N] = A B in plain storage with the strides of eg_kern.gemm; false when
 * the library has no such form. */
typedef bool (*egi_sgemm)(float *c, eg_index ldc, const float *a, eg_index rs,
                          eg_index cs, const float *b, eg_index brs,
                          eg_index bcs, eg_index M, eg_index N, eg_index K);

typedef struct egi_yardstick {
    const char *name; /* NULL: not built in */
    egi_sgemm sgemm;
} egi_yardstick;

/* Of float32. */
extern const egi_yardstick egi_yardsticks[EG_BENCH_YARDSTICKS];

/* As eg_bench_kernels, in one precision. */
eg_status egi_bench_run_f32(const char *set, const char *only, double seconds,
                            void (*fn)(void *ctx, const eg_bench_row *row),
                            void *ctx, eg_err *err);
eg_status egi_bench_run_f64(const char *set, const char *only, double seconds,
                            void (*fn)(void *ctx, const eg_bench_row *row),
                            void *ctx, eg_err *err);

/* The operands of a product case, by storage form. */
typedef struct egi_strides {
    eg_index rs, cs, brs, bcs;
} egi_strides;
egi_strides B(egi_case_strides)(const egi_case *c);
#endif
