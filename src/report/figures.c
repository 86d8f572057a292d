/* Static figures, pictures or numbers: every setting of a collection into files
 * of its own. */

#include <string.h>
#include "base/num.h"
#include "report/figures.h"

enum { FLOW_VALUES = 1 << 21 /* coordinates that one figure is drawn from */ };

/* Appends text in letters that every system takes; returns the new end. */
static size_t add_plain(char *path, size_t size, size_t start, size_t n,
                        const char *text)
{
    for (; *text && n + 5 < size; text++) {
        bool plain = egi_is_alnum(*text) || *text == '_';

        if (plain || (n > start && path[n - 1] != '-'))
            path[n++] = (char)(plain ? *text : '-');
    }
    path[n] = '\0';
    return n;
}

void egi_figure_name(char name[EGI_FIGURE_NAME], const egi_figures *j,
                     const char *what)
{
    const char *part[] = {j->setting, j->number, "-", what};
    size_t n = 0;

    for (int i = 0; i < 4; i++)
        n = add_plain(name, EGI_FIGURE_NAME - 4, 0, n, part[i]);
}

eg_status egi_figure_apart(egi_figures *j, egi_figure_names *before,
                           const char *what, eg_err *err)
{
    int cap = before->cap ? 2 * before->cap : 16, same = 1;

    if (before->n == before->cap) {
        void *more =
            eg_realloc(before->name, (size_t)cap * sizeof *before->name);

        if (!more) return egi_report_no_memory(err);
        before->name = more;
        before->cap = cap;
    }
    j->number[0] = '\0';
    egi_figure_name(before->name[before->n], j, what);
    for (int i = 0; i < before->n; i++)
        same += strcmp(before->name[i], before->name[before->n]) == 0;
    before->n++;
    if (same > 1) (void)snprintf(j->number, sizeof j->number, "-%d", same);
    return EG_OK;
}

eg_status egi_figure_open(eg_outfile *o, const egi_figures *j, const char *what,
                          eg_err *err)
{
    char name[EGI_FIGURE_NAME];
    size_t n;

    egi_figure_name(name, j, what);
    n = strlen(name);
    (void)snprintf(name + n, sizeof name - n, j->csv ? ".csv" : ".svg");
    return eg_outfile_open_own(o, j->to, name,
                               j->csv ? EGI_CSV_MARK : EGI_SVG_MARK, err);
}

/* "lr 0.1" of the runs "basic" is "basic, lr 0.1" where it stands alone. */
static void name_setting(char *out, size_t size, const egi_run *r)
{
    bool alone = strncmp(r->group, r->name, strlen(r->name)) != 0;

    (void)snprintf(out, size, "%s%s%s", alone ? r->name : "", alone ? ", " : "",
                   r->group);
}

/* Groups before run i whose letters are the same as its own get the figures of
 * one name: they are counted apart. */
static void number_group(egi_figures *j, const egi_collection *c, int i)
{
    char own[256], other[256], name[sizeof j->setting];
    int same = 1;

    (void)add_plain(own, sizeof own, 0, 0, j->setting);
    for (int k = 0; k < i; k++) {
        if (k > 0 && strcmp(c->run[k].group, c->run[k - 1].group) == 0)
            continue;
        name_setting(name, sizeof name, &c->run[k]);
        (void)add_plain(other, sizeof other, 0, 0, name);
        same += strcmp(own, other) == 0;
    }
    if (same > 1) (void)snprintf(j->number, sizeof j->number, "-%d", same);
}

static eg_status find_flow(egi_figures *j, eg_err *err)
{
    eg_status st = EG_OK;

    for (int i = 0; i < j->n && j->runs[i].flow && j->flow.n_frames == 0; i++) {
        egi_flow_release(&j->flow);
        EG_TRY(egi_flow_read(&j->flow, &j->runs[i], FLOW_VALUES,
                             j->runs[i].problems, err));
    }
done:
    return st;
}

static eg_status draw_setting(egi_figures *j, eg_err *err)
{
    eg_status st = EG_OK;

    EG_TRY(find_flow(j, err));
    EG_TRY(egi_figure_flows(j, err));
    EG_TRY(egi_figure_plots(j, err));
    EG_TRY(egi_figure_profile(j, err));
    EG_TRY(egi_figure_heats(j, err));
done:
    egi_flow_release(&j->flow);
    return st;
}

