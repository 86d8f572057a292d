/* The files that a training run reads, by their content: what a run began with
 * and what it learnt from is part of what it is, wherever the file lies. */
#include "lab/read_sums.h"

#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/text.h"
#include "engram/mem.h"
#include "engram/shards.h"
#include "lab/config_priv.h"
#include "lab/folder_list.h"
#include "lab/lab_priv.h"
#include "nn/hold.h"
#include "text/documents.h"

/* Bytes of texts beyond which no run waits for a checksum. */
#define MOST_TEXT ((int64_t)1 << 30)

enum { WEIGHTS = 2, TASK = 5, OPTIONS = 6 };

static const char clamp_option[] = "train.clamp";

/* Does an item of train.clamp name weights? */
static bool clamps_by_file(const eg_config *cfg)
{
    size_t n;

    for (int i = 0; i < cfg->train.clamp.n; i++)
        if (egi_clamp_file(cfg->train.clamp.item[i], &n)) return true;
    return false;
}

bool egi_names_file(const eg_config *cfg, const char *option)
{
    eg_section s;
    const eg_field *f = egi_config_find(cfg, option, &s);
    const char *text =
        f ? (const char *)egi_section_read(cfg, &s) + f->offset : "";

    return text[0] && !egi_config_foreign(cfg, &s, f) &&
           strcmp(text, f->def) != 0;
}

/* The i-th option that names a file; NULL past the end. *text: what it says, ""
 * when it names none. */
static const char *option_of(int i, const eg_config *cfg, const char **text)
{
    static const char *const option[] = {"init.from",  "probe.compressed_with",
                                         "task.text",  "task.tokenizer",
                                         "task.stats", clamp_option};
    const char *const texts[] = {cfg->init.from,  cfg->probe.compressed_with,
                                 cfg->task.text,  cfg->task.tokenizer,
                                 cfg->task.stats, "a file of train.clamp"};
    bool is;

    if (i >= OPTIONS || cfg->run.kind != EG_RUN_TRAIN) return NULL;
    is = i < WEIGHTS ||
         (i < TASK ? egi_names_file(cfg, option[i]) : clamps_by_file(cfg));
    *text = is ? texts[i] : "";
    return option[i];
}

const char *egi_weights_option(int i, const eg_config *cfg, const char **text)
{
    return i < WEIGHTS ? option_of(i, cfg, text) : NULL;
}

/* ---- files ----------------------------------------------------------------
 */

typedef struct egi_sum_taken {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed, written;
    egi_sum sum;
} egi_sum_taken;

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static const egi_sum_taken *known(const egi_sums_taken *t,
                                  const struct stat *now)
{
    for (eg_index i = 0; t && i < t->n; i++) {
        const egi_sum_taken *r = &t->row[i];

        if (r->device == now->st_dev && r->number == now->st_ino &&
            r->size == now->st_size && same_time(r->changed, now->st_ctim) &&
            same_time(r->written, now->st_mtim))
            return r;
    }
    return NULL;
}

/* Without memory for it, it is taken anew. */
static void remember(egi_sums_taken *t, const struct stat *of, egi_sum sum)
{
    if (t && t->n == t->cap) {
        eg_index cap = t->cap ? 2 * t->cap : 8;
        egi_sum_taken *more = eg_realloc(t->row, (size_t)cap * sizeof *more);

        if (!more) return;
        t->row = more;
        t->cap = cap;
    }
    if (t)
        t->row[t->n++] = (egi_sum_taken){of->st_dev,  of->st_ino,  of->st_size,
                                         of->st_ctim, of->st_mtim, sum};
}

void egi_sums_taken_release(egi_sums_taken *t)
{
    eg_free(t->row);
    *t = (egi_sums_taken){0};
}

static eg_status sum_file(egi_sum *sum, const char *path, egi_sums_taken *t,
                          eg_err *err)
{
    eg_infile f;
    struct stat info;
    int64_t bytes;
    const egi_sum_taken *r;
    eg_status st = eg_infile_open(&f, path, 0, err);

    if (st != EG_OK) return st;
    if (fstat(f.fd, &info) != 0) memset(&info, 0, sizeof info);
    r = known(t, &info);
    if (r)
        *sum = r->sum;
    else
        st = egi_sum_file(sum, &bytes, f.fd, path, err);
    if (!r && st == EG_OK) remember(t, &info, *sum);
    eg_infile_close(&f);
    return st;
}

