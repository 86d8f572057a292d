/* Names for the rows and columns of heat maps: the run stores the ids of the
 * sequence it shows, its task knows which character an id is. */

#include <string.h>
#include "engram/config.h"
#include "report/report_impl.h"

enum { MAX_LABELS = 65536 };

static json_t *tokens_json(const char *run_dir)
{
    eg_view v = {0};
    json_t *list = NULL;
    eg_index n;

    if (egi_array_read(&v, run_dir, "arrays/demo_tokens.npy", NULL) != EG_OK)
        return NULL;
    n = eg_view_size(&v);
    if (n > 0 && n <= MAX_LABELS) list = json_array();
    for (eg_index i = 0; list && i < n; i++)
        json_array_append_new(list,
                              json_integer((json_int_t)eg_view_at(&v, i)));
    eg_view_release(&v);
    return list;
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

/* The task is made again from the configuration; without its statistics file
 * labels are numbers. */
static json_t *symbols_json(const egi_run *r)
{
    eg_config *cfg = eg_calloc(1, sizeof *cfg);
    eg_task *task = NULL;
    json_t *list = NULL;

    if (!cfg || !r->config || r->theory) goto done;
    eg_config_default(cfg);
    read_task(cfg, r->config);
    if (eg_task_new(&task, &cfg->task, 1, NULL) != EG_OK) goto done;
    list = json_array();
    for (int i = 0; i < eg_task_vocab(task) && i < MAX_LABELS; i++)
        json_array_append_new(list, json_integer(eg_task_symbol(task, i)));
done:
    eg_task_free(task);
    eg_free(cfg);
    return list;
}

json_t *egi_labels_json(const egi_run *r)
{
    json_t *j = json_object();
    json_t *tokens = tokens_json(r->dir), *symbols = symbols_json(r);

    if (tokens) json_object_set_new(j, "tokens", tokens);
    if (symbols) json_object_set_new(j, "symbols", symbols);
    return j;
}
