/* Causal attention of the AMX set, backward; see amx_attn.h.
 *
 * Query rows come in groups of GROUP blocks, their keys in chunks. For a chunk
 * dP^T = V dZ^T, then dS = P (dP - D) on the vector units, then dV += P^T dZ,
 * dK += dS^T Q and dQ^T += K^T dS^T. While tiles multiply for one chunk and
 * for the one two before it, the one between has its gradients of scores
 * computed and split. */

enum { RING = 4 }; /* groups at hand */

typedef struct backward {
    back_args a;
    group group[RING];
    chunk chunk[3];
    chunk *now, *before, *done;
    feed v, k, turned, dz, q;
    outlet out[GROUP];
    parts values, keys;
    float *spare, *one;
    group *open; /* the group whose chunks come, from key s */
    eg_index row, s, split_keys, groups, chunks; /* begun so far */
} backward;

static bool backward_piece(backward *f)
{
    return outlet_piece(&f->out[0]) || outlet_piece(&f->out[1]) ||
           feed_piece(&f->v) || (f->before && chunk_piece(&f->a, f->before)) ||
           feed_piece(&f->turned) || feed_piece(&f->dz) || feed_piece(&f->q) ||
           feed_piece(&f->k);
}

static void backward_aside(void *arg)
{
    (void)backward_piece(arg);
}

/* dP^T of a chunk. */
static void chunk_scores(backward *f, chunk *c)
{
    aside also = {backward_aside, f};

    for (eg_index i = 0; i < c->g->blocks; i++) {
        eg_index keys = chunk_keys(c, i);
        for (eg_index s = 0; s < keys; s += SIDE) {
            feed_until(&f->v, c->s + s + SIDE);
            cell_sums(keys - s, c->g->b[i].rows, c->dp[i] + s * LANES, LANES,
                      false, strips_from(f->values, c->s + s),
                      strips_from(c->g->turned, i * LANES),
                      steps_of(f->a.width), also);
        }
    }
}

/* C += A B with any number of rows and columns up to 32. */
static void add_sums(backward *f, float *c, eg_index ldc, eg_index rows,
                     eg_index cols, parts a, parts b, eg_index steps)
{
    aside also = {backward_aside, f};

    if (rows % TILE == 0 && cols % TILE == 0) {
        cell_sums(rows, cols, c, ldc, true, a, b, steps, also);
        return;
    }
    cell_sums(rows, cols, f->spare, LANES, false, a, b, steps, also);
    for (eg_index m = 0; m < rows; m++) {
        for (eg_index n = 0; n < cols; n += W) {
            eg_index left = cols - n < W ? cols - n : W;
            float *x = c + m * ldc + n;
            vec v = load_some(x, left) + vload(f->spare + m * LANES + n);
            if (left == W) {
                vstore(x, v);
            } else {
                vstore_n(x, v, left);
            }
        }
    }
}

/* y[s,:] += the chunk's columns m[lane, s] times rows x[lane,:]. */
static void chunk_key_sums(backward *f, const chunk *c, float *y, eg_index ldy,
                           parts m, parts x, eg_index width)
{
    for (eg_index s = 0; s < c->keys; s += SIDE) {
        eg_index first = 0, rows = c->keys - s < SIDE ? c->keys - s : SIDE;
        parts a = strips_from(m, s);
        while (chunk_keys(c, first) <= s) first++;
        a.p += first * STEP_FLOATS;
        for (eg_index n = 0; n < width; n += SIDE) {
            parts b = strips_from(x, n);
            b.p += first * STEP_FLOATS;
            add_sums(f, y + (c->s + s) * ldy + n, ldy, rows,
                     width - n < SIDE ? width - n : SIDE, a, b,
                     c->g->blocks - first);
        }
    }
}

/* dQ^T, and out with it after the last chunk. */
static void chunk_query_sums(backward *f, const chunk *c)
{
    aside also = {backward_aside, f};
    const back_args *a = &f->a;
    const group *g = c->g;
    parts keys = f->keys;

    keys.p += c->s / STEP * STEP_FLOATS;
    for (eg_index i = 0; i < g->blocks; i++) {
        eg_index n = chunk_keys(c, i), r = g->row + i * LANES;
        for (eg_index d = 0; n > 0 && d < a->dh; d += SIDE) {
            cell_sums(a->dh - d, g->b[i].rows, g->sums[i] + d * LANES, LANES,
                      c->s > 0, strips_from(keys, d), c->ds_turned[i],
                      steps_of(n), also);
        }
        if (n == 0 || c->s + n < g->b[i].keys) continue;
        while (outlet_piece(&f->out[i])) {
        }
        f->out[i] = (outlet){a->dq + r * a->lddq,
                             a->lddq,
                             g->b[i].rows,
                             a->dh,
                             g->sums[i],
                             f->one,
                             0};
    }
}

static void chunk_sums(backward *f, const chunk *c)
{
    const back_args *a = &f->a;

    if (a->dv) {
        chunk_key_sums(f, c, a->dv, a->lddv, c->p, c->g->dz, a->width);
    }
    if (a->dk) chunk_key_sums(f, c, a->dk, a->lddk, c->ds, c->g->q, a->dh);
    if (a->dq) chunk_query_sums(f, c);
}

