/* A sweep in YAML: the section `sweep:` of a configuration, or of a file that
 * names one. */
#include "lab/sweep_priv.h"

#include <string.h>
#include "base/buf.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/claim_priv.h"

static const char *const not_sections[] = {"base", "sweep", NULL};

/* A value as --set takes it: a scalar, or a list as [a, b]. */
static eg_status put_value(eg_axis *a, const eg_node *n, eg_err *err)
{
    char text[EG_STRS_LEN] = "[";
    size_t used = 1;

    if (n->text) return egi_axis_put(a, n->text, strlen(n->text), err);
    if (n->kind != EG_NODE_SEQ)
        return EG_FAIL(err, EG_EINVAL, "expected values, found %s",
                       eg_node_what(n));
    for (int i = 0; i < n->n; i++) {
        const char *item = n->item[i].text;
        int m = item ? snprintf(text + used, sizeof text - used, "%s%s",
                                i ? ", " : "", item)
                     : -1;

        if (m < 0 || used + (size_t)m + 2 > sizeof text)
            return EG_FAIL(err, EG_EINVAL,
                           "a list as a value: expected [a, b] of fewer than "
                           "%d characters",
                           EG_STRS_LEN);
        used += (size_t)m;
    }
    memcpy(text + used, "]", 2);
    return egi_axis_put(a, text, used + 1, err);
}

static eg_status take_list(eg_grid *g, const eg_node *n, eg_err *err)
{
    eg_axis a = {.scale = EG_SCALE_LIST};
    eg_status st = EG_OK;

    if (strlen(n->key) >= sizeof a.key)
        return EG_FAIL(err, EG_EINVAL, "no key has so long a name");
    memcpy(a.key, n->key, strlen(n->key));
    for (int i = 0; i < n->n && st == EG_OK; i++)
        st = put_value(&a, &n->item[i], err);
    if (st == EG_OK) st = egi_grid_take(g, &a, err);
    egi_axis_release(&a);
    return st;
}

/* KEY: [a, b], or KEY: text as on the command line. */
static eg_status take_axis(eg_grid *g, const eg_config *base, const eg_node *n,
                           eg_err *err)
{
    egi_buf b = {0};
    eg_err why = {0};
    eg_status st;

    if (n->kind == EG_NODE_MAP || (n->kind == EG_NODE_SEQ && n->n == 0) ||
        eg_node_is_null(n))
        return EG_NODE_FAIL(n, err, EG_EINVAL,
                            "sweep.grid: expected [a, b, c] or lo:hi:n, found "
                            "%s",
                            n->kind == EG_NODE_SEQ ? "an empty list"
                                                   : eg_node_what(n));
    if (n->kind == EG_NODE_SEQ) {
        st = take_list(g, n, &why);
    } else {
        egi_buf_add(&b, "%s=%s", n->key, n->text);
        st = b.failed ? EG_FAIL(&why, EG_ENOMEM, "sweep: out of memory")
                      : eg_grid_add(g, base, b.s, &why);
        egi_buf_release(&b);
    }
    if (st != EG_OK) return EG_NODE_FAIL(n, err, st, "sweep.grid: %s", why.msg);
    return EG_OK;
}

static eg_status take_name(char name[EG_TEXT], const eg_node *n, eg_err *err)
{
    if (!n->text || !n->text[0] || strlen(n->text) >= EG_TEXT)
        return EG_NODE_FAIL(n, err, EG_EINVAL,
                            "sweep.name: expected the name of a folder");
    memcpy(name, n->text, strlen(n->text) + 1);
    return EG_OK;
}

