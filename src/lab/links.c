/* Runs of an experiment that read the weights of other runs of its file. */
#include "lab/links.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "engram/mem.h"
#include "lab/run_priv.h"
#include "lab/read_sums.h"

enum { MAX_CHAIN = 8 };

/* RUN or RUN@STEP, of a run of the file; else it is a file. */
static bool read_word(egi_link *l, const egi_experiment *e, const char *word)
{
    const char *at = strrchr(word, '@');
    size_t n = at ? (size_t)(at - word) : strlen(word);

    *l = (egi_link){.step = -1};
    memcpy(l->run, word, n); /* of EG_TEXT */
    l->run[n] = '\0';
    if (!eg_node_get(e->runs, l->run)) return false;
    return !at || (egi_is_digit(at[1]) && egi_int_parse(at + 1, &l->step));
}

int egi_links(egi_link out[EGI_LINKS], const egi_experiment *e,
              const eg_config *cfg)
{
    const char *option, *word;
    int n = 0;

    for (int i = 0; (option = egi_weights_option(i, cfg, &word)); i++) {
        EG_ASSERT(i < EGI_LINKS);
        if (!read_word(&out[n], e, word)) continue;
        out[n].at = word - (const char *)cfg;
        out[n++].option = option;
    }
    return n;
}

/* A word that can be no path must be a run. */
static eg_status check_words(const egi_experiment *e, const eg_node *at,
                             const eg_config *cfg, eg_err *err)
{
    eg_status st = EG_OK;
    const char *word;

    for (int i = 0; st == EG_OK && egi_weights_option(i, cfg, &word); i++) {
        egi_link l;

        if (word[0] && !strpbrk(word, "/.") && !read_word(&l, e, word))
            st = egi_need_run(e, at, word, err);
    }
    return st;
}

static int64_t step_of(const egi_link *l, const eg_config *of)
{
    return l->step < 0 ? of->train.steps : l->step;
}

/* Is the checkpoint of that step among those that are left in the end? */
static bool is_kept(const eg_config *of, int64_t step)
{
    int64_t every = of->checkpoint.every, last = of->train.steps, newer = 0;

    if (step == last) return true;
    if (step > last || step < 1 || every < 1 || step % every != 0) return false;
    newer = (last - 1) / every - step / every + 1;
    return newer < of->checkpoint.keep;
}

static eg_status check_seeds(const egi_link *l, const eg_node *at,
                             const eg_seeds *own, const eg_seeds *of,
                             eg_err *err)
{
    for (int i = 0; of->n > 1 && i < own->n; i++) {
        if (i < of->n && (own->n == 1 || own->seed[i] == of->seed[i])) continue;
        return EG_KEY_FAIL(at, err, EG_EINVAL,
                           "%s: run '%.64s' has other seeds, %d of them, than "
                           "these %d, and more than one",
                           l->option, l->run, of->n, own->n);
    }
    return EG_OK;
}

static eg_status check(const egi_experiment *e, const eg_node *at,
                       eg_profile profile, const eg_config *cfg,
                       const eg_seeds *seeds, int depth, eg_err *err)
{
    egi_link link[EGI_LINKS];
    int n = egi_links(link, e, cfg);
    eg_config *of;
    eg_status st = check_words(e, at, cfg, err);

    if (n == 0 || st != EG_OK) return st;
    if (depth == MAX_CHAIN)
        return EG_KEY_FAIL(at, err, EG_EINVAL,
                           "%s: more than %d runs in a chain, or a circle",
                           link[0].option, MAX_CHAIN);
    of = eg_calloc(1, sizeof *of);
    if (!of) return EG_FAIL(err, EG_ENOMEM, "experiment: out of memory");
    for (int i = 0; i < n; i++) {
        egi_variant v = {.run = link[i].run};
        eg_seeds theirs;

        EG_TRY(egi_run_resolve(e, &v, profile, of, &theirs, err));
        if (of->run.kind != EG_RUN_TRAIN)
            st = EG_KEY_FAIL(at, err, EG_EINVAL,
                             "%s: run '%.64s' trains no model", link[i].option,
                             link[i].run);
        else if (!is_kept(of, step_of(&link[i], of)))
            st = EG_KEY_FAIL(
                at, err, EG_EINVAL,
                "%s: run '%.64s' keeps no checkpoint of step %" PRId64
                " (train.steps %" PRId64 ", checkpoint.every %" PRId64
                ", checkpoint.keep %" PRId64 ")",
                link[i].option, link[i].run, link[i].step, of->train.steps,
                of->checkpoint.every, of->checkpoint.keep);
        if (st == EG_OK) st = check_seeds(&link[i], at, seeds, &theirs, err);
        if (st == EG_OK)
            st = check(e, at, profile, of, &theirs, depth + 1, err);
        if (st != EG_OK) goto done;
    }
done:
    eg_free(of);
    return st;
}

eg_status egi_links_check(const egi_experiment *e, const eg_node *at,
                          eg_profile profile, const eg_config *cfg,
                          const eg_seeds *seeds, eg_err *err)
{
    return check(e, at, profile, cfg, seeds, 0, err);
}

eg_status egi_link_set(const egi_link *link, eg_config *cfg, const char *dir,
                       const eg_config *of, eg_err *err)
{
    char name[64], path[EG_PATH], *word = (char *)cfg + link->at;
    eg_status st;

    egi_checkpoint_name(name, step_of(link, of));
    st = egi_path(path, sizeof path, dir, name, err);
    if (st != EG_OK) return st;
    if (strlen(path) >= EG_TEXT)
        return EG_FAIL(err, EG_EINVAL,
                       "%s: a path of %zu bytes, at most %d fit: %.100s",
                       link->option, strlen(path), EG_TEXT - 1, path);
    memset(word, 0, EG_TEXT); /* equal values are equal bytes */
    (void)snprintf(word, EG_TEXT, "%s", path);
    return EG_OK;
}
