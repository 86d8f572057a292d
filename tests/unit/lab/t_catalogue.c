/* The catalogue says what the run directories say, whatever became of it. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "engram/mem.h"
#include "lab/catalogue.h"
#include "lab/catalogue_values.h"
#include "scratch.h"

enum { RUNS = 12 };
static char root[64];

static const char *in_root(const char *name)
{
    static char path[4][256];
    static int turn;
    char *p = path[turn++ % 4];

    (void)snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

#define CATALOGUE in_root("catalogue.sqlite")

static void put(const char *path, const char *text)
{
    eg_err err;

    assert_int_equal(eg_file_write(path, text, strlen(text), &err), EG_OK);
}

/* Bytes as they are, without waiting for the disk. */
static void put_bytes(const char *bytes, size_t size)
{
    FILE *f = fopen(CATALOGUE, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void put_run(int i, const char *status)
{
    char dir[128], path[160], text[512];
    eg_err err;

    (void)snprintf(dir, sizeof dir, "%s/name%d/2026010%d-00%04d", root, i % 3,
                   1 + i % 9, i);
    (void)snprintf(path, sizeof path, "%s/run.json", dir);
    assert_int_equal(eg_mkdirs(dir, &err), EG_OK);
    (void)snprintf(text, sizeof text,
                   "{\"name\": \"name%d\", \"id\": \"2026010%d-00%04d\", "
                   "\"kind\": \"flow\", \"status\": \"%s\", \"reason\": \"\", "
                   "\"start\": \"2026-01-0%dT00:00:00Z\", \"seed\": %d, "
                   "\"evaluations\": 7, \"seconds\": 1.25}",
                   i % 3, 1 + i % 9, i, status, 1 + i % 9, i);
    put(path, text);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(root, sizeof root);
    for (int i = 0; i < RUNS; i++) put_run(i, "finished");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(root);
    return 0;
}

typedef struct seen {
    int n, bad, n_of[8];
    const char *word; /* a status to count */
    int of_word;
    char last[32];
} seen;

static void look(void *ctx, const eg_run_info *r)
{
    seen *s = ctx;
    char want[32], dir[EG_PATH];

    s->n++;
    (void)snprintf(want, sizeof want, "name%d", (int)r->seed % 3);
    (void)snprintf(dir, sizeof dir, "%s/%s/%s", root, r->name, r->id);
    s->bad += strcmp(dir, r->dir) != 0;
    if (strcmp(r->status, "damaged") != 0)
        s->bad += strcmp(want, r->name) != 0 || r->evaluations != 7 ||
                  r->seconds != 1.25 || strcmp(r->kind, "flow") != 0;
    if (s->word) s->of_word += strcmp(r->status, s->word) == 0;
    if (s->last[0] && strcmp(s->last, r->start) < 0) s->bad++;
    (void)snprintf(s->last, sizeof s->last, "%s", r->start);
}

static seen ask(const char *name, const char *word)
{
    seen s = {.word = word};
    eg_err err = {0};

    if (eg_catalogue_each(root, name, look, &s, &err) != EG_OK)
        fail_msg("%s", err.msg);
    return s;
}

static void all_there(int n)
{
    seen s = ask(NULL, NULL);

    assert_int_equal(s.n, n);
    assert_int_equal(s.bad, 0);
}

static void test_newest_first_and_by_name(void **state)
{
    (void)state;
    all_there(RUNS);
    assert_true(eg_file_exists(CATALOGUE));
    assert_int_equal(ask("name1", NULL).n, RUNS / 3);
    assert_int_equal(ask("x' OR 1", NULL).n, 0);
    assert_int_equal(ask("", NULL).n, 0);
}

static void test_whatever_became_of_it(void **state)
{
    static const char *const text[] = {"", "garbage-garbage-garb",
                                       "SQLite format 3"};
    char *bytes;
    size_t size;
    eg_err err;
    int n = 0;

    (void)state;
    all_there(RUNS);
    assert_int_equal(unlink(CATALOGUE), 0);
    all_there(RUNS);
    assert_int_equal(eg_file_read(&bytes, &size, CATALOGUE, 1 << 20, &err),
                     EG_OK);
    for (int i = 0; i < 3; i++) {
        char *again;
        size_t now;

        put(CATALOGUE, text[i]);
        all_there(RUNS);
        assert_int_equal(eg_file_read(&again, &now, CATALOGUE, 1 << 20, &err),
                         EG_OK);
        assert_int_equal(now, size); /* made anew */
        assert_memory_equal(again, bytes, size);
        eg_free(again);
        put(CATALOGUE, text[i]);
        assert_int_equal(eg_catalogue_rebuild(root, &n, &err), EG_OK);
        assert_int_equal(n, RUNS);
        all_there(RUNS);
    }
    for (size_t cut = 0; cut < size; cut += 211) {
        put_bytes(bytes, cut);
        all_there(RUNS);
    }
    /* one bit wrong, anywhere */
    for (size_t i = 0; i < size; i += i < 100 ? 1 : 53) {
        bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
        put_bytes(bytes, size);
        all_there(RUNS);
        bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
    }
    eg_free(bytes);
}

static void test_what_the_directories_say_now(void **state)
{
    eg_folder f;
    eg_err err;
    int lock;
    char dir[128], path[160];

    (void)state;
    all_there(RUNS);
    put_run(3, "interrupted");
    assert_int_equal(ask(NULL, "interrupted").of_word, 1);
    put_run(RUNS, "finished");
    all_there(RUNS + 1);
    /* one that runs, and one that ended without a word */
    put_run(4, "running");
    put_run(5, "running");
    for (int i = 4; i <= 5; i++) {
        (void)snprintf(dir, sizeof dir, "%s/name%d/2026010%d-00%04d", root,
                       i % 3, 1 + i % 9, i);
        assert_int_equal(eg_folder_open(&f, dir, &err), EG_OK);
        assert_int_equal(eg_lock_take(&lock, &f, "lock", &err), EG_OK);
        if (i == 4) eg_lock_drop(lock);
        eg_folder_close(&f);
    }
    assert_int_equal(ask(NULL, "running").of_word, 1);
    assert_int_equal(ask(NULL, "killed").of_word, 1);
    eg_lock_drop(lock);
    assert_int_equal(ask(NULL, "running").of_word, 0);
    assert_int_equal(ask(NULL, "killed").of_word, 2);
    /* a record that cannot be read is not left out */
    (void)snprintf(dir, sizeof dir, "%s/name0/20260101-000000/run.json", root);
    put(dir, "{");
    assert_int_equal(ask(NULL, "damaged").of_word, 1);
    assert_int_equal(ask("name0", "damaged").of_word, 1);
    all_there(RUNS + 1);
    /* ... nor one that has none, if there is a configuration and a lock */
    assert_int_equal(unlink(dir), 0);
    all_there(RUNS);
    *strrchr(dir, '/') = '\0';
    (void)snprintf(path, sizeof path, "%s/config.yaml", dir);
    put(path, "run: {name: name0}\n");
    all_there(RUNS);
    (void)snprintf(path, sizeof path, "%s/lock", dir);
    put(path, "");
    assert_int_equal(ask("name0", "damaged").of_word, 1);
    assert_int_equal(unlink(path), 0);
    all_there(RUNS);
}

/* A record that has not changed is not read again. */
static void test_rows_are_believed(void **state)
{
    egi_entry *row;
    eg_folder f;
    eg_err err;
    int n, rebuilt;
    bool whole;

    (void)state;
    all_there(RUNS);
    assert_int_equal(eg_folder_open(&f, root, &err), EG_OK);
    assert_int_equal(egi_catalogue_load(&row, &n, &whole, &f, 99, false, &err),
                     EG_OK);
    assert_true(whole);
    assert_int_equal(n, RUNS);
    (void)strcpy(row[2].info.status, "diverged");
    assert_int_equal(egi_catalogue_save(&f, row, n, &err), EG_OK);
    assert_int_equal(ask(NULL, "diverged").of_word, 1);
    assert_int_equal(eg_catalogue_rebuild(root, &rebuilt, &err), EG_OK);
    assert_int_equal(ask(NULL, "diverged").of_word, 0);
    egi_entries_free(row, n);
    /* more rows than there can be runs: somebody made them up */
    assert_int_equal(egi_catalogue_load(&row, &n, &whole, &f, 5, false, &err),
                     EG_OK);
    assert_false(whole);
    assert_int_equal(n, 5);
    egi_entries_free(row, n);
    eg_folder_close(&f);
}

static void test_a_run_that_ends(void **state)
{
    static const char *const before[] = {NULL, "", "garbage", "other"};
    char dir[128];
    eg_err err = {0};

    (void)state;
    (void)snprintf(dir, sizeof dir, "%s/name1/20260102-000001", root);
    for (int i = 0; i < 4; i++) {
        egi_entry *row;
        eg_folder f;
        int n;
        bool whole;

        (void)unlink(CATALOGUE);
        if (i == 3) { /* of an older engram: another table */
            sqlite3 *db;

            assert_int_equal(sqlite3_open(CATALOGUE, &db), SQLITE_OK);
            assert_int_equal(
                sqlite3_exec(db, "CREATE TABLE runs (dir TEXT, name TEXT)",
                             NULL, NULL, NULL),
                SQLITE_OK);
            sqlite3_close(db);
        } else if (before[i]) {
            put(CATALOGUE, before[i]);
        }
        for (int twice = 0; twice < 2; twice++)
            if (eg_catalogue_update(root, dir, &err) != EG_OK)
                fail_msg("%d: %s", i, err.msg);
        assert_int_equal(eg_folder_open(&f, root, &err), EG_OK);
        assert_int_equal(
            egi_catalogue_load(&row, &n, &whole, &f, 99, false, &err), EG_OK);
        assert_true(whole);
        assert_int_equal(n, i < 2 ? 1 : RUNS);
        egi_entries_free(row, n);
        eg_folder_close(&f);
        all_there(RUNS);
    }
}

/* Processes of a sweep enter their runs at the same time: no row is lost, and
 * those who ask meanwhile see all runs. */
static void test_many_at_once(void **state)
{
    enum { MORE = 40, PROCESSES = 4 };
    egi_entry *row;
    eg_folder f;
    eg_err err;
    int n, status;
    bool whole;

    (void)state;
    for (int i = RUNS; i < RUNS + MORE; i++) put_run(i, "finished");
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() != 0) continue;
        for (int i = p; i < RUNS + MORE; i += PROCESSES) {
            char dir[128];

            (void)snprintf(dir, sizeof dir, "%s/name%d/2026010%d-00%04d", root,
                           i % 3, 1 + i % 9, i);
            if (eg_catalogue_update(root, dir, &err) != EG_OK) {
                printf("run %d: %s\n", i, err.msg);
                (void)fflush(stdout);
                _exit(1);
            }
        }
        _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(eg_folder_open(&f, root, &err), EG_OK);
    assert_int_equal(egi_catalogue_load(&row, &n, &whole, &f, 999, true, &err),
                     EG_OK);
    assert_true(whole);
    assert_int_equal(n, RUNS + MORE);
    for (int i = 0; i < n; i++) assert_string_equal(row[i].config, "{}");
    egi_entries_free(row, n);
    eg_folder_close(&f);
    all_there(RUNS + MORE);
}

/* Configurations and metrics are read when they are asked for, kept, and read
 * again when their files change; the record alone does not lose them. */
static void test_details(void **state)
{
    egi_entry *e;
    eg_value v;
    eg_err err;
    eg_folder f;
    bool whole;
    int n;
    char path[160];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/name0/20260101-000000/config.yaml",
                   root);
    put(path, "run:\n  name: 'a \"b\"'\n  theory: \"\"\noptim:\n  lr: 0.1\n"
              "  list: [x, 2]\n");
    memcpy(strrchr(path, '/'), "/metrics.jsonl", sizeof "/metrics.jsonl");
    put(path, "{\"step\": 0, \"loss\": 2, \"early\": 7}\n"
              "{\"step\": 1, \"loss\": 0.5, \"lr\": null}\n");
    for (int turn = 0; turn < 4; turn++) {
        double loss = turn == 2 || turn == 3 ? 0.25 : 0.5;

        if (turn == 1) put_run(0, "interrupted"); /* its record alone */
        if (turn == 1) all_there(RUNS);
        if (turn == 2) put(path, "{\"step\": 0, \"loss\": 0.25}\n");
        if (turn == 3) assert_int_equal(unlink(CATALOGUE), 0);
        assert_int_equal(egi_catalogue_all(&e, &n, root, true, &err), EG_OK);
        for (int i = 0; i < n; i++) {
            if (strcmp(e[i].info.dir, "name0/20260101-000000") != 0) continue;
            egi_value_of(&v, &e[i], "loss");
            assert_true(v.kind == EG_VALUE_NUMBER && v.number == loss);
            egi_value_of(&v, &e[i], "last.loss");
            assert_true(v.number == loss);
            egi_value_of(&v, &e[i], "early");
            assert_int_equal(v.kind != EG_VALUE_NOTHING, turn < 2);
            egi_value_of(&v, &e[i], "last.lr"); /* null */
            assert_int_equal(v.kind, EG_VALUE_NOTHING);
            egi_value_of(&v, &e[i], "optim.lr");
            assert_string_equal(v.text, "0.1");
            egi_value_of(&v, &e[i], "run.name");
            assert_string_equal(v.text, "a \"b\"");
            egi_value_of(&v, &e[i], "optim.list");
            assert_int_equal(v.kind, EG_VALUE_LIST);
            assert_string_equal(v.text, "x, 2");
            egi_value_of(&v, &e[i], "run.theory");
            assert_int_equal(v.kind, EG_VALUE_NOTHING);
            egi_value_of(&v, &e[i], "point");
            assert_int_equal(v.kind, EG_VALUE_NOTHING);
        }
        egi_entries_free(e, n);
    }
    /* they are in the file */
    assert_int_equal(eg_folder_open(&f, root, &err), EG_OK);
    assert_int_equal(egi_catalogue_load(&e, &n, &whole, &f, 99, true, &err),
                     EG_OK);
    assert_true(whole);
    for (int i = 0; i < n; i++) assert_non_null(e[i].config);
    egi_entries_free(e, n);
    eg_folder_close(&f);
}

