/* --grid and --seeds of a sweep, one a line: "key=a,b", "key=1:2:3log" or
 * "seeds 0-9". */
#include "engram/sweep.h"
#include "fuzz.h"

enum { MAX_POINTS = 50 };

static bool read_lines(eg_grid *g, const eg_config *base, char *text)
{
    static const char mark[] = "seeds ";
    char *rest = NULL;
    eg_err err = {0};
    eg_status st = EG_OK;

    for (char *line = strtok_r(text, "\n", &rest); line && st == EG_OK;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, mark, sizeof mark - 1) == 0)
            st = eg_seeds_add(&g->seeds, line + sizeof mark - 1, &err);
        else
            st = eg_grid_add(g, base, line, &err);
    }
    EG_ASSERT(st == EG_OK || err.msg[0] != '\0');
    return st == EG_OK;
}

static void walk(const eg_grid *g, const eg_config *base)
{
    static eg_config cfg;
    int n = eg_grid_points(g);
    eg_status st = EG_OK;

    EG_ASSERT(n > 0 && g->n_axes <= EG_AXES && g->seeds.n <= EG_SEEDS_MAX);
    for (int i = 0; i < n && i < MAX_POINTS && st == EG_OK; i++) {
        char label[128];

        cfg = *base;
        /* the last points as well as the first */
        st = eg_grid_set(g, i % 2 ? n - 1 - i / 2 : i / 2, &cfg, label,
                         sizeof label, NULL);
        EG_ASSERT(st != EG_OK || label[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static eg_config base;
    eg_grid g = {.n_axes = 0};
    int64_t live = eg_mem_query().live_bytes;
    char *text = malloc(size + 1);

    EG_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    eg_config_default(&base);
    if (read_lines(&g, &base, text)) walk(&g, &base);
    eg_grid_release(&g);
    free(text);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