static eg_status take_sweep(eg_config *base, eg_grid *g, char name[EG_TEXT],
                            const eg_node *sweep, eg_err *err)
{
    static const char *const known[] = {"name", "grid", "seeds"};
    const eg_node *grid = eg_node_get(sweep, "grid");
    const eg_node *seeds = eg_node_get(sweep, "seeds");
    const eg_node *named = eg_node_get(sweep, "name");
    eg_status st = EG_OK;

    if (sweep->kind != EG_NODE_MAP)
        return EG_NODE_FAIL(sweep, err, EG_EINVAL,
                            "sweep: expected {name, grid, seeds}, found %s",
                            eg_node_what(sweep));
    for (int i = 0; i < sweep->n; i++) {
        const eg_node *n = &sweep->item[i];
        eg_nearest near = {.asked = n->key};

        if (n == grid || n == seeds || n == named) continue;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            eg_nearest_try(&near, known[k]);
        return EG_KEY_FAIL(
            n, err, EG_EINVAL, "unknown key '%.*s'%s%s%s",
            eg_text_fit(n->key, 64), n->key,
            near.best ? "; did you mean '" : "", near.best ? near.best : "",
            near.best ? "'?" : "; a sweep has name, grid, seeds");
    }
    if (grid && grid->kind != EG_NODE_MAP)
        return EG_NODE_FAIL(grid, err, EG_EINVAL,
                            "sweep.grid: expected {key: values}, found %s",
                            eg_node_what(grid));
    if (named) EG_TRY(take_name(name, named, err));
    if (seeds) EG_TRY(egi_seeds_parse(&g->seeds, seeds, err));
    for (int i = 0; grid && i < grid->n; i++)
        EG_TRY(take_axis(g, base, &grid->item[i], err));
done:
    return st;
}

/* The configuration that `base:` names, beside the file. */
static eg_status load_base(eg_config *cfg, const char *path,
                           const eg_node *base, eg_err *err)
{
    const char *slash = strrchr(path, '/');
    char beside[EG_PATH];
    eg_err why = {0};
    eg_status st;

    if (!base->text || !base->text[0])
        return EG_NODE_FAIL(base, err, EG_EINVAL,
                            "base: expected a configuration file, found %s",
                            eg_node_what(base));
    if (base->text[0] == '/' || !slash)
        slash = path;
    else
        slash++;
    if ((size_t)snprintf(beside, sizeof beside, "%.*s%s", (int)(slash - path),
                         path, base->text) >= sizeof beside)
        return EG_NODE_FAIL(base, err, EG_EINVAL, "base: path too long");
    st = eg_config_load(cfg, beside, &why);
    if (st != EG_OK) return EG_NODE_FAIL(base, err, st, "base: %s", why.msg);
    return EG_OK;
}

static eg_status take_folder(eg_config *cfg, const char *path, eg_err *err)
{
    const char *slash = strrchr(path, '/');
    int n = slash == path ? 1 : (int)(slash ? slash - path : 0);

    if ((size_t)n >= sizeof cfg->folder)
        return EG_FAIL(err, EG_EINVAL, "path too long: %.200s...", path);
    (void)snprintf(cfg->folder, sizeof cfg->folder, "%.*s", n, path);
    return EG_OK;
}

eg_status eg_sweep_load(eg_config *base, eg_grid *grid, char name[EG_TEXT],
                        const char *path, eg_err *err)
{
    eg_yaml *y = NULL;
    const eg_node *root, *sweep, *of;
    eg_status st;

    *grid = (eg_grid){.n_axes = 0};
    name[0] = '\0';
    eg_config_default(base);
    EG_TRY(eg_yaml_load(&y, path, err));
    root = eg_yaml_root(y);
    sweep = eg_node_get(root, "sweep");
    of = sweep ? eg_node_get(root, "base") : NULL;
    if (of)
        EG_TRY(load_base(base, path, of, err));
    else
        EG_TRY(take_folder(base, path, err));
    EG_TRY(eg_config_apply(base, root, sweep ? not_sections : NULL, err));
    if (sweep) EG_TRY(take_sweep(base, grid, name, sweep, err));
done:
    if (st != EG_OK) eg_grid_release(grid);
    eg_yaml_free(y);
    return st;
}
