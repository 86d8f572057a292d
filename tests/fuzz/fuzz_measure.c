/* The small languages of a claim, each tried on the same text: measures,
 * what is expected, tolerances, seeds. */
#include <math.h>

#include "fuzz.h"
#include "lab/claim_priv.h"

/* No series, an empty one, or one with everything in it, by its name. */
static const eg_series *find_series(void *ctx, const char *run,
                                    const char *metric)
{
    static double step[] = {0, 1, 2, 5},
                  value[] = {1, (double)NAN, -HUGE_VAL, 0.5};
    static const eg_series full = {"full", 4, 4, step, value};
    static const eg_series none = {"none", 0, 0, NULL, NULL};

    (void)ctx;
    EG_ASSERT(run[0] != '\0' && metric[0] != '\0');
    return metric[0] == 'x' ? NULL : metric[0] == 'y' ? &none : &full;
}

static const eg_series *find_curve(void *ctx, const char *name)
{
    return find_series(ctx, "curve", name);
}

static void try_measure(const char *text)
{
    eg_measure_source from = {find_series, find_curve, NULL};
    eg_measure *m = NULL;
    eg_err err = {0};
    double v = 0;
    eg_status st = eg_measure_parse(&m, text, &err);

    if (st != EG_OK) {
        fuzz_check_failure(st, &err);
        EG_ASSERT(!m);
        return;
    }
    for (int i = 0; eg_measure_run(m, i); i++)
        EG_ASSERT(eg_measure_run(m, i)[0] != '\0');
    st = eg_measure_eval(m, &v, &from, &err);
    if (st != EG_OK) fuzz_check_failure(st, &err);
    EG_ASSERT(st == EG_OK ? isfinite(v) : isnan(v));
    eg_measure_free(m);
}

/* What is expected holds of itself where it says so, and never of what is not
 * finite. */
static void try_relation(const char *text)
{
    static const egi_tolerance none = {0}, fifth = {0.2, true};
    egi_relation r;
    eg_err err = {0};
    eg_status st = egi_relation_parse(&r, text, &err);
    bool strict = r.op == EGI_GT || r.op == EGI_LT;

    if (st != EG_OK) {
        fuzz_check_failure(st, &err);
        return;
    }
    EG_ASSERT(isfinite(r.a) && isfinite(r.b));
    EG_ASSERT(egi_relation_holds(&r, &none, r.a) == !strict);
    if (!strict) EG_ASSERT(egi_relation_holds(&r, &fifth, r.a));
    EG_ASSERT(!egi_relation_holds(&r, &none, (double)NAN));
    EG_ASSERT(!egi_relation_holds(&r, &none, -HUGE_VAL));
    EG_ASSERT(!egi_relation_holds(&r, &none, HUGE_VAL));
    EG_ASSERT(!egi_relation_holds(&r, &fifth, (double)NAN));
}

static void try_seeds(const char *text)
{
    eg_seeds s = {0};
    eg_err err = {0};
    eg_status st = eg_seeds_add(&s, text, &err);

    EG_ASSERT(s.n >= 0 && s.n <= EG_SEEDS_MAX);
    for (int i = 0; i < s.n; i++) EG_ASSERT(s.seed[i] >= 0);
    if (st != EG_OK)
        fuzz_check_failure(st, &err);
    else
        EG_ASSERT(s.n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    egi_tolerance t;
    eg_err err = {0};
    eg_status st = EG_OK;
    char *text = malloc(size + 1);

    EG_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    try_measure(text);
    try_relation(text);
    try_seeds(text);
    st = egi_tolerance_parse(&t, text, &err);
    if (st != EG_OK)
        fuzz_check_failure(st, &err);
    else
        EG_ASSERT(t.value >= 0 && isfinite(t.value));
    free(text);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
