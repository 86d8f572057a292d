/* See extend.h. Nothing of what was done may change: a learning rate that fell
 * until the last step has fallen then, and the places where the run once ended
 * are part of the configuration, so that it is still run again by its
 * config.yaml. */
#include "lab/extend.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "base/num.h"
#include "flow/numbers.h"
#include "flow/setup_impl.h"
#include "lab/config_priv.h"

/* Ends with the last step, and so depends on which that is? */
static bool rate_ends(const eg_optim_opts *o)
{
    return (o->schedule == EG_LR_LINEAR || o->schedule == EG_LR_COSINE) &&
           o->schedule_end == 0;
}

static eg_status add_part(eg_strs *parts, int64_t end, const char *key,
                          eg_err *err)
{
    if (parts->n == EG_STRS_MAX)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: it was extended %d times, and more are not kept",
                       key, EG_STRS_MAX);
    memset(parts->item[parts->n], 0, EG_STRS_LEN);
    snprintf(parts->item[parts->n++], EG_STRS_LEN, "%lld", (long long)end);
    return EG_OK;
}

static eg_status extend_train(eg_config *cfg, int64_t before, eg_err *err)
{
    int64_t now = cfg->train.steps;

    if (now < before)
        return EG_FAIL(err, EG_EINVAL,
                       "train.steps: expected more than the %lld that the run "
                       "has, found %lld",
                       (long long)before, (long long)now);
    if (now == before) return EG_OK;
    if (before == 0)
        return EG_FAIL(err, EG_EINVAL,
                       "train.steps: a run of no steps has only looked at its "
                       "start; begin a new one");
    if (rate_ends(&cfg->optim) && before == 1)
        return EG_FAIL(err, EG_EINVAL,
                       "train.steps: the learning rate of a run of one step "
                       "has no schedule to go on with; begin a new one");
    if (rate_ends(&cfg->optim)) cfg->optim.schedule_end = before - 1;
    return add_part(&cfg->train.parts, before, "train.parts", err);
}

static bool from_file(const eg_strs *times)
{
    for (int i = 0; i < times->n; i++)
        if (egi_is_numbers_file(times->item[i])) return true;
    return false;
}

/* Are two times one, but for rounding? A range ends where it says, and where a
 * longer one passes there it is at from + k step: 1.2 and 1.2000000000000002.
 */
static bool is_one(double a, double b, double first)
{
    double size = fmax(fmax(fabs(a), fabs(b)), fabs(first));

    return fabs(a - b) <= 4 * DBL_EPSILON * size;
}

/* A word of times, without those up to last: a range that passes there begins
 * at last. */
static bool add_beyond(eg_strs *times, const char *word, double last)
{
    char number[EGI_REAL_TEXT], *to = times->item[times->n];
    size_t n = strcspn(word, ":");
    double from;

    if (times->n == EG_STRS_MAX) return false;
    memset(to, 0, EG_STRS_LEN);
    eg_text_copy(to, EG_STRS_LEN, word);
    to[n] = '\0';
    if (word[n] && egi_word_number(to, &from) && from < last) {
        egi_real_text(number, 1, last);
        if (strlen(number) + strlen(word + n) >= EG_STRS_LEN) return false;
        egi_snprintf(to, EG_STRS_LEN, "%s%s", number, word + n);
    } else
        eg_text_copy(to, EG_STRS_LEN, word);
    times->n++;
    return true;
}

/* times, in words that give the n times of before to the last digit: those of
 * before, and behind them what is beyond their last. */
static eg_status join_times(eg_strs *times, const eg_strs *before, eg_index n,
                            double last, eg_err *err)
{
    eg_strs asked = *times;
    double *t = NULL;
    eg_index k = 0;
    eg_status st = EG_OK;

    /* as many words as do not pass there */
    for (asked.n = 0; asked.n < times->n && k <= n;) {
        asked.n++;
        EG_TRY(egi_setup_times(&t, &k, "flow.times", &asked, NULL, err));
        eg_free(t);
        t = NULL;
    }
    asked.n -= k > n;
    k = times->n;
    *times = *before;
    for (int i = asked.n; i < k; i++)
        if (!add_beyond(times, asked.item[i], last))
            return EG_FAIL(err, EG_EINVAL, "flow.times: too many, or too long");
done:
    return st;
}

