/* A run of an experiment file as a configuration: its base first (another run
 * of the file, or a configuration file beside it), then its own sections, then
 * those of the profile, last what a control changes. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "lab/claim_priv.h"
#include "lab/config_priv.h"
#include "lab/run_priv.h"

#define MAX_CHAIN 8

static const char *const run_keys[] = {"base", "seeds", "quick",
                                       "full", "about", NULL};
static const char *const profile_keys[] = {"seeds", NULL};

/* Of the file beside the experiment's. */
static eg_status read_base(eg_yaml **out, const egi_experiment *e,
                           const char *name, eg_err *err)
{
    char path[EG_PATH];
    eg_status st = egi_path(path, sizeof path, e->folder, name, err);

    *out = NULL;
    return st == EG_OK ? eg_yaml_load(out, path, err) : st;
}

static const eg_yaml *find_base(const egi_experiment *e, const char *name)
{
    for (int i = 0; i < e->n_bases; i++)
        if (strcmp(e->base[i].name, name) == 0) return e->base[i].yaml;
    return NULL;
}

static bool is_file(const egi_experiment *e, const char *base)
{
    return base && egi_text_ends(base, ".yaml") && !eg_node_get(e->runs, base);
}

eg_status egi_bases_read(egi_experiment *e, eg_err *err)
{
    int n = e->runs ? e->runs->n : 0;

    e->base = eg_calloc((size_t)n, sizeof *e->base);
    if (!e->base && n > 0)
        return EG_FAIL(err, EG_ENOMEM, "experiment: out of memory");
    for (int i = 0; i < n; i++) {
        const char *name = eg_node_text(&e->runs->item[i], "base");
        eg_yaml *y;
        eg_err why;

        if (!is_file(e, name) || find_base(e, name)) continue;
        if (read_base(&y, e, name, &why) == EG_OK)
            e->base[e->n_bases++] = (egi_base){name, y};
    }
    return EG_OK;
}

void egi_bases_free(egi_experiment *e)
{
    for (int i = 0; i < e->n_bases; i++) eg_yaml_free(e->base[i].yaml);
    eg_free(e->base);
    e->base = NULL;
    e->n_bases = 0;
}

/* seeds may stand in the run, or in its profile. */
static eg_status take_seeds(const eg_node *n, eg_seeds *seeds, eg_err *err)
{
    const eg_node *s = eg_node_get(n, "seeds");

    return s ? egi_seeds_parse(seeds, s, err) : EG_OK;
}

/* Sections, of the kind of run that it then is. */
static eg_status apply(const egi_experiment *e, const eg_node *node,
                       const char *const *skip, eg_config *cfg, eg_err *err)
{
    eg_status st = eg_config_apply(cfg, node, skip, err);

    if (!e->scratch) return st;
    e->scratch->kinds |= 1u << cfg->run.kind;
    if (cfg->run.theory[0]) e->scratch->kinds |= 1u << EG_RUN_THEORY;
    return st;
}

/* Sections, and perhaps seeds, of a profile or a control. */
static eg_status apply_own(const egi_experiment *e, const eg_node *own,
                           eg_config *cfg, eg_seeds *seeds, eg_err *err)
{
    eg_status st = apply(e, own, profile_keys, cfg, err);

    return st == EG_OK ? take_seeds(own, seeds, err) : st;
}

static eg_status load_file(const egi_experiment *e, const eg_node *base,
                           eg_config *cfg, eg_err *err)
{
    const eg_yaml *known = find_base(e, base->text);
    eg_yaml *y = NULL;
    eg_err why = {0};
    eg_status st = known ? EG_OK : read_base(&y, e, base->text, &why);

    if (st == EG_OK)
        st = apply(e, eg_yaml_root(known ? known : y), NULL, cfg, &why);
    if (st != EG_OK) st = EG_NODE_FAIL(base, err, st, "base: %s", why.msg);
    eg_yaml_free(y);
    return st;
}

static eg_status resolve(const egi_experiment *e, const eg_node *run,
                         eg_profile profile, int depth, eg_config *cfg,
                         eg_seeds *seeds, eg_err *err)
{
    const eg_node *base = eg_node_get(run, "base");
    const eg_node *own = eg_node_get(run, eg_profile_name(profile));
    eg_status st = EG_OK;

    if (base) {
        const eg_node *other =
            base->text ? eg_node_get(e->runs, base->text) : NULL;

        if (depth == MAX_CHAIN)
            return EG_NODE_FAIL(base, err, EG_EINVAL,
                                "base: more than %d runs in a chain, or a "
                                "circle",
                                MAX_CHAIN);
        if (other)
            st = resolve(e, other, profile, depth + 1, cfg, seeds, err);
        else if (base->text && egi_text_ends(base->text, ".yaml"))
            st = load_file(e, base, cfg, err);
        else
            st = EG_NODE_FAIL(base, err, EG_EINVAL,
                              "base: expected a run of this file or a .yaml "
                              "file");
        if (st != EG_OK) return st;
    }
    EG_TRY(apply(e, run, run_keys, cfg, err));
    EG_TRY(take_seeds(run, seeds, err));
    if (own) EG_TRY(apply_own(e, own, cfg, seeds, err));
done:
    return st;
}

/* Where a run begins: every option at its default. */
static void begin(const egi_experiment *e, eg_config *cfg)
{
    egi_scratch *s = e->scratch && cfg == &e->scratch->cfg ? e->scratch : NULL;

    if (!e->plain)
        eg_config_default(cfg);
    else if (s && s->copied)
        egi_config_restore(cfg, e->plain, s->kinds);
    else
        *cfg = *e->plain;
    if (s) {
        s->copied = e->plain != NULL;
        s->kinds = 0;
    }
}

/* <paper>-<file>-<run>, as a folder name. */
static void name_run(const egi_experiment *e, const egi_variant *v,
                     eg_config *cfg)
{
    snprintf(cfg->run.name, sizeof cfg->run.name, "%s-%.*s%s%.*s", e->id,
             eg_text_fit(v->run, 60), v->run, v->change ? "-control-" : "",
             v->change ? eg_text_fit(v->claim, 60) : 0,
             v->change ? v->claim : "");
    for (char *s = cfg->run.name; *s; s++)
        if (*s == '/') *s = '-';
}

eg_status egi_run_resolve(const egi_experiment *e, const egi_variant *v,
                          eg_profile profile, eg_config *cfg, eg_seeds *seeds,
                          eg_err *err)
{
    const eg_node *run = eg_node_get(e->runs, v->run);
    eg_status st;

    EG_ASSERT(run);
    begin(e, cfg);
    snprintf(cfg->folder, sizeof cfg->folder, "%s", e->folder);
    *seeds = (eg_seeds){0};
    st = resolve(e, run, profile, 0, cfg, seeds, err);
    if (st == EG_OK && v->change) st = apply_own(e, v->change, cfg, seeds, err);
    if (st != EG_OK) return st;
    if (seeds->n == 0) {
        seeds->n = 1;
        seeds->seed[0] = cfg->run.seed;
    }
    name_run(e, v, cfg);
    return EG_OK;
}
