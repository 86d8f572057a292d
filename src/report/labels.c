/* Names for the rows and columns of heat maps: the run stores the ids of the
 * sequence it shows, its task knows which character an id is. */

#include <string.h>
#include "engram/config.h"
#include "report/report_impl.h"

enum { MAX_LABELS = 65536 };

/* Adds a list of n labels, from 1 to MAX_LABELS; else nothing. */
static int put_labels(json_t *j, const char *name, eg_index n,
                      int64_t (*label)(const void *of, eg_index i),
                      const void *of)
{
    json_t *list;
    int bad = 0;

    if (n <= 0 || n > MAX_LABELS) return 0;
    list = json_array();
    for (eg_index i = 0; i < n && !bad; i++)
        bad |= json_array_append_new(list, json_integer(label(of, i)));
    return json_object_set_new(j, name, egi_json_whole(list, bad));
}

static int64_t token_at(const void *view, eg_index i)
{
    return (int64_t)eg_view_at(view, i);
}

static int put_tokens(json_t *j, const char *run_dir)
{
    eg_view v = {0};
    int bad = 0;
    eg_status st = egi_array_read(&v, run_dir, "arrays/demo_tokens.npy", NULL);

    if (st == EG_OK)
        bad = put_labels(j, "tokens", eg_view_size(&v), token_at, &v);
    eg_view_release(&v);
    return bad || st == EG_ENOMEM;
}

/* The lines of the task section, one by one: a configuration of another version
 * may hold keys that this one does not know, which do not matter here. */
static void read_task(eg_config *cfg, const char *config)
{
    bool inside = false;

    for (const char *p = config, *end; p && *p; p = end ? end + 1 : NULL) {
        char key[64], value[EG_TEXT], line[2 * EG_TEXT];
        size_t size;

        end = strchr(p, '\n');
        size = end ? (size_t)(end - p) : strlen(p);
        if (size >= sizeof line) size = sizeof line - 1;
        memcpy(line, p, size); /* sscanf would measure all that follows */
        line[size] = '\0';
        if (*p != ' ')
            inside = strncmp(p, "task:", 5) == 0;
        else if (inside &&
                 sscanf(line, " %63[a-z_]: %255[^\n]", key, value) == 2) {
            size_t n = strlen(value);
            bool quoted = n >= 2 && value[0] == '"' && value[n - 1] == '"';

            if (quoted) value[n - 1] = '\0';
            (void)snprintf(line, sizeof line, "task.%s=%s", key,
                           value + quoted);
            (void)eg_config_set(cfg, line, NULL);
        }
    }
}

static int64_t symbol_at(const void *task, eg_index i)
{
    return eg_task_symbol(task, (int)i);
}

/* The task is made again from the configuration; without its statistics file
 * labels are numbers. */
static int put_symbols(json_t *j, const egi_run *r)
{
    eg_config *cfg;
    eg_task *task = NULL;
    eg_status st = EG_ENOMEM;
    int bad = 0;

    if (!r->config || r->theory) return 0;
    cfg = eg_calloc(1, sizeof *cfg);
    if (cfg) {
        eg_config_default(cfg);
        read_task(cfg, r->config);
        st = eg_task_new(&task, &cfg->task, 1, NULL);
    }
    if (st == EG_OK) {
        int n = eg_task_vocab(task);

        bad = put_labels(j, "symbols", n < MAX_LABELS ? n : MAX_LABELS,
                         symbol_at, task);
    }
    eg_task_free(task);
    eg_free(cfg);
    return bad || st == EG_ENOMEM;
}

json_t *egi_labels_json(const egi_run *r)
{
    json_t *j = json_object();

    return egi_json_whole(j, put_tokens(j, r->dir) || put_symbols(j, r));
}
