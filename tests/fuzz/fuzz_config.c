/* Configurations: YAML over the defaults, then assignments as --set has them,
 * one a line behind "--set ". What was taken can be written and read back. */
#include "engram/config.h"
#include "fuzz.h"

static const char mark[] = "--set ";
enum { MARK = sizeof mark - 1 };

/* Where the assignments begin: at a line that starts with the mark. */
static size_t yaml_size(const char *text, size_t size)
{
    for (size_t at = 0; at + MARK <= size; at++)
        if ((at == 0 || text[at - 1] == '\n') &&
            memcmp(text + at, mark, MARK) == 0)
            return at;
    return size;
}

static eg_status read_yaml(eg_config *cfg, const char *text, size_t size,
                           eg_err *err)
{
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_parse(&y, text, size, "fuzz", err);

    eg_config_default(cfg);
    if (st == EG_OK) st = eg_config_apply(cfg, eg_yaml_root(y), NULL, err);
    eg_yaml_free(y);
    return st;
}

/* text ends with a 0 byte and is cut into lines. */
static eg_status assign(eg_config *cfg, char *text, eg_err *err)
{
    eg_status st = EG_OK;
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line && st == EG_OK;
         line = strtok_r(NULL, "\n", &rest))
        st = eg_config_set(
            cfg, strncmp(line, mark, MARK) == 0 ? line + MARK : line, err);
    return st;
}

static void check_round_trip(const eg_config *cfg)
{
    static eg_config again;
    eg_err err = {0};
    char *first = NULL, *second = NULL;

    EG_ASSERT(eg_config_same(cfg, cfg));
    EG_ASSERT(eg_config_format(cfg, &first, &err) == EG_OK);
    EG_ASSERT(read_yaml(&again, first, strlen(first), &err) == EG_OK);
    EG_ASSERT(eg_config_same(cfg, &again));
    EG_ASSERT(strcmp(cfg->run.name, again.run.name) == 0);
    EG_ASSERT(eg_config_format(&again, &second, &err) == EG_OK);
    EG_ASSERT(strcmp(first, second) == 0);
    eg_free(first);
    eg_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static eg_config cfg;
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_status st = EG_OK;
    size_t n = yaml_size((const char *)data, size);
    char *text = malloc(size + 1);

    EG_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    eg_config_default(&cfg);
    if (n > 0) st = read_yaml(&cfg, text, n, &err);
    if (st == EG_OK) st = assign(&cfg, text + n, &err);
    if (st == EG_OK)
        check_round_trip(&cfg);
    else
        fuzz_check_failure(st, &err);
    free(text);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