/* ---- folders --------------------------------------------------------------
 */

/* Shards, and what may name their tokens. */
static bool is_read(const char *name)
{
    static const char *const end[] = {".bin", ".json", ".bpe", ".txt",
                                      ".tiktoken"};

    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        if (egi_text_ends(name, end[i])) return name[0] != '.';
    return false;
}

/* Names and contents of files, as long as they fit. */
typedef struct gathering {
    egi_summer all;
    int64_t bytes;
    egi_sums_taken *taken;
} gathering;

static bool fits(const gathering *g)
{
    return g->bytes <= MOST_TEXT;
}

static eg_status gather(gathering *g, const char *file, const char *name,
                        eg_err *err)
{
    char hex[EGI_SUM_HEX];
    struct stat info;
    egi_sum one;
    eg_status st = EG_OK;

    if (stat(file, &info) != 0 || !S_ISREG(info.st_mode)) return EG_OK;
    g->bytes += info.st_size;
    if (!fits(g)) return EG_OK;
    EG_TRY(sum_file(&one, file, g->taken, err));
    egi_sum_print(one, hex);
    egi_summer_add(&g->all, name, strlen(name) + 1);
    egi_summer_add(&g->all, hex, EGI_SUM_DIGITS);
done:
    return st;
}

/* Of what is read in a folder of shards, or of a tokenizer. */
static eg_status sum_folder(gathering *g, const char *path, eg_err *err)
{
    eg_folder f;
    egi_names names = {0};
    eg_status st = eg_folder_open(&f, path, err);

    if (st != EG_OK) return st;
    EG_TRY(egi_folder_names(&names, &f, err));
    for (eg_index i = 0; i < names.n && fits(g); i++) {
        const char *name = names.name[i];
        char file[EG_PATH + 300];

        (void)snprintf(file, sizeof file, "%s/%s", path, name);
        if (is_read(name)) EG_TRY(gather(g, file, name, err));
    }
done:
    egi_names_release(&names);
    eg_folder_close(&f);
    return st;
}

/* Of the texts below a folder, if there are any. */
static eg_status sum_texts(gathering *g, bool *is, const char *path,
                           eg_err *err)
{
    eg_corpus c = {.path = &path, .n = 1};
    egi_files f;
    eg_status st = egi_files_list(&f, &c, NULL);

    *is = st == EG_OK;
    if (st != EG_OK && st != EG_ENOMEM) return EG_OK;
    if (st != EG_OK) return EG_FAIL(err, st, "%s: out of memory", path);
    for (int i = 0; i < f.n && fits(g) && st == EG_OK; i++)
        st = gather(g, f.path[i], f.path[i] + strlen(path), err);
    egi_files_release(&f);
    return st;
}

static eg_status sum_below(egi_sum *sum, bool *is, const char *option,
                           const char *path, egi_sums_taken *t, eg_err *err)
{
    bool text = strcmp(option, "task.text") == 0;
    gathering g = {.taken = t};
    eg_status st = EG_OK;

    *is = text || strcmp(option, "task.tokenizer") == 0;
    egi_summer_init(&g.all);
    if (text && !eg_shards_has(path, "train"))
        st = sum_texts(&g, is, path, err);
    else if (*is)
        st = sum_folder(&g, path, err);
    *is = *is && fits(&g);
    *sum = egi_summer_end(&g.all);
    return st;
}

/* ---- what a configuration says --------------------------------------------
 */

/* A file with holes may be larger than any disk. */
static bool no_memory_holds(const struct stat *info)
{
    int64_t have = egi_memory_total();

    return have > 0 && info->st_size > have;
}

/* Of the items of train.clamp, each file by its content; *is false: one is not
 * there. */
static eg_status sum_clamp(egi_sum *sum, bool *is, const eg_strs *list,
                           egi_sums_taken *t, eg_err *err)
{
    egi_summer all;
    eg_status st = EG_OK;

    *is = true;
    egi_summer_init(&all);
    for (int i = 0; i < list->n && *is; i++) {
        const char *item = list->item[i];
        size_t n = 0;
        const char *file = egi_clamp_file(item, &n);
        char path[EG_STRS_LEN] = "", hex[EGI_SUM_HEX] = "";
        struct stat info;
        egi_sum one;

        if (file) {
            memcpy(path, file, n);
            *is = stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
                  !no_memory_holds(&info);
            if (!*is) break;
            EG_TRY(sum_file(&one, path, t, err));
            egi_sum_print(one, hex);
            egi_summer_add(&all, item, (size_t)(file - item));
            item = file + n;
        }
        egi_summer_add(&all, hex, strlen(hex));
        egi_summer_add(&all, item, strlen(item) + 1);
    }
    *sum = egi_summer_end(&all);
done:
    return st;
}

