/* The field: drives from attention, then what the normalisation makes of
 * them. */
#include <math.h>
#include <string.h>

#include "flow/choose.h"
#include "flow/matrices.h"
#include "flow/system.h"

enum {
    BLOCK = 32,         /* rows a task, where every row takes O(n) */
    LOAD = 8 * EGI_TILE /* where it takes O(d) */
};

void egi_unit(double *u, const double *x, eg_index d)
{
    double top = 0, s = 0;

    for (eg_index k = 0; k < d; k++) s += x[k] * x[k];
    if (s > 1e-200 && s < 1e200) {
        s = sqrt(s);
        for (eg_index k = 0; k < d; k++) u[k] = x[k] / s;
        return;
    }
    /* squares would leave the range of a double; zero stays */
    for (eg_index k = 0; k < d; k++) top = fmax(top, fabs(x[k]));
    if (!(top > 0)) top = 1;
    s = 0;
    for (eg_index k = 0; k < d; k++) s += x[k] / top * (x[k] / top);
    s = s > 0 ? sqrt(s) : 1;
    for (eg_index k = 0; k < d; k++) u[k] = x[k] / top / s;
}

void egi_project(double *y, const double *u, eg_index d)
{
    double s = 0;

    for (eg_index k = 0; k < d; k++) s += y[k] * u[k];
    for (eg_index k = 0; k < d; k++) y[k] -= s * u[k];
}

/* Columns of n tokens [n, d] into tiles. */
static void fill_tiles(double *tiles, const double *x, eg_index n, eg_index d)
{
    for (eg_index from = 0; from < n; from += EGI_TILE) {
        eg_index count = n - from < EGI_TILE ? n - from : EGI_TILE;
        double *tile = tiles + from * d;

        for (eg_index k = 0; k < d; k++)
            for (eg_index j = 0; j < EGI_TILE; j++)
                tile[k * EGI_TILE + j] =
                    j < count ? x[(from + j) * d + k] : 0.0;
    }
}

void egi_flow_blocks(eg_flow *f, eg_index block, double work, eg_task_fn fn,
                     void *ctx)
{
    int blocks = (int)((f->n + block - 1) / block);

    if (f->pool && work > 1e5) {
        eg_pool_run(f->pool, blocks, fn, ctx);
        return;
    }
    for (int b = 0; b < blocks; b++) fn(ctx, b, 0);
}

/* exp(tV), and the score matrix of tokens exp(tV) z. */
static void rescale(eg_flow *f, double t)
{
    egi_rescaling *r = &f->rescaling;
    const egi_head *h = f->head;
    eg_index d = f->spec.d, dd = d * d;
    double *work = r->work;

    if (r->ready && r->t == t) return;
    r->ready = true;
    r->t = t;
    if (h->V) {
        egi_expm(r->E, h->V, t, d, work);
    } else {
        memset(r->E, 0, (size_t)dd * sizeof *r->E);
        for (eg_index i = 0; i < d; i++) r->E[i * d + i] = exp(t * h->v);
    }
    if (h->B) {
        egi_mat_mul(work, h->B, r->E, d);
    } else {
        for (eg_index i = 0; i < dd; i++) work[i] = h->b * r->E[i];
    }
    egi_mat_mul_tn(r->B, r->E, work, d);
}

typedef struct load_job {
    eg_flow *f;
    const double *x;
} load_job;

static void load_block(void *ctx, int block, int worker)
{
    const load_job *job = ctx;
    eg_flow *f = job->f;
    eg_index d = f->spec.d, from = (eg_index)block * LOAD, to = from + LOAD;

    (void)worker;
    if (to > f->n) to = f->n;
    if (f->spec.space == EG_FLOW_SPHERE) {
        for (eg_index i = from; i < to; i++)
            egi_unit(f->u + i * d, job->x + i * d, d);
    } else {
        memcpy(f->u + from * d, job->x + from * d,
               (size_t)((to - from) * d) * sizeof *f->u);
    }
    if (!f->sums)
        fill_tiles(f->tiles + from * d, f->u + from * d, to - from, d);
}

void egi_flow_load(eg_flow *f, double t, const double *x)
{
    load_job job = {f, x};

    egi_flow_at(f, t);
    egi_flow_blocks(f, LOAD, 3 * (double)(f->n * f->spec.d), load_block, &job);
    if (f->spec.space == EG_FLOW_RESCALED) rescale(f, t);
}

static const egi_head *head_of(const eg_flow *f, eg_index head)
{
    return &f->head[f->interval * f->spec.n_heads + head];
}

static egi_keys keys_of(const eg_flow *f)
{
    return (egi_keys){.tiles = f->tiles,
                      .log_mass = f->mass ? f->log_mass : NULL,
                      .n = f->n,
                      .d = f->spec.d};
}

