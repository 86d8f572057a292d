/* Patterns and states as text. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"
#include "energy/store.h"
#include "memory/dense.h"

enum { FIRST_NUMBERS = 8 };

static void put_char(egi_buf *b, uint32_t code)
{
    char s[4];

    egi_buf_put(b, s, (size_t)egi_utf8_put(s, code));
}

/* Every place as the character whose word is nearest; blanks at the end are
 * left off. */
static void show_line(egi_buf *b, const eg_store *s, const double *x,
                      const unsigned char *known)
{
    eg_index blanks = 0;

    for (eg_index k = 0; k < s->width; k++) {
        const double *at = x + k * s->code;
        uint32_t code = '?';
        double most = 0;
        int best = -1;

        if (!known || known[k * s->code])
            for (int i = 0; i < s->n_symbols; i++) {
                double dot =
                    egi_dot(at, s->word + (eg_index)i * s->code, s->code);

                if (dot > most) {
                    most = dot;
                    best = i;
                }
            }
        if (best >= 0) code = s->symbol[best];
        if (code == ' ') {
            blanks++;
            continue;
        }
        for (; blanks > 0; blanks--) put_char(b, ' ');
        put_char(b, code);
    }
    egi_buf_put(b, "", 0);
}

/* Pixels are averaged over squares so that a row has `columns` characters at
 * most; a row of text is as high as two pixels are wide. */
static void show_picture(egi_buf *b, const eg_store *s, const double *x,
                         const unsigned char *known, int columns)
{
    static const char shade[] = " .:-=+*#%@";
    eg_index by = (s->width + columns - 1) / columns,
             down = by > 1 ? 2 * by : 1;

    for (eg_index y = 0; y < s->height; y += down) {
        for (eg_index u = 0; u < s->width; u += by) {
            double sum = 0;
            int n = 0, dark, unknown = 0;

            for (eg_index v = y; v < y + down && v < s->height; v++)
                for (eg_index w = u; w < u + by && w < s->width; w++, n++) {
                    double value = x[v * s->width + w];

                    unknown += known && !known[v * s->width + w];
                    sum += value < -1 ? -1 : value > 1 ? 1 : value;
                }
            dark = (int)lround((sum / n + 1) / 2 * 9);
            egi_buf_put(b, unknown * 2 > n ? "?" : shade + dark, 1);
        }
        egi_buf_put(b, "\n", 1);
    }
}

static void show_numbers(egi_buf *b, const eg_store *s, const double *x,
                         const unsigned char *known)
{
    for (eg_index k = 0; k < s->n && k < FIRST_NUMBERS; k++) {
        char text[EGI_REAL_TEXT];

        (void)egi_snprintf(text, sizeof text, "%.5g", x[k]);
        egi_buf_add(b, "%s%s", k ? ", " : "", known && !known[k] ? "?" : text);
    }
    if (s->n > FIRST_NUMBERS) egi_buf_add(b, ", ...");
}

eg_status eg_store_text(char **out, const eg_store *s, const double *x,
                        const unsigned char *known, int columns, eg_err *err)
{
    egi_buf b = {0};

    EG_ASSERT(columns >= 1);
    switch (s->kind) {
    case EG_STORE_LINES:
        show_line(&b, s, x, known);
        break;
    case EG_STORE_PICTURES:
        show_picture(&b, s, x, known, columns);
        break;
    default:
        show_numbers(&b, s, x, known);
    }
    return egi_buf_take(&b, out, err);
}
