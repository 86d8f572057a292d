/* See export_settings.h. */
#include "lab/export_settings.h"

#include <string.h>

#include "base/text.h"
#include "engram/mem.h"

/* ---- gathered -------------------------------------------------------------
 */

static eg_status load(eg_config *cfg, const char *dir, eg_err *err)
{
    eg_folder f;
    eg_status st = eg_folder_open(&f, dir, err);

    if (st == EG_OK) st = eg_config_load_run(cfg, &f, err);
    eg_folder_close(&f);
    return st;
}

static eg_status begin(egi_settings *s, eg_config **a, eg_config **b, int n,
                       eg_err *err)
{
    *s = (egi_settings){.seed = eg_calloc((size_t)n + 1, sizeof *s->seed)};
    *a = eg_calloc(1, sizeof **a);
    *b = eg_calloc(1, sizeof **b);
    if (s->seed && *a && *b) return EG_OK;
    return EG_FAIL(err, EG_ENOMEM, "configurations of %d runs", n);
}

/* One more run, whose configuration is cfg. */
static eg_status take(egi_settings *s, const eg_config *first,
                      const eg_config *cfg, eg_err *err)
{
    s->seed[s->differ.n] = cfg->run.seed;
    return egi_differ_add(&s->differ, first, cfg, err);
}

eg_status egi_settings_read(egi_settings *s, const eg_export_runs *runs,
                            eg_err *err)
{
    eg_config *first = NULL, *cfg = NULL;
    eg_status st;

    EG_TRY(begin(s, &first, &cfg, runs->n, err));
    for (int i = 0; i < runs->n; i++) {
        EG_TRY(load(i ? cfg : first, runs->dir[i], err));
        EG_TRY(take(s, first, i ? cfg : first, err));
    }
done:
    eg_free(first);
    eg_free(cfg);
    if (st != EG_OK) egi_settings_release(s);
    return st;
}

/* The defaults of a configuration of that kind, and of that statement. */
static eg_status default_of(eg_config *plain, const eg_config *cfg, eg_err *err)
{
    char text[EG_TEXT + 32];
    eg_status st = EG_OK;

    eg_config_default(plain);
    if (cfg->run.kind == EG_RUN_THEORY) {
        EG_TRY(eg_config_set(plain, "run.kind=theory", err));
        (void)snprintf(text, sizeof text, "run.theory=%s", cfg->run.theory);
        EG_TRY(eg_config_set(plain, text, err));
    }
    plain->run = cfg->run;
done:
    return st;
}

eg_status egi_settings_read_one(egi_settings *s, const char *dir, eg_err *err)
{
    eg_config *plain = NULL, *cfg = NULL;
    eg_status st;

    EG_TRY(begin(s, &plain, &cfg, 1, err));
    EG_TRY(load(cfg, dir, err));
    EG_TRY(default_of(plain, cfg, err));
    EG_TRY(take(s, plain, cfg, err));
done:
    eg_free(plain);
    eg_free(cfg);
    if (st != EG_OK) egi_settings_release(s);
    return st;
}

void egi_settings_release(egi_settings *s)
{
    egi_differ_release(&s->differ);
    eg_free(s->seed);
    *s = (egi_settings){0};
}

/* ---- names ----------------------------------------------------------------
 */

void egi_export_name(char buf[EG_PATH], const char *dir)
{
    eg_run_info info;
    const char *from = dir + strlen(dir);
    int parts = 0;

    if (eg_run_info_read(&info, dir, NULL) == EG_OK && info.name[0]) {
        (void)snprintf(buf, EG_PATH, "%s/%s", info.name, info.id);
        return;
    }
    while (from > dir && (from[-1] != '/' || ++parts < 2)) from--;
    eg_text_copy(buf, EG_PATH, from);
}

void egi_export_label(char buf[EGI_LABEL], const eg_export_runs *runs,
                      const egi_settings *s, int i)
{
    char name[EG_PATH];
    egi_text t = egi_text_on(name, sizeof name);

    if (runs->sweep) {
        for (int k = 0; k < s->differ.n_keys; k++)
            egi_text_add(&t, "%s=%s,", s->differ.key[k].name,
                         egi_differ_value(&s->differ, i, k));
        egi_text_add(&t, "seed=%lld", (long long)s->seed[i]);
    } else {
        egi_export_name(name, runs->dir[i]);
    }
    eg_text_clean(buf, EGI_LABEL, name);
    for (char *c = buf; *c; c++)
        if (*c == '/' || *c == '\\' || (c == buf && *c == '.')) *c = '_';
}
