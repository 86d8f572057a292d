/* Run directories with few rows, and the data of the pages made of them. */
#ifndef EG_TEST_PAGES_H
#define EG_TEST_PAGES_H

#include "rundir.h"

#define CONFIG(name, seed, lr)                             \
    "run:\n  name: " name "\n  kind: train\n  seed: " seed \
    "\noptim:\n  lr: " lr "\n"
#define ROWS                                           \
    "{\"step\":0,\"loss\":4,\"acc_in_context\":0.1}\n" \
    "{\"step\":5,\"loss\":2,\"acc_in_context\":0.7}\n"

static inline void put_run(const char *root, const char *dir,
                           const char *config, const char *record,
                           const char *metrics)
{
    char path[256];
    const char *name[] = {"config.yaml", "run.json", "metrics.jsonl"};
    const char *text[] = {config, record, metrics};

    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, name[i]);
        if (text[i])
            test_put(root, path, text[i]);
        else
            test_put(root, path, NULL);
    }
}

/* The data of a page: what stands in its JSON script. */
static inline json_t *page_data(const char *html)
{
    const char *from = strstr(html, "id=\"data\">"), *to;
    json_t *j;
    json_error_t e;

    assert_non_null(from);
    from += strlen("id=\"data\">");
    to = strstr(from, "</script>");
    assert_non_null(to);
    j = json_loadb(from, (size_t)(to - from), 0, &e);
    if (!j) print_message("%s at %d\n", e.text, e.position);
    assert_non_null(j);
    return j;
}

static inline json_t *report(const char *root, const char *const *names, int n)
{
    char path[4][512], out[512];
    const char *paths[4];
    eg_report_opts opts = {.out = out};
    eg_err err = {0};
    char *html;
    json_t *data;

    for (int i = 0; i < n; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/%s", root, names[i]);
        paths[i] = path[i];
    }
    (void)snprintf(out, sizeof out, "%s/report.html", root);
    if (eg_report_write(paths, n, &opts, &err) != EG_OK)
        fail_msg("%s", err.msg);
    html = test_read(out);
    data = page_data(html);
    eg_free(html);
    return data;
}

static inline json_t *group(const json_t *data, size_t i)
{
    return json_array_get(json_object_get(data, "groups"), i);
}

static inline const char *text_of(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

#endif
