/* Every reference trajectory, from files through options to positions. The
 * runs up to t = 10000 stop early here; ENGRAM_FLOW_ALL=1 runs them out. */
#include "system_helper.h"

#include "engram/file.h"
#include "flow/numbers.h"

#define SA(file, ic, beta)                           \
    {                                                \
#file, "x0=" #ic ".csv beta=" #beta, 1e-9, 0 \
    }
#define USA(file, ic, beta)                                    \
    {                                                          \
#file, "model=USA x0=" #ic ".csv beta=" #beta, 1e-9, 0 \
    }
#define PREQUEL(file, until, tol)                                           \
    {                                                                       \
#file, "space=rescaled x0=" #file "_ic.csv V=" #file "_V.csv", tol, \
            until                                                           \
    }

static const struct {
    const char *file, *sets;
    double tol;
    double until; /* 0: the common limit */
} runs[] = {
    SA(A_SA_beta1, ic_A, 1),
    SA(A_SA_beta4, ic_A, 4),
    SA(A_SA_beta9, ic_A, 9),
    USA(A_USA_beta1, ic_A, 1),
    USA(A_USA_beta4, ic_A, 4),
    USA(A_USA_beta9, ic_A, 9),
    SA(B_SA_beta1, ic_B, 1),
    SA(B_SA_beta4, ic_B, 4),
    SA(B_SA_beta9, ic_B, 9),
    USA(B_USA_beta1, ic_B, 1),
    USA(B_USA_beta4, ic_B, 4),
    USA(B_USA_beta9, ic_B, 9),
    SA(C_SA_beta1, ic_C, 1),
    SA(C_SA_beta4, ic_C, 4),
    {"G1_QKV_SA_beta2", "x0=ic_G.csv beta=2 Q=G1_Q.csv K=G1_K.csv V=G1_V.csv",
     1e-9, 0},
    {"G1_QKV_USA_beta2",
     "model=USA x0=ic_G.csv beta=2 Q=G1_Q.csv K=G1_K.csv V=G1_V.csv", 1e-9, 0},
    {"G2_twohead_SA_beta2",
     "x0=ic_G.csv beta=2 Q=G1_Q.csv,G2_head2_Q.csv K=G1_K.csv,G2_head2_K.csv "
     "V=G1_V.csv,G2_head2_V.csv",
     1e-9, 0},
    {"G4_ffn_tanh_SA_beta2",
     "x0=ic_G.csv beta=2 ffn=tanh w=G4_w.csv a=G4_a.csv b=G4_b.csv", 1e-9, 0},
    {"G4_ffn_relu_SA_beta2",
     "x0=ic_G.csv beta=2 ffn=relu w=G4_w.csv a=G4_a.csv b=G4_b.csv", 1e-8, 0},
    {"G5_repulsive_SA_beta2", "x0=ic_G.csv beta=2 V=-identity", 1e-9, 0},
    {"G3_causal_SA_d2_beta9", "x0=ic_causal2.csv beta=9 causal=true", 1e-9, 0},
    {"G3_causal_SA_d2_beta64", "x0=ic_causal2.csv beta=64 causal=true", 1e-9,
     0},
    {"G3_causal_SA_d3_beta4", "x0=ic_causal3.csv beta=4 causal=true", 1e-9, 0},
    SA(N_post_SA_beta4, ic_norm, 4),
    {"N_pre_SA_beta4", "x0=ic_norm.csv beta=4 norm=pre", 1e-9, 0},
    {"N_peri_SA_beta4", "x0=ic_norm.csv beta=4 norm=peri", 1e-9, 0},
    {"N_ngpt_SA_beta4", "x0=ic_norm.csv beta=4 norm=nGPT", 1e-9, 0},
    PREQUEL(P1_polytope_d2, 8, 1e-8),
    PREQUEL(P2_polytope_d3, 8, 1e-8),
    PREQUEL(P3_hyper_d2, 8, 1e-6),
    PREQUEL(P3_hyper_d3_negRe, 8, 1e-8),
    PREQUEL(P3_hyper_d3_posRe, 8, 1e-8),
    PREQUEL(P4_mix_d3, 8, 1e-8),
    PREQUEL(P5_codim_d3, 8, 1e-6),
    PREQUEL(P6_boolean_d1, 10, 1e-8),
    {"P7_negid_d2", "space=euclidean x0=P7_negid_d2_ic.csv V=-identity", 1e-8,
     0},
    /* its start is the first block of the run itself */
    {"kinetic_n5_SA_beta4", "x0=kinetic.csv n=5 d=2 beta=4", 1e-9, 0},
};

