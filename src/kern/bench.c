/* Verifies and times every kernel of a set; the cases are in bench_*.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "kern/bench_case.h"
#include "kern/kern_sets.h"
#include "kern/timing.h"

enum { SAMPLES = 63, VOCAB = 65 };
#define SAMPLE_SECONDS 1e-3
#define CLOCK_SECONDS 5e-5 /* between two looks at the clock */
#define L2_BYTES ((size_t)1 << 20)

#ifdef EG_REAL_DOUBLE
#define KERN_PICK eg_kern_pick_f64
#define KERN_REF egi_kern_ref_f64
enum { WIDE = true };
/* Of the largest entry of the result; the reference, which sums plainly, is off
 * by 1e-14 in a sum of 32768. */
#define ERROR_BOUND 5e-14
#else
#define KERN_PICK eg_kern_pick
#define KERN_REF egi_kern_ref_f32
enum { WIDE = false };
#define ERROR_BOUND 1e-5 /* 84 eps; the reference sums in float64 */
#endif

/* Uniform numbers in (-1, 1). */
static void fill(real *x, eg_index n, uint64_t state)
{
    for (eg_index i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (real)((double)(state >> 11) * 0x1p-52 - 1);
    }
}

/* The same numbers in every array up to a shift; array 9 is positive (second
 * moments). */
static void refresh(const egi_bench *b)
{
    fill(b->x[0], EGI_BENCH_FILL, 0x9E3779B97F4A7C15u);
    for (int a = 1; a < EGI_BENCH_ARRAYS; a++) {
        eg_index shift = 1009 * (eg_index)a;
        size_t head = (size_t)(EGI_BENCH_FILL - shift) * sizeof(real);
        memcpy(b->x[a], b->x[0] + shift, head);
        memcpy(b->x[a] + EGI_BENCH_FILL - shift, b->x[0],
               (size_t)shift * sizeof(real));
    }
    for (eg_index i = 0; i < EGI_BENCH_FILL; i++) {
        b->x[9][i] = (real)fabs((double)b->x[9][i]);
    }
    memcpy(b->x[EGI_BENCH_RESULT + 1], b->x[EGI_BENCH_RESULT],
           EGI_BENCH_FILL * sizeof(real));
    for (int i = 0; i < EGI_BENCH_IDS; i++) {
        b->ids[i] = (int32_t)(i * 7 % VOCAB);
        b->limit[i] = i + 1;
    }
}

static void run_fresh(const egi_bench *b, const kern *set, const egi_case *c)
{
    refresh(b);
    if (c->prepare) c->prepare(b, set, c);
    c->run(b, set, c);
}

/* The largest difference between the set and the reference (or the case's own
 * truth), relative to the largest entry; NaN where either has one. */
static double verify(const egi_bench *b, const egi_case *c, real *keep)
{
    const real *got = b->x[c->result], *want = b->x[c->result + 1];
    double error = 0, top = 0;

    if (c->error) {
        for (eg_index i = 0; i < c->n_result; i++) b->x[c->result][i] = NAN;
    }
    run_fresh(b, b->set, c);
    if (c->error) return c->error(b, c);
    memcpy(keep, got, (size_t)c->n_result * sizeof *keep);
    run_fresh(b, b->ref, c);
    for (eg_index i = 0; i < c->n_result; i++) {
        double e = fabs((double)keep[i] - (double)want[i]);
        if (!(e <= error)) error = e;
        top = fmax(top, fabs((double)want[i]));
    }
    return top > 0 ? error / top : error;
}

/* What is timed next to each other. */
typedef struct timing {
    const egi_bench *b;
    egi_case c;
    const egi_peak *peak;
    void *l2; /* L2_BYTES */
    double sink;
    int batch; /* calls between two looks at the clock */
} timing;

/* FLOP or bytes per second of the limit, from one short sample: the clock of
 * the core rises when the registers alone are at work for long. */
static double limit_rate(timing *t)
{
    double start = egi_cpu_seconds(), work = 0, end;

    do {
        if (t->c.flop > 0) {
            work += t->peak->fma(20, &t->sink);
        } else {
            t->sink += 0 * t->peak->read(t->l2, L2_BYTES);
            work += (double)L2_BYTES;
        }
        end = egi_cpu_seconds();
    } while (end - start < SAMPLE_SECONDS);
    return work / (end - start);
}

