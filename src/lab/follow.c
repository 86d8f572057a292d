/* Growing files of rows: see engram/follow.h. The end of what was read is kept,
 * so that a file which was cut or replaced meanwhile is known by it. */
#include "engram/follow.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/json.h"
#include "base/sum.h"
#include "engram/mem.h"
#include "engram/run.h"
#include "lab/blocks.h"
#include "lab/row_scan.h"

enum { MAX_NAMES = 4096, SLOTS = 2 * MAX_NAMES, LAST = 64 };

struct eg_follow {
    char dir[EG_PATH];
    const char *file;
    int64_t at; /* bytes read */
    ino_t inode;
    char last[LAST]; /* the bytes before that */
    int n_last;
    char **name;
    int n, cap, hint;
    int *slot; /* [SLOTS] numbers + 1 by the hash of their names; 0: free */
    egi_scan scan;
    int *id; /* of the row that is told */
    double *value;
    int n_cells, cells;
    int64_t rows, bad;
};

static const char *const file_name[] = {"metrics.jsonl", "timing.jsonl"};

eg_status eg_follow_open(eg_follow **out, const char *dir, eg_follow_file file,
                         eg_err *err)
{
    eg_follow *f;

    *out = NULL;
    if (strlen(dir) >= EG_PATH)
        return EG_FAIL(err, EG_EINVAL, "%s: the path is too long", dir);
    f = eg_calloc(1, sizeof *f);
    if (!f) return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", dir);
    (void)snprintf(f->dir, sizeof f->dir, "%s", dir);
    f->file = file_name[file];
    f->slot = eg_calloc(SLOTS, sizeof *f->slot);
    if (!f->slot) {
        eg_free(f);
        return EG_FAIL(err, EG_ENOMEM, "%s: out of memory", dir);
    }
    *out = f;
    return EG_OK;
}

void eg_follow_close(eg_follow *f)
{
    if (!f) return;
    for (int i = 0; i < f->n; i++) eg_free(f->name[i]);
    eg_free(f->name);
    eg_free(f->slot);
    eg_free(f->id);
    eg_free(f->value);
    egi_scan_release(&f->scan);
    eg_free(f);
}

const char *eg_follow_name(const eg_follow *f, int id)
{
    return id >= 0 && id < f->n ? f->name[id] : NULL;
}

/* Where the number of a name stands, or would. */
static int *slot_of(const eg_follow *f, const char *name)
{
    size_t at = (size_t)egi_sum_of(name, strlen(name)).lo % SLOTS;

    while (f->slot[at] && strcmp(f->name[f->slot[at] - 1], name) != 0)
        at = (at + 1) % SLOTS;
    return &f->slot[at];
}

int eg_follow_id(const eg_follow *f, const char *name)
{
    return *slot_of(f, name) - 1;
}

int64_t eg_follow_rows(const eg_follow *f)
{
    return f->rows;
}

int64_t eg_follow_bad(const eg_follow *f)
{
    return f->bad;
}

/* ---- names and cells ------------------------------------------------------
 */

/* The number of a name, a new one for a new name; -1: too many. False: no
 * memory. Rows repeat the order of their names. */
static bool number_of(eg_follow *f, const char *name, int *id)
{
    int *slot;

    if (f->hint < f->n && strcmp(f->name[f->hint], name) == 0) {
        *id = f->hint++;
        return true;
    }
    slot = slot_of(f, name);
    *id = *slot - 1;
    f->hint = *id + 1;
    if (*id >= 0 || f->n == MAX_NAMES) return true;
    if (f->n == f->cap) {
        int cap = f->cap ? 2 * f->cap : 32;
        char **more = eg_realloc(f->name, (size_t)cap * sizeof *more);

        if (!more) return false;
        f->name = more;
        f->cap = cap;
    }
    f->name[f->n] = eg_strdup(name);
    if (!f->name[f->n]) return false;
    *id = f->n++;
    *slot = f->n;
    f->hint = f->n;
    return true;
}

static bool put_cell(eg_follow *f, int id, double value)
{
    if (f->n_cells == f->cells) {
        int cells = f->cells ? 2 * f->cells : 64;
        int *ids = eg_realloc(f->id, (size_t)cells * sizeof *ids);
        double *values;

        if (!ids) return false;
        f->id = ids;
        values = eg_realloc(f->value, (size_t)cells * sizeof *values);
        if (!values) return false;
        f->value = values;
        f->cells = cells;
    }
    f->id[f->n_cells] = id;
    f->value[f->n_cells++] = value;
    return true;
}

/* ---- rows ------------------------------------------------------------------
 */

typedef struct teller {
    eg_follow *f;
    eg_follow_fn fn;
    void *ctx;
    eg_follow_seen *seen;
    eg_err *err;
} teller;

static eg_status no_memory(const teller *t)
{
    return EG_FAIL(t->err, EG_ENOMEM, "%s/%s: out of memory", t->f->dir,
                   t->f->file);
}

static eg_status tell(const teller *t, double step)
{
    const eg_follow_row row = {
        .step = step, .n = t->f->n_cells, .id = t->f->id, .value = t->f->value};

    t->f->rows++;
    t->seen->n_rows++;
    return t->fn(t->ctx, &row, t->err);
}

/* The row that the scan has taken. */
static eg_status tell_scanned(const teller *t, const egi_shape *h)
{
    eg_follow *f = t->f;

    egi_scan_values(&f->scan, h);
    f->n_cells = 0;
    for (int i = 0; i < h->n; i++)
        if (i != h->step && h->tag[i] >= 0 &&
            !put_cell(f, h->tag[i], f->scan.value[i]))
            return no_memory(t);
    return tell(t, f->scan.value[h->step]);
}

