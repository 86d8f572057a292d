/* A sweep on disk: made, opened, worked on by several, and made whole again. */
#include "lab/sweep_priv.h"
#include "engram/mem.h"
#include "engram/pool.h"
#include "scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { POINTS = 12 };

static eg_config *base;
static eg_grid grid;

static eg_err why;

#define OK(call)                                                 \
    do {                                                         \
        if ((call) != EG_OK) fail_msg("%s: %s", #call, why.msg); \
    } while (0)

static eg_sweep *make(const char *name)
{
    const eg_sweep_make how = {
        .name = name, .file = "here", .base = base, .grid = &grid};
    eg_sweep *s = NULL;

    OK(eg_sweep_create(&s, &how, &why));
    return s;
}

static eg_sweep *again(const char *word)
{
    eg_sweep *s = NULL;

    OK(eg_sweep_open(&s, NULL, word, &why));
    return s;
}

static void work(eg_sweep *s, int *done)
{
    eg_lab_opts o = {.kern = "ref"};

    OK(eg_pool_new(&o.pool, 1, &why));
    OK(eg_sweep_work(done, s, &o, &why));
    eg_pool_free(o.pool);
}

static void expect_count(eg_sweep *s, int pending, int running, int finished)
{
    eg_sweep_count n;

    OK(eg_sweep_counted(&n, s, &why));
    assert_int_equal(n.pending, pending);
    assert_int_equal(n.running, running);
    assert_int_equal(n.finished, finished);
}

static void made_and_opened(void **state)
{
    eg_sweep *s = make(NULL), *t, *none = NULL;
    eg_point *p = NULL;
    char(*names)[EG_TEXT];
    eg_err err = {0};
    int n;

    (void)state;
    assert_string_equal(eg_sweep_name(s), "t");
    assert_string_equal(eg_sweep_dir(s), "runs/sweeps/t");
    assert_int_equal(eg_sweep_points(s), POINTS);
    eg_sweep_free(s);
    s = make(NULL); /* the name is taken */
    assert_string_equal(eg_sweep_name(s), "t-2");
    assert_int_equal(
        eg_sweep_create(
            &t, &(eg_sweep_make){.name = "t-2", .base = base, .grid = &grid},
            &err),
        EG_EINVAL);
    assert_non_null(strstr(err.msg, "there is a sweep t-2 already"));
    eg_sweep_free(s);
    OK(eg_mkdirs("runs/sweeps/empty", &why));
    assert_int_equal(
        eg_sweep_create(
            &t, &(eg_sweep_make){.name = "empty", .base = base, .grid = &grid},
            &err),
        EG_EINVAL);
    assert_non_null(strstr(err.msg, "runs/sweeps/empty is in the way"));
    assert_int_equal(rmdir("runs/sweeps/empty"), 0);
    s = again("t-2");
    t = again("runs/sweeps/t");
    assert_string_equal(eg_sweep_root(t), "runs");
    assert_int_equal(eg_sweep_grid(s)->n_axes, 1);
    assert_string_equal(eg_sweep_grid(s)->axis[0].value[2], "0.3");
    assert_int_equal(eg_sweep_grid(s)->seeds.n, 4);
    assert_true(eg_config_same(eg_sweep_base(s), base));
    OK(eg_sweep_read(&p, s, &why));
    for (int i = 0; i < POINTS; i++) {
        assert_int_equal(p[i].i, i);
        assert_int_equal(p[i].state, EG_POINT_PENDING);
        assert_int_equal(p[i].seed, i % 4);
        assert_string_equal(p[i].dir, "");
        assert_int_equal(strlen(p[i].config_hash), 32);
    }
    assert_string_not_equal(p[0].config_hash, p[1].config_hash);
    eg_free(p);
    OK(eg_sweeps_find(&names, &n, NULL, &why));
    assert_int_equal(n, 2);
    assert_string_equal(names[1], "t-2");
    eg_free(names);
    assert_int_equal(eg_sweep_open(&none, NULL, "none", &err), EG_EINVAL);
    assert_int_equal(
        eg_sweep_create(
            &none, &(eg_sweep_make){.name = "a/b", .base = base, .grid = &grid},
            &err),
        EG_EINVAL);
    eg_sweep_free(s);
    eg_sweep_free(t);
}

static void taken_once(void **state)
{
    eg_sweep *a = again("t"), *b = again("t");
    eg_point p, q;
    eg_taken got;
    eg_lab_result none = {.outcome = EG_INTERRUPTED};

    (void)state;
    OK(eg_sweep_join(a, EG_JOURNAL_AUTO, false, NULL, &why));
    OK(eg_sweep_take(&got, &p, a, &why));
    assert_int_equal(got, EG_TAKEN);
    assert_int_equal(p.i, 0);
    assert_int_equal(p.tries, 1);
    OK(eg_sweep_take(&got, &q, a, &why));
    assert_int_equal(q.i, 1);
    assert_string_not_equal(p.dir, q.dir);
    expect_count(a, POINTS - 2, 2, 0);
    OK(eg_sweep_ended(a, &q, EG_OK, &none, "", &why));
    expect_count(a, POINTS - 1, 1, 0);
    OK(eg_sweep_take(&got, &q, a, &why)); /* the same again */
    assert_int_equal(q.i, 1);
    assert_int_equal(q.tries, 2);
    OK(eg_sweep_ended(a, &p, EG_OK, &none, "", &why));
    OK(eg_sweep_ended(a, &q, EG_EIO, &none, "no luck", &why));
    eg_sweep_free(a);
    OK(eg_sweep_join(b, EG_JOURNAL_ROLLBACK, true, NULL, &why));
    expect_count(b, POINTS, 0, 0); /* the failed one is tried again */
    eg_sweep_free(b);
}

static void dead_are_freed(void **state)
{
    char me[160], other[168];
    int64_t now = 1000000;
    eg_sweep *s = again("t");
    eg_point p;
    eg_taken got;
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        eg_err err = {0};

        bool failed =
            eg_sweep_join(s, EG_JOURNAL_AUTO, false, NULL, &err) != EG_OK ||
            eg_sweep_take(&got, &p, s, &err) != EG_OK || got != EG_TAKEN ||
            eg_sweep_take(&got, &p, s, &err) != EG_OK || got != EG_TAKEN;

        _exit(failed ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, NULL, &why));
    expect_count(s, POINTS, 0, 0);
    OK(eg_sweep_take(&got, &p, s, &why));
    assert_int_equal(p.i, 0);
    assert_int_equal(p.tries, 3);
    OK(eg_sweep_ended(s, &p, EG_OK, &(eg_lab_result){.outcome = EG_INTERRUPTED},
                      "", &why));
    eg_sweep_free(s);
    egi_worker_name(me);
    assert_true(egi_worker_alive(me, 0, now));
    snprintf(other, sizeof other, "%s1", me); /* began at another time */
    assert_false(egi_worker_alive(other, now, now));
    assert_true(egi_worker_alive("far:1:1", now - EGI_STALE + 1, now));
    assert_false(egi_worker_alive("far:1:1", now - EGI_STALE, now));
}

