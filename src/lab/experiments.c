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
enum { ALONE = 8 }; /* so many files are read by one thread */

const char *eg_profile_name(eg_profile p)
{
    return p == EG_FULL ? "full" : "quick";
}

static bool is_yaml(const char *name)
{
    size_t n = strlen(name);

    return n > 5 && name[0] != '.' && strcmp(name + n - 5, ".yaml") == 0;
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

/* A file of the folder, and what is read of it. */
typedef struct part {
    egi_experiment *e; /* NULL: no claims in it */
    egi_claim *claim;
    int n;
    char folder[EG_PATH], id[128], name[256];
    eg_status st;
    eg_err err;
} part;

typedef struct reading {
    const eg_config *plain;
    egi_scratch *scratch; /* of each thread */
    part *part;
    int n;
} reading;

/* Takes the file when it holds claims; plain configurations are passed by. */
static eg_status read_claims(part *p, egi_experiment *e, eg_err *err)
{
    const eg_node *claims;
    eg_status st = EG_OK;

    EG_TRY(egi_path(e->path, sizeof e->path, p->folder, p->name, err));
    memcpy(e->folder, p->folder, sizeof e->folder);
    memcpy(e->id, p->id, sizeof e->id);
    EG_TRY(eg_yaml_load(&e->yaml, e->path, err));
    claims = eg_node_get(eg_yaml_root(e->yaml), "claims");
    if (!claims) return EG_OK;
    p->e = e;
    EG_TRY(egi_experiment_parse(e, err));
    if (claims->kind != EG_NODE_SEQ) {
        st = EG_NODE_FAIL(claims, err, EG_EINVAL, "expected a list of claims");
        goto done;
    }
    p->claim = eg_calloc((size_t)claims->n, sizeof *p->claim);
    if (!p->claim && claims->n > 0) {
        st = EG_FAIL(err, EG_ENOMEM, "claims: out of memory");
        goto done;
    }
    while (p->n < claims->n) {
        const eg_node *node = &claims->item[p->n];

        EG_TRY(egi_claim_parse(e, node, &p->claim[p->n++], err));
    }
done:
    return st;
}

static void experiment_release(egi_experiment *e)
{
    for (int k = 0; k < e->n_curves; k++) {
        eg_free(e->curve[k].step);
        eg_free(e->curve[k].value);
    }
    eg_free(e->curve);
    egi_bases_free(e);
    eg_yaml_free(e->yaml);
}

static void read_task(void *ctx, int i, int worker)
{
    const reading *r = ctx;
    part *p = &r->part[i];
    egi_experiment *e = eg_calloc(1, sizeof *e);

    if (!e) {
        p->st = EG_FAIL(&p->err, EG_ENOMEM, "experiments: out of memory");
        return;
    }
    e->plain = r->plain;
    e->scratch = &r->scratch[worker];
    p->st = read_claims(p, e, &p->err);
    e->scratch = NULL;
    if (p->e) return;
    experiment_release(e);
    eg_free(e);
}

static void part_release(part *p)
{
    for (int i = 0; i < p->n; i++) egi_claim_release(&p->claim[i]);
    eg_free(p->claim);
    if (p->e) experiment_release(p->e);
    eg_free(p->e);
}

static eg_status add_paper(reading *r, const char *dir, const char *paper,
                           eg_err *err)
{
    char folder[EG_PATH], (*names)[256] = NULL;
    int n = 0;
    eg_status st = egi_path(folder, sizeof folder, dir, paper, err);

    if (st != EG_OK) return st;
    st = names_in(folder, &names, &n, err);
    if (st != EG_OK) return st == EG_ENOMEM ? st : EG_OK; /* a file */
    for (int i = 0; i < n && st == EG_OK; i++) {
        part *more = r->part, *p;

        if (!is_yaml(names[i])) continue;
        if (r->n == MAX_FILES) {
            st = EG_FAIL(err, EG_EINVAL, "%s: more than %d files", dir,
                         MAX_FILES);
            break;
        }
        if (r->n % ALONE == 0)
            more =
                eg_realloc(r->part, (size_t)(r->n + ALONE) * sizeof *r->part);
        if (!more) {
            st = EG_FAIL(err, EG_ENOMEM, "experiments: out of memory");
            break;
        }
        r->part = more;
        p = &r->part[r->n++];
        *p = (part){.n = 0};
        memcpy(p->folder, folder, sizeof p->folder);
        memcpy(p->name, names[i], sizeof p->name);
        snprintf(p->id, sizeof p->id, "%.*s/%.*s", eg_text_fit(paper, 60),
                 paper, (int)strlen(names[i]) - 5, names[i]);
    }
    eg_free(names);
    return st;
}

/* Every file on its own, so that any thread may read it. */
static eg_status read_parts(reading *r, eg_err *err)
{
    int threads = r->n > ALONE ? eg_cpu_count() : 1;
    eg_pool *pool = NULL;
    eg_status st = EG_OK;

    if (threads > r->n / ALONE + 1) threads = r->n / ALONE + 1;
    r->scratch = eg_calloc((size_t)threads, sizeof *r->scratch);
    if (!r->scratch)
        return EG_FAIL(err, EG_ENOMEM, "experiments: out of memory");
    EG_TRY(eg_pool_new(&pool, threads, err));
    eg_pool_run(pool, r->n, read_task, r);
    for (int i = 0; i < r->n; i++)
        if (r->part[i].st != EG_OK) {
            *err = r->part[i].err;
            st = r->part[i].st;
            break;
        }
done:
    eg_pool_free(pool);
    eg_free(r->scratch);
    r->scratch = NULL;
    return st;
}

/* What the parts have becomes what x has. */
static eg_status gather(eg_experiments *x, reading *r, eg_err *err)
{
    int files = 0, claims = 0;

    for (int i = 0; i < r->n; i++) {
        files += r->part[i].e != NULL;
        claims += r->part[i].n;
    }
    x->file = eg_calloc((size_t)files, sizeof *x->file);
    x->claim = eg_calloc((size_t)claims, sizeof *x->claim);
    if (!x->file || !x->claim)
        return EG_FAIL(err, EG_ENOMEM, "claims: out of memory");
    for (int i = 0; i < r->n; i++) {
        part *p = &r->part[i];

        for (int k = 0; k < p->n; k++) {
            x->claim[x->n_claims] = p->claim[k];
            x->claim[x->n_claims++].file = x->n_files;
        }
        p->n = 0;
        if (p->e) x->file[x->n_files++] = *p->e;
        eg_free(p->e);
        p->e = NULL;
    }
    return EG_OK;
}

/* Of one file, since its name is in them. */
static eg_status check_ids(const eg_experiments *x, eg_err *err)
{
    for (int i = 0; i < x->n_claims; i++)
        for (int k = i - 1; k >= 0 && x->claim[k].file == x->claim[i].file; k--)
            if (strcmp(x->claim[i].id, x->claim[k].id) == 0)
                return EG_NODE_FAIL(x->claim[i].node, err, EG_EINVAL,
                                    "claim %s stands twice", x->claim[i].id);
    return EG_OK;
}

eg_status eg_experiments_load(eg_experiments **out, const char *dir,
                              eg_err *err)
{
    eg_experiments *x = eg_calloc(1, sizeof *x);
    reading r = {.n = 0};
    char(*names)[256] = NULL;
    eg_err why = {0};
    int n = 0;
    eg_status st = EG_OK;

    *out = NULL;
    if (!err) err = &why;
    if (x) x->plain = eg_calloc(1, sizeof *x->plain);
    if (!x || !x->plain) {
        st = EG_FAIL(err, EG_ENOMEM, "experiments: out of memory");
        goto done;
    }
    eg_config_default(x->plain);
    r.plain = x->plain;
    EG_TRY(names_in(dir, &names, &n, err));
    for (int i = 0; i < n; i++) EG_TRY(add_paper(&r, dir, names[i], err));
    EG_TRY(read_parts(&r, err));
    EG_TRY(gather(x, &r, err));
    EG_TRY(check_ids(x, err));
    *out = x;
    x = NULL;
done:
    for (int i = 0; i < r.n; i++) part_release(&r.part[i]);
    eg_free(r.part);
    eg_free(names);
    eg_experiments_free(x);
    return st;
}

void eg_experiments_free(eg_experiments *x)
{
    if (!x) return;
    for (int i = 0; i < x->n_claims; i++) egi_claim_release(&x->claim[i]);
    for (int i = 0; x->file && i < x->n_files; i++)
        experiment_release(&x->file[i]);
    eg_free(x->claim);
    eg_free(x->file);
    eg_free(x->plain);
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
    static const int range[][2] = {{0, 0}, {1, 1}, {2, 2},
                                   {0, 1}, {1, 2}, {0, 2}};

    if (strcmp(word, "all") == 0) return true;
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (parts_equal(full_id, range[i][0], range[i][1], word)) return true;
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