/* Cells of what jansson has read; *row: it is a row. */
static eg_status take_object(const teller *t, json_t *line, bool *row)
{
    eg_follow *f = t->f;
    const char *name;
    json_t *value;

    *row = json_is_number(json_object_get(line, "step"));
    f->n_cells = 0;
    if (!*row) return EG_OK;
    json_object_foreach(line, name, value)
    {
        int id;

        if (strcmp(name, "step") == 0) continue;
        if (!json_is_number(value) && !json_is_null(value)) {
            *row = false;
            return EG_OK;
        }
        if (!number_of(f, name, &id)) return no_memory(t);
        if (id >= 0 &&
            !put_cell(f, id,
                      json_is_null(value) ? (double)NAN
                                          : json_number_value(value)))
            return no_memory(t);
    }
    return EG_OK;
}

/* Later rows of the shape of this one will be known. */
static eg_status learn(const teller *t, const char *text, size_t size)
{
    egi_shape *h = egi_scan_learn(&t->f->scan, text, size);

    for (int i = 0; h && i < h->n; i++)
        if (i != h->step && !number_of(t->f, h->name[i], &h->tag[i]))
            return no_memory(t);
    return EG_OK;
}

static eg_status take_parsed(const teller *t, const char *text, size_t size)
{
    json_error_t why;
    json_t *line = egi_json_parse(text, size, 0, &why);
    bool row = false;
    eg_status st = EG_OK;

    if (!line && egi_json_status(&why) == EG_ENOMEM) return no_memory(t);
    if (json_is_object(line)) st = take_object(t, line, &row);
    if (st == EG_OK && row) st = learn(t, text, size);
    if (st == EG_OK && row)
        st = tell(t, json_number_value(json_object_get(line, "step")));
    if (!row) t->f->bad++;
    json_decref(line);
    return st;
}

static eg_status take_line(const teller *t, const char *text, size_t size)
{
    const egi_shape *h = egi_scan_row(&t->f->scan, text, size);

    return h ? tell_scanned(t, h) : take_parsed(t, text, size);
}

/* ---- the file --------------------------------------------------------------
 */

/* Text that was read becomes what is known of the file. */
static void advance(eg_follow *f, const char *text, size_t size)
{
    size_t n = size < LAST ? size : LAST;
    size_t keep = (size_t)f->n_last < LAST - n ? (size_t)f->n_last : LAST - n;

    memmove(f->last, f->last + f->n_last - keep, keep);
    memcpy(f->last + keep, text + size - n, n);
    f->n_last = (int)(keep + n);
    f->at += (int64_t)size;
}

/* Is the file still the one whose beginning was read? */
static bool goes_on(const eg_follow *f, int fd, const struct stat *info)
{
    char now[LAST];

    if (f->at == 0) return true;
    return info->st_ino == f->inode && info->st_size >= f->at &&
           pread(fd, now, (size_t)f->n_last, f->at - f->n_last) == f->n_last &&
           memcmp(now, f->last, (size_t)f->n_last) == 0;
}

static void begin_anew(eg_follow *f)
{
    f->at = f->rows = f->bad = 0;
    f->n_last = 0;
}

static eg_status take_lines(const teller *t, const char *text, size_t size)
{
    eg_status st = EG_OK;
    const char *end;

    while (st == EG_OK && size > 0 && (end = memchr(text, '\n', size))) {
        size_t n = (size_t)(end - text);

        st = take_line(t, text, n);
        advance(t->f, text, n + 1);
        text += n + 1;
        size -= n + 1;
    }
    return st;
}

static eg_status read_on(const teller *t, int fd, int64_t max_bytes)
{
    eg_infile in = {.fd = fd, .path = t->f->file};
    egi_blocks b = {0};
    int64_t stop = t->f->at + max_bytes;
    const char *text = NULL;
    size_t size = 0;
    eg_status st = EG_OK;

    if (lseek(fd, t->f->at, SEEK_SET) < 0)
        return EG_FAIL(t->err, EG_EIO, "%s/%s: cannot read it", t->f->dir,
                       t->f->file);
    egi_blocks_open(&b, &in);
    do {
        EG_TRY(egi_blocks_next(&b, &text, &size, t->err));
        EG_TRY(take_lines(t, text, size));
    } while (size > 0 && t->f->at < stop);
    t->seen->more = size > 0;
done:
    egi_blocks_release(&b);
    return st;
}

eg_status eg_follow_look(eg_follow *f, int64_t max_bytes, eg_follow_fn fn,
                         void *ctx, eg_follow_seen *seen, eg_err *err)
{
    const teller t = {.f = f, .fn = fn, .ctx = ctx, .seen = seen, .err = err};
    struct stat info;
    eg_folder in;
    int fd = -1;
    eg_status st = eg_folder_open(&in, f->dir, err);

    *seen = (eg_follow_seen){0};
    if (st == EG_OK && eg_folder_has(&in, f->file))
        st = eg_folder_fd(&fd, &in, f->file, EG_READ, err);
    if (st != EG_OK) goto done;
    if (fd < 0) {
        seen->anew = f->at > 0;
    } else if (fstat(fd, &info) != 0) {
        st = EG_FAIL(err, EG_EIO, "%s/%s: cannot read it", f->dir, f->file);
        goto done;
    } else {
        seen->anew = !goes_on(f, fd, &info);
    }
    if (seen->anew)
        begin_anew(f);
    else if (fd >= 0 && info.st_size > f->at) {
        f->inode = info.st_ino;
        st = read_on(&t, fd, max_bytes);
    }
done:
    if (fd >= 0) (void)close(fd);
    eg_folder_close(&in);
    return st;
}
