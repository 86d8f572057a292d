/* One experiment file: its keys, its claims, its curves. Everything a run of
 * it could stumble over is checked when it is read. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "lab/claim_file.h"
#include "lab/links.h"

static const char *const file_keys[] = {"title",  "paper",  "about", "runs",
                                        "claims", "curves", NULL};
static const char *const claim_keys[] = {
    "id",        "source", "statement", "profiles", "measure", "expected",
    "tolerance", "reason", "over",      "control",  "expect",  "reference",
    "quick",     "full",   "note",      "never",    NULL};
static const char *const terms_keys[] = {"measure", "expected", "tolerance",
                                         "reason",  "over",     "reference",
                                         "control", "never",    NULL};

static eg_status check_keys(const eg_node *map, const char *const *keys,
                            eg_err *err)
{
    static const eg_field none[] = {
        {NULL, EG_FIELD_INT, 0, NULL, 0, 0, NULL, NULL}};

    return eg_node_fill(map, none, NULL, keys, err);
}

/* The text of a key that must be there. */
static eg_status need(const eg_node *map, const char *key, const char **out,
                      eg_err *err)
{
    const eg_node *n = eg_node_get(map, key);

    if (!n)
        return EG_NODE_FAIL(map, err, EG_EINVAL, "the key '%s' is missing",
                            key);
    if (!n->text || !n->text[0])
        return EG_NODE_FAIL(n, err, EG_EINVAL, "%s: expected text, found %s",
                            key, eg_node_what(n));
    *out = n->text;
    return EG_OK;
}

static eg_status parse_over(const eg_node *n, egi_over *over, eg_err *err)
{
    static const char names[] = "mean|median|min|max|sd|distance|mean_low|"
                                "mean_high|median_low|median_high";
    char one[16];

    *over = EGI_MEAN;
    if (!n) return EG_OK;
    for (int i = 0; eg_choice(names, i, one, sizeof one); i++) {
        if (!n->text || strcmp(n->text, one) != 0) continue;
        *over = (egi_over)i;
        return EG_OK;
    }
    return EG_NODE_FAIL(n, err, EG_EINVAL, "over: expected one of %s", names);
}

/* never: fails, the default, or later: of an event, over a median. */
static eg_status parse_never(egi_terms *t, const eg_node *n, eg_err *err)
{
    bool median = t->over == EGI_MEDIAN || t->over == EGI_MEDIAN_LOW ||
                  t->over == EGI_MEDIAN_HIGH;

    t->never_counts = n && n->text && strcmp(n->text, "later") == 0;
    if (n && !t->never_counts && (!n->text || strcmp(n->text, "fails") != 0))
        return EG_NODE_FAIL(n, err, EG_EINVAL,
                            "never: expected fails or later");
    if (!t->never_counts || (median && egi_measure_is_event(t->measure)))
        return EG_OK;
    return EG_NODE_FAIL(n, err, EG_EINVAL,
                        "never: later is of one event, measure: rise(...) or "
                        "fall(...), over a median or an end of its interval");
}

static const eg_node *pick(const eg_node *claim, const eg_node *own,
                           const char *key)
{
    const eg_node *n = own ? eg_node_get(own, key) : NULL;

    return n ? n : eg_node_get(claim, key);
}

eg_status egi_need_run(const egi_experiment *e, const eg_node *at,
                       const char *name, eg_err *err)
{
    eg_nearest near = {.asked = name};

    if (eg_node_get(e->runs, name)) return EG_OK;
    for (int i = 0; e->runs && i < e->runs->n; i++)
        eg_nearest_try(&near, e->runs->item[i].key);
    return EG_NODE_FAIL(at, err, EG_EINVAL, "no run '%.*s' in this file%s%s%s",
                        eg_text_fit(name, 64), name,
                        near.best ? "; did you mean '" : "",
                        near.best ? near.best : "", near.best ? "'?" : "");
}

/* The other profile's, where it stands at the same place. */
static eg_measure *known_measure(const egi_claim *c, const eg_node *node)
{
    for (int p = 0; p < 2; p++) {
        const egi_terms *t = &c->terms[p];

        if (t->measure_node == node && t->measure) return t->measure;
        if (t->control.measure_node == node && t->control.measure)
            return t->control.measure;
    }
    return NULL;
}

void egi_claim_release(egi_claim *c)
{
    egi_terms *a = &c->terms[EG_QUICK], *b = &c->terms[EG_FULL];

    if (b->measure != a->measure) eg_measure_free(b->measure);
    if (b->control.measure != a->control.measure)
        eg_measure_free(b->control.measure);
    eg_measure_free(a->measure);
    eg_measure_free(a->control.measure);
}

eg_status egi_measure_of(const egi_experiment *e, const egi_claim *c,
                         const eg_node *node, eg_measure **out, eg_err *err)
{
    eg_measure *known = known_measure(c, node);
    eg_err why = {0};
    eg_status st;

    if (known) {
        *out = known;
        return EG_OK;
    }
    st = eg_measure_parse(out, node->text ? node->text : "", &why);
    if (st != EG_OK) return EG_NODE_FAIL(node, err, st, "measure: %s", why.msg);
    for (int i = 0; eg_measure_run(*out, i); i++) {
        st = egi_need_run(e, node, eg_measure_run(*out, i), err);
        if (st != EG_OK) return st;
    }
    return EG_OK;
}