/* Of lists of numbers and ranges. */
static eg_status extend_flow(eg_config *cfg, const eg_strs *before, eg_err *err)
{
    double *a = NULL, *b = NULL;
    eg_index na = 0, nb = 0, same = 0;
    bool exact = true;
    eg_status st;

    if (from_file(before) || from_file(&cfg->flow.times))
        return EG_FAIL(err, EG_EINVAL,
                       "flow.times: expected numbers and ranges, found a file; "
                       "times of a file cannot be extended");
    EG_TRY(egi_setup_times(&a, &na, "flow.times", before, NULL, err));
    EG_TRY(egi_setup_times(&b, &nb, "flow.times", &cfg->flow.times, NULL, err));
    for (; same < na && same < nb && is_one(a[same], b[same], a[0]); same++)
        exact = exact && a[same] == b[same];
    if (same < na && same < nb)
        st = EG_FAIL(err, EG_EINVAL,
                     "flow.times: expected the %td times that the run has, and "
                     "more behind them; found %.10g in place of %.10g",
                     na, b[same], a[same]);
    else if (same < na)
        st = EG_FAIL(err, EG_EINVAL,
                     "flow.times: expected more than the %td times that the "
                     "run has, found %td",
                     na, nb);
    else if (na > 0 && nb > na && !exact)
        st = join_times(&cfg->flow.times, before, na, a[na - 1], err);
    if (st == EG_OK && na > 0 && nb > na)
        st = add_part(&cfg->flow.parts, na, "flow.parts", err);
done:
    eg_free(a);
    eg_free(b);
    return st;
}

/* The key in an assignment, if it is the one that says how long a run is. */
static eg_status check_key(const eg_config *cfg, const char *assignment,
                           eg_err *err)
{
    const char *key =
        cfg->run.kind == EG_RUN_FLOW ? "flow.times" : "train.steps";
    size_t n = strcspn(assignment, "=");

    if (cfg->run.kind == EG_RUN_THEORY)
        return EG_FAIL(err, EG_EINVAL,
                       "--extend: a run of kind theory has no end to be "
                       "extended");
    if (assignment[n] && n == strlen(key) && strncmp(assignment, key, n) == 0)
        return EG_OK;
    return EG_FAIL(err, EG_EINVAL,
                   "--extend: expected %s=VALUE, found '%.*s': any other key "
                   "would change what was done; a new run can begin with the "
                   "weights of this one, init.from",
                   key, eg_text_fit(assignment, 80), assignment);
}

eg_status egi_config_extend(eg_config *cfg, const char *assignment,
                            bool *longer, eg_err *err)
{
    eg_config *before = eg_calloc(1, sizeof *before);
    eg_err why = {0};
    eg_status st;

    *longer = false;
    if (!before) return EG_FAIL(err, EG_ENOMEM, "run: out of memory");
    *before = *cfg;
    EG_TRY(check_key(cfg, assignment, err));
    st = eg_config_set(cfg, assignment, &why);
    if (st != EG_OK) st = EG_FAIL(err, st, "--extend: %s", why.msg);
    if (st == EG_OK)
        st = cfg->run.kind == EG_RUN_FLOW
                 ? extend_flow(cfg, &before->flow.times, err)
                 : extend_train(cfg, before->train.steps, err);
    *longer = cfg->train.parts.n > before->train.parts.n ||
              cfg->flow.parts.n > before->flow.parts.n;
    /* the same times in other words are the same run */
    if (!*longer) cfg->flow.times = before->flow.times;
done:
    eg_free(before);
    return st;
}

bool egi_config_extends(const eg_config *before, const eg_config *now)
{
    eg_config *as = eg_calloc(1, sizeof *as);
    eg_strs times = now->flow.times;
    bool yes = as != NULL;

    if (!as) return false;
    *as = *before;
    if (now->run.kind == EG_RUN_FLOW) {
        as->flow.times = times;
        yes = extend_flow(as, &before->flow.times, NULL) == EG_OK;
    } else {
        as->train.steps = now->train.steps;
        yes = extend_train(as, before->train.steps, NULL) == EG_OK;
    }
    yes = yes && eg_config_same(as, now);
    eg_free(as);
    return yes;
}

bool egi_extended_in_words(char *buf, size_t size, const eg_config *before,
                           const eg_config *cfg)
{
    long long from = before->train.steps, to = cfg->train.steps;

    if (cfg->run.kind == EG_RUN_FLOW)
        snprintf(buf, size,
                 "extended: the integrator starts afresh at the last time of "
                 "before, so a run that had all times from the start may "
                 "differ in the last digits");
    else if (rate_ends(&before->optim))
        egi_snprintf(buf, size,
                     "extended from %lld to %lld steps; the learning rate "
                     "comes to optim.lr_end = %.6g at step %lld and stays "
                     "there%s; a run of %lld steps from the start would have "
                     "had another",
                     from, to, cfg->optim.lr_end, from - 1,
                     cfg->optim.lr_end > 0 ? "" : ", so nothing more is learnt",
                     to);
    else {
        snprintf(buf, size,
                 "extended from %lld to %lld steps; the checkpoints are those "
                 "of a run of %lld steps from the start",
                 from, to, to);
        return true;
    }
    return false;
}
