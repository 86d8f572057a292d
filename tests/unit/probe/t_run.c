/* Probes beside a run: they change nothing in it, depend on no thread, allocate
 * nothing, and what they write to disk can be read back. */
#include "rig.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "engram/mem.h"

enum { STEPS = 6, T = 80, V = 65 };

static const setting small[] = {{"model.d_model", "32"},
                                {"model.n_heads", "2"},
                                {"model.mlp", "none, linear"},
                                {"task.n_ctx", "80"},
                                {"train.batch", "8"},
                                {"train.loss", "all"},
                                {"probe.batch", "5"},
                                {"probe.test", "7"},
                                {"probe.snapshots", "3"},
                                {"probe.heads", "true"},
                                {NULL, NULL}};

/* ---------------------------------------------------------------- files -- */

static eg_folder folder_new(void)
{
    char path[] = "/tmp/engram-probe-XXXXXX";
    eg_folder f;

    assert_non_null(mkdtemp(path));
    assert_int_equal(eg_folder_open(&f, path, NULL), EG_OK);
    return f;
}

static const char *in(const eg_folder *f, const char *name)
{
    static char path[1200];

    (void)snprintf(path, sizeof path, "%s/%s", f->path, name);
    return path;
}

static void folder_drop(eg_folder *f)
{
    static const char *const once[] = {"log_bigram.npy",
                                       "demo_tokens.npy",
                                       "demo_targets.npy",
                                       "demo_labels.npy",
                                       "bare",
                                       "probed"};
    static const char *const each[] = {"pattern_L0",  "pattern_L1",
                                       "memory_W_O2", "memory_W_K2",
                                       "memory_W_K1", "memory_W_F"};
    char name[64];

    for (int i = 0; i < 6; i++) {
        (void)unlink(in(f, once[i]));
        for (int step = 0; step <= STEPS; step++) {
            (void)snprintf(name, sizeof name, "%s.%d.npy", each[i], step);
            (void)unlink(in(f, name));
        }
    }
    eg_folder_close(f);
    assert_int_equal(rmdir(f->path), 0); /* nothing else was written */
}

/* ---------------------------------------------------------------- runs -- */

static void train(rig *r, seen *s, const eg_folder *f)
{
    eg_step_info info;

    for (int step = 0; step <= STEPS; step++) {
        if (r->probes && eg_probes_snapshot_due(r->probes, step, STEPS)) {
            assert_int_equal(
                eg_probes_snapshot(r->probes, step, STEPS, f, NULL), EG_OK);
        }
        if (step == STEPS) break;
        if (r->probes) eg_probes_before(r->probes, step, keep, s);
        eg_trainer_step(r->trainer, &info);
        assert_true(info.finite);
        if (r->probes) eg_probes_after(r->probes, step, keep, s);
        if (step + 1 < STEPS) s->n = 0;
    }
}

/* With and without probes: the same checkpoint, byte for byte. */
static void probes_leave_the_run_alone(void **state)
{
    eg_folder f = folder_new();
    char *bytes[2] = {NULL, NULL};
    size_t size[2];
    rig r;

    (void)state;
    for (int probed = 0; probed < 2; probed++) {
        const char *name = probed ? "probed" : "bare";
        seen s = {.quiet = true};

        rig_begin(&r, 2, small);
        if (probed) assert_int_equal(rig_probe(&r, NULL), EG_OK);
        train(&r, &s, &f);
        assert_int_equal(eg_trainer_save(r.trainer, in(&f, name), NULL), EG_OK);
        assert_int_equal(eg_file_read(&bytes[probed], &size[probed],
                                      in(&f, name), 1 << 24, NULL),
                         EG_OK);
        rig_free(&r);
    }
    printf("checkpoints of %zu and %zu bytes\n", size[0], size[1]);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    eg_free(bytes[0]);
    eg_free(bytes[1]);
    folder_drop(&f);
}

/* 1, 2 and 5 threads: the same bits in every value. */
static void threads_leave_the_values_alone(void **state)
{
    static const int threads[] = {1, 2, 5};
    static seen s[3];
    eg_folder f = folder_new();
    rig r;

    (void)state;
    for (int i = 0; i < 3; i++) {
        s[i].quiet = true;
        rig_new(&r, threads[i], small);
        train(&r, &s[i], &f);
        rig_free(&r);
        assert_int_equal(s[i].n, s[0].n);
        assert_memory_equal(s[i].row, s[0].row, sizeof s[0].row);
    }
    printf("%d values\n", s[0].n);
    assert_true(s[0].n > 40);
    folder_drop(&f);
}

