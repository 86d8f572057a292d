/* A small run with its probes, set up from options written as text. */
#ifndef PROBE_RIG_H
#define PROBE_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engram/probe.h"

typedef struct rig {
    eg_pool *pool;
    eg_task *task;
    eg_trainer *trainer;
    eg_probes *probes;
    eg_train_spec spec;
    eg_probe_opts opts;
} rig;

typedef struct setting {
    const char *key, *value; /* "model.d_model", "64" */
} setting;

static inline void rig_set(rig *r, eg_task_opts *task, const setting *s)
{
    const struct {
        const char *prefix;
        const eg_field *table;
        void *opts;
    } groups[] = {{"model.", eg_model_fields, &r->spec.model},
                  {"optim.", eg_optim_fields, &r->spec.optim},
                  {"train.", eg_train_fields, &r->spec.train},
                  {"task.", eg_task_fields, task},
                  {"probe.", eg_probe_fields, &r->opts}};
    eg_err err = {0};

    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        size_t n = strlen(groups[i].prefix);
        if (strncmp(s->key, groups[i].prefix, n) != 0) continue;
        const eg_field *f = eg_field_find(groups[i].table, s->key + n);
        assert_non_null(f);
        if (eg_field_parse(f, groups[i].opts, s->value, &err) != EG_OK) {
            fail_msg("%s: %s", s->key, err.msg);
        }
        return;
    }
    fail_msg("no such group: %s", s->key);
}

/* settings ends with a NULL key. Everything but the probes. */
static inline void rig_begin(rig *r, int threads, const setting *settings)
{
    eg_task_opts task;
    eg_err err = {0};

    memset(r, 0, sizeof *r);
    eg_fields_default(eg_model_fields, &r->spec.model);
    eg_fields_default(eg_optim_fields, &r->spec.optim);
    eg_fields_default(eg_train_fields, &r->spec.train);
    eg_fields_default(eg_task_fields, &task);
    eg_fields_default(eg_probe_fields, &r->opts);
    for (; settings->key; settings++) rig_set(r, &task, settings);
    assert_int_equal(eg_pool_new(&r->pool, threads, &err), EG_OK);
    if (eg_task_new(&r->task, &task, 1, &err) != EG_OK) fail_msg("%s", err.msg);
    r->spec.task = r->task;
    r->spec.pool = r->pool;
    r->spec.seed = 1;
    r->spec.kern = "auto";
    if (eg_trainer_new(&r->trainer, &r->spec, &err) != EG_OK) {
        fail_msg("%s", err.msg);
    }
}

static inline eg_status rig_probe(rig *r, eg_err *err)
{
    return eg_probes_new(&r->probes, &r->opts, r->trainer, r->task, r->pool,
                         "auto", err);
}

static inline void rig_new(rig *r, int threads, const setting *settings)
{
    eg_err err = {0};

    rig_begin(r, threads, settings);
    if (rig_probe(r, &err) != EG_OK) fail_msg("%s", err.msg);
}

static inline void rig_free(rig *r)
{
    eg_probes_free(r->probes);
    eg_trainer_free(r->trainer);
    eg_task_free(r->task);
    eg_pool_free(r->pool);
}

/* What was emitted. */
typedef struct seen {
    bool quiet;
    int n;
    struct {
        char name[96];
        double value;
    } row[256];
} seen;

static inline void keep(void *ctx, const char *name, double value)
{
    seen *s = ctx;

    assert_true(s->n < 256);
    (void)snprintf(s->row[s->n].name, sizeof s->row[0].name, "%s", name);
    s->row[s->n++].value = value;
    if (!s->quiet) printf("  %-36s %.6g\n", name, value);
}

static inline bool has(const seen *s, const char *name)
{
    for (int i = 0; i < s->n; i++) {
        if (strcmp(s->row[i].name, name) == 0) return true;
    }
    return false;
}

static inline double value_of(const seen *s, const char *name)
{
    for (int i = 0; i < s->n; i++) {
        if (strcmp(s->row[i].name, name) == 0) return s->row[i].value;
    }
    fail_msg("%s was not emitted", name);
    return 0;
}

#endif
