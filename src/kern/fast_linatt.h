/* Linear attention with a state S = sum k v^T that stays in the cache: for
 * widths of some tens, where products of matrices would be mostly padding and
 * half of what they give is masked. Two positions share a sweep over S: what
 * the first writes is read by it, then the second writes and reads, and S is
 * stored once. Sums of a strip of columns stay in registers. Backwards over
 * positions the same sweep gives what keys and values get. */

enum { LINATT_STRIP = VEC_W == 16 ? 4 : 3 };

/* A position: S += x y^T, then out += scale S^T q; x or q NULL: not. */
typedef struct linatt_step {
    const float *x, *y, *q;
    float *out;
} linatt_step;

static eg_index linatt_ld(eg_index n)
{
    return (n + W - 1) / W * W;
}

/* S, and zeros in the place of what is not there. */
static eg_index fast_linatt_work(eg_index kw, eg_index vw)
{
    eg_index most = kw > vw ? kw : vw;

    return kw * linatt_ld(vw) + linatt_ld(most);
}

INLINE vec linatt_load(const float *p, eg_index n)
{
    if (n >= W) return vload(p);
    return n > 0 ? vload_n(p, n) : (vec){0};
}

INLINE void linatt_add(float *p, vec v, eg_index n)
{
    if (n >= W)
        vstore(p, vload(p) + v);
    else if (n > 0)
        vstore_n(p, vload_n(p, n) + v, n);
}

/* Columns at .. at + n W - 1 of S [kw, ld], of which vw are there. */
INLINE void linatt_strip(float *S, eg_index ld, eg_index kw, eg_index vw,
                         eg_index at, const int n, const linatt_step *s,
                         float scale)
{
    vec y0[LINATT_STRIP], y1[LINATT_STRIP], z0[LINATT_STRIP], z1[LINATT_STRIP];

#pragma GCC unroll 4
    for (int v = 0; v < n; v++) {
        eg_index from = at + v * W;

        y0[v] = linatt_load(s[0].y + from, vw - from);
        y1[v] = linatt_load(s[1].y + from, vw - from);
        z0[v] = z1[v] = (vec){0};
    }
    for (eg_index j = 0; j < kw; j++) {
        float *row = S + j * ld + at;
        vec x0 = vset(s[0].x[j]), q0 = vset(s[0].q[j]);
        vec x1 = vset(s[1].x[j]), q1 = vset(s[1].q[j]);

#pragma GCC unroll 4
        for (int v = 0; v < n; v++) {
            vec r = vload(row + v * W);

            r += x0 * y0[v];
            z0[v] += q0 * r;
            r += x1 * y1[v];
            z1[v] += q1 * r;
            vstore(row + v * W, r);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < n; v++) {
        eg_index from = at + v * W;

        if (s[0].out)
            linatt_add(s[0].out + from, z0[v] * vset(scale), vw - from);
        if (s[1].out)
            linatt_add(s[1].out + from, z1[v] * vset(scale), vw - from);
    }
}

static void linatt_pair(float *S, const float *zero, eg_index kw, eg_index vw,
                        linatt_step s[2], float scale)
{
    eg_index ld = linatt_ld(vw), at = 0, strip = LINATT_STRIP * W;

    for (int i = 0; i < 2; i++) {
        if (!s[i].x) s[i].x = s[i].y = zero;
        if (!s[i].q) s[i].q = zero;
    }
    for (; at + strip <= ld; at += strip)
        linatt_strip(S, ld, kw, vw, at, LINATT_STRIP, s, scale);
    switch ((ld - at) / W) {
    case 3:
        linatt_strip(S, ld, kw, vw, at, 3, s, scale);
        break;
    case 2:
        linatt_strip(S, ld, kw, vw, at, 2, s, scale);
        break;
    case 1:
        linatt_strip(S, ld, kw, vw, at, 1, s, scale);
        break;
    default:
        break;
    }
}

static void fast_linatt(float *z, eg_index ldz, const float *q, eg_index ldq,
                        const int32_t *limit, eg_index rows, const float *k,
                        eg_index ldk, const float *v, eg_index ldv, eg_index kw,
                        eg_index vw, float scale, float *work)
{
    const float *zero = work + kw * linatt_ld(vw);
    linatt_step s[2] = {{NULL}};
    eg_index r = 0, last = rows > 0 ? limit[rows - 1] : 0;

    memset(work, 0, (size_t)fast_linatt_work(kw, vw) * sizeof *work);
    for (eg_index t = 0; t < last;) {
        bool again = r > 0 && limit[r - 1] == t + 1; /* one more at this key */
        linatt_step *at = s[0].y ? &s[1] : &s[0];

        *at = (linatt_step){.y = zero};
        if (!again) {
            at->x = k + t * ldk;
            at->y = v + t * ldv;
        }
        if (r < rows && limit[r] == t + 1) {
            at->q = q + r * ldq;
            at->out = z + r * ldz;
            r++;
        }
        if (r == rows || limit[r] > t + 1) t++;
        if (at == &s[0] && t < last) continue;
        linatt_pair(work, zero, kw, vw, s, scale);
        s[0] = s[1] = (linatt_step){NULL};
    }
}

static void fast_linatt_back(float *dv, eg_index lddv, const float *k,
                             eg_index ldk, eg_index n, const float *q,
                             eg_index ldq, const float *dz, eg_index lddz,
                             const int32_t *limit, eg_index rows, eg_index kw,
                             eg_index vw, float scale, float *work)
{
    const float *zero = work + kw * linatt_ld(vw);
    linatt_step s[2] = {{NULL}};
    eg_index r = rows - 1, t = rows > 0 ? limit[r] - 1 : -1;

    (void)n;
    memset(work, 0, (size_t)fast_linatt_work(kw, vw) * sizeof *work);
    while (t >= 0) {
        linatt_step *at = s[0].y ? &s[1] : &s[0];

        *at = (linatt_step){.y = zero};
        if (r >= 0 && limit[r] == t + 1) {
            at->x = q + r * ldq;
            at->y = dz + r * lddz;
            r--;
        }
        if (r < 0 || limit[r] <= t) { /* all rows that see key t */
            at->q = k + t * ldk;
            at->out = dv + t * lddv;
            t--;
        }
        if (at == &s[0] && t >= 0) continue;
        linatt_pair(work, zero, kw, vw, s, scale);
        s[0] = s[1] = (linatt_step){NULL};
    }
}
