/* sweep.json and base.yaml: what a sweep is, written once. */
#include "lab/sweep_priv.h"

#include <stdlib.h>
#include <string.h>
#include "engram/mem.h"
#include "engram/text.h"

#define FORMAT "engram-sweep"
enum { VERSION = 1, MAX_FILE = 1 << 24 };

/* ---- written --------------------------------------------------------------
 */

typedef struct writer {
    json_t *o;
    int bad;
} writer;

static void put(writer *w, const char *key, json_t *v)
{
    w->bad |= json_object_set_new(w->o, key, v);
}

static json_t *axis_json(const eg_axis *a)
{
    json_t *values = json_array();
    int bad = values == NULL;

    for (int i = 0; i < a->n; i++)
        bad |= json_array_append_new(values, egi_json_text(a->value[i]));
    return json_pack("{s:o, s:o, s:s}", "key", egi_json_text(a->key), "values",
                     egi_json_whole(values, bad), "scale",
                     eg_scale_name(a->scale));
}

static json_t *axes_json(const eg_grid *g)
{
    json_t *axes = json_array();
    int bad = axes == NULL;

    for (int k = 0; k < g->n_axes; k++)
        bad |= json_array_append_new(axes, axis_json(&g->axis[k]));
    return egi_json_whole(axes, bad);
}

static json_t *seeds_json(const eg_seeds *s)
{
    json_t *seeds = json_array();
    int bad = seeds == NULL;

    for (int i = 0; i < s->n; i++)
        bad |= json_array_append_new(seeds, json_integer(s->seed[i]));
    return egi_json_whole(seeds, bad);
}

/* Where the files of a flow lie, wherever the next worker starts. */
static json_t *folder_json(const eg_sweep *s)
{
    char *real = realpath(s->base->folder[0] ? s->base->folder : ".", NULL);
    json_t *o = egi_json_text(real ? real : s->base->folder);

    free(real);
    return o;
}

static char *print_record(const eg_sweep *s)
{
    writer w = {.o = json_object()};
    char *text;

    put(&w, "format", json_string(FORMAT));
    put(&w, "version", json_integer(VERSION));
    put(&w, "name", egi_json_text(s->name));
    put(&w, "created", json_string(s->created));
    put(&w, "engram",
        json_pack("{s:s, s:s}", "version", eg_version(), "commit",
                  eg_commit()));
    put(&w, "file", egi_json_text(s->file));
    put(&w, "folder", folder_json(s));
    if (s->launch[0]) put(&w, "launch", egi_json_text(s->launch));
    if (s->anew) put(&w, "anew", json_true());
    put(&w, "axes", axes_json(&s->grid));
    put(&w, "seeds", seeds_json(&s->grid.seeds));
    put(&w, "n_points", json_integer(s->n_points));
    text = w.bad ? NULL : egi_json_print(w.o, JSON_INDENT(2));
    json_decref(w.o);
    return text;
}

eg_status egi_sweep_write(const eg_sweep *s, const eg_folder *in, eg_err *err)
{
    char *yaml = NULL, *text = print_record(s);
    eg_status st = EG_OK;

    if (!text) {
        st = EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
        goto done;
    }
    EG_TRY(eg_config_format(s->base, &yaml, err));
    EG_TRY(eg_file_write_in(in, EGI_SWEEP_BASE, yaml, strlen(yaml), err));
    EG_TRY(eg_file_write_in(in, EGI_SWEEP_RECORD, text, strlen(text), err));
done:
    eg_free(yaml);
    eg_free(text);
    return st;
}

/* ---- read ------------------------------------------------------------------
 */

static bool get_text(const json_t *o, const char *key, char *buf, size_t size)
{
    const char *s = json_string_value(json_object_get(o, key));

    if (!s || strlen(s) >= size) return false;
    memcpy(buf, s, strlen(s) + 1);
    return true;
}

static eg_status read_axis(eg_grid *g, const json_t *o, eg_err *err)
{
    eg_axis *a = &g->axis[g->n_axes];
    const json_t *values = json_object_get(o, "values"), *v;
    char scale[16] = "";
    eg_status st = EG_OK;
    size_t i;

    *a = (eg_axis){.n = 0};
    g->n_axes++; /* released with the grid from here on */
    (void)get_text(o, "scale", scale, sizeof scale);
    for (int k = EG_SCALE_LIST; k <= EG_SCALE_LOG; k++)
        if (strcmp(scale, eg_scale_name((eg_scale)k)) == 0)
            a->scale = (eg_scale)k;
    if (!get_text(o, "key", a->key, sizeof a->key) ||
        json_array_size(values) == 0)
        return EG_FAIL(err, EG_EFORMAT, "axes: expected {key, values}");
    json_array_foreach(values, i, v)
    {
        if (!json_is_string(v))
            return EG_FAIL(err, EG_EFORMAT, "%s: value %zu is no text", a->key,
                           i);
        EG_TRY(
            egi_axis_put(a, json_string_value(v), json_string_length(v), err));
    }
done:
    return st;
}

