/* Online learners by their formulas, with dense matrices: what t_learners holds
 * the mixers against. A rule is a step and a row of REFS. */
#ifndef LEARNER_RULES_H
#define LEARNER_RULES_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { HEADS = 2, W = 6, STEPS = 3, BATCH = 4 };

/* One head at one position, as the rule's formula reads it. */
typedef struct at {
    double k[STEPS][W], v[STEPS][W], beta[STEPS], q[W];
    double decay[W], erase[W], write[W], rate[W];
    double momentum, moment_decay, moment_beta;
    double comba_s, comba_d, precond_c; /* parameters */
    double ttt_w[W], ttt_b[W];
    double first[W][W]; /* S before the first token */
    double eps, scale;
    int head;
    double z[W]; /* of a rule that reads in a way of its own */
} at;

/* What a head keeps. */
typedef struct memory {
    double S[W][W]; /* [key][value] */
    double M[W][W], a[W], s[W];
    int n;
} memory;

typedef struct ref {
    const char *mixer;
    void (*step)(memory *m, at *x);
    bool nonlinear; /* in v: it has no pattern */
    int steps;
} ref;

/* ---- the rules, from their formulas ---------------------------------------
 */

static void forget(memory *m, const at *x)
{
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) m->S[i][j] *= x->decay[i];
}

/* A += s a b^T */
static void outer(double A[W][W], double s, const double *a, const double *b)
{
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) A[i][j] += s * a[i] * b[j];
}

/* S = (I - s w e^T) S */
static void erase(double S[W][W], double s, const double *w, const double *e)
{
    double next[W][W] = {{0}};

    for (int i = 0; i < W; i++)
        for (int l = 0; l < W; l++)
            for (int j = 0; j < W; j++)
                next[i][j] += ((i == l) - s * w[i] * e[l]) * S[l][j];
    memcpy(S, next, sizeof next);
}

static void decayed(memory *m, at *x)
{
    forget(m, x);
    outer(m->S, x->beta[0], x->k[0], x->v[0]);
}

static void retnet(memory *m, at *x)
{
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++)
            m->S[i][j] *= x->head == 0 ? 31. / 32 : 63. / 64;
    outer(m->S, 1, x->k[0], x->v[0]);
}

/* S = (I - beta k k^T) Diag(g) S + beta k v^T */
static void delta(memory *m, at *x)
{
    forget(m, x);
    erase(m->S, x->beta[0], x->k[0], x->k[0]);
    outer(m->S, x->beta[0], x->k[0], x->v[0]);
}

static void gdn2(memory *m, at *x)
{
    double e[W], v[W];

    for (int i = 0; i < W; i++) {
        e[i] = x->erase[i] * x->k[0][i];
        v[i] = x->write[i] * x->v[0][i];
    }
    forget(m, x);
    erase(m->S, 1, x->k[0], e);
    outer(m->S, 1, x->k[0], v);
}

static void delta_product(memory *m, at *x)
{
    for (int j = 0; j < STEPS; j++) {
        erase(m->S, x->beta[j], x->k[j], x->k[j]);
        outer(m->S, x->beta[j], x->k[j], x->v[j]);
    }
}

static void comba(memory *m, at *x)
{
    double p[W];

    for (int i = 0; i < W; i++) {
        p[i] = x->k[0][i] / (1 + exp(-x->comba_s));
        x->q[i] -= x->comba_d * p[i];
    }
    forget(m, x);
    erase(m->S, x->beta[0], x->k[0], p);
    outer(m->S, x->beta[0], x->k[0], x->v[0]);
}

static void precond_delta(memory *m, at *x)
{
    double w[W];

    for (int i = 0; i < W; i++) {
        double r;

        m->a[i] = x->moment_decay * m->a[i] +
                  x->moment_beta * x->k[0][i] * x->k[0][i];
        r = log(m->a[i] + 1e-6) - x->precond_c;
        w[i] = x->k[0][i] * pow(1.5, -r / (1 + fabs(r)));
    }
    erase(m->S, x->beta[0], w, x->k[0]);
    outer(m->S, x->beta[0], w, x->v[0]);
}

static double length2(const double *k)
{
    double sum = 0;

    for (int i = 0; i < W; i++) sum += k[i] * k[i];
    return sum;
}

static void implicit(memory *m, at *x)
{
    x->beta[0] /= 1 + x->beta[0] * length2(x->k[0]);
    delta(m, x);
}

static void nlms(memory *m, at *x)
{
    double n = x->eps + length2(x->k[0]);

    x->beta[0] = n > 0 ? x->beta[0] / n : 0;
    delta(m, x);
}

