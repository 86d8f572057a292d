/* Everything that is limited by moving data: GB/s counts each array that is
 * read or written once. Arrays of 64 rows x 512 live in the L2 cache. */
#include "kern/bench_case.h"

enum { ROWS = 64, WIDTH = 512, N = ROWS * WIDTH, VOCAB = 65, LOGITS = 256 };

/* Arrays: 0 and 1 inputs, 2 xhat, 3 rstd, 4 w, 5 b, 6 dw, 7 db. The array to
 * be compared is refreshed from array 8 before a verification only. */
static real *out(const egi_bench *b, const kern *set, const egi_case *c)
{
    return b->x[c->result + (set == b->ref)];
}

static void run_layernorm(const egi_bench *b, const kern *set,
                          const egi_case *c)
{
    set->layernorm(out(b, set, c), WIDTH, b->x[2], WIDTH, b->x[3], b->x[0],
                   WIDTH, b->x[4], b->x[5], ROWS, WIDTH, 1e-5);
}

static void run_layernorm_back(const egi_bench *b, const kern *set,
                               const egi_case *c)
{
    set->layernorm_back(out(b, set, c), WIDTH, b->x[6], b->x[7], b->x[1], WIDTH,
                        b->x[2], WIDTH, b->x[3], b->x[4], ROWS, WIDTH);
}

static void run_relu(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->relu(out(b, set, c), b->x[0], N);
}

static void run_relu_back(const egi_bench *b, const kern *set,
                          const egi_case *c)
{
    set->relu_back(out(b, set, c), b->x[1], b->x[0], N);
}

static void run_gelu(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->gelu(out(b, set, c), b->x[0], N);
}

static void run_gelu_back(const egi_bench *b, const kern *set,
                          const egi_case *c)
{
    set->gelu_back(out(b, set, c), b->x[1], b->x[0], N);
}

static void run_xent(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->xent(out(b, set, c), b->nll, b->pred, b->x[0], VOCAB, b->ids, LOGITS,
              VOCAB, (real)1 / LOGITS);
}

static void run_add(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->add(out(b, set, c), b->x[0], N);
}

static void run_axpy(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->axpy(out(b, set, c), (real)1e-3, b->x[0], N);
}

static void run_scale(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->scale(out(b, set, c), -1, N);
}

static void run_dot(const egi_bench *b, const kern *set, const egi_case *c)
{
    *out(b, set, c) = (real)set->dot(b->x[0], b->x[1], N);
}

static void run_sumsq(const egi_bench *b, const kern *set, const egi_case *c)
{
    *out(b, set, c) = (real)set->sumsq(b->x[0], N);
}

static void run_embed(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->embed(out(b, set, c), WIDTH, b->x[0], WIDTH, b->x[1], WIDTH, b->ids,
               ROWS, WIDTH);
}

static void run_gather(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->gather(out(b, set, c), WIDTH, b->x[0], b->x[1], WIDTH, b->ids,
                b->limit, b->x[2], b->x[3], ROWS, WIDTH);
}

static void run_gather_back(const egi_bench *b, const kern *set,
                            const egi_case *c)
{
    set->gather_back(out(b, set, c), b->x[6], b->x[7], b->x[8], WIDTH, b->ids,
                     b->limit, b->x[2], b->x[0], b->x[1], WIDTH, b->x[3], ROWS,
                     WIDTH);
}

static void run_sgd(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->sgd(out(b, set, c), b->x[6], b->x[1], N, (real)1e-3, (real)0.9,
             (real)1e-4, 0);
}

static void run_adam(const egi_bench *b, const kern *set, const egi_case *c)
{
    set->adam(out(b, set, c), b->x[6], b->x[9], b->x[1], N, 1e-4, 0.9, 0.999,
              1e-8, 0, 0.01, 0.5, 0.5);
}

static const struct {
    const char *kernel;
    void (*run)(const egi_bench *b, const kern *set, const egi_case *c);
    int arrays; /* each N floats, moved once */
    eg_index rows, width;
} ops[] = {
    {"layernorm", run_layernorm, 3, ROWS, WIDTH},
    {"layernorm_back", run_layernorm_back, 4, ROWS, WIDTH},
    {"relu", run_relu, 2, 1, N},
    {"relu_back", run_relu_back, 3, 1, N},
    {"gelu", run_gelu, 2, 1, N},
    {"gelu_back", run_gelu_back, 3, 1, N},
    {"xent", run_xent, 2, LOGITS, VOCAB},
    {"add", run_add, 3, 1, N},
    {"axpy", run_axpy, 3, 1, N},
    {"scale", run_scale, 2, 1, N},
    {"dot", run_dot, 2, 1, N},
    {"sumsq", run_sumsq, 1, 1, N},
    {"embed", run_embed, 3, ROWS, WIDTH},
    {"gather", run_gather, 3, ROWS, WIDTH},
    {"gather_back", run_gather_back, 6, ROWS, WIDTH},
    {"sgd", run_sgd, 5, 1, N},
    {"adam", run_adam, 7, 1, N},
};

bool B(egi_case_elem)(egi_case *c, int i)
{
    if (i >= (int)(sizeof ops / sizeof ops[0])) return false;
    *c = (egi_case){.kernel = ops[i].kernel,
                    .form = "",
                    .m = ops[i].rows,
                    .n = ops[i].width,
                    .run = ops[i].run,
                    .bytes = (double)sizeof(real) * ops[i].arrays *
                             (double)ops[i].rows * (double)ops[i].width,
                    .result = EGI_BENCH_RESULT,
                    .n_result = ops[i].rows * ops[i].width};
    if (ops[i].run == run_dot || ops[i].run == run_sumsq) c->n_result = 1;
    return true;
}