/* Rows t, i, x... of a run as times and tokens. */
typedef struct reference {
    egi_numbers file;
    eg_index n, d, n_times;
    double times[64];
} reference;

static void read_reference(reference *r, const eg_folder *in, const char *name)
{
    char path[256];
    eg_err err = {0};

    (void)snprintf(path, sizeof path, "%s.csv", name);
    if (egi_numbers_read(&r->file, in, path, &err) != EG_OK)
        fail_msg("%s", err.msg);
    r->d = r->file.shape[1] - 2;
    r->n = 0;
    while (r->n < r->file.shape[0] &&
           r->file.data[r->n * r->file.shape[1]] == r->file.data[0])
        r->n++;
    assert_true(r->n > 0);
    r->n_times = r->n > 0 ? r->file.shape[0] / r->n : 0;
    assert_true(r->n_times <= 64);
    for (eg_index i = 0; i < r->n_times; i++)
        r->times[i] = r->file.data[i * r->n * r->file.shape[1]];
}

static double against(const reference *r, eg_index at, const double *x)
{
    double worst = 0;

    for (eg_index i = 0; i < r->n; i++) {
        const double *row = r->file.data + (at * r->n + i) * (r->d + 2);
        double e = largest_difference(row + 2, x + i * r->d, r->d);

        if (!(e <= worst)) worst = e;
    }
    return worst;
}

static void compare(const eg_folder *in, const char *name, const char *sets,
                    double tol, double until, const char *method)
{
    reference r = {0};
    flow_case c;
    eg_flow_stats stats;
    double *x, worst = 0;
    eg_index n_times = 0;
    char text[512];

    read_reference(&r, in, name);
    (void)snprintf(text, sizeof text, "%s rtol=1e-13 atol=1e-15 method=%s",
                   strstr(sets, "kinetic") ? "n=5 d=2 beta=4" : sets, method);
    c = flow_open(text, in, 1, 0);
    assert_int_equal(c.n, r.n);
    assert_int_equal(c.d, r.d);
    if (strstr(sets, "kinetic"))
        for (eg_index i = 0; i < r.n; i++)
            memcpy(c.setup->x0 + i * r.d, r.file.data + i * (r.d + 2) + 2,
                   (size_t)r.d * sizeof(double));
    while (n_times < r.n_times && r.times[n_times] <= until) n_times++;
    eg_free(c.setup->times);
    c.setup->times = eg_calloc((size_t)r.n_times, sizeof(double));
    memcpy(c.setup->times, r.times, (size_t)n_times * sizeof(double));
    c.setup->n_times = n_times;
    x = flow_history(&c, &stats);
    for (eg_index i = 0; i < n_times; i++) {
        double e = against(&r, i, x + i * r.n * r.d);

        if (!(e <= worst)) worst = e;
    }
    printf("%-24s %s to t = %-6g %6lld steps: off by %.2g, allowed %.0g\n",
           name, method, r.times[n_times - 1], (long long)stats.steps, worst,
           tol);
    assert_true(stats.t == r.times[n_times - 1] && !stats.step_too_small);
    assert_true(worst <= tol);
    eg_free(x);
    flow_close(&c);
    egi_numbers_release(&r.file);
}

static void find_folder(eg_folder *f)
{
    char path[1024];

    (void)snprintf(path, sizeof path, "%s/reference/flow-peer", shared_dir());
    if (eg_folder_open(f, path, NULL) == EG_OK) return;
    printf("%s: absent, skipped\n", path);
    skip();
}

static void test_runs(void **state)
{
    eg_folder folder;
    double limit = getenv("ENGRAM_FLOW_ALL") ? 1e9 : 50;

    (void)state;
    find_folder(&folder);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        compare(&folder, runs[i].file, runs[i].sets, runs[i].tol,
                runs[i].until > 0 ? runs[i].until : limit, "dop853");
    eg_folder_close(&folder);
}

/* The other methods on a sphere, a residual stream and the prequel. */
static void test_methods(void **state)
{
    static const char *const methods[] = {"dopri5", "adams", "bdf"};
    eg_folder folder;

    (void)state;
    find_folder(&folder);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        compare(&folder, "A_SA_beta9", "x0=ic_A.csv beta=9", 1e-9, 50,
                methods[i]);
        compare(&folder, "N_peri_SA_beta4", "x0=ic_norm.csv beta=4 norm=peri",
                1e-9, 50, methods[i]);
        compare(&folder, "P1_polytope_d2",
                "space=rescaled x0=P1_polytope_d2_ic.csv", 1e-9, 50,
                methods[i]);
    }
    eg_folder_close(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs),
                                       cmocka_unit_test(test_methods)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
