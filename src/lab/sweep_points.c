/* The points of a sweep as rows, and what the run directories say of them. */
#include "lab/sweep_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engram/kern.h"
#include "engram/mem.h"
#include "engram/text.h"
#include "kern/particles.h"
#include "lab/config_priv.h"
#include "lab/flow_priv.h"
#include "lab/run_priv.h"
#include "lab/read_sums.h"

const char *eg_point_state_name(eg_point_state s)
{
    static const char *const name[] = {"pending", "running", "finished",
                                       "diverged", "failed"};

    return name[s];
}

/* ---- their configurations -------------------------------------------------
 */

/* The configuration as its run directory will hold it. Most points read the
 * same files, which are large: what was taken of them is kept. */
static eg_status take_files(eg_config *c, egi_sums_taken *taken, eg_err *err)
{
    egi_inputs in = {0};
    eg_status st;

    if (c->run.kind != EG_RUN_FLOW) return egi_read_sums(c, taken, err);
    st = egi_inputs_take(&in, c, err);
    egi_inputs_release(&in);
    return st;
}

static eg_status new_point(eg_point *p, int i, const eg_sweep *s,
                           eg_config *cfg, egi_sums_taken *taken, eg_err *err)
{
    eg_err why = {0};
    eg_status st;

    p->i = i;
    EG_TRY(eg_sweep_config(s, i, cfg, p->label, sizeof p->label, err));
    p->seed = cfg->run.seed;
    st = egi_run_check_name(s->root, cfg->run.name, &why);
    if (st == EG_OK) st = take_files(cfg, taken, &why);
    if (st != EG_OK) return EG_FAIL(err, st, "%s: %s", p->label, why.msg);
    EG_TRY(eg_config_hash(p->config_hash, cfg, err));
done:
    return st;
}

eg_status egi_points_new(eg_point **point, const eg_sweep *s, eg_err *err)
{
    eg_point *p = eg_calloc((size_t)s->n_points, sizeof *p);
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    egi_sums_taken taken = {0};
    eg_status st = EG_OK;

    *point = NULL;
    if (!p || !cfg) st = EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
    for (int i = 0; i < s->n_points && st == EG_OK; i++)
        st = new_point(&p[i], i, s, cfg, &taken, err);
    if (st == EG_OK) {
        *point = p;
        p = NULL;
    }
    egi_sums_taken_release(&taken);
    eg_free(cfg);
    eg_free(p);
    return st;
}

/* ---- their runs ------------------------------------------------------------
 */

typedef struct recovery {
    const eg_sweep *s;
    eg_point *point;
    eg_point **by_hash; /* [n_points] */
    bool own, others;
    bool *there; /* [n_points]: the run of the point is there */
    eg_config *a, *b;
    egi_sums_taken taken;
} recovery;

static int by_hash(const void *a, const void *b)
{
    return strcmp((*(eg_point *const *)a)->config_hash,
                  (*(eg_point *const *)b)->config_hash);
}

