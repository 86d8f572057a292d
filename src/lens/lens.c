/* A look through all four lenses, as one record. */
#include "lens/lens.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engram/text.h"
#include "probe/model.h"

enum { SEQUENCES = 256 };

/* ---- tools ----------------------------------------------------------------
 */

eg_status egi_lens_no_memory(eg_err *err)
{
    return EG_FAIL(err, EG_ENOMEM, "lens: out of memory");
}

json_t *egi_lens_numbers(const double *x, eg_index n)
{
    json_t *list = json_array();
    bool bad = !list;

    for (eg_index i = 0; i < n; i++)
        egi_lens_add(list, egi_lens_num(x[i]), &bad);
    return egi_json_whole(list, bad);
}

eg_status egi_lens_note(egi_lens *s, eg_status st, const eg_err *why,
                        eg_err *err)
{
    if (st == EG_OK) return EG_OK;
    if (st == EG_ENOMEM) return EG_FAIL(err, st, "%s", why->msg);
    if (json_array_append_new(s->notes, egi_json_text(why->msg)) != 0)
        return egi_lens_no_memory(err);
    return EG_OK;
}

bool egi_lens_more(egi_lens *s, const char *what, double done)
{
    if (s->spec->more && !s->stopped)
        s->stopped = !s->spec->more(s->spec->ctx, what, done);
    return !s->stopped;
}

bool egi_lens_has(const egi_lens *s, int k)
{
    return k % s->H < eg_model_heads(s->m, k / s->H);
}

/* A code point as UTF-8; what cannot be seen by a sign for it. */
static void put_character(char *buf, size_t size, int32_t c)
{
    unsigned u = c == '\n' ? 0x21b5 : c == '\t' ? 0x21e5 : (unsigned)c;
    char text[5] = {0};

    (void)egi_utf8_put(text, u);
    (void)eg_text_copy(buf, size, text);
}

/* A token's bytes, which need not be whole characters. */
static void put_bytes(char *buf, size_t size, const eg_tokenizer *t, int32_t id)
{
    size_t n = 0;
    const char *bytes = eg_tokenizer_bytes(t, id, &n);

    if (n >= size) n = size - 1;
    for (size_t i = 0; i < n; i++) {
        buf[i] = bytes[i];
        if (!buf[i]) buf[i] = '?';
    }
    buf[n] = '\0';
}

void egi_lens_symbol(const egi_lens *s, int32_t id, char *buf, size_t size)
{
    const eg_tokenizer *t = s->spec->tokenizer
                                ? s->spec->tokenizer
                                : eg_task_tokenizer(s->spec->task);
    int32_t c = t ? 0 : eg_task_symbol(s->spec->task, id);

    if (t)
        put_bytes(buf, size, t, id);
    else if (c)
        put_character(buf, size, c);
    else
        (void)snprintf(buf, size, " %d", (int)id);
}

void egi_lens_text(const egi_lens *s, int i, int from, int to, char *buf,
                   size_t size)
{
    size_t used = 0;
    char symbol[64];

    buf[0] = '\0';
    /* from the end until there is no more room, then the right way round */
    for (int t = to - 1; t >= from; t--) {
        egi_lens_symbol(s, s->tokens[(eg_index)i * s->T + t], symbol,
                        sizeof symbol);
        if (used + strlen(symbol) + 1 > size) break;
        memmove(buf + strlen(symbol), buf, used + 1);
        memcpy(buf, symbol, strlen(symbol));
        used += strlen(symbol);
    }
}

/* ---- the record -----------------------------------------------------------
 */

static json_t *model_json(const egi_lens *s)
{
    json_t *o = json_object();
    bool bad = !o;
    json_int_t params = 0;

    for (int i = 0; i < eg_model_n_tensors(s->m); i++)
        params += eg_model_tensor(s->m, i)->size;
    egi_lens_put(o, "n_layers", json_integer(s->L), &bad);
    egi_lens_put(o, "d_model", json_integer(s->D), &bad);
    egi_lens_put(o, "n_heads", json_integer(s->H), &bad);
    egi_lens_put(o, "n_kv_heads",
                 json_integer(egi_most_heads(s->m, eg_model_kv_heads)), &bad);
    egi_lens_put(o, "d_head", json_integer(s->dh), &bad);
    egi_lens_put(o, "d_vocab", json_integer(s->V), &bad);
    egi_lens_put(o, "n_ctx", json_integer(s->T), &bad);
    egi_lens_put(o, "parameters", json_integer(params), &bad);
    return egi_json_whole(o, bad);
}

typedef struct lens {
    const char *name;
    eg_status (*look)(json_t **out, egi_lens *s, eg_err *err);
    double done;
} lens;

static const lens lenses[] = {{"birth", egi_lens_birth, 0.62},
                              {"mesa", egi_lens_mesa, 0.8},
                              {"flow", egi_lens_flow, 0.9},
                              {"energy", egi_lens_energy, 0.95}};

static eg_status record(json_t **out, egi_lens *s, eg_err *err)
{
    json_t *root = json_object();
    bool bad = !root;
    eg_status st = EG_OK;

    egi_lens_put(root, "model", model_json(s), &bad);
    egi_lens_put(root, "sequences", json_integer(s->count), &bad);
    egi_lens_put(root, "closely", json_integer(s->few), &bad);
    for (size_t k = 0; k < sizeof lenses / sizeof *lenses; k++) {
        json_t *seen = NULL;

        if (!egi_lens_more(s, lenses[k].name, lenses[k].done)) break;
        EG_TRY(lenses[k].look(&seen, s, err));
        if (seen) egi_lens_put(root, lenses[k].name, seen, &bad);
    }
    bad |= json_object_set(root, "notes", s->notes) != 0;
    (void)egi_lens_more(s, "done", 1);
    if (bad) st = egi_lens_no_memory(err);
done:
    *out = st == EG_OK ? root : NULL;
    if (st != EG_OK) json_decref(root);
    return st;
}

static void shape(egi_lens *s, const eg_lens_spec *spec)
{
    const eg_model_opts *o = eg_model_options(spec->model);

    s->spec = spec;
    s->m = spec->model;
    s->kern = eg_kern_pick(spec->kern);
    s->L = (int)o->n_layers;
    s->H = egi_most_heads(s->m, eg_model_heads);
    s->D = (eg_index)o->d_model;
    s->dh = eg_model_head_width(s->m);
    s->T = eg_model_ctx(spec->model);
    s->V = eg_model_vocab(spec->model);
    s->count = spec->sequences ? spec->sequences : SEQUENCES;
    s->few = s->count < EGI_LENS_FEW ? s->count : EGI_LENS_FEW;
}

eg_status eg_lens_look(char **json, bool *stopped, const eg_lens_spec *spec,
                       eg_err *err)
{
    egi_lens s = {0};
    json_t *root = NULL;
    eg_status st = EG_OK;

    *json = NULL;
    if (stopped) *stopped = false;
    shape(&s, spec);
    s.notes = json_array();
    if (!s.notes) return egi_lens_no_memory(err);
    EG_TRY(eg_kern_check(spec->kern, err));
    EG_TRY(egi_lens_read(&s, err));
    if (egi_lens_more(&s, "heads", 0.6)) EG_TRY(egi_lens_ov(&s, err));
    if (!s.stopped) EG_TRY(record(&root, &s, err));
    if (stopped) *stopped = s.stopped;
    if (s.stopped) goto done;
    *json = egi_json_print(root, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    if (!*json) st = egi_lens_no_memory(err);
done:
    json_decref(root);
    egi_lens_release(&s);
    return st;
}