static void zombies_are_dead(void **state)
{
    char worker[160] = "";
    int end[2];
    siginfo_t info;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(end), 0);
    child = fork();
    if (child == 0) {
        egi_worker_name(worker);
        _exit(write(end[1], worker, sizeof worker) == sizeof worker ? 0 : 1);
    }
    assert_int_equal(read(end[0], worker, sizeof worker), sizeof worker);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_false(egi_worker_alive(worker, 0, 0));
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(end[0]);
    close(end[1]);
}

/* Four processes: every point once, nothing lost, no error. */
static void worked_by_four(void **state)
{
    pid_t child[4];
    eg_sweep *s;
    eg_point *p = NULL;
    int status, done = 0;

    (void)state;
    for (int k = 0; k < 4; k++) {
        child[k] = fork();
        if (child[k] > 0) continue;
        s = again("t");
        OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, NULL, &why));
        work(s, &done);
        eg_sweep_free(s);
        _exit(done);
    }
    done = 0;
    for (int k = 0; k < 4; k++) {
        assert_int_equal(waitpid(child[k], &status, 0), child[k]);
        assert_true(WIFEXITED(status));
        done += WEXITSTATUS(status);
    }
    assert_int_equal(done, POINTS);
    s = again("t");
    OK(eg_sweep_read(&p, s, &why));
    for (int i = 0; i < POINTS; i++) {
        eg_run_info info;

        assert_int_equal(p[i].state, EG_POINT_FINISHED);
        OK(eg_run_info_read(&info, p[i].dir, &why));
        assert_string_equal(info.status, "finished");
        assert_string_equal(info.sweep, "t");
        assert_int_equal(info.point, i);
        assert_int_equal(info.seed, p[i].seed);
        assert_string_equal(info.config_hash, p[i].config_hash);
        for (int k = 0; k < i; k++) assert_string_not_equal(p[i].dir, p[k].dir);
    }
    eg_free(p);
    eg_sweep_free(s);
}