static eg_index backward_work(eg_index dh, eg_index dv, eg_index max_limit)
{
    eg_index room = round_up(max_limit, STEP);
    eg_index h = round_up(dh, SIDE), v = round_up(dv, SIDE);
    eg_index one_group = GROUP_STRIPS * strip_size(dv) +
                         (v + h) / TILE * strip_size(GROUP_ROWS) + GROUP_ROWS +
                         GROUP * h * LANES;
    eg_index one_chunk = CHUNK_STRIPS * strip_size(GROUP_ROWS) * 2 +
                         GROUP_STRIPS * strip_size(CHUNK) + GROUP_SUMS;

    return room / TILE * strip_size(dv) + h / TILE * strip_size(room) +
           RING * one_group + 3 * one_chunk + SQUARE + LANES + W;
}

static void backward_start(backward *f, const back_args *a, float *work)
{
    eg_index dh = a->dh, dv = a->width, keys = a->limit[a->rows - 1];
    eg_index room = round_up(keys, STEP);

    memset(f, 0, sizeof *f);
    f->a = *a;
    work = aligned(work);
    f->values = parts_take(&work, room, dv);
    f->keys = parts_take(&work, dh, room);
    f->spare = work_take(&work, SQUARE);
    f->one = work_take(&work, LANES);
    for (int j = 0; j < LANES; j++) f->one[j] = 1;
    for (int i = 0; i < RING; i++) {
        group *g = &f->group[i];
        g->turned = parts_take(&work, GROUP_ROWS, dv);
        g->dz = parts_take(&work, dv, GROUP_ROWS);
        g->q = parts_take(&work, dh, GROUP_ROWS);
        g->pull = work_take(&work, GROUP_ROWS);
        for (int j = 0; j < GROUP; j++) {
            g->sums[j] = work_take(&work, round_up(dh, SIDE) * LANES);
        }
    }
    for (int i = 0; i < 3; i++) {
        chunk *c = &f->chunk[i];
        c->p = parts_take(&work, CHUNK, GROUP_ROWS);
        c->ds = parts_take(&work, CHUNK, GROUP_ROWS);
        for (int j = 0; j < GROUP; j++) {
            c->ds_turned[j] = parts_take(&work, LANES, CHUNK);
            c->dp[j] = work_take(&work, CHUNK_SUMS);
        }
    }
    if (a->dq || a->dk) {
        feed_start(&f->v, true, f->values, a->v, a->ldv, 1, keys, dv);
    }
}

static void feed_finish(feed *f)
{
    while (feed_piece(f)) {
    }
}

/* The group of the next query rows. */
static void group_start(backward *f)
{
    back_args *a = &f->a;
    group *g = &f->group[f->groups++ % RING];
    const float *dz = a->dz + f->row * a->lddz, *q = a->q + f->row * a->ldq;

    g->row = f->row;
    g->rows = a->rows - g->row < GROUP_ROWS ? a->rows - g->row : GROUP_ROWS;
    g->blocks = (g->rows + LANES - 1) / LANES;
    g->dotted = 0;
    for (eg_index i = 0; i < g->blocks; i++) {
        g->b[i] = block_at(a->limit, g->row + i * LANES, a->rows);
        g->p[i] = a->p;
        a->p += g->b[i].keys * LANES;
    }
    g->keys = g->b[g->blocks - 1].keys;
    feed_finish(&f->dz);
    feed_finish(&f->q);
    if (a->dq || a->dk) {
        feed_start(&f->turned, false, g->turned, dz, a->lddz, 1, g->rows,
                   a->width);
        feed_finish(&f->turned);
    }
    if (a->dv) {
        feed_start(&f->dz, false, g->dz, dz, 1, a->lddz, a->width, g->rows);
    }
    if (a->dk) feed_start(&f->q, false, g->q, q, 1, a->ldq, a->dh, g->rows);
    f->row += g->rows;
    f->s = 0;
    f->open = g;
}

/* The next chunk; NULL after the last one. */
static chunk *chunk_start(backward *f)
{
    const back_args *a = &f->a;
    chunk *c = &f->chunk[f->chunks++ % 3];

    if (!f->open && f->row >= a->rows) return NULL;
    if (!f->open) group_start(f);
    c->g = f->open;
    c->s = f->s;
    c->keys = c->g->keys - c->s < CHUNK ? c->g->keys - c->s : CHUNK;
    c->block = c->next = 0;
    f->s += c->keys;
    if (f->s > f->split_keys && a->dq) {
        parts to = {f->keys.p + c->s / STEP * STEP_FLOATS, f->keys.size};
        feed_finish(&f->k);
        feed_start(&f->k, true, to, a->k + c->s * a->ldk, 1, a->ldk, a->dh,
                   c->keys);
        f->split_keys = f->s;
    }
    if (f->s == c->g->keys) f->open = NULL;
    return c;
}

static void tiles_attn_back(const back_args *a, float *work)
{
    backward f;

    if (a->rows == 0) return;
    backward_start(&f, a, work);
    tiles_on();
    do {
        f.done = f.before;
        f.before = f.now;
        f.now = chunk_start(&f);
        if (f.done) chunk_sums(&f, f.done);
        if (f.now && (a->dq || a->dk)) chunk_scores(&f, f.now);
        if (!f.before) continue;
        while (chunk_piece(a, f.before)) {
        }
        feed_finish(&f.dz);
        feed_finish(&f.q);
        feed_finish(&f.k);
    } while (f.now || f.before);
    while (backward_piece(&f)) {
    }
    tiles_off();
}
