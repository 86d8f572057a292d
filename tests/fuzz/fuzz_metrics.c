/* metrics.jsonl through both of its readers: the strict one of the laboratory
 * and the tolerant one of the report, which agree where both have a say. */
#include <math.h>

#include "engram/run.h"
#include "fuzz.h"
#include "report/report_impl.h"

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Every point the report keeps stands in the strict series as well. */
static void compare(const eg_metrics *m, const egi_table *t)
{
    EG_ASSERT(t->n_bad <= 1); /* a last line that is cut */
    for (int i = 0; i < m->n; i++) {
        const eg_series *s = &m->series[i];
        const egi_series *shown = egi_table_find(t, s->name);

        EG_ASSERT(shown && eg_metrics_find(m, s->name) == s);
        if (t->n_rows > s->n) continue; /* the cut line counted after all */
        for (int k = 0; k < shown->n; k++) {
            bool found = false;

            for (int p = 0; p < s->n && !found; p++)
                found = s->step[p] == shown->step[k] &&
                        same(s->value[p], shown->value[k]);
            EG_ASSERT(found);
        }
    }
}

/* A line read alone is left to jansson: the file is the sum of its lines. */
static void check_lines(const char *text, size_t size, const eg_metrics *m,
                        eg_status st, const eg_err *err)
{
    const char *end;
    int points = 0, expected = 0;
    bool good = true;

    while (good && size > 0 && (end = memchr(text, '\n', size))) {
        size_t n = (size_t)(end - text) + 1;
        eg_metrics one;

        good = eg_metrics_parse(&one, text, n, "fuzz", NULL) == EG_OK;
        for (int i = 0; i < one.n && st == EG_OK; i++) {
            const eg_series *s = eg_metrics_find(m, one.series[i].name);
            bool found = false;

            EG_ASSERT(s);
            for (int k = 0; k < s->n && !found; k++)
                found = s->step[k] == one.series[i].step[0] &&
                        same(s->value[k], one.series[i].value[0]);
            EG_ASSERT(found);
            points++;
        }
        eg_metrics_release(&one);
        text += n;
        size -= n;
    }
    for (int i = 0; i < m->n; i++) expected += m->series[i].n;
    EG_ASSERT(good || st != EG_OK);
    EG_ASSERT(st == EG_OK || !good || strstr(err->msg, "series")); /* many */
    EG_ASSERT(points == expected);
}

static void check_table(const egi_table *t)
{
    json_t *j = egi_table_json(t, EGI_MAX_POINTS);

    EG_ASSERT(j);
    EG_ASSERT(json_object_size(json_object_get(j, "series")) == (size_t)t->n);
    for (int i = 0; i < t->n; i++)
        for (int k = 1; k < t->series[i].n; k++)
            EG_ASSERT(t->series[i].step[k] > t->series[i].step[k - 1]);
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_metrics m;
    egi_table t = {0};
    char *text = malloc(size + 1);
    eg_status st = eg_metrics_parse(&m, (const char *)data, size, "fuzz", &err);

    EG_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    check_lines(text, size, &m, st, &err);
    EG_ASSERT(egi_table_parse(&t, text, &err) == EG_OK);
    check_table(&t);
    if (st == EG_OK) {
        compare(&m, &t);
    } else {
        fuzz_check_failure(st, &err);
        EG_ASSERT(m.n == 0);
    }
    eg_metrics_release(&m);
    egi_table_release(&t);
    free(text);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
