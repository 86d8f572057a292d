/* YAML documents, and option tables filled from them: what was filled can be
 * written as YAML and read back as the same values. */
#include "fuzz.h"
#include "engram/yaml.h"

static int count_nodes(const eg_node *n, int depth)
{
    int sum = 1;

    EG_ASSERT(depth <= EG_YAML_MAX_DEPTH && n->line >= 1 && n->col >= 1);
    EG_ASSERT((n->kind == EG_NODE_SCALAR) == (n->text != NULL));
    EG_ASSERT(eg_node_what(n)[0] != '\0');
    for (int i = 0; i < n->n; i++) {
        const eg_node *child = &n->item[i];

        if (n->kind == EG_NODE_MAP) {
            EG_ASSERT(eg_node_get(n, child->key) == child);
        }
        sum += count_nodes(child, depth + 1);
    }
    return sum;
}

/* The options as a YAML map; released with free. */
static char *write_yaml(const fuzz_opts *o, size_t *size)
{
    static char value[EG_STRS_MAX * 8 * EG_STRS_LEN], quoted[8 * EG_TEXT];
    char *text = NULL;
    FILE *f = open_memstream(&text, size);

    EG_ASSERT(f);
    for (const eg_field *row = fuzz_fields; row->name; row++) {
        int n = eg_field_format(row, o, value, sizeof value);

        EG_ASSERT(n < (int)sizeof value);
        if (row->kind == EG_FIELD_TEXT) {
            (void)eg_yaml_quote(quoted, sizeof quoted, value);
            (void)fprintf(f, "%s: %s\n", row->name, quoted);
        } else {
            (void)fprintf(f, "%s: %s\n", row->name, value);
        }
    }
    EG_ASSERT(fclose(f) == 0);
    return text;
}

static void check_round_trip(const fuzz_opts *o)
{
    static fuzz_opts again;
    eg_err err = {0};
    eg_yaml *y = NULL;
    size_t size = 0;
    char *text = write_yaml(o, &size);

    eg_fields_default(fuzz_fields, &again);
    EG_ASSERT(eg_yaml_parse(&y, text, size, "again", &err) == EG_OK);
    EG_ASSERT(eg_node_fill(eg_yaml_root(y), fuzz_fields, &again, NULL, &err) ==
              EG_OK);
    EG_ASSERT(fuzz_equal(o, &again));
    eg_yaml_free(y);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fuzz_opts o;
    int64_t live = eg_mem_query().live_bytes;
    eg_err err = {0};
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_parse(&y, (const char *)data, size, "fuzz", &err);

    if (st != EG_OK) {
        fuzz_check_failure(st, &err);
        EG_ASSERT(!y && strncmp(err.msg, "fuzz:", 5) == 0);
    } else {
        EG_ASSERT(count_nodes(eg_yaml_root(y), 1) <= EG_YAML_MAX_NODES);
        eg_fields_default(fuzz_fields, &o);
        st = eg_node_fill(eg_yaml_root(y), fuzz_fields, &o, NULL, &err);
        if (st != EG_OK)
            fuzz_check_failure(st, &err);
        else
            check_round_trip(&o);
    }
    eg_yaml_free(y);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
