/* Sweeps: the grid; see grid.h. */
#include "grid.h"

#include <limits.h>
#include <string.h>

/* "key=a,b,c" as one axis; a list value is written in brackets. */
static int add_axis(grid *g, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *s;
    int axis = g->n_axes;

    if (!equals || equals == text || equals - text >= 128 || !equals[1])
        return cli_fail(CLI_MISUSE,
                        "--grid: expected section.key=a,b,c, found "
                        "'%s'",
                        text);
    if (axis == GRID_AXES)
        return cli_fail(CLI_MISUSE, "--grid: at most %d keys", GRID_AXES);
    snprintf(g->key[axis], sizeof g->key[axis], "%.*s", (int)(equals - text),
             text);
    for (s = equals + 1; *s;) {
        const char *end = s;
        int depth = 0;

        for (; *end && (depth > 0 || *end != ','); end++)
            depth += (*end == '[') - (*end == ']');
        if (g->n_values[axis] == GRID_VALUES || end - s >= 96)
            return cli_fail(CLI_MISUSE,
                            "--grid: too many or too long values "
                            "in '%s'",
                            text);
        snprintf(g->value[axis][g->n_values[axis]++], 96, "%.*s",
                 (int)(end - s), s);
        s = *end ? end + 1 : end;
    }
    g->n_axes++;
    return CLI_DONE;
}

static int add_seeds(grid *g, const char *text)
{
    eg_err err = {0};

    if (eg_seeds_add(&g->seeds, text, &err) == EG_OK) return CLI_DONE;
    return cli_fail(CLI_MISUSE, "--seeds: %s", err.msg);
}

int grid_parse(grid *g, const cli_args *a)
{
    *g = (grid){0};
    for (int i = 0; i < a->n_values; i++) {
        int code = CLI_DONE;

        if (strcmp(a->value[i].option->name, "grid") == 0)
            code = add_axis(g, a->value[i].value);
        if (strcmp(a->value[i].option->name, "seeds") == 0)
            code = add_seeds(g, a->value[i].value);
        if (code != CLI_DONE) return code;
    }
    return CLI_DONE;
}

int grid_size(const grid *g)
{
    int n = g->seeds.n ? g->seeds.n : 1;

    for (int i = 0; i < g->n_axes; i++) {
        if (n > INT_MAX / g->n_values[i]) return INT_MAX;
        n *= g->n_values[i];
    }
    return n;
}

int grid_apply(const grid *g, int i, eg_config *cfg, char *label, size_t size)
{
    label[0] = '\0';
    if (g->seeds.n) {
        cfg->run.seed = g->seeds.seed[i % g->seeds.n];
        i /= g->seeds.n;
    }
    for (int k = g->n_axes - 1; k >= 0; k--) {
        char text[256];
        size_t used = strlen(label);
        eg_err err = {0};
        eg_status st;

        snprintf(text, sizeof text, "%s=%s", g->key[k],
                 g->value[k][i % g->n_values[k]]);
        i /= g->n_values[k];
        st = eg_config_set(cfg, text, &err);
        if (st != EG_OK) return cli_fail(CLI_MISUSE, "--grid: %s", err.msg);
        used += eg_text_copy(label + used, size - used, text);
        (void)eg_text_copy(label + used, size - used, " ");
    }
    snprintf(label + strlen(label), size - strlen(label), "seed=%lld",
             (long long)cfg->run.seed);
    return CLI_DONE;
}
