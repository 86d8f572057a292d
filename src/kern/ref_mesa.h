/* Recursive least squares, for a real type `real`; see ref_impl.h. The state is
 * float64 whatever `real` is: errors grow with the condition of the keys. */

/* The state at the first address in work that a cache line begins at. */
static double *ref_mesa_state(real *work)
{
    return (void *)(work + -(uintptr_t)work % 64 / sizeof *work);
}

static eg_index ref_mesa_work(eg_index w)
{
    return (w * w + w + 16) * (8 / (eg_index)sizeof(real)); /* float64 */
}

/* u = R x */
static void ref_mesa_times(double *u, const double *R, const real *x,
                           eg_index w)
{
    for (eg_index i = 0; i < w; i++) {
        u[i] = 0;
        for (eg_index j = 0; j < w; j++) u[i] += R[i * w + j] * (double)x[j];
    }
}

/* R <- (g R^-1 + k k^T)^-1 = (R - u u^T / (g + k.u)) / g, u = R k. False: the
 * numbers cannot carry it (see engram/kern.h). */
static bool ref_mesa_take(double *R, double *u, const real *k, double g,
                          eg_index w)
{
    double ku = 0, kk = 0, trace = 0, s;

    ref_mesa_times(u, R, k, w);
    for (eg_index i = 0; i < w; i++) {
        ku += (double)k[i] * u[i];
        kk += (double)k[i] * (double)k[i];
        trace += R[i * w + i];
    }
    s = 1 / sqrt((g + ku) * g);
    for (eg_index i = 0; i < w; i++) u[i] *= s;
    for (eg_index i = 0; i < w; i++)
        for (eg_index j = 0; j < w; j++)
            R[i * w + j] = R[i * w + j] / g - u[i] * u[j];
    return egi_mesa_sound(ku / g, kk * trace / g, sizeof(real) == 4);
}

/* One head. taken: [keys, w], or NULL. */
static void ref_mesa_head(real *y, eg_index ldy, const real *x, eg_index ldx,
                          const int32_t *limit, eg_index rows, const real *k,
                          eg_index ldk, const real *g, eg_index ldg, eg_index w,
                          double lambda, int on, double *taken, real *work)
{
    double *R = ref_mesa_state(work), *u = R + w * w, *left = u + w;
    bool sound = lambda > 0 && isfinite(lambda) && (!on || left[0] > 0);
    eg_index r = 0;

    for (eg_index i = 0; !on && i < w * w; i++)
        R[i] = i % (w + 1) == 0 ? lambda : 0;
    for (eg_index t = 0; r < rows; t++) {
        double forget = g ? (double)g[t * ldg] : 1;

        sound = ref_mesa_take(R, u, k + t * ldk, forget, w) && sound;
        for (eg_index i = 0; taken && i < w; i++)
            taken[t * w + i] = sound ? u[i] : (double)NAN;
        for (; r < rows && limit[r] == t + 1; r++) {
            ref_mesa_times(u, R, x + r * ldx, w);
            for (eg_index i = 0; i < w; i++)
                y[r * ldy + i] = sound ? (real)u[i] : (real)NAN;
        }
    }
    left[0] = sound;
}

static void ref_mesa(real *y, eg_index ldy, const real *x, eg_index ldx,
                     const int32_t *limit, eg_index rows, const real *k,
                     eg_index ldk, const real *g, eg_index ldg, eg_index w,
                     eg_index heads, eg_index shared, const double *lambda,
                     int on, double *taken, real *work)
{
    eg_index keys = rows > 0 ? limit[rows - 1] : 0;

    for (eg_index h = 0; h < heads; h++)
        ref_mesa_head(y + h * w, ldy, x + h * w, ldx, limit, rows,
                      k + h / shared * w, ldk, g ? g + h : NULL, ldg, w,
                      lambda[h], on, taken ? taken + h * keys * w : NULL,
                      work + h * ref_mesa_work(w));
}

/* R <- R / g - p p^T, key by key. */
static void ref_mesa_again(real *y, eg_index ldy, const real *x, eg_index ldx,
                           const int32_t *limit, eg_index rows,
                           const double *taken, const real *g, eg_index ldg,
                           eg_index w, double lambda, real *work)
{
    double *R = ref_mesa_state(work), *u = R + w * w;
    eg_index r = 0;

    for (eg_index i = 0; i < w * w; i++) R[i] = i % (w + 1) == 0 ? lambda : 0;
    for (eg_index t = 0; r < rows; t++) {
        const double *p = taken + t * w;
        double forget = g ? (double)g[t * ldg] : 1;

        for (eg_index i = 0; i < w * w; i++)
            R[i] = R[i] / forget - p[i / w] * p[i % w];
        for (; r < rows && limit[r] == t + 1; r++) {
            ref_mesa_times(u, R, x + r * ldx, w);
            for (eg_index i = 0; i < w; i++) y[r * ldy + i] = (real)u[i];
        }
    }
}