/* q [EGI_ROWS, d] with <q_r, y> = beta u_r' B y, of the first rows */
static void queries(double *q, const eg_flow *f, const egi_head *h,
                    const double *u, int rows, double *tmp)
{
    eg_index d = f->spec.d;
    const double *B = f->spec.space == EG_FLOW_RESCALED ? f->rescaling.B : h->B;
    double b = B ? f->spec.beta : f->spec.beta * h->b;

    memset(tmp, 0, (size_t)(EGI_ROWS * d) * sizeof *tmp);
    for (eg_index k = 0; k < rows * d; k++) tmp[k] = b * u[k];
    if (B)
        f->rows->apply(q, tmp, B, d);
    else
        memcpy(q, tmp, (size_t)(EGI_ROWS * d) * sizeof *q);
}

/* What all tokens seen by row i weigh. */
static double mass_seen(const eg_flow *f, eg_index i)
{
    double s = 0;

    if (!f->spec.causal) return f->total_mass;
    if (!f->mass) return (double)(i + 1);
    for (eg_index j = 0; j <= i; j++) s += f->mass[j];
    return s;
}

/* The factor of sum_j exp(s_j - peak) y_j. */
static double normalisation(const eg_flow *f, eg_index i, double z, double peak)
{
    switch (f->spec.model) {
    case EG_FLOW_USA:
        return exp(peak) / mass_seen(f, i);
    case EG_FLOW_USA_SHIFTED:
        return exp(peak - f->spec.beta) / mass_seen(f, i);
    default:
        return 1 / z;
    }
}

