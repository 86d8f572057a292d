/* One look at a model, between the files of the lenses. */
#ifndef EGI_LENS_LENS_H
#define EGI_LENS_LENS_H

#include <math.h>

#include "base/json.h"
#include "engram/kern.h"
#include "engram/lens.h"
#include "engram/mem.h"
#include "engram/probe.h"
#include "probe/gather.h"

enum {
    EGI_LENS_FEW = 12,     /* sequences for what costs n_ctx^2 a head */
    EGI_LENS_TARGETS = 64, /* numbers that a linear probe is fitted to */
    EGI_LENS_PLACES = 32   /* positions of a sequence for linear probes */
};

/* Sums over rows of attention of a head: z by the mean of the values and by the
 * linear term of its expansion. */
typedef struct egi_linearised {
    double zz, zu, zw, uu, uw, ww;
} egi_linearised;

/* What a layer's tokens look like, of one sequence. */
enum {
    EGI_SEEN_INNER,
    EGI_SEEN_ORDER,
    EGI_SEEN_ENERGY,
    EGI_SEEN_CLUSTERS,
    EGI_SEEN_RANK,
    EGI_SEEN_LENGTH,
    EGI_SEEN
};

typedef struct egi_lens {
    const eg_lens_spec *spec;
    const eg_model *m;
    const eg_kern_f32 *kern;
    int L, H, dh, T, V; /* H: of the block of most heads; V 0: vectors */
    eg_index D;
    int first;      /* of the sequences at work */
    int count, few; /* sequences; the first few of them are looked at closely */
    eg_eval *eval;
    bool stopped;
    json_t *notes;

    int32_t *tokens; /* [count, T] */
    double *loss;    /* [count, T] NaN: no target */
    int last;        /* the position of `ends` */
    egi_gather ends; /* the last position */
    int probed;      /* sequences of linear probes, the first ones */
    int n_places, place[EGI_LENS_PLACES];
    egi_gather places;     /* positions of linear probes */
    double *inputs;        /* vectors: [count, T, n_in] */
    double *seen;          /* [few, depths, EGI_SEEN] */
    egi_linearised *parts; /* [few, L, H] */
    struct egi_ov *ov;     /* what W_V W_O of each head does; ov.c */
    double *room;          /* [threads, room_size] */
    eg_index room_size;
} egi_lens;

/* ---- small tools ---- */

/* A number, or null. */
static inline json_t *egi_lens_num(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}
/* Sets *bad when it did not fit in. */
static inline void egi_lens_put(json_t *o, const char *key, json_t *value,
                                bool *bad)
{
    *bad |= json_object_set_new(o, key, value) != 0;
}
static inline void egi_lens_add(json_t *list, json_t *value, bool *bad)
{
    *bad |= json_array_append_new(list, value) != 0;
}
json_t *egi_lens_numbers(const double *x, eg_index n);
/* Notes why a part is missing; no memory stays an error. */
eg_status egi_lens_note(egi_lens *s, eg_status st, const eg_err *why,
                        eg_err *err);
/* false: stopped. */
bool egi_lens_more(egi_lens *s, const char *what, double done);
/* Has a block as many heads as the k-th of [L, H] asks for? */
bool egi_lens_has(const egi_lens *s, int k);
eg_status egi_lens_no_memory(eg_err *err);
/* The text of tokens from..to of sequence i, the last `size` bytes of it. */
void egi_lens_text(const egi_lens *s, int i, int from, int to, char *buf,
                   size_t size);
void egi_lens_symbol(const egi_lens *s, int32_t id, char *buf, size_t size);

/* sequences.c: all of them, once. */
eg_status egi_lens_read(egi_lens *s, eg_err *err);
void egi_lens_release(egi_lens *s);

/* ov.c: of each head what W_V W_O, a map from the stream to the stream, does to
 * the stream and, between embeddings, to tokens. */
enum { EGI_OV_SAMPLE = 256, EGI_OV_SHOWN = 40, EGI_OV_WIDEST = 512 };
typedef struct egi_ov {
    int n, shown;    /* tokens of the sample, most frequent first */
    int32_t *id;     /* [n] */
    double *re, *im; /* [L, H, dh] eigenvalues of W_V W_O that are not 0 */
    double *copying; /* [L, H] sum of the real parts over that of the moduli of
                        the eigenvalues of W_E W_V W_O W_U */
    double *recall; /* [L, H] sampled tokens whose largest score is their own */
    int best;       /* the head of the largest recall */
    double *map;    /* [shown, shown] its scores */
    /* work */
    float *G;      /* [D, D] W_U W_E */
    float *E, *U;  /* [n, D] rows of W_E, of W_U^T */
    float *room;   /* [threads, size] */
    double *small; /* [threads, dh, dh] */
    eg_index size;
} egi_ov;
/* Where a mixer has other values, or there is no LAPACK, s->ov stays NULL and a
 * note says why. */
eg_status egi_lens_ov(egi_lens *s, eg_err *err);
void egi_lens_ov_free(egi_ov *ov);

/* weights.c: matrices [D, dh] and [dh, D] of one head, false: no such head, or
 * not of that shape. A missing one is the identity: a head's own columns. */
bool egi_lens_values(const egi_lens *s, int l, int h, float *W_V, float *W_O);
/* Eigenvalues of a [n, n], which is written over. */
eg_status egi_lens_eigen(double *re, double *im, double *a, eg_index n,
                         eg_err *err);
/* Rows of W_E, and of W_U^T, of tokens: [n, D]. */
void egi_lens_embed(const egi_lens *s, float *out, const int32_t *id, int n);
void egi_lens_unembed(const egi_lens *s, float *out, const int32_t *id, int n);
/* c[m, n] = a[m, k] b[k, n], all by rows; work of pack_size(k, n). */
void egi_lens_product(const egi_lens *s, float *c, const float *a,
                      const float *b, eg_index m, eg_index n, eg_index k,
                      float *work);

/* The lenses; each gives its object, or NULL with EG_OK where a model has
 * nothing for it. */
eg_status egi_lens_birth(json_t **out, egi_lens *s, eg_err *err);
eg_status egi_lens_memories(json_t *birth, egi_lens *s, eg_err *err);
eg_status egi_lens_patterns(json_t *birth, egi_lens *s, const eg_heads *heads,
                            eg_err *err);
eg_status egi_lens_mesa(json_t **out, egi_lens *s, eg_err *err);
eg_status egi_lens_linear(json_t *mesa, egi_lens *s, eg_err *err);
eg_status egi_lens_flow(json_t **out, egi_lens *s, eg_err *err);
eg_status egi_lens_energy(json_t **out, egi_lens *s, eg_err *err);
/* flow.c, mesa.c: what they want of a sequence among the first few. */
eg_index egi_lens_seen_room(const egi_lens *s);
void egi_lens_seen(const egi_lens *s, double *seen, const eg_acts *acts,
                   double *room);
eg_index egi_lens_parts_room(const egi_lens *s);
void egi_lens_parts(const egi_lens *s, egi_linearised *parts,
                    const eg_acts *acts, double *room);

#endif