/* The terms of a claim in one profile: its own keys over the claim's. */
static eg_status parse_terms(const egi_experiment *e, egi_claim *c,
                             eg_profile p, eg_err *err)
{
    const char *profile = eg_profile_name(p);
    const eg_node *claim = c->node, *own = eg_node_get(claim, profile), *n;
    egi_terms *t = &c->terms[p];
    eg_err why = {0};
    eg_status st = EG_OK;

    if (own) EG_TRY(check_keys(own, terms_keys, err));
    t->measure_node = pick(claim, own, "measure");
    n = pick(claim, own, "expected");
    if (!t->measure_node || !n || !n->text) {
        st = EG_NODE_FAIL(claim, err, EG_EINVAL,
                          "the key '%s' is missing (profile %s)",
                          t->measure_node ? "expected" : "measure", profile);
        goto done;
    }
    t->expected = n->text;
    st = egi_relation_parse(&t->relation, n->text, &why);
    if (st != EG_OK) {
        st = EG_NODE_FAIL(n, err, st, "expected: %s", why.msg);
        goto done;
    }
    n = pick(claim, own, "tolerance");
    t->tolerance = n ? n->text : "0";
    if (!t->tolerance) {
        st = EG_NODE_FAIL(n, err, EG_EINVAL,
                          "tolerance: expected a number, found %s",
                          eg_node_what(n));
        goto done;
    }
    st = egi_tolerance_parse(&t->tol, t->tolerance, &why);
    if (st != EG_OK) {
        st = EG_NODE_FAIL(n, err, st, "tolerance: %s", why.msg);
        goto done;
    }
    n = pick(claim, own, "reason");
    if (!n || !n->text) {
        st = EG_NODE_FAIL(claim, err, EG_EINVAL,
                          "the key 'reason' is missing: where do the expected "
                          "value and the tolerance come from?");
        goto done;
    }
    t->reason = n->text;
    EG_TRY(parse_over(pick(claim, own, "over"), &t->over, err));
    t->reference = pick(claim, own, "reference");
    if (t->over == EGI_DISTANCE && (!t->reference || !t->reference->n)) {
        st = EG_NODE_FAIL(claim, err, EG_EINVAL,
                          "over: distance needs 'reference', a list of "
                          "numbers");
        goto done;
    }
    for (int i = 0; t->reference && i < t->reference->n; i++) {
        double v;

        n = &t->reference->item[i];
        if (n->text && egi_number(n->text, &v)) continue;
        st = EG_NODE_FAIL(n, err, EG_EINVAL, "reference: expected numbers");
        goto done;
    }
    EG_TRY(egi_measure_of(e, c, t->measure_node, &t->measure, err));
    EG_TRY(parse_never(t, pick(claim, own, "never"), err));
    EG_TRY(egi_control_parse(e, c, p, pick(claim, own, "control"), err));
done:
    return st;
}

static eg_status parse_profiles(const eg_node *claim, eg_claim_info *info,
                                eg_err *err)
{
    const eg_node *n = eg_node_get(claim, "profiles");

    info->in[EG_QUICK] = info->in[EG_FULL] = !n;
    for (int i = 0; n && i < n->n; i++) {
        const char *text = n->item[i].text ? n->item[i].text : "";

        if (strcmp(text, "quick") == 0)
            info->in[EG_QUICK] = true;
        else if (strcmp(text, "full") == 0)
            info->in[EG_FULL] = true;
        else
            return EG_NODE_FAIL(&n->item[i], err, EG_EINVAL,
                                "profiles: expected quick or full");
    }
    if (!info->in[EG_QUICK] && !info->in[EG_FULL])
        return EG_NODE_FAIL(n, err, EG_EINVAL,
                            "profiles: expected a list of quick and full");
    return EG_OK;
}

static eg_status parse_expect(egi_claim *c, eg_err *err)
{
    const eg_node *n = eg_node_get(c->node, "expect");

    if (!n) return EG_OK;
    c->info.expect_refuted = n->text && strcmp(n->text, "refuted") == 0;
    if (!c->info.expect_refuted && (!n->text || strcmp(n->text, "holds") != 0))
        return EG_NODE_FAIL(n, err, EG_EINVAL,
                            "expect: expected holds or refuted");
    return EG_OK;
}

/* Of two profiles, the one that says least counts. */
static void note_control(eg_claim_info *info, const egi_control *c)
{
    eg_control_kind kind = egi_control_given(c) ? EG_CONTROL_GIVEN
                           : c->none            ? EG_CONTROL_NONE
                                                : EG_CONTROL_MISSING;

    if (kind < info->control) info->control = kind;
    if (c->none) info->no_control = c->none;
}

