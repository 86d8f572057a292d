/* Two processes at one point: one that was left behind by a sweep that was
 * killed, and the one that took its point over. */
#include "lab/sweep_priv.h"
#include "engram/mem.h"
#include "engram/pool.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 10, MEET = 3 };

static eg_err why;

#define OK(call)                                                 \
    do {                                                         \
        if ((call) != EG_OK) fail_msg("%s: %s", #call, why.msg); \
    } while (0)

/* In a process of its own: 0 when its run came to its end. */
static int run_point(const eg_sweep *s, const eg_point *p)
{
    eg_lab_opts o = {.kern = "ref"};
    eg_lab_result r;
    eg_err err = {0};
    eg_status st = eg_pool_new(&o.pool, 1, &err);

    if (st == EG_OK) st = eg_sweep_run(&r, s, p, &o, &err);
    if (st != EG_OK) print_error("%s: %s\n", p->dir, err.msg);
    eg_pool_free(o.pool);
    return st == EG_OK && r.outcome == EG_FINISHED ? 0 : 1;
}

/* Whoever comes second waits for the first, wherever that one is, and does
 * nothing to a run that came to its end meanwhile. */
static void at_one_point(void **state)
{
    eg_sweep *s = *state;
    eg_point p = {.i = 0};
    pid_t child[MEET];
    eg_run_info info;
    int status;

    for (int round = 0; round < ROUNDS; round++) {
        (void)snprintf(p.dir, sizeof p.dir, "runs/t/%d", round);
        OK(eg_mkdirs(p.dir, &why));
        for (int k = 0; k < MEET; k++) {
            child[k] = fork();
            if (child[k] == 0) _exit(run_point(s, &p));
        }
        for (int k = 0; k < MEET; k++) {
            assert_int_equal(waitpid(child[k], &status, 0), child[k]);
            assert_int_equal(status, 0);
        }
        OK(eg_run_info_read(&info, p.dir, &why));
        assert_string_equal(info.status, "finished");
        assert_int_equal(info.resumed, 0);
    }
}

static char folder[64];

static int setup(void **state)
{
    static const char *const set[] = {
        "run.name=t",    "task.n_ctx=16", "model.d_model=8",   "train.steps=2",
        "train.batch=2", "probe.every=1", "probe.snapshots=0", "probe.test=2"};
    eg_config *base = eg_calloc(1, sizeof *base);
    eg_grid grid = {.n_axes = 0};
    const eg_sweep_make how = {.file = "here", .base = base, .grid = &grid};
    eg_sweep *s = NULL;

    scratch_make(folder, sizeof folder);
    if (!base || chdir(folder) != 0) return -1;
    eg_config_default(base);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        OK(eg_config_set(base, set[i], &why));
    OK(eg_sweep_create(&s, &how, &why));
    eg_free(base);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    eg_sweep_free(*state);
    scratch_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(at_one_point)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