/* The queue is only an index of what the runs say. */
static void made_again(void **state)
{
    static const char *const damage[] = {NULL, "", "garbage"};
    eg_sweep *s = again("t");
    eg_point *before = NULL, *now = NULL;
    char note[256];

    (void)state;
    OK(eg_sweep_read(&before, s, &why));
    for (size_t k = 0; k < sizeof damage / sizeof *damage; k++) {
        if (damage[k])
            OK(eg_file_write("runs/sweeps/t/queue.sqlite", damage[k],
                             strlen(damage[k]), &why));
        else
            assert_int_equal(unlink("runs/sweeps/t/queue.sqlite"), 0);
        OK(eg_sweep_read(&now, s, &why)); /* for a reader as well */
        for (int i = 0; i < POINTS; i++) {
            assert_int_equal(now[i].state, EG_POINT_FINISHED);
            assert_string_equal(now[i].dir, before[i].dir);
        }
        eg_free(now);
        OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, note, &why));
        assert_non_null(strstr(note, "has been made again"));
        expect_count(s, 0, 0, POINTS);
        eg_sweep_free(s);
        s = again("t");
    }
    assert_true(eg_file_exists("runs/sweeps/t/queue.sqlite.kept"));
    eg_free(before);
    eg_sweep_free(s);
}

/* What has been run is not run again, wherever it was; what is gone is. */
static void taken_over(void **state)
{
    eg_sweep *s = again("t-2");
    eg_point *p = NULL;
    char moved[EG_PATH + 8], note[256];
    int done;

    (void)state;
    OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, note, &why));
    expect_count(s, 0, 0, POINTS);
    work(s, &done);
    assert_int_equal(done, 0);
    OK(eg_sweep_read(&p, s, &why));
    assert_non_null(strstr(p[3].reason, "run before"));
    snprintf(moved, sizeof moved, "moved");
    assert_int_equal(rename(p[3].dir, moved), 0);
    eg_sweep_free(s);
    s = again("t-2");
    OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, note, &why));
    assert_non_null(strstr(note, "the runs of 1 points of t-2 are gone"));
    expect_count(s, 1, 0, POINTS - 1);
    work(s, &done);
    assert_int_equal(done, 1);
    expect_count(s, 0, 0, POINTS);
    eg_free(p);
    eg_sweep_free(s);
}

static void expect_taken(const char *kern, int finished)
{
    const eg_sweep_make how = {.base = base, .grid = &grid, .kern = kern};
    eg_sweep *s = NULL;
    eg_sweep_count n;

    OK(eg_sweep_create(&s, &how, &why));
    OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, NULL, &why));
    OK(eg_sweep_counted(&n, s, &why));
    assert_int_equal(n.finished, finished);
    assert_int_equal(n.before, finished);
    eg_sweep_free(s);
}