static eg_status read_grid(eg_sweep *s, const json_t *o, eg_err *err)
{
    const json_t *axes = json_object_get(o, "axes"), *v;
    const json_t *seeds = json_object_get(o, "seeds");
    eg_grid *g = &s->grid;
    eg_status st = EG_OK;
    size_t i;

    if (json_array_size(axes) > EG_AXES || json_array_size(seeds) == 0 ||
        json_array_size(seeds) > EG_SEEDS_MAX)
        return EG_FAIL(err, EG_EFORMAT, "expected axes and seeds");
    json_array_foreach(axes, i, v) EG_TRY(read_axis(g, v, err));
    json_array_foreach(seeds, i, v)
    {
        json_int_t seed = json_integer_value(v);

        if (!json_is_integer(v) || seed < 0 || seed > EG_SEED_MAX)
            return EG_FAIL(err, EG_EFORMAT, "seed %zu is none", i);
        g->seeds.seed[g->seeds.n++] = seed;
    }
    s->n_points = eg_grid_points(g);
    if (s->n_points > EG_POINTS_MAX ||
        json_integer_value(json_object_get(o, "n_points")) != s->n_points)
        return EG_FAIL(
            err, EG_EFORMAT, "n_points: expected %d, found %lld", s->n_points,
            (long long)json_integer_value(json_object_get(o, "n_points")));
done:
    return st;
}

static eg_status read_fields(eg_sweep *s, const json_t *o, char *folder,
                             size_t size, eg_err *err)
{
    char format[32] = "";
    json_int_t version = json_integer_value(json_object_get(o, "version"));

    if (!get_text(o, "format", format, sizeof format) ||
        strcmp(format, FORMAT) != 0)
        return EG_FAIL(err, EG_EFORMAT, "expected format \"" FORMAT "\"");
    if (version != VERSION)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "version %lld; this engram reads version %d",
                       (long long)version, VERSION);
    if (!get_text(o, "name", s->name, sizeof s->name))
        return EG_FAIL(err, EG_EFORMAT, "expected a name");
    (void)get_text(o, "created", s->created, sizeof s->created);
    (void)get_text(o, "file", s->file, sizeof s->file);
    (void)get_text(o, "launch", s->launch, sizeof s->launch);
    s->anew = json_is_true(json_object_get(o, "anew"));
    if (!get_text(o, "folder", folder, size)) folder[0] = '\0';
    return read_grid(s, o, err);
}

static eg_status read_base(eg_sweep *s, const eg_folder *in, const char *folder,
                           eg_err *err)
{
    eg_yaml *y = NULL;
    eg_status st;

    eg_config_default(s->base);
    EG_TRY(eg_yaml_load_in(&y, in, EGI_SWEEP_BASE, err));
    EG_TRY(eg_config_apply(s->base, eg_yaml_root(y), NULL, err));
    (void)snprintf(s->base->folder, sizeof s->base->folder, "%s", folder);
done:
    eg_yaml_free(y);
    return st;
}

eg_status egi_sweep_read_record(eg_sweep *s, const eg_folder *in, eg_err *err)
{
    char *text = NULL, folder[EG_PATH] = "";
    size_t size = 0;
    json_t *o = NULL;
    json_error_t why;
    eg_err inner = {0};
    eg_status st;

    EG_TRY(eg_file_read_in(&text, &size, in, EGI_SWEEP_RECORD, MAX_FILE, err));
    o = egi_json_parse(text, size, 0, &why);
    if (!json_is_object(o)) {
        st = EG_FAIL(err, o ? EG_EFORMAT : egi_json_status(&why),
                     "%s/" EGI_SWEEP_RECORD ":%d: %s", in->path,
                     o ? 1 : why.line, o ? "not an object" : why.text);
        goto done;
    }
    st = read_fields(s, o, folder, sizeof folder, &inner);
    if (st != EG_OK) {
        st = EG_FAIL(err, st, "%s/" EGI_SWEEP_RECORD ": %s", in->path,
                     inner.msg);
        goto done;
    }
    EG_TRY(read_base(s, in, folder, err));
done:
    json_decref(o);
    eg_free(text);
    return st;
}
