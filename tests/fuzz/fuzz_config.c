/* Configurations: whatever reads is a configuration, and its resolved text
 * reads back to the same one. */
#include "fuzz.h"
#include "engram/config.h"

static eg_config cfg, again;

static void check_round_trip(void)
{
    char *text = NULL;
    eg_yaml *y = NULL;

    EG_ASSERT(eg_config_format(&cfg, &text, NULL) == EG_OK);
    EG_ASSERT(eg_yaml_parse(&y, text, strlen(text), "again", NULL) == EG_OK);
    eg_config_default(&again);
    EG_ASSERT(eg_config_apply(&again, eg_yaml_root(y), NULL, NULL) == EG_OK);
    EG_ASSERT(eg_config_same(&cfg, &again));
    eg_yaml_free(y);
    eg_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_parse(&y, (const char *)data, size, "fuzz", &err);

    eg_config_default(&cfg);
    if (st == EG_OK) st = eg_config_apply(&cfg, eg_yaml_root(y), NULL, &err);
    if (st != EG_OK)
        fuzz_check_failure(st, &err);
    else
        check_round_trip();
    eg_yaml_free(y);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
