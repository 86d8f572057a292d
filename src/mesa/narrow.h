/* Numbers as a type of few digits keeps them. */
#ifndef EGI_MESA_NARROW_H
#define EGI_MESA_NARROW_H

/* digits: of the significand, with the one before the point; least: the
 * exponent of the smallest normal number, 2^least; top: the largest number. */
typedef struct egi_format {
    const char *name;
    int digits, least;
    double top;
} egi_format;

enum { EGI_F32, EGI_BF16, EGI_F16, EGI_FORMATS };
extern const egi_format egi_formats[EGI_FORMATS];

/* x to the nearest number of the format; beyond the largest, infinite. */
double egi_narrow(double x, const egi_format *f);

#endif
