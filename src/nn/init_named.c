/* Initial values by the tensor's name: lists init.std, init.xavier and
 * init.uniform, one after the other. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "engram/rng.h"
#include "engram/text.h"
#include "nn/nn.h"

typedef enum law { STD, XAVIER, UNIFORM, LAWS } law;

static const struct {
    const char *key, *wants;
} lists[LAWS] = {
    {"init.std", "PATTERN=STD with a number from 0"},
    {"init.xavier", "PATTERN=GAIN with a number from 0"},
    {"init.uniform", "PATTERN=BOUND with a number from 0, or fan_in"}};

static const eg_strs *list_of(const eg_init_opts *o, law w)
{
    return w == STD ? &o->std : w == XAVIER ? &o->xavier : &o->uniform;
}

/* Of a bound: 1 / sqrt(fan_in) of the tensor. */
#define BY_FAN_IN (-1.0)

/* "PATTERN=X" into its halves; pattern [EG_STRS_LEN]. */
static eg_status split(const char *item, law w, char *pattern, double *x,
                       eg_err *err)
{
    const char *eq = strrchr(item, '=');
    size_t n = eq ? (size_t)(eq - item) : 0;
    bool by_fan = eq && w == UNIFORM && strcmp(eq + 1, "fan_in") == 0;

    if (!by_fan && (!eq || n == 0 || !egi_real_parse(eq + 1, x) || !(*x >= 0) ||
                    !isfinite(*x)))
        return EG_FAIL(err, EG_EINVAL, "%s: expected %s, found '%s'",
                       lists[w].key, lists[w].wants, item);
    if (by_fan) *x = BY_FAN_IN;
    memcpy(pattern, item, n);
    pattern[n] = '\0';
    return EG_OK;
}

/* Sinusoids are never drawn, gains and biases by a bound alone. */
static bool drawn(const eg_tensor *t, law w, double x)
{
    bool may = w == UNIFORM ? t->fill != EGI_FILL_SINUSOIDS : egi_is_matrix(t);

    return may && (x >= 0 || t->fan_in > 0);
}

static eg_status no_match(const eg_model *m, const char *item,
                          const char *pattern, law w, double x, eg_err *err)
{
    eg_nearest near = {.asked = pattern};

    for (int i = 0; i < m->n_tensors; i++) {
        if (drawn(&m->tensor[i], w, x))
            eg_nearest_try(&near, m->tensor[i].name);
        if (egi_match(pattern, m->tensor[i].name))
            return EG_FAIL(err, EG_EINVAL,
                           "%s: '%s': expected a matrix%s, found %s, which %s",
                           lists[w].key, item,
                           w == UNIFORM ? " or a bias" : " or an embedding",
                           m->tensor[i].name,
                           x < 0 ? "has no fan-in" : "is not drawn");
    }
    return EG_FAIL(err, EG_EINVAL, "%s: no tensor matches '%s'%s%s%s",
                   lists[w].key, pattern, near.best ? "; did you mean '" : "",
                   near.best ? near.best : "", near.best ? "'?" : "");
}

/* Of rows x W: heads side by side are one matrix. */
static double xavier_bound(const eg_tensor *t)
{
    eg_index in = t->fan_in > 0 ? t->fan_in : t->shape[0];
    eg_index out = t->size / in;

    return sqrt(6.0 / (double)(in + out));
}

static void redraw(eg_model *m, const eg_tensor *t, law w, double x,
                   uint64_t seed)
{
    eg_rng rng = eg_rng_make(seed, EG_RNG_INIT, 0, egi_name_hash(t->name));

    if (w == XAVIER) x *= xavier_bound(t);
    if (x < 0) x = 1 / sqrt((double)t->fan_in);
    for (eg_index j = 0; j < t->size; j++)
        egi_entry_set(m, t, j,
                      x * (w == STD ? eg_rng_normal(&rng)
                                    : 2 * eg_rng_uniform(&rng) - 1));
}

/* The smallest number above 0 that entries can be. */
static double least(const eg_model *m)
{
    return m->precision == EG_FLOAT64 ? DBL_TRUE_MIN : (double)FLT_TRUE_MIN;
}

/* "0", "0.0e5": what is no smaller than it says. */
static bool says_zero(const char *number)
{
    char first = number[strcspn(number, "123456789eE")];

    return first < '1' || first > '9';
}

static eg_status draw_item(eg_model *m, const char *item, law w, uint64_t seed,
                           eg_err *err)
{
    char pattern[EG_STRS_LEN];
    double x = 0;
    int hits = 0;
    eg_status st = split(item, w, pattern, &x, err);

    if (st == EG_OK && x >= 0 && x < least(m) &&
        !says_zero(strrchr(item, '=') + 1))
        st = EG_FAIL(err, EG_EINVAL,
                     "%s: expected 0 or a number from %.2g, the least of "
                     "entries, found '%s'",
                     lists[w].key, least(m), item);
    for (int i = 0; st == EG_OK && i < m->n_tensors; i++) {
        const eg_tensor *t = &m->tensor[i];

        if (!drawn(t, w, x) || !egi_match(pattern, t->name)) continue;
        hits++;
        if (m->params) redraw(m, t, w, x, seed);
    }
    if (st == EG_OK && hits == 0) st = no_match(m, item, pattern, w, x, err);
    return st;
}

eg_status egi_init_named(eg_model *m, const eg_init_opts *o, uint64_t seed,
                         eg_err *err)
{
    for (law w = STD; w < LAWS; w++) {
        const eg_strs *list = list_of(o, w);

        if (list->n > 0 && o->from[0])
            return EG_FAIL(err, EG_EINVAL,
                           "%s: expected initial values that are drawn, "
                           "found init.from: %s, which has them",
                           lists[w].key, o->from);
        for (int k = 0; k < list->n; k++) {
            eg_status st = draw_item(m, list->item[k], w, seed, err);

            if (st != EG_OK) return st;
        }
    }
    return EG_OK;
}
