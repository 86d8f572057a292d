/* Checkpoints: parameters, moments and counters in one safetensors file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "base/folder.h"
#include "nn/trainer.h"
#include "nn/weights.h"

/* Counters as one I64 tensor beside the moments. */
static const char COUNTERS[] = "optim.updates";

static int n_blocks(const eg_trainer *tr)
{
    return 1 + (tr->m1 != NULL) + (tr->m2 != NULL);
}

eg_status eg_trainer_save(const eg_trainer *tr, const char *path, eg_err *err)
{
    return eg_trainer_save_in(tr, NULL, path, err);
}

eg_status eg_trainer_save_in(const eg_trainer *tr, const eg_folder *in,
                             const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    const eg_model *m = tr->m;
    int n = 0;
    char step[32], seed[32];
    eg_st_entry *e =
        eg_calloc((size_t)n_blocks(tr) * (size_t)m->n_tensors + 1, sizeof *e);

    if (!e) return EG_FAIL(err, EG_ENOMEM, "%s", name);
    EG_TRY(egi_tensor_entries(e, m, "", m->params, err));
    n = m->n_tensors;
    if (tr->m1) {
        EG_TRY(egi_tensor_entries(e + n, m, "optim.m1.", tr->m1, err));
        n += m->n_tensors;
    }
    if (tr->m2) {
        EG_TRY(egi_tensor_entries(e + n, m, "optim.m2.", tr->m2, err));
        n += m->n_tensors;
    }
    snprintf(e[n].name, sizeof e[n].name, "%s", COUNTERS);
    e[n].view = (eg_view){.data = tr->updates,
                          .dtype = EG_I64,
                          .ndim = 1,
                          .shape = {m->n_tensors}};
    n++;
    snprintf(step, sizeof step, "%" PRId64, tr->step);
    snprintf(seed, sizeof seed, "%" PRIu64, tr->spec.seed);
    const char *meta[] = {"format",  "engram-checkpoint",
                          "version", EGI_WEIGHTS_VERSION,
                          "step",    step,
                          "seed",    seed,
                          "memo",    tr->memo};
    EG_TRY(eg_st_write_in(in, name, e, n, meta, tr->memo ? 5 : 4, err));
done:
    eg_free(e);
    return st;
}

eg_status eg_trainer_remember(eg_trainer *tr, const char *text, eg_err *err)
{
    char *copy = text ? eg_strdup(text) : NULL;

    if (text && !copy) return EG_FAIL(err, EG_ENOMEM, "a memo");
    eg_free(tr->memo);
    tr->memo = copy;
    return EG_OK;
}

const char *eg_trainer_memo(const eg_trainer *tr)
{
    return tr->memo;
}

static eg_status check_meta(const eg_trainer *tr, const eg_safetensors *s,
                            int64_t *step, const char *path, eg_err *err)
{
    const char *format = eg_st_meta(s, "format");
    const char *seed = eg_st_meta(s, "seed"), *at = eg_st_meta(s, "step");
    /* no run makes more, and streams of random numbers end at 2^40 */
    const double most = eg_field_find(eg_train_fields, "steps")->max;
    char mine[32], *end;

    if (!format || strcmp(format, "engram-checkpoint") != 0 || !seed || !at)
        return EG_FAIL(err, EG_EFORMAT,
                       "%s: expected an engram checkpoint, found no such "
                       "metadata",
                       path);
    if (egi_weights_checked(s, path, err) != EG_OK) return EG_EFORMAT;
    snprintf(mine, sizeof mine, "%" PRIu64, tr->spec.seed);
    if (strcmp(mine, seed) != 0)
        return EG_FAIL(err, EG_EINVAL, "%s: expected seed %s, found %s", path,
                       mine, seed);
    errno = 0;
    *step = strtoll(at, &end, 10);
    if (end == at || *end || *step < 0 || errno != 0 || (double)*step > most)
        return EG_FAIL(err, EG_EFORMAT, "%s: expected a step, found '%s'", path,
                       at);
    return EG_OK;
}

/* A checkpoint holds what this trainer would write, and nothing else. */
static eg_status check_extra(const eg_trainer *tr, const eg_safetensors *s,
                             const char *path, eg_err *err)
{
    const char *prefixes[4] = {""};
    char extra[280];
    int n = 1;

    if (tr->m1) prefixes[n++] = "optim.m1.";
    if (tr->m2) prefixes[n] = "optim.m2.";
    if (egi_tensor_extra(extra, sizeof extra, tr->m, s, prefixes, COUNTERS) ==
        0)
        return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "%s: expected the tensors of this run alone, found %s", path,
                   extra);
}

eg_status eg_trainer_load(eg_trainer *tr, const char *path, eg_err *err)
{
    return eg_trainer_load_in(tr, NULL, path, err);
}

eg_status eg_trainer_load_in(eg_trainer *tr, const eg_folder *in,
                             const char *name, eg_err *err)
{
    eg_status st = EG_OK;
    eg_safetensors s = {0};
    char path[EGI_PATH];
    int64_t step = 0;

    (void)egi_path_in(path, in, name);
    EG_TRY(eg_st_read_in(&s, in, name, err));
    EG_TRY(check_meta(tr, &s, &step, path, err));
    EG_TRY(egi_tensor_check(tr->m, &s, "", NULL, path, err));
    if (tr->m1)
        EG_TRY(egi_tensor_check(tr->m, &s, "optim.m1.", NULL, path, err));
    if (tr->m2)
        EG_TRY(egi_tensor_check(tr->m, &s, "optim.m2.", NULL, path, err));
    EG_TRY(check_extra(tr, &s, path, err));
    EG_TRY(eg_trainer_remember(tr, eg_st_meta(&s, "memo"), err));
    const eg_st_entry *c = eg_st_find(&s, COUNTERS);
    if (!c || c->view.dtype != EG_I64 || c->view.ndim != 1 ||
        c->view.shape[0] != tr->m->n_tensors) {
        st = EG_FAIL(err, EG_EFORMAT, "%s: expected %s, int64 [%d]", path,
                     COUNTERS, tr->m->n_tensors);
        goto done;
    }
    for (int i = 0; i < tr->m->n_tensors; i++) {
        double n = eg_view_at(&c->view, i);
        if (n >= 0 && n <= (double)step) continue;
        st = EG_FAIL(err, EG_EFORMAT,
                     "%s: %s: expected 0 to %lld updates of %s, found %g", path,
                     COUNTERS, (long long)step, tr->m->tensor[i].name, n);
        goto done;
    }
    /* Nothing above has touched the trainer; nothing below can fail. */
    egi_tensor_copy(tr->m->params, tr->m, &s, "", NULL);
    if (tr->m1) egi_tensor_copy(tr->m1, tr->m, &s, "optim.m1.", NULL);
    if (tr->m2) egi_tensor_copy(tr->m2, tr->m, &s, "optim.m2.", NULL);
    memcpy(tr->updates, c->view.data,
           (size_t)tr->m->n_tensors * sizeof *tr->updates);
    tr->step = step;
done:
    eg_st_release(&s);
    return st;
}
