/* The .bin files of weights that llm.c writes: 256 int32 {20240326, 3 = float32
 * or 5 = bfloat16, context, vocabulary, blocks, heads, width, padded
 * vocabulary}, then 16 tensors, each of all blocks at once. Matrices lie
 * [out, in]. They are listed under GPT-2's names, a block at a time.
 * Source: github.com/karpathy/llm.c, train_gpt2.py, write_model. */
#include "models/source.h"

#include <string.h>

#include "engram/mem.h"

enum { MAGIC = 20240326, HEADER = 256 * 4, LAYERS_MOST = 1024 };

/* In the order of the file; axes in letters: width C, context T, padded
 * vocabulary V, 3 C and 4 C. */
static const struct {
    const char *name; /* '#' stands for the block */
    const char *axes;
} parts[] = {
    {"wte.weight", "VC"},
    {"wpe.weight", "TC"},
    {"h.#.ln_1.weight", "C"},
    {"h.#.ln_1.bias", "C"},
    {"h.#.attn.c_attn.weight", "3C"},
    {"h.#.attn.c_attn.bias", "3"},
    {"h.#.attn.c_proj.weight", "CC"},
    {"h.#.attn.c_proj.bias", "C"},
    {"h.#.ln_2.weight", "C"},
    {"h.#.ln_2.bias", "C"},
    {"h.#.mlp.c_fc.weight", "4C"},
    {"h.#.mlp.c_fc.bias", "4"},
    {"h.#.mlp.c_proj.weight", "C4"},
    {"h.#.mlp.c_proj.bias", "C"},
    {"ln_f.weight", "C"},
    {"ln_f.bias", "C"},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

enum { VERSION = 1, CTX, VOCAB, LAYERS, HEADS, WIDTH, PADDED };

bool egi_llmc_is(const char *bytes, size_t size)
{
    int32_t magic = 0;

    if (size < sizeof magic) return false;
    memcpy(&magic, bytes, sizeof magic);
    return magic == MAGIC;
}

static eg_index extent(const int32_t *h, char axis)
{
    eg_index C = h[WIDTH];

    return axis == 'V'   ? h[PADDED]
           : axis == 'T' ? h[CTX]
           : axis == '3' ? 3 * C
           : axis == '4' ? 4 * C
                         : C;
}

static eg_status check_header(const egi_source *s, eg_err *err)
{
    const int32_t *h = s->header;
    bool sound = true;

    if (s->size < HEADER)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: truncated: a header of %d bytes, %zu are there",
                       s->path, HEADER, s->size);
    if (h[VERSION] != 3 && h[VERSION] != 5)
        return EG_FAIL(err, EG_EUNSUPPORTED,
                       "%s: expected a model of llm.c of version 3 (float32) "
                       "or 5 (bfloat16), found %d",
                       s->path, h[VERSION]);
    for (int k = CTX; k <= PADDED; k++) sound &= h[k] >= 1 && h[k] <= 1 << 24;
    if (sound && h[WIDTH] <= 1 << 16 && h[LAYERS] <= LAYERS_MOST &&
        h[PADDED] >= h[VOCAB] && h[WIDTH] % h[HEADS] == 0)
        return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: expected sizes of a GPT-2, found %d positions, %d of "
                   "%d tokens, %d blocks, %d heads, width %d",
                   s->path, h[CTX], h[VOCAB], h[PADDED], h[LAYERS], h[HEADS],
                   h[WIDTH]);
}

/* What the header says that the file holds. */
static uint64_t bytes_said(const int32_t *h)
{
    uint64_t n = 0;

    for (int i = 0; i < N_PARTS; i++) {
        uint64_t each = strchr(parts[i].name, '#') ? (uint64_t)h[LAYERS] : 1;

        for (const char *a = parts[i].axes; *a; a++)
            each *= (uint64_t)extent(h, *a);
        n += each;
    }
    return n * (h[VERSION] == 3 ? 4 : 2);
}

/* Adds one tensor, and steps over it. */
static const unsigned char *add(egi_source *s, int part, int block,
                                const unsigned char *at)
{
    egi_in *t = &s->in[s->n++];
    uint64_t entries = 1;

    t->stored = s->header[VERSION] == 3 ? EGI_F32 : EGI_BF16;
    t->what = s->header[VERSION] == 3 ? "float32" : "bfloat16";
    t->data = at;
    for (const char *a = parts[part].axes; *a; a++) {
        t->shape[t->ndim++] = extent(s->header, *a);
        entries *= (uint64_t)extent(s->header, *a);
    }
    egi_name_of(t->name, parts[part].name, block);
    return at + egi_stored_bytes(t->stored, entries);
}

eg_status egi_llmc_take(egi_source *s, char *bytes, size_t size,
                        const char *path, eg_err *err)
{
    const unsigned char *at = (const unsigned char *)bytes + HEADER;
    eg_status st = EG_OK;
    uint64_t want;

    *s = (egi_source){.path = path, .bytes = bytes, .size = size};
    memcpy(s->header, bytes, size < sizeof s->header ? size : sizeof s->header);
    EG_TRY(check_header(s, err));
    want = HEADER + bytes_said(s->header);
    if (want != size) {
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: expected %llu bytes for what its header says, found "
                     "%zu",
                     path, (unsigned long long)want, size);
        goto done;
    }
    s->in = eg_calloc((size_t)(N_PARTS * s->header[LAYERS]) + 1, sizeof *s->in);
    if (!s->in) {
        st = EG_FAIL(err, EG_ENOMEM, "%s: list of tensors", path);
        goto done;
    }
    for (int i = 0; i < N_PARTS; i++) {
        int each = strchr(parts[i].name, '#') ? s->header[LAYERS] : 1;

        for (int l = 0; l < each; l++) at = add(s, i, l, at);
    }
done:
    if (st != EG_OK) egi_source_release(s);
    return st;
}
