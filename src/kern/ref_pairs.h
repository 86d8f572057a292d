/* Reference sums over pairs of particles, for a type P_REAL with names P_(). */

static double P_(weight)(const P_(egi_cloud) * c, eg_index i, eg_index j,
                         bool difference)
{
    double t = 0, dot = 0;

    for (eg_index k = 0; k < c->d; k++) {
        double q = (double)c->q[k * c->ld + i], r = (double)c->r[k * c->ld + j];
        t -= (q - r) * (q - r);
        dot += q * r;
    }
    return exp2(difference ? t : 2 * dot + (double)c->shift);
}

/* i receives from j. */
static void P_(give)(const P_(egi_cloud) * c, eg_index i, eg_index j, double w)
{
    c->S[i] += w * (double)c->m[j];
    for (eg_index k = 0; k < c->d; k++)
        c->F[k * c->ld + i] += w * (double)c->mx[k * c->ld + j];
}

static void P_(ref_pairs)(const P_(egi_cloud) * c, eg_index i0, eg_index i1,
                          eg_index j0, eg_index j1, bool both)
{
    for (eg_index i = i0; i < i1; i++) {
        for (eg_index j = j0; j < j1; j++) {
            double w = P_(weight)(c, i, j, P_DIFFERENCE);
            P_(give)(c, i, j, w);
            if (both) P_(give)(c, j, i, w);
        }
    }
}

static void P_(ref_rows)(const P_(egi_cloud) * c, eg_index i0, eg_index i1,
                         eg_index j0, eg_index j1)
{
    for (eg_index i = i0; i < i1; i++)
        for (eg_index j = j0; j < j1; j++)
            P_(give)(c, i, j, P_(weight)(c, i, j, false));
}

#undef P_
#undef P_DIFFERENCE
