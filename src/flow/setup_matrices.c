/* Matrices of heads and intervals, from words and files. */
#include <math.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/rng.h"
#include "flow/numbers.h"
#include "flow/setup_impl.h"

/* One of Q, K, V while it is read. */
typedef struct family {
    const char *name;
    const eg_strs *list;
    uint64_t step; /* of its random streams */
    egi_numbers file[EG_STRS_MAX];
    eg_index intervals; /* the most of any file */
} family;

static bool is_identity(const eg_strs *list)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->item[i], "identity") != 0) return false;
    return true;
}

static eg_status check_file(const family *f, int i, eg_index d, eg_err *err)
{
    const egi_numbers *a = &f->file[i];
    bool plain = a->ndim == 2 && a->shape[0] == d && a->shape[1] == d;
    bool timed =
        a->ndim == 3 && a->shape[0] > 0 && a->shape[1] == d && a->shape[2] == d;

    if (plain || timed) return EG_OK;
    if (a->ndim == 2)
        return EG_FAIL(err, EG_ESHAPE,
                       "%s: %s: expected [%td,%td], found [%td,%td]", f->name,
                       f->list->item[i], d, d, a->shape[0], a->shape[1]);
    if (a->ndim == 3)
        return EG_FAIL(err, EG_ESHAPE,
                       "%s: %s: expected [intervals,%td,%td], found "
                       "[%td,%td,%td]",
                       f->name, f->list->item[i], d, d, a->shape[0],
                       a->shape[1], a->shape[2]);
    return EG_FAIL(err, EG_ESHAPE,
                   "%s: %s: expected [%td,%td] or [intervals,%td,%td], found "
                   "%d axes",
                   f->name, f->list->item[i], d, d, d, d, a->ndim);
}

static eg_status read_files(family *f, eg_index d, const eg_folder *in,
                            eg_err *err)
{
    eg_status st = EG_OK;

    f->intervals = 1;
    if (f->list->n < 1)
        return EG_FAIL(err, EG_EINVAL, "%s: expected a matrix, found none",
                       f->name);
    for (int i = 0; i < f->list->n; i++) {
        egi_numbers *a = &f->file[i];

        if (!egi_is_numbers_file(f->list->item[i])) continue;
        EG_TRY(egi_numbers_read(a, in, f->list->item[i], err));
        EG_TRY(check_file(f, i, d, err));
        if (a->ndim == 3 && a->shape[0] > 1) {
            if (f->intervals > 1 && f->intervals != a->shape[0])
                return EG_FAIL(
                    err, EG_ESHAPE, "%s: %s: expected %td intervals, found %td",
                    f->name, f->list->item[i], f->intervals, a->shape[0]);
            f->intervals = a->shape[0];
        }
    }
done:
    return st;
}

static void scaled_identity(double *M, double c, eg_index d)
{
    memset(M, 0, (size_t)(d * d) * sizeof *M);
    for (eg_index i = 0; i < d; i++) M[i * d + i] = c;
}

static void gaussian(double *M, eg_index d, eg_rng *rng)
{
    double sd = 1 / sqrt((double)d);

    for (eg_index i = 0; i < d * d; i++) M[i] = sd * eg_rng_normal(rng);
}

/* (W + W')/sqrt 2 */
static void symmetrise(double *M, eg_index d)
{
    double c = sqrt(0.5);

    for (eg_index i = 0; i < d; i++)
        for (eg_index j = 0; j <= i; j++) {
            double s = c * (M[i * d + j] + M[j * d + i]);

            M[i * d + j] = s;
            M[j * d + i] = s;
        }
}

/* The matrix of a head in an interval. */
static eg_status fill(double *M, const family *f, int item, eg_index head,
                      eg_index interval, eg_index d, uint64_t seed, eg_err *err)
{
    const char *word = f->list->item[item];
    const egi_numbers *a = &f->file[item];
    eg_rng rng = eg_rng_make(seed, EG_RNG_INIT, f->step, (uint32_t)head);
    double c;

    if (a->data) {
        eg_index at = a->ndim == 3 && a->shape[0] > 1 ? interval : 0;

        memcpy(M, a->data + at * d * d, (size_t)(d * d) * sizeof *M);
    } else if (strcmp(word, "identity") == 0) {
        scaled_identity(M, 1, d);
    } else if (strcmp(word, "-identity") == 0) {
        scaled_identity(M, -1, d);
    } else if (strcmp(word, "gaussian") == 0) {
        gaussian(M, d, &rng);
    } else if (strcmp(word, "goe") == 0) {
        gaussian(M, d, &rng);
        symmetrise(M, d);
    } else if (egi_word_number(word, &c)) {
        scaled_identity(M, c, d);
    } else {
        return EG_FAIL(err, EG_EINVAL,
                       "%s: expected identity, -identity, a number, gaussian, "
                       "goe, or a .npy or .csv file, found '%s'",
                       f->name, word);
    }
    return EG_OK;
}