/* S = S Diag(g); S += beta (k - S v) v^T with v over its length */
static void oja(memory *m, at *x)
{
    double e[W], n = sqrt(x->eps + length2(x->v[0]));

    for (int i = 0; i < W; i++) x->v[0][i] /= n;
    for (int i = 0; i < W; i++) {
        e[i] = x->k[0][i];
        for (int j = 0; j < W; j++) {
            m->S[i][j] *= x->decay[j];
            e[i] -= m->S[i][j] * x->v[0][j];
        }
    }
    outer(m->S, x->beta[0], e, x->v[0]);
}

/* S = Diag(g) S + (a k) (v - S^T k)^T with the S before */
static void rwkv7(memory *m, at *x)
{
    double u[W], w[W];

    for (int j = 0; j < W; j++) {
        u[j] = x->v[0][j];
        w[j] = x->rate[j] * x->k[0][j];
        for (int i = 0; i < W; i++) u[j] -= m->S[i][j] * x->k[0][i];
    }
    forget(m, x);
    outer(m->S, 1, w, u);
}

/* M = eta M - theta grad at S; S = g S + M */
static void titans(memory *m, at *x)
{
    double u[W];

    for (int j = 0; j < W; j++) {
        u[j] = x->v[0][j];
        for (int i = 0; i < W; i++) u[j] -= m->S[i][j] * x->k[0][i];
    }
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) m->M[i][j] *= x->momentum;
    outer(m->M, x->beta[0], x->k[0], u);
    forget(m, x);
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) m->S[i][j] += m->M[i][j];
}

/* y = (x - mean) / std */
static double unscaled(double *y, const double *x, double eps)
{
    double mean = 0, var = eps;

    for (int i = 0; i < W; i++) mean += x[i] / W;
    for (int i = 0; i < W; i++) var += (x[i] - mean) * (x[i] - mean) / W;
    for (int i = 0; i < W; i++) y[i] = (x[i] - mean) / sqrt(var);
    return 1 / sqrt(var);
}

/* p = d/dx of |LN(x) - target|^2 / 2 at x = k S + c. */
static void ttt_gradient(double *p, const memory *m, const at *x)
{
    double f[W], hat[W], g[W], mean = 0, along = 0, rstd;

    for (int j = 0; j < W; j++) {
        f[j] = m->a[j];
        for (int i = 0; i < W; i++) f[j] += x->k[0][i] * m->S[i][j];
    }
    rstd = unscaled(hat, f, x->eps);
    for (int j = 0; j < W; j++) {
        g[j] = x->ttt_w[j] *
               (x->ttt_w[j] * hat[j] + x->ttt_b[j] - (x->v[0][j] - x->k[0][j]));
        mean += g[j] / W;
        along += g[j] * hat[j] / W;
    }
    for (int j = 0; j < W; j++) p[j] = rstd * (g[j] - mean - hat[j] * along);
}

/* S, c (a) are those before the batch; M, s sum what its tokens ask for. */
static void ttt(memory *m, at *x)
{
    double p[W], o[W], hat[W], scale = x->scale;

    if (m->n == 0) memcpy(m->S, x->first, sizeof m->S);
    ttt_gradient(p, m, x);
    outer(m->M, 1, x->k[0], p);
    for (int j = 0; j < W; j++) m->s[j] += p[j];
    for (int j = 0; j < W; j++) {
        o[j] = m->a[j] - x->beta[0] * m->s[j];
        for (int i = 0; i < W; i++)
            o[j] += scale * x->q[i] * (m->S[i][j] - x->beta[0] * m->M[i][j]);
    }
    unscaled(hat, o, x->eps);
    for (int j = 0; j < W; j++)
        x->z[j] = o[j] + x->ttt_w[j] * hat[j] + x->ttt_b[j];
    if (++m->n % BATCH != 0) return;
    for (int j = 0; j < W; j++) m->a[j] -= x->beta[0] * m->s[j];
    for (int i = 0; i < W; i++)
        for (int j = 0; j < W; j++) m->S[i][j] -= x->beta[0] * m->M[i][j];
    memset(m->M, 0, sizeof m->M);
    memset(m->s, 0, sizeof m->s);
}

static const ref REFS[] = {
    {"decayed", decayed, false, 1},
    {"retnet", retnet, false, 1},
    {"gla", decayed, false, 1},
    {"delta", delta, false, 1},
    {"kda", delta, false, 1},
    {"gated_delta", delta, false, 1},
    {"gdn2", gdn2, false, 1},
    {"delta_product", delta_product, false, STEPS},
    {"comba", comba, false, 1},
    {"precond_delta", precond_delta, false, 1},
    {"implicit", implicit, false, 1},
    {"nlms", nlms, false, 1},
    {"oja", oja, true, 1},
    {"rwkv7", rwkv7, false, 1},
    {"titans", titans, false, 1},
    {"ttt", ttt, true, 1},
};

#endif