static void measuring_allocates_nothing(void **state)
{
    eg_folder f = folder_new();
    seen s = {.quiet = true};
    int64_t before;
    rig r;

    (void)state;
    rig_new(&r, 2, small);
    before = eg_mem_query().n_allocs;
    train(&r, &s, &f);
    printf("%lld allocations\n", (long long)(eg_mem_query().n_allocs - before));
    assert_true(eg_mem_query().n_allocs == before);
    rig_free(&r);
    folder_drop(&f);
}

/* Any allocation of the set-up may fail: an error, nothing lost. */
static void set_up_survives_no_memory(void **state)
{
    eg_err err = {0};
    int64_t live;
    int n = 0;
    rig r;

    (void)state;
    rig_begin(&r, 2, small);
    live = eg_mem_query().live_bytes;
    for (n = 1; n < 1000; n++) {
        eg_mem_fail_after(n);
        eg_status st = rig_probe(&r, &err);
        eg_mem_fail_after(0);
        if (st == EG_OK) break;
        assert_int_equal(st, EG_ENOMEM);
        assert_null(r.probes);
        assert_true(eg_mem_query().live_bytes == live);
    }
    printf("%d allocations, each failed once\n", n - 1);
    assert_true(n > 20 && n < 1000);
    rig_free(&r);
}

/* Share of the answers after triggers that repeat the trigger. */
static double repeats(const rig *r, eg_split split, uint64_t step, int count)
{
    int32_t tokens[T], targets[T], occur[T];
    eg_seq seq = {tokens, targets, occur, NULL, NULL, NULL};
    double repeat = 0, n = 0;

    for (int i = 0; i < count; i++) {
        eg_task_sequence(r->task, split, step, (uint32_t)i, &seq);
        for (int t = 0; t < T; t++) {
            if (occur[t] < 1) continue;
            repeat += targets[t] == tokens[t];
            n += 1;
        }
    }
    return repeat / n;
}

/* Fresh sequences of their own, never those of training; and the test batch. */
static void batches_are_their_own(void **state)
{
    seen s = {.quiet = true};
    rig r;

    (void)state;
    rig_new(&r, 1, small);
    for (int step = 0; step < 3; step++) {
        double own = repeats(&r, EG_PROBE, (uint64_t)step, 5);

        s.n = 0;
        eg_probes_before(r.probes, step, keep, &s);
        eg_probes_after(r.probes, step, keep, &s);
        printf("repeats %.6f, in training %.6f\n", own,
               repeats(&r, EG_TRAIN, (uint64_t)step, 5));
        assert_true(value_of(&s, "repeat_fraction") == own);
        assert_true(value_of(&s, "repeat_fraction") !=
                    repeats(&r, EG_TRAIN, (uint64_t)step, 5));
        assert_true(value_of(&s, "repeat_fraction_test") ==
                    repeats(&r, EG_TEST, 0, 7));
    }
    rig_free(&r);
}

static void due_steps(void **state)
{
    static const setting settings[] = {{"model.d_model", "8"},
                                       {"train.batch", "1"},
                                       {"probe.every", "7"},
                                       {NULL, NULL}};
    int n = 0;
    rig r;

    (void)state;
    rig_new(&r, 1, settings);
    for (int step = 0; step < 30; step++)
        n += eg_probes_due(r.probes, step, 30);
    assert_int_equal(n, 6); /* 0 7 14 21 28 and 29 */
    assert_true(eg_probes_due(r.probes, 0, 30));
    assert_true(eg_probes_due(r.probes, 29, 30));
    rig_free(&r);
}

/* ------------------------------------------------------------ snapshots -- */

static eg_view load(const eg_folder *f, const char *name, eg_dtype dtype,
                    int ndim, eg_index last)
{
    eg_view v;
    eg_err err = {0};

    if (eg_npy_read(&v, in(f, name), &err) != EG_OK) fail_msg("%s", err.msg);
    assert_int_equal(v.dtype, dtype);
    assert_int_equal(v.ndim, ndim);
    assert_int_equal(v.shape[ndim - 1], last);
    return v;
}

static void drop(eg_view *v)
{
    void *data = NULL;

    memcpy(&data, &v->data, sizeof data); /* ours, though const in a view */
    eg_free(data);
}