/* Seconds a call: of the kernel (who < 0) or of a yardstick. Negative where
 * the yardstick has no such product. */
static double call_seconds(const timing *t, int who)
{
    const egi_case *c = &t->c;
    egi_strides s = {0};
    double start = egi_cpu_seconds(), end;
    int calls = 0;

    if (who >= 0) s = B(egi_case_strides)(c);
    do {
        for (int i = 0; i < t->batch; i++) {
            if (who < 0) {
                c->run(t->b, t->b->set, c);
            } else if (!egi_yardsticks[who].sgemm(
                           (void *)t->b->x[c->result], c->n, (void *)t->b->x[0],
                           s.rs, s.cs, (void *)t->b->x[1], s.brs, s.bcs, c->m,
                           c->n, c->k)) {
                return -1;
            }
        }
        calls += t->batch;
        end = egi_cpu_seconds();
    } while (end - start < SAMPLE_SECONDS);
    return (end - start) / calls;
}

static void measure(timing *t, double seconds, eg_bench_row *row)
{
    const egi_case *c = &t->c;
    double work = (c->flop > 0 ? c->flop : c->bytes) * 1e-9;
    double call[SAMPLES], limit[SAMPLES], share[SAMPLES];
    double other[EG_BENCH_YARDSTICKS][SAMPLES];
    double start = egi_cpu_seconds();
    int n = 0;

    if (c->prepare) c->prepare(t->b, t->b->set, c);
    t->batch = 1;
    call[0] = call_seconds(t, -1); /* warm */
    t->batch = call[0] < CLOCK_SECONDS ? (int)(CLOCK_SECONDS / call[0]) + 1 : 1;
    do {
        limit[n] = limit_rate(t) * 1e-9;
        call[n] = call_seconds(t, -1);
        share[n] = work / (call[n] * limit[n]);
        for (int y = 0; y < EG_BENCH_YARDSTICKS; y++) {
            bool here = !WIDE && c->is_gemm && egi_yardsticks[y].name;
            other[y][n] = here ? call_seconds(t, y) : -1;
        }
        n++;
    } while (n < SAMPLES && seconds > 0 &&
             (n < 3 || egi_cpu_seconds() - start < seconds ||
              (n < 5 && egi_cpu_seconds() - start < 10 * seconds)));
    row->seconds = egi_median(call, n);
    row->rate = work / row->seconds;
    row->best = work / call[0];
    row->n = n;
    row->rate_low = work / egi_quantile(call, n, 0.75);
    row->rate_high = work / egi_quantile(call, n, 0.25);
    row->limit = egi_median(limit, n);
    row->share = egi_median(share, n);
    row->share_low = egi_quantile(share, n, 0.25);
    row->share_high = egi_quantile(share, n, 0.75);
    for (int y = 0; y < EG_BENCH_YARDSTICKS; y++) {
        double s = egi_median(other[y], n);
        row->yardstick[y] = s > 0 ? work / s : 0;
    }
}

static void name_row(eg_bench_row *row, const egi_case *c)
{
    snprintf(row->kernel, sizeof row->kernel, "%s", c->kernel);
    snprintf(row->form, sizeof row->form, "%s", c->form);
    if (c->flop > 0 && c->form[0]) {
        snprintf(row->shape, sizeof row->shape, "M %td N %td K %td", c->m, c->n,
                 c->k);
    } else if (c->flop > 0) {
        snprintf(row->shape, sizeof row->shape, "T %td d_head %td", c->m, c->n);
    } else {
        snprintf(row->shape, sizeof row->shape, "%td x %td", c->m, c->n);
    }
    row->unit = c->flop > 0 ? "GFLOP/s" : "GB/s";
}

typedef bool (*next_case)(egi_case *, int);
static const next_case files[] = {B(egi_case_gemm), B(egi_case_attn),
                                  B(egi_case_elem)};
enum { N_FILES = sizeof files / sizeof files[0] };

/* What is asked for. */
typedef struct request {
    const char *only; /* part of "kernel form shape"; NULL: all */
    double seconds;
    void (*fn)(void *ctx, const eg_bench_row *row);
    void *ctx;
} request;

