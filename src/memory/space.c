/* Random embeddings and their dot products. */
#include "memory/space.h"
#include "memory/dense.h"
#include "memory/sweep.h"

#include <math.h>
#include <string.h>

void egi_space_release(egi_space *s)
{
    eg_free(s->block);
    memset(s, 0, sizeof *s);
}

static void identity(double *k, eg_index n)
{
    for (eg_index i = 0; i < n; i++) k[i * n + i] = 1;
}

/* z [2M, d] dictionary, u [N, d], image [2M, d] and matrix [d, d] scratch */
static void fill_random(egi_space *s, eg_index d, bool value_matrix,
                        eg_rng *rng, double *z, double *u, double *image,
                        double *matrix)
{
    eg_index m = s->m, mm = 2 * s->m;
    double sd = 1 / sqrt((double)d);

    egi_fill_normal(z, m * d, sd, rng);
    egi_fill_normal(u, s->n * d, sd, rng);
    egi_fill_normal(matrix, d * d, sd, rng); /* W_V^1 */
    egi_mul(image, z, matrix, m, d, d);
    egi_fill_normal(matrix, d * d, sd, rng); /* W_O^1 */
    egi_mul(z + m * d, image, matrix, m, d, d);
    egi_mul_nt(s->kz, z, z, mm, mm, d);
    egi_mul_nt(s->ku, u, u, s->n, s->n, d);
    egi_mul_nt(s->dir, u, z, s->n, mm, d);
    if (!value_matrix) {
        memcpy(s->kv, s->kz, (size_t)(mm * mm) * sizeof *s->kv);
        return;
    }
    egi_fill_normal(matrix, d * d, sd, rng); /* W_V^2 */
    egi_mul(image, z, matrix, mm, d, d);
    egi_mul_nt(s->kv, image, image, mm, mm, d);
}

eg_status egi_space_init(egi_space *s, eg_index n, eg_index t, eg_index d,
                         bool value_matrix, eg_rng *rng, eg_err *err)
{
    eg_index m = n + t, mm = 2 * m;
    double *next;

    memset(s, 0, sizeof *s);
    s->block = eg_calloc((size_t)(2 * mm * mm + m * m + n * n + n * mm),
                         sizeof *s->block);
    if (!s->block) return EG_FAIL(err, EG_ENOMEM, "%td embeddings", m);
    next = s->block;
    s->n = n;
    s->m = m;
    s->kz = egi_take(&next, mm * mm);
    s->kv = egi_take(&next, mm * mm);
    s->kx = egi_take(&next, m * m);
    s->ku = egi_take(&next, n * n);
    s->dir = egi_take(&next, n * mm);
    if (d <= 0) {
        identity(s->kz, mm);
        identity(s->kv, mm);
        identity(s->ku, n);
    } else {
        double *scratch =
            eg_calloc((size_t)(2 * mm * d + n * d + d * d), sizeof *scratch);

        if (!scratch) {
            egi_space_release(s);
            return EG_FAIL(err, EG_ENOMEM, "embeddings of width %td", d);
        }
        fill_random(s, d, value_matrix, rng, scratch, scratch + 2 * mm * d,
                    scratch + mm * d, scratch + (2 * mm + n) * d);
        eg_free(scratch);
    }
    for (eg_index i = 0; i < m; i++)
        memcpy(s->kx + i * m, s->kz + i * mm, (size_t)m * sizeof *s->kx);
    return EG_OK;
}