/* Rows of a causal pattern sum to 1 and are 0 beyond the diagonal. */
static void check_pattern(const eg_folder *f, const char *name, eg_index side)
{
    eg_view v = load(f, name, EG_F32, 3, side);

    assert_int_equal(v.shape[0], 2);
    assert_int_equal(v.shape[1], side);
    for (eg_index r = 0; r < 2 * side; r++) {
        double sum = 0;
        for (eg_index s = 0; s < side; s++) {
            double a = eg_view_at(&v, r * side + s);
            sum += a;
            if (s > r % side) assert_true(a == 0);
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
    drop(&v);
}

/* The probes, worked out again from the files: W_O2's recall, and the KL of W_F
 * as mean over z of sum_v p (log p - logit) + log sum_v exp(logit). */
static void check_matrices(const eg_folder *f, const seen *s)
{
    eg_view law = load(f, "log_bigram.npy", EG_F32, 2, V);
    eg_view o2 = load(f, "memory_W_O2.6.npy", EG_F32, 2, V);
    eg_view wf = load(f, "memory_W_F.6.npy", EG_F32, 2, V);
    double hits = 0, kl = 0;

    for (eg_index i = 0; i < V; i++) {
        double sum = 0, z = DBL_MIN;
        eg_index best = 0;
        for (eg_index j = i * V; j < (i + 1) * V; j++) {
            double p = exp(eg_view_at(&law, j)), logit = eg_view_at(&wf, j);
            sum += p;
            z += exp(logit);
            if (p > 0) kl += p * (log(p) - logit) / V;
            if (eg_view_at(&o2, j) > eg_view_at(&o2, i * V + best)) {
                best = j - i * V;
            }
        }
        kl += log(z) / V;
        hits += best == i;
        assert_true(fabs(sum - 1) < 1e-5);
    }
    printf("recall_W_O2 %g, probe %g; kl_W_F %.7f, probe %.7f\n", hits / V,
           value_of(s, "recall_W_O2"), kl, value_of(s, "kl_W_F"));
    assert_true(fabs(value_of(s, "recall_W_O2") - hits / V) < 1e-12);
    assert_true(fabs(value_of(s, "kl_W_F") - kl) < 1e-5);
    drop(&law);
    drop(&o2);
    drop(&wf);
}

static void snapshots_can_be_read(void **state)
{
    static const char *const corner[] = {"memory_W_K1.0.npy",
                                         "memory_W_K1.2.npy"};
    eg_folder f = folder_new();
    seen s = {.quiet = true};
    int in_context = 0;
    rig r;

    (void)state;
    rig_new(&r, 2, small);
    train(&r, &s, &f);

    check_pattern(&f, "pattern_L0.0.npy", 64);
    check_pattern(&f, "pattern_L1.2.npy", 64);
    check_pattern(&f, "pattern_L0.6.npy", T);
    check_pattern(&f, "pattern_L1.6.npy", T);
    check_matrices(&f, &s);
    for (int i = 0; i < 2; i++) {
        eg_view v = load(&f, corner[i], EG_F32, 2, 64);
        drop(&v);
    }
    eg_view k1 = load(&f, "memory_W_K1.6.npy", EG_F32, 2, T);
    eg_view k2 = load(&f, "memory_W_K2.6.npy", EG_F32, 2, V);
    drop(&k1);
    drop(&k2);

    eg_view tokens = load(&f, "demo_tokens.npy", EG_I32, 1, T);
    eg_view targets = load(&f, "demo_targets.npy", EG_I32, 1, T);
    eg_view occur = load(&f, "demo_labels.npy", EG_I32, 1, T);
    for (eg_index t = 0; t + 1 < T; t++) {
        assert_true(eg_view_at(&targets, t) == eg_view_at(&tokens, t + 1));
        in_context += t < 64 && eg_view_at(&occur, t) >= 2;
    }
    printf("demo: %d answers known from the context\n", in_context);
    assert_true(in_context >= 5);
    drop(&tokens);
    drop(&targets);
    drop(&occur);
    rig_free(&r);
    folder_drop(&f);
}

static void unwritable_folder_is_an_error(void **state)
{
    eg_err err = {0};
    eg_folder gone = folder_new();
    rig r;

    (void)state;
    assert_int_equal(rmdir(gone.path), 0);
    rig_new(&r, 1, small);
    assert_int_equal(eg_probes_snapshot(r.probes, 0, STEPS, &gone, &err),
                     EG_EIO);
    printf("%s\n", err.msg);
    assert_non_null(strstr(err.msg, gone.path));
    eg_folder_close(&gone);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_leave_the_run_alone),
        cmocka_unit_test(threads_leave_the_values_alone),
        cmocka_unit_test(measuring_allocates_nothing),
        cmocka_unit_test(set_up_survives_no_memory),
        cmocka_unit_test(batches_are_their_own),
        cmocka_unit_test(due_steps),
        cmocka_unit_test(snapshots_can_be_read),
        cmocka_unit_test(unwritable_folder_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
