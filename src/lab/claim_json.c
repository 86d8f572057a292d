/* The judgement as JSON: contract 4's keys first, the spread beside them. */
#include <math.h>

#include "engram/claim.h"
#include "engram/mem.h"
#include "base/json.h"

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *claim_json(const eg_claim_result *r)
{
    json_t *o = json_object(), *seeds = json_array(), *values = json_array();
    int bad = 0;

    for (int i = 0; i < r->n_seeds; i++) {
        bad |= json_array_append_new(seeds, json_integer(r->seed[i]));
        bad |= json_array_append_new(values, number(r->value[i]));
    }
    bad |= json_object_set_new(o, "id", egi_json_text(r->info.id));
    bad |= json_object_set_new(o, "source", egi_json_text(r->info.source));
    bad |=
        json_object_set_new(o, "statement", egi_json_text(r->info.statement));
    bad |= json_object_set_new(o, "verdict",
                               egi_json_text(eg_verdict_name(r->verdict)));
    bad |= json_object_set_new(o, "measured", number(r->measured));
    bad |= json_object_set_new(o, "expected", egi_json_text(r->expected));
    bad |= json_object_set_new(o, "tolerance", egi_json_text(r->tolerance));
    bad |= json_object_set_new(o, "seeds", seeds);
    bad |= json_object_set_new(o, "seconds", number(r->seconds));
    bad |= json_object_set_new(o, "run", egi_json_text(r->run));
    bad |= json_object_set_new(o, "measure", egi_json_text(r->info.measure));
    bad |= json_object_set_new(o, "values", values);
    bad |= json_object_set_new(
        o, "spread",
        json_pack("{s:o, s:o, s:o, s:o}", "mean", number(r->mean), "sd",
                  number(r->sd), "min", number(r->min), "max", number(r->max)));
    bad |= json_object_set_new(
        o, "interval", json_pack("[o, o]", number(r->low), number(r->high)));
    bad |= json_object_set_new(o, "never", json_integer(r->n_never));
    bad |= json_object_set_new(
        o, "control", r->has_control ? number(r->control) : json_null());
    bad |= json_object_set_new(
        o, "no_control",
        r->info.no_control ? egi_json_text(r->info.no_control) : json_null());
    bad |= json_object_set_new(o, "note", egi_json_text(r->note));
    return egi_json_whole(o, bad);
}

eg_status eg_judgement_json(const eg_judgement *j, eg_profile profile,
                            char **out, eg_err *err)
{
    json_t *top = json_object(), *claims = json_array(), *runs = json_array();
    int bad = 0;

    for (int i = 0; i < j->n; i++)
        bad |= json_array_append_new(claims, claim_json(&j->claim[i]));
    for (int i = 0; i < j->n_dirs; i++)
        bad |= json_array_append_new(runs, egi_json_text(j->dirs[i]));
    bad |= json_object_set_new(top, "claims", claims);
    bad |= json_object_set_new(top, "profile",
                               json_string(eg_profile_name(profile)));
    bad |= json_object_set_new(top, "runs", runs);
    *out = bad ? NULL
               : egi_json_print(top, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(top);
    return *out ? EG_OK : EG_FAIL(err, EG_ENOMEM, "claims: out of memory");
}
