/* --grid and --seeds of a sweep, one a line: "key=a,b" or "seeds 0-9". */
#include "fuzz.h"
#include "grid.h"

enum { MAX_POINTS = 50 };

/* The tool's own prints; here only the code counts. */
int cli_fail(int code, const char *fmt, ...)
{
    EG_ASSERT(fmt[0] != '\0');
    return code;
}

static void read_lines(cli_args *a, char *text)
{
    static const cli_option grid_option = {.name = "grid"};
    static const cli_option seeds_option = {.name = "seeds"};
    static const char mark[] = "seeds ";
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest);
         line && a->n_values < CLI_MAX_VALUES;
         line = strtok_r(NULL, "\n", &rest)) {
        bool seeds = strncmp(line, mark, sizeof mark - 1) == 0;

        a->value[a->n_values].option = seeds ? &seeds_option : &grid_option;
        a->value[a->n_values++].value = seeds ? line + sizeof mark - 1 : line;
    }
}

static void walk(const grid *g)
{
    static eg_config cfg;
    int n = grid_size(g), code = CLI_DONE;

    EG_ASSERT(n > 0 && g->n_axes <= GRID_AXES && g->seeds.n <= EG_SEEDS_MAX);
    for (int i = 0; i < n && i < MAX_POINTS && code == CLI_DONE; i++) {
        char label[128];

        eg_config_default(&cfg);
        /* the last points as well as the first */
        code = grid_apply(g, i % 2 ? n - 1 - i / 2 : i / 2, &cfg, label,
                          sizeof label);
        EG_ASSERT(code != CLI_DONE || label[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cli_args a;
    static grid g;
    int64_t live = eg_mem_query().live_bytes;
    char *text = malloc(size + 1);

    EG_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    a = (cli_args){0};
    read_lines(&a, text);
    if (grid_parse(&g, &a) == CLI_DONE) walk(&g);
    free(text);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
