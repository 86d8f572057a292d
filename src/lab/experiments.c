/* All experiments of a folder, found, read and searched. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram/mem.h"
#include "engram/text.h"
#include "base/folder.h"
#include "lab/claim_file.h"
#include "lab/run_priv.h"

#define MAX_FILES 256

const char *eg_profile_name(eg_profile p)
{
    return p == EG_FULL ? "full" : "quick";
}

static bool is_yaml(const char *name)
{
    size_t n = strlen(name);

    return n > 5 && name[0] != '.' && strcmp(name + n - 5, ".yaml") == 0;
}

static eg_status make_room(eg_experiments *x, int n, eg_err *err)
{
    int room = x->room ? x->room : 256;
    egi_claim *more;

    if (x->n_claims + n <= x->room) return EG_OK;
    while (room < x->n_claims + n) room *= 2;
    more = eg_realloc(x->claim, (size_t)room * sizeof *more);
    if (!more) return EG_FAIL(err, EG_ENOMEM, "claims: out of memory");
    x->claim = more;
    x->room = room;
    return EG_OK;
}

/* Takes the file when it holds claims; plain configurations are passed by. */
static eg_status add_file(eg_experiments *x, const char *paper,
                          const char *folder, const char *name, eg_err *err)
{
    egi_experiment *e = &x->file[x->n_files];
    const eg_node *claims;
    eg_status st = EG_OK;

    *e = (egi_experiment){.plain = x->plain, .scratch = x->scratch};
    EG_TRY(egi_path(e->path, sizeof e->path, folder, name, err));
    snprintf(e->folder, sizeof e->folder, "%s", folder);
    snprintf(e->id, sizeof e->id, "%.*s/%.*s", eg_text_fit(paper, 60), paper,
             (int)strlen(name) - 5, name);
    EG_TRY(eg_yaml_load(&e->yaml, e->path, err));
    claims = eg_node_get(eg_yaml_root(e->yaml), "claims");
    if (!claims) {
        eg_yaml_free(e->yaml);
        return EG_OK;
    }
    x->n_files++;
    EG_TRY(egi_experiment_parse(e, err));
    if (claims->kind != EG_NODE_SEQ) {
        st = EG_NODE_FAIL(claims, err, EG_EINVAL, "expected a list of claims");
        goto done;
    }
    EG_TRY(make_room(x, claims->n, err));
    for (int i = 0; i < claims->n; i++) {
        egi_claim *c = &x->claim[x->n_claims++];

        memset(c, 0, sizeof *c);
        c->file = x->n_files - 1;
        EG_TRY(egi_claim_parse(e, &claims->item[i], c, err));
    }
done:
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names in a folder, sorted: the order of claims must not be the disk's. */
static eg_status names_in(const char *folder, char (**out)[256], int *n,
                          eg_err *err)
{
    DIR *d = opendir(folder);
    char(*names)[256] = NULL;
    eg_status st = EG_OK;

    *n = 0;
    *out = NULL;
    if (!d) return EGI_FAIL_ERRNO(err, folder);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        char(*more)[256];

        if (e->d_name[0] == '.') continue;
        more = eg_realloc(names, ((size_t)*n + 1) * sizeof *names);
        if (!more) {
            st = EG_FAIL(err, EG_ENOMEM, "%s: out of memory", folder);
            break;
        }
        names = more;
        snprintf(names[(*n)++], 256, "%s", e->d_name);
    }
    closedir(d);
    if (*n > 1) qsort(names, (size_t)*n, sizeof *names, by_name);
    if (st == EG_OK)
        *out = names;
    else
        eg_free(names);
    return st;
}

static eg_status add_paper(eg_experiments *x, const char *dir,
                           const char *paper, eg_err *err)
{
    char folder[EG_PATH], (*names)[256] = NULL;
    int n = 0;
    eg_status st = egi_path(folder, sizeof folder, dir, paper, err);

    if (st != EG_OK) return st;
    st = names_in(folder, &names, &n, err);
    if (st != EG_OK) return st == EG_ENOMEM ? st : EG_OK; /* a file */
    for (int i = 0; i < n && st == EG_OK; i++) {
        if (!is_yaml(names[i])) continue;
        if (x->n_files == MAX_FILES)
            st = EG_FAIL(err, EG_EINVAL, "%s: more than %d files", dir,
                         MAX_FILES);
        else
            st = add_file(x, paper, folder, names[i], err);
    }
    eg_free(names);
    return st;
}

