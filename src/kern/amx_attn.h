/* Causal attention of the AMX set, forward (amx_tile.h has the products).
 *
 * Lanes are queries, as in fast_attn.h: S^T = K Q^T for a block of query rows,
 * softmax down the columns, Z^T = V^T P^T. The tile unit works on its own once
 * it has its instructions, so that all else is cut into pieces which are done
 * between them: while block j's scores and block j - 2's values are summed,
 * softmax goes over block j - 1. The last block comes first: what is left
 * without company at the end is short. */

/* A head, and what it is split into. Blocks take turns in two buffers. */
typedef struct forward {
    softmax soft[2];
    softmax *scores, *before; /* the block at hand, and the one before it */
    feed k, q, v;
    outlet out;
    parts keys, values, queries[2], e[2];
    float *sums[2], *factor[2], *spare;
} forward;

static bool forward_piece(forward *f)
{
    return outlet_piece(&f->out) || largest_piece(f->scores) ||
           feed_piece(&f->k) || softmax_piece(f->before) || feed_piece(&f->q) ||
           feed_piece(&f->v);
}

static void forward_aside(void *arg)
{
    (void)forward_piece(arg);
}

static eg_index forward_work(eg_index dh, eg_index dv, eg_index max_limit)
{
    eg_index room = round_up(max_limit, STEP), values = round_up(dv, TILE);
    return room / TILE * strip_size(dh) + values / TILE * strip_size(room) +
           4 * strip_size(dh) + 4 * strip_size(room) +
           (2 * round_up(dv, SIDE) + SIDE + 2) * LANES + W;
}

static void forward_start(forward *f, eg_index dh, eg_index dv,
                          eg_index max_limit, float *work)
{
    eg_index room = round_up(max_limit, STEP);

    *f = (forward){.scores = &f->soft[0], .before = &f->soft[1]};
    work = aligned(work);
    f->keys = parts_take(&work, room, dh);
    f->values = parts_take(&work, dv, room);
    f->spare = work_take(&work, SQUARE);
    for (int i = 0; i < 2; i++) {
        f->soft[i].phase = DONE;
        f->queries[i] = parts_take(&work, LANES, dh);
        f->e[i] = parts_take(&work, LANES, room);
        f->sums[i] = work_take(&work, round_up(dv, SIDE) * LANES);
        f->factor[i] = work_take(&work, LANES);
    }
}

static void queries_start(forward *f, int turn_, const float *q, eg_index ldq,
                          eg_index r, eg_index rows, eg_index dh)
{
    feed_start(&f->q, false, f->queries[turn_], q + r * ldq, ldq, 1,
               rows - r < LANES ? rows - r : LANES, dh);
}

/* S^T of a block, into the place of its pattern. */
static void forward_scores(forward *f, parts queries, eg_index dh)
{
    aside also = {forward_aside, f};
    softmax *soft = f->scores;
    eg_index keys = soft->b.keys;

    for (eg_index s = 0; s < keys; s += SIDE) {
        eg_index n = keys - s < SIDE ? keys - s : SIDE;
        float *x = soft->p + s * LANES, *to = n % TILE ? f->spare : x;

        feed_until(&f->k, s + n);
        cell_sums(n, soft->b.rows, to, LANES, false, strips_from(f->keys, s),
                  queries, steps_of(dh), also);
        if (to != x) memcpy(x, to, (size_t)(n * LANES) * sizeof *x);
        soft->ready = s + n;
    }
}

/* Z of a block from its exponentials. */
static void forward_values(forward *f, int now, float *z, eg_index ldz,
                           eg_index dv)
{
    aside also = {forward_aside, f};
    const block *b = &f->soft[now].b;

    for (eg_index n = 0; n < dv; n += SIDE) {
        cell_sums(dv - n, b->rows, f->sums[now] + n * LANES, LANES, false,
                  strips_from(f->values, n), f->e[now], steps_of(b->keys),
                  also);
    }
    while (outlet_piece(&f->out)) {
    }
    f->out = (outlet){z, ldz, b->rows, dv, f->sums[now], f->factor[now], 0};
}

static void tiles_attn(float *z, eg_index ldz, float *p, const float *q,
                       eg_index ldq, const int32_t *limit, const float *k,
                       eg_index ldk, const float *v, eg_index ldv,
                       eg_index rows, eg_index dh, eg_index dv, float scale,
                       float *work)
{
    eg_index blocks = (rows + LANES - 1) / LANES, r = blocks * LANES;
    eg_index keys = rows ? limit[rows - 1] : 0;
    forward f;

    forward_start(&f, dh, dv, keys, work);
    feed_start(&f.k, true, f.keys, k, ldk, 1, keys, dh);
    feed_start(&f.v, true, f.values, v, 1, ldv, dv, keys);
    p += fast_attn_size(limit, rows);
    tiles_on();
    for (eg_index j = 0; j < blocks + 2; j++) {
        int now = (int)(j & 1);

        r -= LANES; /* of block j */
        f.scores = &f.soft[now];
        f.before = &f.soft[!now];
        if (j == 0) queries_start(&f, now, q, ldq, r, rows, dh);
        feed_until(&f.q, LANES);
        if (j + 1 < blocks) {
            queries_start(&f, !now, q, ldq, r - LANES, rows, dh);
        }
        if (j >= 2) {
            eg_index done = r + LANES + LANES;
            forward_values(&f, now, z + done * ldz, ldz, dv);
        }
        if (j < blocks) {
            block b = block_at(limit, r, rows);
            p -= b.keys * LANES;
            softmax_start(f.scores, &b, p, f.factor[now], f.e[now], scale);
            forward_scores(&f, f.queries[now], dh);
        }
        while (forward_piece(&f)) {
        }
        if (j < blocks) softmax_largest_done(f.scores);
    }
    tiles_off();
}
