/* The judgement as JSON: contract 4's keys first, the spread beside them. */
#include "base/json.h"
#include <math.h>
#include <stdlib.h>

#include "engram/claim.h"
#include "engram/mem.h"
#include "lab/json.h"

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *claim_json(const eg_claim_result *r)
{
    json_t *o = json_object(), *seeds = json_array(), *values = json_array();

    for (int i = 0; i < r->n_seeds; i++) {
        json_array_append_new(seeds, json_integer(r->seed[i]));
        json_array_append_new(values, number(r->value[i]));
    }
    json_object_set_new(o, "id", egi_json_text(r->info.id));
    json_object_set_new(o, "source", egi_json_text(r->info.source));
    json_object_set_new(o, "statement", egi_json_text(r->info.statement));
    json_object_set_new(o, "verdict",
                        egi_json_text(eg_verdict_name(r->verdict)));
    json_object_set_new(o, "measured", number(r->measured));
    json_object_set_new(o, "expected", egi_json_text(r->expected));
    json_object_set_new(o, "tolerance", egi_json_text(r->tolerance));
    json_object_set_new(o, "seeds", seeds);
    json_object_set_new(o, "seconds", number(r->seconds));
    json_object_set_new(o, "run", egi_json_text(r->run));
    json_object_set_new(o, "measure", egi_json_text(r->info.measure));
    json_object_set_new(o, "values", values);
    json_object_set_new(o, "spread",
                        json_pack("{s:o, s:o, s:o, s:o}", "mean",
                                  number(r->mean), "sd", number(r->sd), "min",
                                  number(r->min), "max", number(r->max)));
    json_object_set_new(o, "control",
                        r->has_control ? number(r->control) : json_null());
    json_object_set_new(o, "no_control",
                        r->info.no_control ? egi_json_text(r->info.no_control)
                                           : json_null());
    json_object_set_new(o, "note", egi_json_text(r->note));
    return o;
}

eg_status eg_judgement_json(const eg_judgement *j, eg_profile profile,
                            char **out, eg_err *err)
{
    json_t *top = json_object(), *claims = json_array(), *runs = json_array();
    char *text;

    for (int i = 0; i < j->n; i++)
        json_array_append_new(claims, claim_json(&j->claim[i]));
    for (int i = 0; i < j->n_dirs; i++)
        json_array_append_new(runs, egi_json_text(j->dirs[i]));
    json_object_set_new(top, "claims", claims);
    json_object_set_new(top, "profile", json_string(eg_profile_name(profile)));
    json_object_set_new(top, "runs", runs);
    text = egi_json_print(top, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(top);
    *out = text ? eg_strdup(text) : NULL;
    free(text); /* jansson's own allocation */
    return *out ? EG_OK : EG_FAIL(err, EG_ENOMEM, "claims: out of memory");
}