static eg_status check_ids(const eg_experiments *x, eg_err *err)
{
    for (int i = 0; i < x->n_claims; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(x->claim[i].id, x->claim[k].id) == 0)
                return EG_NODE_FAIL(x->claim[i].node, err, EG_EINVAL,
                                    "claim %s stands twice", x->claim[i].id);
    return EG_OK;
}

eg_status eg_experiments_load(eg_experiments **out, const char *dir,
                              eg_err *err)
{
    eg_experiments *x = eg_calloc(1, sizeof *x);
    char(*names)[256] = NULL;
    int n = 0;
    eg_status st = EG_OK;

    *out = NULL;
    if (x) x->file = eg_calloc(MAX_FILES, sizeof *x->file);
    if (x) x->plain = eg_calloc(1, sizeof *x->plain);
    if (x) x->scratch = eg_calloc(1, sizeof *x->scratch);
    if (!x || !x->file || !x->plain || !x->scratch) {
        st = EG_FAIL(err, EG_ENOMEM, "experiments: out of memory");
        goto done;
    }
    eg_config_default(x->plain);
    EG_TRY(names_in(dir, &names, &n, err));
    for (int i = 0; i < n; i++) EG_TRY(add_paper(x, dir, names[i], err));
    EG_TRY(check_ids(x, err));
    *out = x;
    x = NULL;
done:
    eg_free(names);
    eg_experiments_free(x);
    return st;
}

void eg_experiments_free(eg_experiments *x)
{
    if (!x) return;
    for (int i = 0; i < x->n_claims; i++)
        for (int p = 0; p < 2; p++) {
            eg_measure_free(x->claim[i].terms[p].measure);
            eg_measure_free(x->claim[i].terms[p].control.measure);
        }
    for (int i = 0; x->file && i < x->n_files; i++) {
        for (int k = 0; k < x->file[i].n_curves; k++) {
            eg_free(x->file[i].curve[k].step);
            eg_free(x->file[i].curve[k].value);
        }
        eg_free(x->file[i].curve);
        egi_bases_free(&x->file[i]);
        eg_yaml_free(x->file[i].yaml);
    }
    eg_free(x->claim);
    eg_free(x->file);
    eg_free(x->plain);
    eg_free(x->scratch);
    eg_free(x);
}

bool eg_experiments_claim(const eg_experiments *x, int i, eg_claim_info *out)
{
    if (i < 0 || i >= x->n_claims) return false;
    *out = x->claim[i].info;
    out->id = x->claim[i].id;
    return true;
}

/* Does word equal the parts first .. last of a/b/c? */
static bool parts_equal(const char *id, int first, int last, const char *word)
{
    const char *end;

    EG_ASSERT(id && word);
    for (; first > 0; first--, last--) {
        id = strchr(id, '/');
        if (!id) return false;
        id++;
    }
    end = id;
    for (int i = 0; i <= last; i++) {
        end = strchr(i ? end + 1 : end, '/');
        if (!end) break;
    }
    return end ? strlen(word) == (size_t)(end - id) &&
                     strncmp(id, word, (size_t)(end - id)) == 0
               : strcmp(id, word) == 0;
}

bool eg_claim_matches(const char *full_id, const char *word)
{
    static const int part[][2] = {{0, 0}, {1, 1}, {2, 2},
                                  {0, 1}, {1, 2}, {0, 2}};

    if (strcmp(word, "all") == 0) return true;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (parts_equal(full_id, part[i][0], part[i][1], word)) return true;
    return false;
}

const char *eg_experiments_nearest(const eg_experiments *x, const char *word)
{
    eg_nearest near = {.asked = word};

    for (int i = 0; i < x->n_claims; i++) {
        const char *s = x->claim[i].id;

        while (s) { /* the whole id and its tails */
            eg_nearest_try(&near, s);
            s = strchr(s, '/');
            if (s) s++;
        }
    }
    for (int i = 0; i < x->n_files; i++)
        eg_nearest_try(&near, strchr(x->file[i].id, '/') + 1);
    return near.best;
}
