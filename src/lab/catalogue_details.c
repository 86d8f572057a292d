/* config.yaml and metrics.jsonl in short, for the catalogue: every key with its
 * value, every metric with its last one. What cannot be read is left out; the
 * run's record says how the run is. */
#include "lab/catalogue_values.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "base/json.h"
#include "base/num.h"
#include "engram/mem.h"
#include "lab/run_priv.h"

egi_stamp egi_stamp_of(const char *dir, const char *name)
{
    char path[EG_PATH + 64];
    struct stat info;

    if (egi_path(path, sizeof path, dir, name, NULL) != EG_OK ||
        fstatat(AT_FDCWD, path, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return (egi_stamp){0};
    return (egi_stamp){.changed = (int64_t)info.st_ctim.tv_sec * 1000000000 +
                                  info.st_ctim.tv_nsec,
                       .bytes = (int64_t)info.st_size};
}

static bool same(egi_stamp a, egi_stamp b)
{
    return a.changed == b.changed && a.bytes == b.bytes;
}

/* ---- JSON in one line -----------------------------------------------------
 */

static bool is_plain(const char *s)
{
    for (; *s; s++)
        if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\') return false;
    return true;
}

static void put_string(egi_buf *b, const char *s)
{
    json_t *j;
    char *text;

    if (is_plain(s)) {
        egi_buf_put(b, "\"", 1);
        egi_buf_put(b, s, strlen(s));
        egi_buf_put(b, "\"", 1);
        return;
    }
    j = egi_json_text(s);
    text = j ? egi_json_print(j, JSON_ENCODE_ANY) : NULL;
    if (text)
        egi_buf_put(b, text, strlen(text));
    else
        b->failed = true;
    eg_free(text);
    json_decref(j);
}

/* A number as JSON has it: -1.5e-05, neither .5 nor 0x1 nor inf. */
static bool is_number(const char *s)
{
    double v;

    s += *s == '-';
    if (!egi_is_digit(*s) || (*s == '0' && egi_is_digit(s[1]))) return false;
    if (s[strlen(s) - 1] == '.' || strstr(s, ".e") || strstr(s, ".E") ||
        strchr(s, ' '))
        return false;
    return egi_real_parse(s, &v);
}

static void put_scalar(egi_buf *b, const eg_node *n)
{
    if (!n->quoted && (is_number(n->text) || strcmp(n->text, "true") == 0 ||
                       strcmp(n->text, "false") == 0))
        egi_buf_put(b, n->text, strlen(n->text));
    else if (eg_node_is_null(n))
        egi_buf_add(b, "null");
    else
        put_string(b, n->text);
}

static void put_node(egi_buf *b, const eg_node *n)
{
    bool map = n->kind == EG_NODE_MAP;

    if (n->kind == EG_NODE_SCALAR) {
        put_scalar(b, n);
        return;
    }
    egi_buf_put(b, map ? "{" : "[", 1);
    for (int i = 0; i < n->n; i++) {
        if (i) egi_buf_put(b, ",", 1);
        if (map) {
            put_string(b, n->item[i].key);
            egi_buf_put(b, ":", 1);
        }
        put_node(b, &n->item[i]); /* no deeper than YAML is read */
    }
    egi_buf_put(b, map ? "}" : "]", 1);
}

/* ---- the two texts --------------------------------------------------------
 */

static eg_status read_config(char **out, const eg_folder *run, eg_err *err)
{
    egi_buf b = {0};
    eg_yaml *y = NULL;
    eg_status st = eg_yaml_load_in(&y, run, "config.yaml", err);

    if (st == EG_ENOMEM) return st;
    if (st == EG_OK && eg_yaml_root(y)->kind == EG_NODE_MAP)
        put_node(&b, eg_yaml_root(y));
    else
        egi_buf_add(&b, "{}");
    eg_yaml_free(y);
    return egi_buf_take(&b, out, err);
}

static eg_status read_last(char **out, const eg_folder *run, eg_err *err)
{
    egi_buf b = {0};
    eg_metrics m = {0};
    eg_status st = egi_metrics_read_in(&m, run, true, NULL, err);

    if (st == EG_ENOMEM) return st;
    egi_buf_put(&b, "{", 1);
    for (int i = 0; i < m.n; i++) {
        double v = m.series[i].value[0];
        char text[EGI_REAL_TEXT] = "null";

        if (isfinite(v)) egi_real_text(text, 6, v);
        put_string(&b, m.series[i].name);
        egi_buf_add(&b, ":%s%s", text, i < m.n - 1 ? "," : "");
    }
    egi_buf_put(&b, "}", 1);
    eg_metrics_release(&m);
    return egi_buf_take(&b, out, err);
}

static eg_status nothing(char **out, eg_err *err)
{
    *out = eg_strdup("{}");
    return *out ? EG_OK : EG_FAIL(err, EG_ENOMEM, "catalogue: out of memory");
}

eg_status egi_details_read(egi_entry *e, bool *changed, const char *dir,
                           eg_err *err)
{
    /* the stamps first: of a file that changes meanwhile they are too old */
    egi_stamp config = egi_stamp_of(dir, "config.yaml");
    egi_stamp metrics = egi_stamp_of(dir, "metrics.jsonl");
    char *text[2] = {NULL};
    eg_folder run = {.fd = -1};
    eg_status st;

    if (e->config && same(config, e->config_file) &&
        same(metrics, e->metrics_file))
        return EG_OK;
    if (eg_folder_open(&run, dir, NULL) == EG_OK) {
        EG_TRY(read_config(&text[0], &run, err));
        EG_TRY(read_last(&text[1], &run, err));
    } else {
        EG_TRY(nothing(&text[0], err));
        EG_TRY(nothing(&text[1], err));
    }
    eg_free(e->config);
    eg_free(e->last);
    e->config = text[0];
    e->last = text[1];
    e->config_file = config;
    e->metrics_file = metrics;
    e->details = egi_details_sum(e);
    *changed = true;
    text[0] = text[1] = NULL;
done:
    eg_free(text[0]);
    eg_free(text[1]);
    eg_folder_close(&run);
    return st;
}
