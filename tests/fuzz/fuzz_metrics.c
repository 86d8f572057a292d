/* metrics.jsonl as a stranger may have left it. */
#include "fuzz.h"
#include "engram/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_metrics m;
    eg_status st = eg_metrics_parse(&m, (const char *)data, size, "fuzz", &err);
    double sum = 0;

    if (st != EG_OK) {
        fuzz_check_failure(st, &err);
        EG_ASSERT(m.n == 0);
    }
    for (int i = 0; i < m.n; i++) {
        EG_ASSERT(eg_metrics_find(&m, m.series[i].name) == &m.series[i]);
        for (int k = 0; k < m.series[i].n; k++)
            sum += m.series[i].step[k] + m.series[i].value[k];
    }
    (void)sum;
    eg_metrics_release(&m);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
