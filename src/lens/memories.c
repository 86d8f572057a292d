/* Memories W_U W W_E^T of each head, as the lens of birth tells them. */
#include "lens/lens.h"

static json_t *heads_json(const egi_lens *s)
{
    json_t *list = json_array();
    bool bad = !list;

    for (int k = 0; k < s->L * s->H; k++) {
        json_t *o;

        if (!egi_lens_has(s, k)) continue;
        o = json_object();
        bad |= !o;
        egi_lens_put(o, "layer", json_integer(k / s->H), &bad);
        egi_lens_put(o, "head", json_integer(k % s->H), &bad);
        egi_lens_put(o, "copying", egi_lens_num(s->ov->copying[k]), &bad);
        egi_lens_put(o, "recall", egi_lens_num(s->ov->recall[k]), &bad);
        egi_lens_add(list, o, &bad);
    }
    return egi_json_whole(list, bad);
}

static json_t *map_json(const egi_lens *s)
{
    const egi_ov *ov = s->ov;
    json_t *o = json_object(), *rows = json_array(), *names = json_array();
    bool bad = !o || !rows || !names;

    for (int i = 0; i < ov->shown; i++) {
        char symbol[64];

        egi_lens_symbol(s, ov->id[i], symbol, sizeof symbol);
        egi_lens_add(names, egi_json_text(symbol), &bad);
        egi_lens_add(
            rows,
            egi_lens_numbers(ov->map + (eg_index)i * ov->shown, ov->shown),
            &bad);
    }
    egi_lens_put(o, "layer", json_integer(ov->best / s->H), &bad);
    egi_lens_put(o, "head", json_integer(ov->best % s->H), &bad);
    egi_lens_put(o, "tokens", names, &bad);
    egi_lens_put(o, "z", rows, &bad);
    return egi_json_whole(o, bad);
}

eg_status egi_lens_memories(json_t *birth, egi_lens *s, eg_err *err)
{
    bool bad = false;

    if (!s->ov) return EG_OK;
    egi_lens_put(birth, "memories", heads_json(s), &bad);
    egi_lens_put(birth, "sample", json_integer(s->ov->n), &bad);
    if (!s->spec->brief) egi_lens_put(birth, "map", map_json(s), &bad);
    return bad ? egi_lens_no_memory(err) : EG_OK;
}
