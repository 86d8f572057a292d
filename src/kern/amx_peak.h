/* The limit of the matrix unit: products of tiles in registers, of numbers that
 * differ, since zeros take less power and so less time. */

enum { TILE_ROUNDS = 1000 };

/* Returns the FLOP done. */
static double tile_loop(eg_index repeats)
{
    uint16_t x[3][2 * TILE_FLOATS] __attribute__((aligned(64)));
    uint32_t seed = 1;

    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2 * TILE_FLOATS; j++) {
            seed = seed * 1664525 + 1013904223;
            x[i][j] = (uint16_t)((seed >> 16 & 0x80ff) | 0x3f00); /* +-.5..2 */
        }
    }
    tiles_on();
    tiles_clear();
    __asm__ volatile("" : : "m"(x));
    _tile_loadd(4, x[0], 64);
    _tile_loadd(5, x[1], 64);
    _tile_loadd(6, x[2], 64);
    _tile_loadd(7, x[0], 64);
    for (eg_index r = 0; r < repeats * TILE_ROUNDS; r++)
        tile_products(2, 2, NULL, NULL);
    tiles_off();
    return 4.0 * 2 * TILE * TILE * STEP * TILE_ROUNDS * (double)repeats;
}
