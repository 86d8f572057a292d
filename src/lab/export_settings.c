/* See export_settings.h. */
#include "lab/export_settings.h"

#include <string.h>

#include "base/text.h"
#include "engram/mem.h"

/* ---- gathered -------------------------------------------------------------
 */

typedef struct gather {
    egi_settings *s;
    int run;
    bool failed; /* no memory */
} gather;

/* The column of that key, made when it is new; -1: no memory. */
static int column(egi_settings *s, const char *key, const char *first)
{
    for (int i = 0; i < s->n_keys; i++)
        if (strcmp(s->key[i], key) == 0) return i;
    if (s->n_keys == s->cap) {
        int cap = s->cap ? 2 * s->cap : 16;
        char(*keys)[EGI_KEY] = eg_realloc(s->key, (size_t)cap * sizeof *keys);
        char **firsts;

        if (keys) s->key = keys;
        firsts =
            keys ? eg_realloc(s->first, (size_t)cap * sizeof *firsts) : NULL;
        if (!firsts) return -1;
        s->first = firsts;
        s->cap = cap;
    }
    s->first[s->n_keys] = eg_strdup(first);
    if (!s->first[s->n_keys]) return -1;
    eg_text_copy(s->key[s->n_keys], EGI_KEY, key);
    return s->n_keys++;
}

static bool add(egi_settings *s, int run, int key, const char *value)
{
    int n = s->run[run].n;

    if (n == s->run[run].cap) {
        int cap = n ? 2 * n : 4;
        egi_other *more =
            eg_realloc(s->run[run].other, (size_t)cap * sizeof *more);

        if (!more) return false;
        s->run[run].other = more;
        s->run[run].cap = cap;
    }
    s->run[run].other[n] = (egi_other){.key = key, .value = eg_strdup(value)};
    if (!s->run[run].other[n].value) return false;
    s->run[run].n++;
    return true;
}

static void differs(void *ctx, const char *key, const char *first,
                    const char *value)
{
    gather *g = ctx;
    int at;

    if (g->failed || strcmp(key, "run.seed") == 0) return;
    at = column(g->s, key, first);
    g->failed = at < 0 || !add(g->s, g->run, at, value);
}

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
    *s = (egi_settings){.n_runs = n};
    s->run = eg_calloc((size_t)n + 1, sizeof *s->run);
    *a = eg_calloc(1, sizeof **a);
    *b = eg_calloc(1, sizeof **b);
    if (s->run && *a && *b) return EG_OK;
    return EG_FAIL(err, EG_ENOMEM, "configurations of %d runs", n);
}

/* The keys of run i, whose configuration is cfg, against first. */
static eg_status take(egi_settings *s, int i, const eg_config *first,
                      const eg_config *cfg, eg_err *err)
{
    gather g = {.s = s, .run = i};

    s->run[i].seed = cfg->run.seed;
    (void)eg_config_diff(first, cfg, differs, &g);
    return g.failed ? EG_FAIL(err, EG_ENOMEM, "settings of %d runs", s->n_runs)
                    : EG_OK;
}

eg_status egi_settings_read(egi_settings *s, const eg_export_runs *runs,
                            eg_err *err)
{
    eg_config *first = NULL, *cfg = NULL;
    eg_status st;

    EG_TRY(begin(s, &first, &cfg, runs->n, err));
    for (int i = 0; i < runs->n; i++) {
        EG_TRY(load(i ? cfg : first, runs->dir[i], err));
        EG_TRY(take(s, i, first, i ? cfg : first, err));
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
    EG_TRY(take(s, 0, plain, cfg, err));
done:
    eg_free(plain);
    eg_free(cfg);
    if (st != EG_OK) egi_settings_release(s);
    return st;
}

void egi_settings_release(egi_settings *s)
{
    for (int i = 0; i < s->n_keys; i++) eg_free(s->first[i]);
    for (int i = 0; s->run && i < s->n_runs; i++) {
        for (int k = 0; k < s->run[i].n; k++) eg_free(s->run[i].other[k].value);
        eg_free(s->run[i].other);
    }
    eg_free(s->run);
    eg_free(s->first);
    eg_free(s->key);
    *s = (egi_settings){0};
}

const char *egi_settings_value(const egi_settings *s, int i, int key)
{
    for (int k = 0; k < s->run[i].n; k++)
        if (s->run[i].other[k].key == key) return s->run[i].other[k].value;
    return s->first[key];
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
        for (int k = 0; k < s->n_keys; k++)
            egi_text_add(&t, "%s=%s,", s->key[k], egi_settings_value(s, i, k));
        egi_text_add(&t, "seed=%lld", (long long)s->run[i].seed);
    } else {
        egi_export_name(name, runs->dir[i]);
    }
    eg_text_clean(buf, EGI_LABEL, name);
    for (char *c = buf; *c; c++)
        if (*c == '/' || *c == '\\' || (c == buf && *c == '.')) *c = '_';
}