eg_status egi_claim_parse(const egi_experiment *e, const eg_node *node,
                          egi_claim *c, eg_err *err)
{
    const char *id = NULL;
    eg_status st;

    c->node = node;
    c->info.control = EG_CONTROL_GIVEN;
    EG_TRY(check_keys(node, claim_keys, err));
    EG_TRY(need(node, "id", &id, err));
    snprintf(c->id, sizeof c->id, "%s/%s", e->id, id);
    EG_TRY(need(node, "source", &c->info.source, err));
    EG_TRY(need(node, "statement", &c->info.statement, err));
    EG_TRY(parse_profiles(node, &c->info, err));
    EG_TRY(parse_expect(c, err));
    for (int p = 0; p < 2; p++) {
        if (!c->info.in[p]) continue;
        EG_TRY(parse_terms(e, c, (eg_profile)p, err));
        c->info.measure = c->terms[p].measure_node->text;
        note_control(&c->info, &c->terms[p].control);
    }
done:
    return st;
}

/* curves: {name: {step: [...], value: [...]}}. */
static eg_status parse_curve(const eg_node *node, eg_series *s, eg_err *err)
{
    static const char *const keys[] = {"step", "value", "about", NULL};
    const eg_node *x = eg_node_get(node, "step");
    const eg_node *y = eg_node_get(node, "value");
    eg_status st = check_keys(node, keys, err);

    if (st != EG_OK) return st;
    if (!x || !y || x->kind != EG_NODE_SEQ || y->kind != EG_NODE_SEQ ||
        x->n != y->n || x->n == 0)
        return EG_NODE_FAIL(node, err, EG_EINVAL,
                            "a curve has lists step and value of the same "
                            "length");
    snprintf(s->name, sizeof s->name, "%s", node->key);
    s->step = eg_calloc((size_t)x->n, sizeof *s->step);
    s->value = eg_calloc((size_t)x->n, sizeof *s->value);
    if (!s->step || !s->value)
        return EG_FAIL(err, EG_ENOMEM, "curve: out of memory");
    for (s->n = 0; s->n < x->n; s->n++) {
        const eg_node *a = &x->item[s->n], *b = &y->item[s->n];

        if (!a->text || !egi_number(a->text, &s->step[s->n]))
            return EG_NODE_FAIL(a, err, EG_EINVAL, "expected a number");
        if (!b->text || !egi_number(b->text, &s->value[s->n]))
            return EG_NODE_FAIL(b, err, EG_EINVAL, "expected a number");
    }
    return EG_OK;
}

static eg_status check_run(const egi_experiment *e, const eg_node *run,
                           eg_profile profile, eg_config *cfg, eg_err *err)
{
    egi_variant v = {.run = run->key};
    eg_seeds seeds;
    eg_status st = egi_run_resolve(e, &v, profile, cfg, &seeds, err);

    return st == EG_OK ? egi_links_check(e, run, profile, cfg, &seeds, err)
                       : st;
}

/* Every run must resolve in both profiles, used or not. */
static eg_status check_runs(const egi_experiment *e, eg_err *err)
{
    eg_config *cfg = e->scratch ? &e->scratch->cfg : eg_calloc(1, sizeof *cfg);
    eg_status st = EG_OK;

    if (!cfg) return EG_FAIL(err, EG_ENOMEM, "experiment: out of memory");
    for (int i = 0; e->runs && i < e->runs->n && st == EG_OK; i++) {
        if (strcmp(e->runs->item[i].key, "measure") == 0)
            st = EG_KEY_FAIL(&e->runs->item[i], err, EG_EINVAL,
                             "no run can be named 'measure', which is a key "
                             "of a control");
        for (int p = 0; p < 2 && st == EG_OK; p++)
            st = check_run(e, &e->runs->item[i], (eg_profile)p, cfg, err);
    }
    if (!e->scratch) eg_free(cfg);
    return st;
}

eg_status egi_experiment_parse(egi_experiment *e, eg_err *err)
{
    const eg_node *root = eg_yaml_root(e->yaml);
    eg_status st;

    EG_TRY(check_keys(root, file_keys, err));
    e->runs = eg_node_get(root, "runs");
    e->curves = eg_node_get(root, "curves");
    if (!e->runs || e->runs->kind != EG_NODE_MAP) {
        st = EG_NODE_FAIL(e->runs ? e->runs : root, err, EG_EINVAL,
                          "expected 'runs', a map of configurations");
        goto done;
    }
    if (e->curves && e->curves->kind != EG_NODE_MAP) {
        st = EG_NODE_FAIL(e->curves, err, EG_EINVAL,
                          "curves: expected a map of curves, found %s",
                          eg_node_what(e->curves));
        goto done;
    }
    if (e->curves) {
        e->curve = eg_calloc((size_t)e->curves->n, sizeof *e->curve);
        if (!e->curve && e->curves->n) {
            st = EG_FAIL(err, EG_ENOMEM, "curves: out of memory");
            goto done;
        }
        for (int i = 0; i < e->curves->n; i++) {
            e->n_curves = i + 1;
            EG_TRY(parse_curve(&e->curves->item[i], &e->curve[i], err));
        }
    }
    EG_TRY(egi_bases_read(e, err));
    EG_TRY(check_runs(e, err));
done:
    return st;
}