static double activation(int kind, double x)
{
    switch (kind) {
    case EG_FLOW_FFN_RELU:
        return x > 0 ? x : 0;
    case EG_FLOW_FFN_GELU: /* sqrt(2/pi) */
        return 0.5 * x *
               (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    default:
        return tanh(x);
    }
}

static void add_feed_forward(double *drive, const eg_flow *f, const double *u,
                             double *hidden)
{
    const eg_flow_spec *s = &f->spec;
    eg_index m = s->d_mlp;

    egi_mat_apply(hidden, s->a, u, m, s->d);
    for (eg_index i = 0; i < m; i++)
        hidden[i] = activation(s->ffn, hidden[i] + (s->b ? s->b[i] : 0));
    for (eg_index k = 0; k < s->d; k++) {
        double sum = 0;

        for (eg_index i = 0; i < m; i++) sum += s->w[k * m + i] * hidden[i];
        drive[k] += sum;
    }
}

typedef struct drive_job {
    eg_flow *f;
    double *drive;
    double t;
    bool field;    /* project it and so on */
    bool relative; /* sum_j P_ij V (z_j - z_i) */
} drive_job;

/* drive += V mean, of a few rows; tmp and mean [EGI_ROWS, d] */
static void add_values(double *drive, const eg_flow *f, const egi_head *h,
                       const double *mean, int rows, double *tmp)
{
    eg_index size = rows * f->spec.d;

    if (!h->Vt) {
        for (eg_index k = 0; k < size; k++) drive[k] += h->v * mean[k];
        return;
    }
    f->rows->apply(tmp, mean, h->Vt, f->spec.d);
    for (eg_index k = 0; k < size; k++) drive[k] += tmp[k];
}

/* Means over tokens, of a few rows and one head, into c->sum. */
static void attend(eg_flow *f, const egi_head *h, eg_index from, int rows,
                   egi_scratch *c)
{
    eg_index d = f->spec.d, limit[EGI_ROWS];
    double z[EGI_ROWS], peak[EGI_ROWS];
    egi_keys keys = keys_of(f);

    queries(c->q, f, h, f->u + from * d, rows, c->vector);
    for (int r = 0; r < EGI_ROWS; r++) {
        limit[r] = f->spec.causal ? from + r + 1 : f->n;
        if (r >= rows) limit[r] = 0;
    }
    f->rows->sum(c->sum, z, peak, c->q, limit, &keys, c->scores);
    for (int r = 0; r < rows; r++) {
        double a = normalisation(f, from + r, z[r], peak[r]);

        for (eg_index k = 0; k < d; k++) c->sum[r * d + k] *= a;
    }
}

static void drive_rows(drive_job *job, eg_index from, int rows, egi_scratch *c)
{
    eg_flow *f = job->f;
    eg_index d = f->spec.d;

    memset(job->drive + from * d, 0, (size_t)(rows * d) * sizeof(double));
    for (eg_index a = 0; a < f->spec.n_heads; a++) {
        const egi_head *h = head_of(f, a);

        if (!h->V && h->v == 0) continue;
        attend(f, h, from, rows, c);
        for (eg_index k = 0; job->relative && k < rows * d; k++)
            c->sum[k] -= f->u[from * d + k];
        add_values(job->drive + from * d, f, h, c->sum, rows, c->vector);
    }
    if (f->spec.ffn == EG_FLOW_FFN_NONE) return;
    for (eg_index i = from; i < from + rows; i++)
        add_feed_forward(job->drive + i * d, f, f->u + i * d, c->hidden);
}

static void drive_block(void *ctx, int block, int worker)
{
    drive_job *job = ctx;
    eg_index from = (eg_index)block * BLOCK, to = from + BLOCK;

    if (to > job->f->n) to = job->f->n;
    for (; from < to; from += EGI_ROWS) {
        int rows = to - from < EGI_ROWS ? (int)(to - from) : EGI_ROWS;

        drive_rows(job, from, rows, &job->f->scratch[worker]);
    }
}

/* Drives from the sums of sums.h, which stand where the drives go. */
static void finish_sums(const eg_flow *f, double *drive, eg_index from,
                        int rows, egi_scratch *c)
{
    eg_index d = f->spec.d;
    double *A = drive + from * d;

    for (int r = 0; r < rows; r++) {
        double a = egi_sums_factor(f, from + r);

        for (eg_index k = r * d; k < (r + 1) * d; k++) c->sum[k] = a * A[k];
    }
    memset(A, 0, (size_t)(rows * d) * sizeof *A);
    add_values(A, f, f->head, c->sum, rows, c->vector);
    for (int r = 0; r < rows && f->spec.ffn != EG_FLOW_FFN_NONE; r++)
        add_feed_forward(A + r * d, f, f->u + (from + r) * d, c->hidden);
}

/* What the normalisation makes of the drive A of direction u, in place. */
static void normalise(double *A, const double *u, const eg_flow *f, double t)
{
    eg_index d = f->spec.d;
    double size = 0;

    if (f->norm == EG_FLOW_PERI || f->norm == EG_FLOW_NGPT) {
        for (eg_index k = 0; k < d; k++) size += A[k] * A[k];
        size = sqrt(size);
        if (size > 0)
            size = (f->norm == EG_FLOW_NGPT ? f->spec.alpha : 1) / size;
    } else {
        size = f->norm == EG_FLOW_SQRT ? 1 / sqrt(t + 1) : 1;
    }
    if (egi_flow_on_sphere(f)) egi_project(A, u, d);
    if (size == 1) return;
    for (eg_index k = 0; k < d; k++) A[k] *= size;
}

static void finish_block(void *ctx, int block, int worker)
{
    const drive_job *job = ctx;
    eg_flow *f = job->f;
    eg_index d = f->spec.d, from = (eg_index)block * LOAD, to = from + LOAD;

    if (to > f->n) to = f->n;
    for (eg_index i = from; f->sums && i < to; i += EGI_ROWS) {
        int rows = to - i < EGI_ROWS ? (int)(to - i) : EGI_ROWS;

        finish_sums(f, job->drive, i, rows, &f->scratch[worker]);
    }
    for (eg_index i = from; job->field && i < to; i++)
        normalise(job->drive + i * d, f->u + i * d, f, job->t);
}

static void form(drive_job *job)
{
    eg_flow *f = job->f;
    double n = (double)f->n, d = (double)f->spec.d;

    f->evaluations++;
    if (f->sums)
        egi_sums_eval(f->sums, f->S, job->drive, f->u, f->mass, f->n);
    else
        egi_flow_blocks(f, BLOCK, n * n * (d + 8) / 8, drive_block, job);
    egi_flow_blocks(f, LOAD, 10 * n * d, finish_block, job);
}

void eg_flow_drive(eg_flow *f, double t, const double *x, double *drive)
{
    drive_job job = {.f = f, .drive = drive, .t = t};

    egi_flow_load(f, t, x);
    form(&job);
}

void eg_flow_field(eg_flow *f, double t, const double *x, double *dx)
{
    drive_job job = {.f = f, .drive = dx, .t = t};

    job.field = f->spec.space == EG_FLOW_SPHERE;
    job.relative = f->spec.space == EG_FLOW_RESCALED;
    egi_flow_load(f, t, x);
    form(&job);
}

/* s_j of one query, j < limit, as egi_rows_fn defines them */
static void row_scores(double *s, const eg_flow *f, const double *q,
                       const double *x, eg_index limit)
{
    eg_index d = f->spec.d;

    for (eg_index j = 0; j < limit; j++) {
        s[j] = f->mass ? f->log_mass[j] : 0;
        for (eg_index k = 0; k < d; k++) s[j] += q[k] * x[j * d + k];
    }
}

void eg_flow_attention(eg_flow *f, double t, const double *x, eg_index head,
                       double *A)
{
    eg_index n = f->n, d = f->spec.d;

    EG_ASSERT(head >= 0 && head < f->spec.n_heads);
    egi_flow_load(f, t, x);
    for (eg_index i = 0; i < n; i++) {
        eg_index limit = f->spec.causal ? i + 1 : n;
        double *row = A + i * n, peak = -HUGE_VAL, z = 0;

        queries(f->scratch->q, f, head_of(f, head), f->u + i * d, 1,
                f->scratch->vector);
        memset(row, 0, (size_t)n * sizeof *row);
        row_scores(row, f, f->scratch->q, f->u, limit);
        for (eg_index j = 0; j < limit; j++) peak = fmax(peak, row[j]);
        for (eg_index j = 0; j < limit; j++) z += row[j] = exp(row[j] - peak);
        for (eg_index j = 0; j < limit; j++)
            row[j] *= normalisation(f, i, z, peak);
    }
}
