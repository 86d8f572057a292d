/* config.json beside a file of weights: what kind each of its values has to be,
 * and whether its sizes are those of the tensors. */
#include "models/models.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "engram/mem.h"

/* Values that options() takes, and others that speak of sizes. */
static const struct {
    const char *key;
    bool whole;
} numbers[] = {{"n_layer", true},
               {"n_embd", true},
               {"n_head", true},
               {"n_positions", true},
               {"n_inner", true},
               {"vocab_size", true},
               {"num_hidden_layers", true},
               {"hidden_size", true},
               {"intermediate_size", true},
               {"num_attention_heads", true},
               {"num_key_value_heads", true},
               {"head_dim", true},
               {"max_position_embeddings", true},
               {"sliding_window", true},
               {"layer_norm_epsilon", false},
               {"layer_norm_eps", false},
               {"rms_norm_eps", false},
               {"rope_theta", false},
               {"partial_rotary_factor", false}};

static eg_status check_kinds(const json_t *config, const char *where,
                             eg_err *err)
{
    if (!json_is_object(config))
        return EG_FAIL(err, EG_EFORMAT, "%s: expected an object", where);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const json_t *j = json_object_get(config, numbers[i].key);

        if (j && !json_is_null(j) &&
            !(numbers[i].whole ? json_is_integer(j) : json_is_number(j)))
            return EG_FAIL(err, EG_EFORMAT, "%s: %s: expected a %snumber",
                           where, numbers[i].key,
                           numbers[i].whole ? "whole " : "");
    }
    return EG_OK;
}

eg_status egi_config_read(json_t **out, const char *path, eg_err *err)
{
    char where[1024], *text = NULL;
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    json_error_t why;
    size_t size = 0;
    eg_status st = EG_OK;

    *out = NULL;
    if (snprintf(where, sizeof where, "%.*sconfig.json", folder, path) >=
            (int)sizeof where ||
        !eg_file_exists(where))
        return EG_OK;
    EG_TRY(eg_file_read(&text, &size, where, 1 << 20, err));
    *out = egi_json_parse(text, size, JSON_REJECT_DUPLICATES, &why);
    if (!*out)
        st = EG_FAIL(err, egi_json_status(&why), "%s: byte %d: %s", where,
                     why.position, why.text);
    else
        st = check_kinds(*out, where, err);
done:
    eg_free(text);
    return st;
}

eg_status egi_agrees(const char *path, const char *key, int64_t said,
                     int64_t found, eg_err *err)
{
    if (said == found) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: its tensors make %s %lld, expected the %lld that is "
                   "said (is part of it missing?)",
                   path, key, (long long)found, (long long)said);
}

eg_status egi_config_agrees(const egi_found *f, const json_t *config,
                            const char *path, eg_err *err)
{
    const struct {
        const char *key;
        int64_t found;
    } sizes[] = {
        {"n_layer", f->opts.n_layers}, {"num_hidden_layers", f->opts.n_layers},
        {"n_embd", f->opts.d_model},   {"hidden_size", f->opts.d_model},
        {"n_inner", f->opts.d_mlp},    {"intermediate_size", f->opts.d_mlp},
        {"vocab_size", f->vocab},      {"n_positions", f->max_ctx}};
    eg_status st = EG_OK;

    for (size_t i = 0; st == EG_OK && i < sizeof sizes / sizeof *sizes; i++)
        st = egi_agrees(path, sizes[i].key,
                        egi_json_int(config, sizes[i].key, sizes[i].found),
                        sizes[i].found, err);
    return st;
}

/* ---- values ---------------------------------------------------------------
 */

int64_t egi_json_int(const json_t *config, const char *key, int64_t other)
{
    const json_t *j = json_object_get(config, key);

    return json_is_integer(j) ? (int64_t)json_integer_value(j) : other;
}

double egi_json_real(const json_t *config, const char *key, double other)
{
    const json_t *j = json_object_get(config, key);

    return json_is_number(j) ? json_number_value(j) : other;
}

const char *egi_json_str(const json_t *config, const char *key,
                         const char *other)
{
    const char *text = json_string_value(json_object_get(config, key));

    return text ? text : other;
}

eg_status egi_activation(const char **mlp, const char *name, const char *path,
                         eg_err *err)
{
    static const char *const known[][2] = {
        {"gelu_new", "gelu"},  {"gelu_pytorch_tanh", "gelu"},
        {"gelu_fast", "gelu"}, {"gelu", "gelu_erf"},
        {"relu", "relu"},      {"silu", "silu"},
        {"swish", "silu"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *mlp = known[i][1];
        if (strcmp(known[i][0], name) == 0) return EG_OK;
    }
    return EG_FAIL(err, EG_EUNSUPPORTED,
                   "%s: config.json: activation '%.40s' is none that engram "
                   "has (gelu_new, gelu, relu, silu)",
                   path, name);
}

eg_status egi_head_said(const json_t *config, const egi_in *head,
                        const char *path, eg_err *err)
{
    if (head || !json_is_false(json_object_get(config, "tie_word_embeddings")))
        return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: has no lm_head.weight, which config.json's "
                   "tie_word_embeddings: false asks for",
                   path);
}
