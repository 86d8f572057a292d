/* The measure language: what parses evaluates, or says why not. */
#include "fuzz.h"
#include "engram/claim.h"

static double steps[] = {0, 10, 20}, values[] = {3, 1, 2};
static const eg_series known = {"x", 3, 3, steps, values};

static const eg_series *series(void *ctx, const char *run, const char *metric)
{
    (void)ctx;
    (void)run;
    return strcmp(metric, "x") == 0 ? &known : NULL;
}

static const eg_series *curve(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "c") == 0 ? &known : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const eg_measure_source from = {series, curve, NULL};
    int64_t live = eg_mem_query().live_bytes;
    char *text = eg_calloc(size + 1, 1);
    eg_err err = {0};
    eg_measure *m = NULL;
    double v;
    eg_status st;

    memcpy(text, data, size);
    st = eg_measure_parse(&m, text, &err);
    if (st == EG_OK) {
        int runs = 0;

        while (eg_measure_run(m, runs)) runs++;
        st = eg_measure_eval(m, &v, &from, &err);
    } else {
        EG_ASSERT(!m);
    }
    if (st != EG_OK) fuzz_check_failure(st, &err);
    eg_measure_free(m);
    eg_free(text);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