static eg_status build(double **out, const family *f, const eg_flow_spec *spec,
                       uint64_t seed, eg_err *err)
{
    eg_status st = EG_OK;
    eg_index d = spec->d;
    eg_index count = spec->n_heads * spec->n_intervals;
    double *M = NULL;

    if (is_identity(f->list)) return EG_OK;
    M = eg_calloc((size_t)count, (size_t)(d * d) * sizeof *M);
    *out = M;
    if (!M)
        return EG_FAIL(err, EG_ENOMEM, "%s: %td matrices of %td x %td", f->name,
                       count, d, d);
    for (eg_index i = 0; i < count; i++) {
        eg_index head = i % spec->n_heads;
        int item = f->list->n == 1 ? 0 : (int)head;

        EG_TRY(fill(M + i * d * d, f, item, head, i / spec->n_heads, d, seed,
                    err));
    }
done:
    return st;
}

static eg_status count_heads(eg_flow_spec *spec, const family f[3], eg_err *err)
{
    spec->n_heads = 1;
    for (int i = 0; i < 3; i++)
        if (f[i].list->n > spec->n_heads) spec->n_heads = f[i].list->n;
    for (int i = 0; i < 3; i++)
        if (f[i].list->n != 1 && f[i].list->n != spec->n_heads)
            return EG_FAIL(err, EG_EINVAL,
                           "%s: expected 1 matrix or one for each of %td "
                           "heads, found %d",
                           f[i].name, spec->n_heads, f[i].list->n);
    return EG_OK;
}

static eg_status count_intervals(eg_flow_spec *spec, const family f[3],
                                 eg_index n_changes, eg_err *err)
{
    eg_index most = 1;

    for (int i = 0; i < 3; i++)
        if (f[i].intervals > most) most = f[i].intervals;
    for (int i = 0; i < 3; i++)
        if (f[i].intervals != 1 && f[i].intervals != most)
            return EG_FAIL(err, EG_ESHAPE,
                           "%s: expected %td intervals as the others, found "
                           "%td",
                           f[i].name, most, f[i].intervals);
    if (n_changes != most - 1)
        return EG_FAIL(err, EG_EINVAL,
                       "changes: expected %td times between %td intervals of "
                       "matrices, found %td",
                       most - 1, most, n_changes);
    spec->n_intervals = most;
    return EG_OK;
}

eg_status egi_setup_matrices(eg_flow_spec *spec, egi_setup_arrays *own,
                             const eg_flow_opts *o, uint64_t seed,
                             const eg_folder *in, eg_err *err)
{
    eg_status st = EG_OK;
    eg_index n_changes = 0;
    family *f = eg_calloc(3, sizeof *f);

    if (!f) return EG_FAIL(err, EG_ENOMEM, "matrices of a flow");
    f[0].name = "Q";
    f[0].list = &o->Q;
    f[1].name = "K";
    f[1].list = &o->K;
    f[2].name = "V";
    f[2].list = &o->V;
    for (int i = 0; i < 3; i++) {
        f[i].step = (uint64_t)i + 2; /* 1: tokens */
        EG_TRY(read_files(&f[i], spec->d, in, err));
    }
    EG_TRY(egi_setup_times(&own->changes, &n_changes, "changes", &o->changes,
                           in, err));
    EG_TRY(count_heads(spec, f, err));
    EG_TRY(count_intervals(spec, f, n_changes, err));
    EG_TRY(build(&own->Q, &f[0], spec, seed, err));
    EG_TRY(build(&own->K, &f[1], spec, seed, err));
    EG_TRY(build(&own->V, &f[2], spec, seed, err));
    spec->Q = own->Q;
    spec->K = own->K;
    spec->V = own->V;
    spec->change_time = own->changes;
done:
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < EG_STRS_MAX; k++)
            egi_numbers_release(&f[i].file[k]);
    eg_free(f);
    return st;
}
