/* Gradients of attention's scores for the AMX set, a chunk of keys at a time,
 * in pieces that are done between the tile products of amx_attn_back.h: dP^T
 * comes as sums of the tiles; P and dS = P (dP - D) leave as parts for the
 * products that follow. */

enum {
    GROUP = 2,
    CHUNK = 64,
    GROUP_ROWS = GROUP * LANES,
    GROUP_STRIPS = GROUP_ROWS / TILE,
    CHUNK_STRIPS = CHUNK / TILE,
    CHUNK_SUMS = CHUNK * LANES, /* of a block */
    GROUP_SUMS = GROUP * CHUNK_SUMS,
};

/* Query rows: dZ^T, dZ and Q in parts, D = dz.z, dQ^T. */
typedef struct group {
    block b[GROUP];
    const float *p[GROUP];
    eg_index row, rows, blocks, keys, dotted; /* rows that have their D */
    float *pull, *sums[GROUP];                /* scale D; [dh][LANES] */
    parts turned, dz, q;
} group;

/* A chunk of a group's keys, and what is made of it: dP^T [CHUNK][LANES] of
 * each block; P^T and dS^T by keys, dS^T by lanes. */
typedef struct chunk {
    group *g;
    eg_index s, keys;     /* the first key, and how many */
    eg_index block, next; /* how far the gradients of scores are */
    float *dp[GROUP];
    parts p, ds, ds_turned[GROUP];
} chunk;

/* The arguments of attn_back. */
typedef struct back_args {
    float *dq, *dk, *dv;
    const float *dz, *z, *p, *q, *k, *v;
    eg_index lddq, lddk, lddv, lddz, ldz, ldq, ldk, ldv, rows, dh, width;
    const int32_t *limit;
    float scale;
} back_args;

/* D of the next rows. */
static bool pull_piece(const back_args *a, group *g)
{
    enum { ROWS = 4 };
    eg_index end = g->dotted + ROWS < g->rows ? g->dotted + ROWS : g->rows;

    if (g->dotted >= g->rows) return false;
    for (; g->dotted < end; g->dotted++) {
        eg_index r = g->row + g->dotted;
        g->pull[g->dotted] = a->scale * dot_lanes(a->dz + r * a->lddz,
                                                  a->z + r * a->ldz, a->width);
    }
    return true;
}

/* The pattern of key s of a chunk; 0 beyond the block's keys. */
INLINE vec pattern_of(const chunk *c, eg_index i, eg_index s, eg_index j,
                      bool all)
{
    const group *g = c->g;
    eg_index key = c->s + s;

    if (!all && key >= g->b[i].keys) return vset(0);
    return vload(g->p[i] + key * LANES + j * W);
}

/* Keys s and s + 16 of a chunk, a row of the tiles of parts: P ... */
INLINE void pattern_row(chunk *c, eg_index i, eg_index s, bool all)
{
    float *to = c->p.p + s / TILE * c->p.size + i * STEP_FLOATS + s % TILE * W;

    put_pairs(to, pattern_of(c, i, s, 0, all), pattern_of(c, i, s, 1, all));
    put_pairs(to + c->p.size, pattern_of(c, i, s + TILE, 0, all),
              pattern_of(c, i, s + TILE, 1, all));
}

/* ... and dS, by keys and by lanes. */
INLINE void grads_row(float scale, chunk *c, eg_index i, eg_index s, bool all)
{
    const group *g = c->g;
    const parts *turned = &c->ds_turned[i];
    float *to =
        c->ds.p + s / TILE * c->ds.size + i * STEP_FLOATS + s % TILE * W;
    uvec ds[2][2][PARTS];

#pragma GCC unroll 2
    for (eg_index h = 0; h < 2; h++) {
        eg_index at = s + h * TILE;
#pragma GCC unroll 2
        for (eg_index j = 0; j < 2; j++) {
            vec dp = vload(c->dp[i] + at * LANES + j * W);
            vec pull = vload(g->pull + i * LANES + j * W);
            vec x = pattern_of(c, i, at, j, all) * (scale * dp - pull);
            if (!all) x = vsel(sees(&g->b[i], j * W, c->s + at), x, vset(0));
            split(x, ds[h][j]);
        }
        put_parts(to + h * c->ds.size, ds[h][0], ds[h][1]);
    }
    to = turned->p + s / STEP * STEP_FLOATS + s % STEP * W;
    put_parts(to, ds[0][0], ds[1][0]);
    put_parts(to + turned->size, ds[0][1], ds[1][1]);
}

/* Keys of a chunk that block i sees. */
INLINE eg_index chunk_keys(const chunk *c, eg_index i)
{
    eg_index n = c->g->b[i].keys - c->s;
    return n < 0 ? 0 : n < c->keys ? n : c->keys;
}

INLINE void chunk_row(const back_args *a, chunk *c, eg_index i, eg_index s,
                      bool all)
{
    if (a->dv) pattern_row(c, i, s, all);
    if (a->dq || a->dk) grads_row(a->scale, c, i, s, all);
}

static bool chunk_piece(const back_args *a, chunk *c)
{
    eg_index s = c->next / STEP * STEP + c->next % STEP / 2, i;
    const block *b;

    while (c->block < c->g->blocks && chunk_keys(c, c->block) == 0) c->block++;
    i = c->block;
    if (i >= c->g->blocks) return false;
    if ((a->dq || a->dk) && pull_piece(a, c->g)) return true;
    b = &c->g->b[i];
    if (b->rows == LANES && c->s + s / STEP * STEP + STEP <= b->limit[0]) {
        chunk_row(a, c, i, s, true);
    } else {
        chunk_row(a, c, i, s, false);
    }
    c->next += 2;
    if (c->next < round_up(chunk_keys(c, i), STEP)) return true;
    c->next = 0;
    c->block++;
    return true;
}