/* What is no file of ours is neither followed nor written. */
static void test_links_and_pipes(void **state)
{
    char *bytes;
    size_t size;
    eg_err err;
    int n;
    char dir[128];

    (void)state;
    (void)snprintf(dir, sizeof dir, "%s/name1/20260102-000001", root);
    for (int i = 0; i < 3; i++) {
        put(in_root("victim"), i == 0 ? "" : "precious");
        if (i < 2) {
            assert_int_equal(symlink(in_root("victim"), CATALOGUE), 0);
        } else {
            assert_int_equal(mkfifo(CATALOGUE, 0600), 0);
        }
        all_there(RUNS);
        assert_int_not_equal(eg_catalogue_update(root, dir, &err), EG_OK);
        assert_int_not_equal(eg_catalogue_rebuild(root, &n, &err), EG_OK);
        print_message("%s\n", err.msg);
        assert_int_equal(
            eg_file_read(&bytes, &size, in_root("victim"), 99, &err), EG_OK);
        assert_string_equal(bytes, i == 0 ? "" : "precious");
        eg_free(bytes);
        assert_int_equal(unlink(CATALOGUE), 0);
    }
}

/* A file of that name that is not engram's keeps its bytes. */
static void test_files_of_others(void **state)
{
    static const char sql[] = "CREATE TABLE books (dir TEXT); "
                              "INSERT INTO books VALUES ('mine')";
    char *before, *after, dir[128];
    size_t size, now;
    sqlite3 *db;
    eg_err err;
    int n;

    (void)state;
    (void)snprintf(dir, sizeof dir, "%s/name1/20260102-000001", root);
    (void)unlink(CATALOGUE);
    assert_int_equal(sqlite3_open(CATALOGUE, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(eg_file_read(&before, &size, CATALOGUE, 1 << 20, &err),
                     EG_OK);
    assert_int_not_equal(eg_catalogue_update(root, dir, &err), EG_OK);
    all_there(RUNS);
    assert_int_equal(eg_catalogue_rebuild(root, &n, &err), EG_EINVAL);
    assert_non_null(strstr(err.msg, "is a database of something else"));
    assert_int_equal(eg_file_read(&after, &now, CATALOGUE, 1 << 20, &err),
                     EG_OK);
    assert_int_equal(now, size);
    assert_memory_equal(before, after, size);
    eg_free(before);
    eg_free(after);
    for (int i = 0; i < 2; i++) {
        put(CATALOGUE, i ? "more" : "mine");
        all_there(RUNS);
        assert_int_equal(eg_file_read(&after, &now,
                                      in_root(i ? "catalogue.sqlite.kept-2"
                                                : "catalogue.sqlite.kept"),
                                      99, &err),
                         EG_OK);
        assert_string_equal(after, i ? "more" : "mine");
        eg_free(after);
    }
}

static void test_folders_that_are_not_ours(void **state)
{
    seen s = {0};
    eg_err err;
    int n = 1;

    (void)state;
    assert_int_equal(eg_mkdirs(in_root("empty/deep/er"), &err), EG_OK);
    assert_int_equal(eg_catalogue_each(in_root("empty"), NULL, look, &s, &err),
                     EG_OK);
    assert_int_equal(eg_catalogue_rebuild(in_root("empty"), &n, &err), EG_OK);
    assert_int_equal(n + s.n, 0);
    assert_false(eg_file_exists(in_root("empty/catalogue.sqlite")));
    assert_int_not_equal(
        eg_catalogue_each(in_root("none"), NULL, look, &s, &err), EG_OK);
    assert_false(eg_file_exists(in_root("none")));
    /* a folder that cannot be written is read all the same */
    if (geteuid() == 0) return;
    assert_int_equal(chmod(root, 0555), 0);
    all_there(RUNS);
    assert_int_equal(chmod(root, 0755), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_files_of_others),
        TEST(test_newest_first_and_by_name),
        TEST(test_whatever_became_of_it),
        TEST(test_what_the_directories_say_now),
        TEST(test_rows_are_believed),
        TEST(test_a_run_that_ends),
        TEST(test_many_at_once),
        TEST(test_details),
        TEST(test_links_and_pipes),
        TEST(test_folders_that_are_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
