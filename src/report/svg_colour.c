/* Colours of static figures, those of the page on light ground. */

#include <math.h>
#include <stdio.h>
#include "report/svg.h"

typedef struct rgb {
    double r, g, b;
} rgb;

static void put(char text[8], double r, double g, double b)
{
    (void)snprintf(text, 8, "#%02x%02x%02x", (unsigned)lrint(r) & 255U,
                   (unsigned)lrint(g) & 255U, (unsigned)lrint(b) & 255U);
}

void egi_svg_shade(char text[8], double part, bool two_sided)
{
    static const rgb ramp[] = {{255, 255, 255}, {220, 234, 246},
                               {168, 205, 233}, {95, 163, 214},
                               {31, 111, 178},  {10, 53, 102}};
    static const rgb two[] = {{10, 74, 128},   {74, 148, 204},  {181, 213, 236},
                              {255, 255, 255}, {249, 207, 174}, {224, 127, 51},
                              {156, 63, 0}};
    const rgb *stop = two_sided ? two : ramp, *a, *b;
    int n = two_sided ? 6 : 5, i;
    double t = n * fmin(1, fmax(0, part));

    i = t >= n ? n - 1 : (int)t;
    a = &stop[i];
    b = &stop[i + 1];
    t -= i;
    put(text, a->r + t * (b->r - a->r), a->g + t * (b->g - a->g),
        a->b + t * (b->b - a->b));
}

void egi_svg_ramp(char text[8], double part)
{
    egi_svg_shade(text, part, false);
}

void egi_svg_even(char text[8], double part)
{
    static const rgb stop[] = {{68, 1, 84},    {72, 40, 120},  {62, 73, 137},
                               {49, 104, 142}, {38, 130, 142}, {31, 158, 137},
                               {53, 183, 121}, {110, 206, 88}, {181, 222, 43},
                               {253, 231, 37}};
    const int n = sizeof stop / sizeof *stop - 1;
    double t = n * fmin(1, fmax(0, part));
    int i = t >= n ? n - 1 : (int)t;
    const rgb *a = &stop[i], *b = &stop[i + 1];

    t -= i;
    put(text, a->r + t * (b->r - a->r), a->g + t * (b->g - a->g),
        a->b + t * (b->b - a->b));
}

static double gamma_of(double v)
{
    v = fmin(1, fmax(0, v));
    return 255 * (v <= .0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - .055);
}

/* OKLCH (Ottosson 2020) at lightness 0.64, chroma 0.15. */
void egi_svg_rainbow(char text[8], double turn)
{
    double hue = 6.283185307179586 * turn + .35, L = .64;
    double a = .15 * cos(hue), b = .15 * sin(hue);
    double l = pow(L + .3963377774 * a + .2158037573 * b, 3);
    double m = pow(L - .1055613458 * a - .0638541728 * b, 3);
    double s = pow(L - .0894841775 * a - 1.291485548 * b, 3);

    put(text, gamma_of(4.0767416621 * l - 3.3077115913 * m + .2309699292 * s),
        gamma_of(-1.2684380046 * l + 2.6097574011 * m - .3413193965 * s),
        gamma_of(-.0041960863 * l - .7034186147 * m + 1.707614701 * s));
}
