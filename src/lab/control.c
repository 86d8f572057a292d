/* The control of a claim: other runs, changed runs or another measure in the
 * place of its own, or why there is none. */
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"
#include "lab/claim_priv.h"
#include "lab/links.h"

#define NONE "none, because"
#define MEASURE "measure"

const char *egi_claim_name(const egi_claim *c)
{
    const char *slash = strrchr(c->id, '/');

    return slash ? slash + 1 : c->id;
}

bool egi_control_given(const egi_control *c)
{
    return c->node && !c->none;
}

egi_variant egi_control_run(const egi_claim *c, eg_profile profile,
                            const char *run)
{
    const eg_node *n = eg_node_get(c->terms[profile].control.runs, run);

    if (n && n->text) return (egi_variant){.run = n->text};
    return (egi_variant){.run = run, .change = n, .claim = egi_claim_name(c)};
}

static int count_words(const char *s)
{
    int n = 0;

    for (; *s; s++) n += egi_is_alnum(*s) && !egi_is_alnum(s[1]);
    return n;
}

static eg_status parse_none(const eg_node *node, egi_control *c, eg_err *err)
{
    const char *text = node->text;

    if (strncmp(text, NONE, strlen(NONE)) != 0 ||
        count_words(text + strlen(NONE)) < 3)
        return EG_NODE_FAIL(node, err, EG_EINVAL,
                            "control: expected runs that take the place of the "
                            "claim's, another measure, or '" NONE
                            " ...' and why, found '%.40s'",
                            text);
    c->none = text;
    return EG_OK;
}

static bool reads(const eg_measure *m, const char *run)
{
    for (int i = 0; eg_measure_run(m, i); i++)
        if (strcmp(eg_measure_run(m, i), run) == 0) return true;
    return false;
}

/* run: other, or run: {sections}. What is not read would change nothing. */
static eg_status parse_entry(const egi_experiment *e, const egi_claim *c,
                             eg_profile profile, const eg_node *entry,
                             eg_err *err)
{
    const egi_terms *t = &c->terms[profile];
    egi_variant v = {entry->key, entry, egi_claim_name(c)};
    eg_config *cfg;
    eg_seeds seeds;
    eg_status st;

    if (!reads(t->control.measure ? t->control.measure : t->measure,
               entry->key))
        return EG_KEY_FAIL(entry, err, EG_EINVAL,
                           "control: the measure reads no run '%.64s'",
                           entry->key);
    st = egi_need_run(e, entry, entry->key, err);
    if (st != EG_OK) return st;
    if (entry->text) return egi_need_run(e, entry, entry->text, err);
    if (entry->kind != EG_NODE_MAP || entry->n == 0)
        return EG_NODE_FAIL(entry, err, EG_EINVAL,
                            "control: expected another run, or sections to "
                            "change in %.64s, found %s",
                            entry->key, eg_node_what(entry));
    cfg = e->scratch ? &e->scratch->cfg : eg_calloc(1, sizeof *cfg);
    if (!cfg) return EG_FAIL(err, EG_ENOMEM, "control: out of memory");
    st = egi_run_resolve(e, &v, profile, cfg, &seeds, err);
    if (st == EG_OK) st = egi_links_check(e, entry, profile, cfg, &seeds, err);
    if (!e->scratch) eg_free(cfg);
    return st;
}

eg_status egi_control_parse(const egi_experiment *e, egi_claim *c,
                            eg_profile profile, const eg_node *node,
                            eg_err *err)
{
    egi_control *o = &c->terms[profile].control;
    const eg_node *measure = eg_node_get(node, MEASURE);
    eg_status st = EG_OK;

    *o = (egi_control){.node = node};
    if (!node) return EG_OK;
    if (node->text) return parse_none(node, o, err);
    if (node->kind != EG_NODE_MAP || node->n == 0)
        return EG_NODE_FAIL(node, err, EG_EINVAL,
                            "control: expected {run: run that takes its "
                            "place}, found %s",
                            eg_node_what(node));
    o->runs = node;
    o->measure_node = measure;
    if (measure) st = egi_measure_of(e, c, measure, &o->measure, err);
    for (int i = 0; i < node->n && st == EG_OK; i++)
        if (&node->item[i] != measure)
            st = parse_entry(e, c, profile, &node->item[i], err);
    return st;
}