/* The settings of run i's name, whose first run it is; false: it is not, or is
 * the only one. m->of has room for all runs. */
static bool family_of(egi_family *m, const egi_collection *c, int i)
{
    const char *name = c->run[i].name;
    int k;

    m->n = 0;
    for (k = 0; k < i && strcmp(c->run[k].name, name) != 0;) k++;
    if (k < i || !c->run[i].differs) return false;
    for (k = i; k < c->n; k++) {
        egi_figures *j = &m->of[m->n];

        if (strcmp(c->run[k].name, name) != 0) continue;
        if (k > i && strcmp(c->run[k].group, c->run[k - 1].group) == 0) {
            j[-1].n++;
            continue;
        }
        *j = (egi_figures){.runs = &c->run[k], .n = 1};
        name_setting(j->setting, sizeof j->setting, &c->run[k]);
        m->n++;
    }
    (void)snprintf(m->all.setting, sizeof m->all.setting, "%s", name);
    return true;
}

/* One table: <name>-settings.csv. */
static eg_status write_table(const egi_family *m, int *files, eg_err *err)
{
    eg_outfile o = {0};
    eg_status st = egi_figure_open(&o, &m->all, "settings", err);

    if (st != EG_OK) return st;
    egi_csv_settings(o.f, m);
    st = eg_outfile_commit(&o, err);
    *files += st == EG_OK;
    return st;
}

/* What there is of each name with several settings. */
static eg_status write_families(const eg_folder *to, const egi_collection *c,
                                bool csv, const eg_report_opts *opts,
                                int *files, eg_err *err)
{
    egi_family m = {.all = {.to = to, .csv = csv},
                    .whole = opts && opts->whole,
                    .opts = opts,
                    .of = eg_calloc((size_t)c->n + 1, sizeof *m.of)};
    eg_status st = EG_OK;

    if (!m.of) return egi_report_no_memory(err);
    for (int i = 0; i < c->n && st == EG_OK; i++)
        if (family_of(&m, c, i))
            st = csv ? write_table(&m, files, err)
                     : egi_figure_sweep(&m, files, err);
    eg_free(m.of);
    return st;
}

static eg_status write_all(const char *const *paths, int n_paths,
                           const char *dir, bool csv,
                           const eg_report_opts *opts, int *n_files,
                           eg_err *err)
{
    eg_status st = EG_OK;
    egi_collection c = {0};
    eg_folder to = {.fd = -1};
    int files = 0;

    if (n_paths < 1 || !dir)
        return EG_FAIL(err, EG_EINVAL,
                       "figures need at least one run and a folder");
    EG_TRY(egi_collect(&c, paths, n_paths, err));
    EG_TRY(eg_folder_make(&to, dir, err));
    EG_TRY(eg_folder_own(&to, csv ? EGI_CSV_MARK : EGI_SVG_MARK, err));
    for (int i = 0, end; i < c.n; i = end) {
        egi_figures j = {.to = &to,
                         .csv = csv,
                         .whole = opts && opts->whole,
                         .runs = &c.run[i],
                         .times =
                             opts && opts->n_times > 0 ? opts->times : NULL,
                         .n_times = opts ? opts->n_times : 0};

        for (end = i;
             end < c.n && strcmp(c.run[end].group, c.run[i].group) == 0;)
            end++;
        j.n = end - i;
        name_setting(j.setting, sizeof j.setting, &c.run[i]);
        number_group(&j, &c, i);
        st = draw_setting(&j, err);
        files += j.n_files;
        if (st != EG_OK) break;
    }
    if (st == EG_OK) st = write_families(&to, &c, csv, opts, &files, err);
    if (st == EG_OK && opts) egi_collection_tell(&c, opts);
done:
    if (n_files) *n_files = files;
    if (st != EG_OK && to.fd >= 0) eg_folder_unmake(&to);
    eg_folder_close(&to);
    egi_collection_release(&c);
    return st;
}

eg_status eg_report_svg(const char *const *paths, int n_paths, const char *dir,
                        const eg_report_opts *opts, int *n_files, eg_err *err)
{
    return write_all(paths, n_paths, dir, false, opts, n_files, err);
}

eg_status eg_report_csv(const char *const *paths, int n_paths, const char *dir,
                        const eg_report_opts *opts, int *n_files, eg_err *err)
{
    return write_all(paths, n_paths, dir, true, opts, n_files, err);
}
