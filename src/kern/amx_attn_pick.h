/* Attention of the AMX set: on tiles where splitting is paid back. */

/* Measured: tiles are a tenth faster at 256 rows of width 64, 1.3 times as fast
 * at 1024 rows; with fewer rows or narrower heads they are slower. */
enum { MIN_ROWS = 256, MIN_ROWS_QUERIES = 512, MIN_WIDTH = 64 };

static bool on_tiles(eg_index rows, eg_index dh, eg_index dv)
{
    if (PARTS == 1) return true;
    return rows >= MIN_ROWS && dh >= MIN_WIDTH && dv >= MIN_WIDTH;
}

static void amx_attn_scores(float *s, const float *q, const float *k,
                            eg_index ldk, eg_index limit, eg_index dh,
                            float scale)
{
    (PARTS == 1 ? bf16_attn_scores : fast_attn_scores)(s, q, k, ldk, limit, dh,
                                                       scale);
}

static eg_index amx_attn_work(eg_index dh, eg_index dv, eg_index max_limit)
{
    eg_index work = fast_attn_work(dh, dv, max_limit);
    eg_index forth = forward_work(dh, dv, max_limit);
    eg_index back = backward_work(dh, dv, max_limit);

    if (forth > work) work = forth;
    return back > work ? back : work;
}

static void amx_attn(float *z, eg_index ldz, float *p, const float *q,
                     eg_index ldq, const int32_t *limit, const float *k,
                     eg_index ldk, const float *v, eg_index ldv, eg_index rows,
                     eg_index dh, eg_index dv, float scale, float *work)
{
    (on_tiles(rows, dh, dv) ? tiles_attn : fast_attn)(
        z, ldz, p, q, ldq, limit, k, ldk, v, ldv, rows, dh, dv, scale, work);
}

/* NOLINTNEXTLINE(readability-function-size): the table's 23 arguments */
static void amx_attn_back(float *dq, eg_index lddq, float *dk, eg_index lddk,
                          float *dv_, eg_index lddv, const float *dz,
                          eg_index lddz, const float *z, eg_index ldz,
                          const float *p, const float *q, eg_index ldq,
                          const int32_t *limit, const float *k, eg_index ldk,
                          const float *v, eg_index ldv, eg_index rows,
                          eg_index dh, eg_index dv, float scale, float *work)
{
    back_args a = {
        .dq = dq,
        .dk = dk,
        .dv = dv_,
        .dz = dz,
        .z = z,
        .p = p,
        .q = q,
        .k = k,
        .v = v,
        .lddq = lddq,
        .lddk = lddk,
        .lddv = lddv,
        .lddz = lddz,
        .ldz = ldz,
        .ldq = ldq,
        .ldk = ldk,
        .ldv = ldv,
        .rows = rows,
        .dh = dh,
        .width = dv,
        .limit = limit,
        .scale = scale,
    };

    /* without dK, splitting K and dS by lanes is for dQ alone */
    if (on_tiles(rows, dh, dv) && (dk || !dq || rows >= MIN_ROWS_QUERIES)) {
        tiles_attn_back(&a, work);
    } else {
        fast_attn_back(dq, lddq, dk, lddk, dv_, lddv, dz, lddz, z, ldz, p, q,
                       ldq, limit, k, ldk, v, ldv, rows, dh, dv, scale, work);
    }
}