/* The first in the order of their hashes that has this one. */
static int find_hash(const recovery *r, const char *hash)
{
    int lo = 0, hi = r->s->n_points;

    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;

        if (strcmp(r->by_hash[mid]->config_hash, hash) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* How much a run says of its point; the most counts. */
static int weight(const eg_point *p)
{
    static const int of_state[] = {[EG_POINT_PENDING] = 1,
                                   [EG_POINT_FAILED] = 2,
                                   [EG_POINT_RUNNING] = 3,
                                   [EG_POINT_DIVERGED] = 4,
                                   [EG_POINT_FINISHED] = 5};

    return p->dir[0] ? of_state[p->state] : 0;
}

static void set_run(eg_point *p, const eg_run_info *info)
{
    eg_point now = *p;
    const char *status = info->status;

    now.state = EG_POINT_PENDING;
    if (strcmp(status, "finished") == 0) now.state = EG_POINT_FINISHED;
    if (strcmp(status, "diverged") == 0) now.state = EG_POINT_DIVERGED;
    if (strcmp(status, "failed") == 0) now.state = EG_POINT_FAILED;
    if (strcmp(status, "running") == 0) now.state = EG_POINT_RUNNING;
    (void)snprintf(now.worker, sizeof now.worker, "%s",
                   now.state == EG_POINT_RUNNING ? EGI_WORKER_UNKNOWN : "");
    now.heartbeat = (int64_t)time(NULL);
    (void)eg_text_copy(now.reason, sizeof now.reason, info->reason);
    (void)snprintf(now.dir, sizeof now.dir, "%s", info->dir);
    if (weight(&now) > weight(p)) *p = now;
}

/* Does it read a file that its configuration knows by name alone, without a
 * checksum? What is in it may have been another text when the other run read
 * it. */
static bool reads_unsummed(const eg_config *cfg)
{
    static const char *const name[] = {"text", "tokenizer", "stats"};
    eg_section sec;

    for (int i = 0; eg_config_section(cfg, i, &sec); i++) {
        if (strcmp(sec.name, "task") != 0 && strcmp(sec.name, "theory") != 0)
            continue;
        for (size_t k = 0; k < sizeof name / sizeof *name; k++) {
            const eg_field *f = eg_field_find(sec.fields, name[k]);
            const char *opts = egi_section_read(cfg, &sec);

            if (f && !egi_config_foreign(cfg, &sec, f) &&
                !egi_config_summed(cfg, &sec, f) &&
                strcmp(opts + f->offset, f->def) != 0)
                return true;
        }
    }
    return false;
}

/* Kernel sets round in ways of their own; --kern says nothing to theory. */
static bool is_kern(const eg_sweep *s, const eg_config *cfg,
                    const eg_run_info *info)
{
    const char *asked = s->kern;

    if (!asked[0] || cfg->run.kind == EG_RUN_THEORY) return true;
    if (cfg->run.kind == EG_RUN_FLOW) asked = egi_particles_pick(asked)->name;
    if (cfg->train.precision == EG_TRAIN_FLOAT64 && eg_kern_pick_f64(asked))
        asked = eg_kern_pick_f64(asked)->name;
    if (cfg->train.precision == EG_TRAIN_BFLOAT16 && eg_kern_pick_bf16(asked))
        asked = eg_kern_pick_bf16(asked)->name;
    return strcmp(asked, info->kern) == 0;
}

/* Is the finished run what the point would do, and what was written? */
static bool is_same(recovery *r, const eg_point *p, const eg_run_info *info)
{
    eg_folder f;
    bool same = eg_folder_open(&f, info->dir, NULL) == EG_OK &&
                eg_config_load_run(r->a, &f, NULL) == EG_OK &&
                eg_sweep_config(r->s, p->i, r->b, NULL, 0, NULL) == EG_OK &&
                is_kern(r->s, r->b, info) &&
                take_files(r->b, &r->taken, NULL) == EG_OK &&
                !reads_unsummed(r->a) && !reads_unsummed(r->b) &&
                eg_config_same(r->a, r->b) &&
                egi_run_sound(info->dir, NULL) == EG_OK;

    eg_folder_close(&f);
    return same;
}

static void take_over(recovery *r, const eg_run_info *info)
{
    for (int k = find_hash(r, info->config_hash);
         k < r->s->n_points &&
         strcmp(r->by_hash[k]->config_hash, info->config_hash) == 0;
         k++) {
        eg_point *p = r->by_hash[k];

        if (p->state != EG_POINT_PENDING || !is_same(r, p, info)) continue;
        set_run(p, info);
        (void)snprintf(p->reason, sizeof p->reason,
                       EGI_WAS_THERE ": run before, by engram %s, kernels %s",
                       info->version, info->kern[0] ? info->kern : "unknown");
        r->there[p->i] = true;
    }
}

static void look(void *ctx, const eg_run_info *info)
{
    recovery *r = ctx;
    eg_point *p = NULL;

    if (!info->config_hash[0]) return;
    for (int k = find_hash(r, info->config_hash);
         k < r->s->n_points &&
         strcmp(r->by_hash[k]->config_hash, info->config_hash) == 0;
         k++)
        if (strcmp(r->by_hash[k]->dir, info->dir) == 0)
            r->there[r->by_hash[k]->i] = true;
    if (strcmp(info->sweep, r->s->name) == 0 && info->point >= 0 &&
        info->point < r->s->n_points)
        p = &r->point[info->point];
    if (p && r->own && strcmp(p->config_hash, info->config_hash) == 0) {
        set_run(p, info);
        r->there[p->i] = true;
    } else if (r->others && strcmp(info->status, "finished") == 0) {
        take_over(r, info);
    }
}

static bool is_over(const eg_point *p)
{
    return p->state == EG_POINT_FINISHED || p->state == EG_POINT_DIVERGED ||
           (p->state == EG_POINT_FAILED && p->dir[0]);
}

eg_status egi_points_recover(eg_point *point, const eg_sweep *s, bool own,
                             bool others, int *gone, eg_err *err)
{
    size_t n = (size_t)s->n_points;
    recovery r = {.s = s,
                  .point = point,
                  .own = own,
                  .others = others,
                  /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
                  .by_hash = eg_calloc(n, sizeof *r.by_hash),
                  .there = eg_calloc(n, sizeof *r.there),
                  .a = eg_calloc(1, sizeof *r.a),
                  .b = eg_calloc(1, sizeof *r.b)};
    eg_status st = EG_OK;

    *gone = 0;
    if (!r.by_hash || !r.there || !r.a || !r.b) {
        st = EG_FAIL(err, EG_ENOMEM, "sweep: out of memory");
        goto done;
    }
    for (size_t i = 0; i < n; i++) r.by_hash[i] = &point[i];
    /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
    qsort(r.by_hash, n, sizeof *r.by_hash, by_hash);
    if (eg_file_exists(s->root))
        EG_TRY(eg_catalogue_each(s->root, NULL, look, &r, err));
    for (size_t i = 0; i < n; i++) {
        if (!is_over(&point[i]) || r.there[i]) continue;
        point[i].state = EG_POINT_PENDING;
        point[i].dir[0] = '\0';
        (void)snprintf(point[i].reason, sizeof point[i].reason,
                       "its run is gone");
        ++*gone;
    }
done:
    egi_sums_taken_release(&r.taken);
    eg_free(r.by_hash);
    eg_free(r.there);
    eg_free(r.a);
    eg_free(r.b);
    return st;
}

const char *egi_below_root(const eg_sweep *s, const char *dir)
{
    size_t n = strlen(s->root);

    while (n > 1 && s->root[n - 1] == '/') n--;
    if (strncmp(dir, s->root, n) != 0 || dir[n] != '/') return "";
    return dir + n + strspn(dir + n, "/");
}
