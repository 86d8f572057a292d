/* Run directories as the laboratory and the report read them. The first line
 * names the file that the rest becomes: run.json, config.yaml, metrics.jsonl,
 * timing.jsonl, claims.json or arrays/<name>.npy. */
#include <errno.h>
#include <sys/stat.h>

#include "engram/run.h"
#include "fuzz.h"
#include "report/report_impl.h"

static char dir[256];
static int64_t n_lines; /* of metrics.jsonl that are not blank */
static const char *const files[] = {
    "run.json",
    "config.yaml",
    "metrics.jsonl",
    "timing.jsonl",
    "claims.json",
    "arrays/pattern_L0.0.npy",
    "arrays/pattern_L9223372036854775807.0.npy"};
enum { N_FILES = sizeof files / sizeof *files };

static void path_of(char *buf, size_t size, const char *name)
{
    EG_ASSERT(snprintf(buf, size, "%s/%s", dir, name) < (int)size);
}

static void remove_files(void)
{
    char path[512];

    for (int i = 0; i < N_FILES; i++) {
        path_of(path, sizeof path, files[i]);
        EG_ASSERT(remove(path) == 0 || errno == ENOENT);
    }
}

static void remove_dir(void)
{
    char path[512];

    remove_files();
    path_of(path, sizeof path, "arrays");
    (void)remove(path);
    (void)remove(dir);
}

static void make_dir(void)
{
    const char *base = getenv("TMPDIR");
    char path[512];

    if (dir[0]) return;
    (void)snprintf(dir, sizeof dir, "%s/engram-fuzz-XXXXXX",
                   base ? base : "/tmp");
    EG_ASSERT(mkdtemp(dir));
    path_of(path, sizeof path, "arrays");
    EG_ASSERT(mkdir(path, 0777) == 0);
    EG_ASSERT(atexit(remove_dir) == 0);
}

static void put(const char *name, const void *bytes, size_t size)
{
    char path[512];
    FILE *f = NULL;

    path_of(path, sizeof path, name);
    f = fopen(path, "wb");
    EG_ASSERT(f);
    EG_ASSERT(fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

/* A sound run, in which the fuzzed file takes its place. */
static void put_run(void)
{
    static const char record[] = "{\"name\": \"a\", \"seed\": 1}";
    static const char config[] = "run:\n  name: a\n  seed: 1\n";
    static const char metrics[] = "{\"step\": 0, \"loss\": 4}\n";

    put("run.json", record, sizeof record - 1);
    put("config.yaml", config, sizeof config - 1);
    put("metrics.jsonl", metrics, sizeof metrics - 1);
}

static int64_t count_lines(const char *s, size_t size)
{
    bool blank = true;
    int64_t n = 0;

    for (size_t i = 0; i < size; i++) {
        if (s[i] == '\n') blank = true;
        if (!blank || strchr(" \t\r\n", s[i] ? s[i] : 'x')) continue;
        blank = false;
        n++;
    }
    return n;
}

/* Everything that the page makes of a run. */
static void show(egi_run *r)
{
    eg_err err = {0};
    egi_heats h;
    json_t *j = egi_run_json(r, EGI_MAX_POINTS), *labels = egi_labels_json(r),
           *maps = NULL;

    EG_ASSERT(j && labels);
    EG_ASSERT(json_is_string(json_object_get(j, "dir")));
    EG_ASSERT(!r->config || json_is_string(json_object_get(j, "config")));
    EG_ASSERT(r->name && r->group && r->axis && r->help);
    if (strcmp(r->dir, dir) == 0)
        EG_ASSERT(r->table.n_rows + r->table.n_bad >= n_lines);
    EG_ASSERT(egi_heats_find(&h, r->dir, r->problems, &err) == EG_OK);
    for (int i = 0; i < h.n; i++) {
        char label[256];

        egi_heat_label(&h.heat[i], label, sizeof label);
    }
    maps = egi_heats_json(&h, 1, r->problems);
    egi_heats_release(&h);
    json_decref(maps);
    json_decref(labels);
    json_decref(j);
}

static void read_back(void)
{
    static eg_run_info info;
    const char *const path[] = {dir};
    eg_err err = {0};
    egi_collection c;
    eg_status st = eg_run_info_read(&info, dir, &err);

    if (st != EG_OK) fuzz_check_failure(st, &err);
    st = egi_collect(&c, path, 1, &err);
    if (st != EG_OK) {
        fuzz_check_failure(st, &err);
        return;
    }
    for (int i = 0; i < c.n; i++) show(&c.run[i]);
    egi_collection_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = eg_mem_query().live_bytes;
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;

    for (int i = 0; end && i < N_FILES; i++) {
        if (strlen(files[i]) != n || memcmp(files[i], data, n) != 0) continue;
        make_dir();
        remove_files();
        put_run();
        put(files[i], end + 1, size - n - 1);
        n_lines = strcmp(files[i], "metrics.jsonl") == 0
                      ? count_lines((const char *)end + 1, size - n - 1)
                      : 1;
        read_back();
    }
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