/* Not of another kernel set, nor of a file that has changed. */
static void not_taken_over(void **state)
{
    eg_sweep *s;
    int done;

    (void)state;
    expect_taken(NULL, POINTS);
    expect_taken("auto", POINTS);
    expect_taken("ref", POINTS);
    expect_taken("portable", 0);
    OK(eg_file_write("some.txt", "to be or not to be, that is it", 30, &why));
    OK(eg_stats_measure("some.txt", "some.stats", "", &why));
    OK(eg_config_set(base, "task.stats=some.stats", &why));
    OK(eg_config_set(base, "task.n_triggers=1", &why));
    s = make(NULL);
    OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, NULL, &why));
    work(s, &done);
    assert_int_equal(done, POINTS);
    expect_count(s, 0, 0, POINTS);
    eg_sweep_free(s);
    expect_taken(NULL, POINTS); /* by what is in the file */
    OK(eg_stats_measure("some.txt", "copy.stats", "", &why));
    OK(eg_config_set(base, "task.stats=copy.stats", &why));
    expect_taken(NULL, POINTS); /* whatever it is called */
    OK(eg_config_set(base, "task.stats=some.stats", &why));
    OK(eg_file_write("some.txt", "to be or not to be, this is it", 30, &why));
    assert_int_equal(unlink("some.stats"), 0);
    OK(eg_stats_measure("some.txt", "some.stats", "", &why));
    expect_taken(NULL, 0); /* the same name, other statistics */
    OK(eg_config_set(base, "task.stats=tinyshakespeare", &why));
    OK(eg_config_set(base, "task.n_triggers=5", &why));
    expect_taken(NULL, POINTS);
}

static void hashes(void **state)
{
    eg_config *a = eg_calloc(1, sizeof *a);
    char was[EG_CONFIG_HASH], now[EG_CONFIG_HASH], text[64];

    (void)state;
    assert_non_null(a);
    *a = *base;
    OK(eg_config_hash(was, a, &why));
    snprintf(a->run.name, sizeof a->run.name, "other");
    a->train.profile = true;
    OK(eg_config_hash(now, a, &why));
    assert_string_equal(now, was); /* they change no result */
    a->run.seed++;
    OK(eg_config_hash(now, a, &why));
    assert_string_not_equal(now, was);
    *a = *base;
    OK(eg_config_set(a, "optim.lr=0.123", &why));
    OK(eg_config_hash(now, a, &why));
    assert_string_not_equal(now, was);
    /* a default that is written out is the default */
    *a = *base;
    snprintf(text, sizeof text, "optim.lr=%s0",
             eg_field_find(eg_optim_fields, "lr")->def);
    OK(eg_config_set(a, text, &why));
    OK(eg_config_hash(now, a, &why));
    assert_string_equal(now, was);
    eg_free(a);
}

/* Whoever worked on it ends when the queue is no longer the one of that name,
 * and the next one goes on with all of it. */
static void old_queue_ends(void **state)
{
    eg_sweep *s = again("t"), *t = again("t");
    eg_err err = {0};
    eg_point p;
    eg_taken got;

    (void)state;
    OK(eg_sweep_join(s, EG_JOURNAL_AUTO, false, NULL, &why));
    OK(eg_sweep_take(&got, &p, s, &why));
    assert_int_equal(unlink("runs/sweeps/t/queue.sqlite"), 0);
    for (int k = 0; k < 2; k++) { /* gone; made again */
        assert_int_equal(eg_sweep_take(&got, &p, s, &err), EG_EFORMAT);
        assert_non_null(strstr(err.msg, "removed or made again meanwhile"));
        s->beaten = 0;
        assert_int_equal(eg_sweep_beat(s, &err), EG_EFORMAT);
        if (k == 0) OK(eg_sweep_join(t, EG_JOURNAL_AUTO, false, NULL, &why));
    }
    OK(eg_sweep_take(&got, &p, t, &why));
    expect_count(t, 0, 0, POINTS);
    assert_false(eg_file_exists("runs/sweeps/t/" EGI_QUEUE_LOCK));
    eg_sweep_free(s);
    eg_sweep_free(t);
}

/* A sound queue that cannot be looked at for want of memory is not damaged. */
static void no_memory_is_no_damage(void **state)
{
    eg_sweep *s = again("t");
    eg_err err = {0};
    eg_status st = EG_ENOMEM;
    sqlite3_int64 had = sqlite3_hard_heap_limit64(-1), room = 4096;
    int refused = 0;

    (void)state;
    for (; st != EG_OK && room < 1 << 24; room += 4096) {
        sqlite3_hard_heap_limit64(sqlite3_memory_used() + room);
        st = egi_queue_open(s, EG_JOURNAL_AUTO, &err);
        refused += st == EG_ENOMEM;
        if (st != EG_OK && st != EG_ENOMEM) break;
    }
    sqlite3_hard_heap_limit64(had);
    if (st != EG_OK) fail_msg("%s", err.msg);
    assert_true(refused > 0);
    eg_sweep_free(s);
}