/* The checksum of what is there; *is false: nothing that has one, and whoever
 * reads it says so. */
static eg_status sum_of(egi_sum *sum, bool *is, const eg_config *cfg,
                        const char *option, const char *path, egi_sums_taken *t,
                        eg_err *err)
{
    struct stat info;
    bool weights = strncmp(option, "task.", 5) != 0;

    *is = false;
    if (path[0] && option == clamp_option)
        return sum_clamp(sum, is, &cfg->train.clamp, t, err);
    if (!path[0] || stat(path, &info) != 0) return EG_OK;
    if (S_ISDIR(info.st_mode)) return sum_below(sum, is, option, path, t, err);
    *is = S_ISREG(info.st_mode) && !no_memory_holds(&info) &&
          (weights || info.st_size <= MOST_TEXT);
    return *is ? sum_file(sum, path, t, err) : EG_OK;
}

static eg_status check(const char *said, const char *now, const char *path,
                       eg_err *err)
{
    if (!said || strcmp(said, now) == 0) return EG_OK;
    return EG_FAIL(err, EG_EFORMAT,
                   "run.inputs: %.150s has changed: expected %.60s, found %s",
                   path, said, strchr(now, '=') + 1);
}

/* What is said of must be an option that names a file. */
static eg_status check_said(const eg_config *cfg, eg_err *err)
{
    for (int k = 0; k < cfg->run.inputs.n; k++) {
        const char *said = cfg->run.inputs.item[k], *option, *text = "";

        for (int i = 0; (option = option_of(i, cfg, &text)); i++)
            if (strncmp(said, option, strlen(option)) == 0 &&
                said[strlen(option)] == '=' && text[0])
                break;
        if (!option)
            return EG_FAIL(err, EG_EINVAL,
                           "run.inputs: expected the checksum of a file that "
                           "this run reads, init.from=..., "
                           "probe.compressed_with=... or task.text=..., found "
                           "'%s'",
                           said);
    }
    return EG_OK;
}

/* The item of the file that an option names, as it is, which must be the one
 * that is said; where none can be taken the one that is said, "": none. */
static eg_status item_of(char now[EG_STRS_LEN], const eg_config *cfg,
                         const char *option, const char *path,
                         egi_sums_taken *taken, eg_err *err)
{
    const char *said = egi_input_item(&cfg->run.inputs, option, strlen(option));
    char hex[EGI_SUM_HEX];
    egi_sum sum;
    bool is;
    eg_status st = sum_of(&sum, &is, cfg, option, path, taken, err);

    now[0] = '\0';
    if (st == EG_OK && is) {
        egi_sum_print(sum, hex);
        (void)egi_snprintf(now, EG_STRS_LEN, "%s=%s", option, hex);
        st = check(said, now, path, err);
    } else if (said) {
        memcpy(now, said, EG_STRS_LEN);
    }
    return st;
}

/* In the order of the options, whatever was said before: it counts in the
 * configuration's hash. */
eg_status egi_read_sums(eg_config *cfg, egi_sums_taken *taken, eg_err *err)
{
    const char *option, *path;
    eg_strs list = {0};
    eg_status st = check_said(cfg, err);

    for (int i = 0; st == EG_OK && (option = option_of(i, cfg, &path)); i++) {
        char now[EG_STRS_LEN];

        EG_TRY(item_of(now, cfg, option, path, taken, err));
        if (now[0]) memcpy(list.item[list.n++], now, sizeof now);
    }
    if (st == EG_OK) cfg->run.inputs = list;
done:
    return st;
}

eg_status eg_config_unchanged(const eg_config *cfg, eg_err *err)
{
    const char *option, *path;
    eg_status st = EG_OK;

    for (int i = WEIGHTS; i < TASK; i++) {
        char now[EG_STRS_LEN];

        option = option_of(i, cfg, &path);
        if (option && egi_input_item(&cfg->run.inputs, option, strlen(option)))
            EG_TRY(item_of(now, cfg, option, path, NULL, err));
    }
done:
    return st;
}
