/* Rotary positions: queries and keys turned by an angle t rate_i. */
#include "nn/real/real.h"

void N(rotate)(const N(net) * net, real *x, eg_index ld, const int32_t *limit,
               int rows, int heads, int width, int sign)
{
    for (int r = 0; r < rows; r++) {
        const real *table = net->rot + (eg_index)(limit[r] - 1) * width;
        for (int h = 0; h < heads; h++) {
            real *y = x + r * ld + (eg_index)h * width;
            for (int i = 0; i < width; i += 2) {
                real c = table[i], s = (real)sign * table[i + 1];
                real a = y[i], b = y[i + 1];
                y[i] = c * a - s * b;
                y[i + 1] = s * a + c * b;
            }
        }
    }
}