/* Whether a case is asked for; names its row. */
static bool is_wanted(const request *q, const egi_case *c, eg_bench_row *row)
{
    char line[sizeof row->kernel + sizeof row->form + sizeof row->shape];

    *row = (eg_bench_row){0};
    name_row(row, c);
    if (!q->only) return q->seconds > 0 || !c->error;
    snprintf(line, sizeof line, "%s%s%s %s", row->kernel,
             row->form[0] ? " " : "", row->form, row->shape);
    return strstr(line, q->only) != NULL;
}

static void run_cases(timing *t, real *keep, const request *q)
{
    eg_bench_row row;

    for (int f = 0; f < N_FILES; f++) {
        for (int i = 0; files[f](&t->c, i); i++) {
            if (!is_wanted(q, &t->c, &row)) continue;
            row.error = verify(t->b, &t->c, keep);
            row.verified = row.error <= ERROR_BOUND;
            refresh(t->b);
            measure(t, q->seconds, &row);
            q->fn(q->ctx, &row);
        }
    }
}

/* Arrays large enough for every case asked for; false when out of memory. */
static bool arrays_new(egi_bench *b, const request *q, int *n_wanted)
{
    eg_index n[EGI_BENCH_ARRAYS];
    eg_bench_row row;
    egi_case c;

    *n_wanted = 0;
    for (int a = 0; a < EGI_BENCH_ARRAYS; a++) n[a] = EGI_BENCH_REALS;
    for (int f = 0; f < N_FILES; f++) {
        for (int i = 0; files[f](&c, i); i++) {
            if (!is_wanted(q, &c, &row)) continue;
            ++*n_wanted;
            for (int a = 0; c.need && a < EGI_BENCH_ARRAYS; a++) {
                eg_index need = c.need(b, &c, a);
                if (need > n[a]) n[a] = need;
            }
        }
    }
    for (int a = 0; a < EGI_BENCH_ARRAYS; a++) {
        b->x[a] = eg_calloc((size_t)n[a], sizeof *b->x[a]);
        if (!b->x[a]) return false;
    }
    for (int a = 0; a < 2; a++) fill(b->x[a], n[a], (uint64_t)a + 1);
    return true;
}

eg_status B(egi_bench_run)(const char *set, const char *only, double seconds,
                           void (*fn)(void *ctx, const eg_bench_row *row),
                           void *ctx, eg_err *err)
{
    const kern truth = KERN_REF; /* another table, also where set is ref */
    egi_bench b = {.set = KERN_PICK(set), .ref = &truth};
    timing t = {.b = &b, .peak = egi_peak_pick(set, WIDE), .sink = 0.5};
    request q = {only, seconds, fn, ctx};
    real *block = NULL;
    eg_status st = EG_OK;
    int n_wanted = 0;

    if (!b.set) {
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "kernel set '%s' does not run here", set);
    }
    block = eg_calloc((size_t)EGI_BENCH_REALS * sizeof *block + L2_BYTES, 1);
    b.ids = eg_calloc(EGI_BENCH_IDS, sizeof *b.ids);
    b.limit = eg_calloc(EGI_BENCH_IDS, sizeof *b.limit);
    b.pred = eg_calloc(EGI_BENCH_IDS, sizeof *b.pred);
    b.nll = eg_calloc(EGI_BENCH_IDS, sizeof *b.nll);
    if (!arrays_new(&b, &q, &n_wanted) || !block || !b.ids || !b.limit ||
        !b.pred || !b.nll) {
        st = EG_FAIL(err, EG_ENOMEM, "arrays for the benchmark: out of memory");
        goto done;
    }
    if (n_wanted == 0) {
        st = EG_FAIL(err, EG_EINVAL,
                     "no kernel to measure has '%s' in its name and shape, as "
                     "in 'gemm_packed NN M 256 N 64 K 64'",
                     only);
        goto done;
    }
    t.l2 = block + EGI_BENCH_REALS;
    run_cases(&t, block, &q);
done:
    for (int a = 0; a < EGI_BENCH_ARRAYS; a++) eg_free(b.x[a]);
    eg_free(block);
    eg_free(b.ids);
    eg_free(b.limit);
    eg_free(b.pred);
    eg_free(b.nll);
    return st;
}