/* Four come to a lost queue at once: one makes it, and all work on it. */
static void lost_to_four(void **state)
{
    const eg_sweep_make how = {
        .name = "race", .base = base, .grid = &grid, .anew = true};
    eg_sweep *s;
    pid_t child[4];
    int status, done = 0;

    (void)state;
    OK(eg_sweep_create(&s, &how, &why));
    eg_sweep_free(s);
    assert_int_equal(unlink("runs/sweeps/race/queue.sqlite"), 0);
    for (int k = 0; k < 4; k++) {
        child[k] = fork();
        if (child[k] > 0) continue;
        s = again("race");
        if (eg_sweep_join(s, EG_JOURNAL_AUTO, false, NULL, &why) != EG_OK)
            _exit(100);
        work(s, &done);
        eg_sweep_free(s);
        _exit(done);
    }
    done = 0;
    for (int k = 0; k < 4; k++) {
        assert_int_equal(waitpid(child[k], &status, 0), child[k]);
        assert_true(WIFEXITED(status));
        done += WEXITSTATUS(status);
    }
    assert_int_equal(done, POINTS);
    assert_false(eg_file_exists("runs/sweeps/race/" EGI_QUEUE_LOCK));
    assert_false(eg_file_exists("runs/sweeps/race/queue.sqlite.kept"));
}

/* Who may not write reads what the others have written. */
static void read_by_others(void **state)
{
    const eg_sweep_make how = {
        .name = "open", .base = base, .grid = &grid, .anew = true};
    eg_sweep *s;
    eg_point p, *all = NULL;
    eg_taken got;
    eg_err err = {0};
    pid_t child;
    int status;

    assert_int_equal(chmod(*state, 0755), 0);
    OK(eg_sweep_create(&s, &how, &why));
    OK(eg_sweep_join(s, EG_JOURNAL_WAL, true, NULL, &why));
    OK(eg_sweep_take(&got, &p, s, &why));
    assert_int_equal(got, EG_TAKEN);
    assert_int_equal(chmod("runs/sweeps/open", 0555), 0);
    child = fork();
    if (child == 0) {
        s = NULL;
        if (geteuid() == 0 && setuid(65534) != 0) _exit(77);
        if (eg_sweep_open(&s, NULL, "open", &err) != EG_OK) _exit(78);
        if (eg_sweep_read(&all, s, &err) != EG_OK) _exit(79);
        _exit(all[p.i].state == EG_POINT_RUNNING ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod("runs/sweeps/open", 0755), 0);
    assert_int_equal(status, 0);
    eg_sweep_free(s);
}

static int setup(void **state)
{
    static const char *const set[] = {
        "run.name=t",    "task.n_ctx=16",     "model.d_model=8",
        "train.steps=3", "train.batch=2",     "probe.every=1",
        "probe.batch=2", "probe.snapshots=0", "probe.test=2"};
    static char folder[64];
    eg_err err = {0};

    *state = folder;
    base = eg_calloc(1, sizeof *base);
    scratch_make(folder, sizeof folder);
    if (!base || chdir(folder) != 0) return -1;
    eg_config_default(base);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        OK(eg_config_set(base, set[i], &why));
    OK(eg_grid_add(&grid, base, "optim.lr=0.1,0.2,0.3", &why));
    return eg_seeds_add(&grid.seeds, "0-3", &err) == EG_OK ? 0 : -1;
}

static int teardown(void **state)
{
    eg_grid_release(&grid);
    eg_free(base);
    scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(made_and_opened),
                                       cmocka_unit_test(taken_once),
                                       cmocka_unit_test(dead_are_freed),
                                       cmocka_unit_test(worked_by_four),
                                       cmocka_unit_test(made_again),
                                       cmocka_unit_test(taken_over),
                                       cmocka_unit_test(not_taken_over),
                                       cmocka_unit_test(hashes),
                                       cmocka_unit_test(zombies_are_dead),
                                       cmocka_unit_test(no_memory_is_no_damage),
                                       cmocka_unit_test(lost_to_four),
                                       cmocka_unit_test(old_queue_ends),
                                       cmocka_unit_test(read_by_others)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
