/* Options as tables: one list gives the struct, the defaults, the ranges, the
 * YAML keys, --set, the help and the manual.
 *
 *     #define EG_OPTIM_FIELDS(I, R, B, T, E, L)                     \
 *         E(kind, "sgd", "sgd|adam|adamw", "update rule")           \
 *         R(lr, "0.2", 0, 1e6, "learning rate")
 *     EG_FIELDS_STRUCT(eg_optim_opts, EG_OPTIM_FIELDS)
 *
 * I(name, default, min, max, help)  int64_t      R(...)  double
 * B(name, default, help)            bool         T(...)  text, EG_TEXT bytes
 * E(name, default, "a|b|c", help)   int, position in the list of choices
 * L(name, default, help)            eg_strs, written [a, b] or "a, b"
 * Defaults are strings, parsed by the same code as a user's value. */
#ifndef ENGRAM_FIELDS_H
#define ENGRAM_FIELDS_H

#include "engram/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EG_TEXT 256
#define EG_STRS_MAX 64
#define EG_STRS_LEN 96

typedef struct eg_strs {
    int n;
    char item[EG_STRS_MAX][EG_STRS_LEN];
} eg_strs;

typedef enum eg_field_kind {
    EG_FIELD_INT,
    EG_FIELD_REAL,
    EG_FIELD_BOOL,
    EG_FIELD_TEXT,
    EG_FIELD_ENUM,
    EG_FIELD_LIST
} eg_field_kind;

typedef struct eg_field {
    const char *name;
    eg_field_kind kind;
    size_t offset;
    const char *def;     /* default, as a user would write it */
    double min, max;     /* numbers only, inclusive */
    const char *choices; /* enums only, "a|b|c" */
    const char *help;
} eg_field;

#define EG_FD_I(name, def, lo, hi, help) int64_t name;
#define EG_FD_R(name, def, lo, hi, help) double name;
#define EG_FD_B(name, def, help) bool name;
#define EG_FD_T(name, def, help) char name[EG_TEXT];
#define EG_FD_E(name, def, choices, help) int name;
#define EG_FD_L(name, def, help) eg_strs name;

#define EG_FIELDS_STRUCT(type, LIST)                               \
    typedef struct type {                                          \
        LIST(EG_FD_I, EG_FD_R, EG_FD_B, EG_FD_T, EG_FD_E, EG_FD_L) \
    } type;

/* Each module defines, in one .c file, its table:
 *     #define EG_FIELDS_OWNER eg_optim_opts
 *     EG_FIELDS_TABLE(eg_optim_fields, EG_OPTIM_FIELDS)
 * declared in its header as  extern const eg_field eg_optim_fields[];
 * the table ends with a row whose name is NULL. */
#define EG_FT_I(nm, df, lo, hi, hp) \
    {#nm, EG_FIELD_INT, offsetof(EG_FIELDS_OWNER, nm), df, lo, hi, NULL, hp},
#define EG_FT_R(nm, df, lo, hi, hp) \
    {#nm, EG_FIELD_REAL, offsetof(EG_FIELDS_OWNER, nm), df, lo, hi, NULL, hp},
#define EG_FT_B(nm, df, hp) \
    {#nm, EG_FIELD_BOOL, offsetof(EG_FIELDS_OWNER, nm), df, 0, 0, NULL, hp},
#define EG_FT_T(nm, df, hp) \
    {#nm, EG_FIELD_TEXT, offsetof(EG_FIELDS_OWNER, nm), df, 0, 0, NULL, hp},
#define EG_FT_E(nm, df, ch, hp) \
    {#nm, EG_FIELD_ENUM, offsetof(EG_FIELDS_OWNER, nm), df, 0, 0, ch, hp},
#define EG_FT_L(nm, df, hp) \
    {#nm, EG_FIELD_LIST, offsetof(EG_FIELDS_OWNER, nm), df, 0, 0, NULL, hp},

#define EG_FIELDS_TABLE(table, LIST)                      \
    const eg_field table[] = {                            \
        LIST(EG_FT_I, EG_FT_R, EG_FT_B, EG_FT_T, EG_FT_E, \
             EG_FT_L){NULL, EG_FIELD_INT, 0, NULL, 0, 0, NULL, NULL}};

/* All fields of *opts to their defaults. */
EG_API void eg_fields_default(const eg_field *table, void *opts);
/* Parses text into one field; says what was expected and what was found. */
EG_API eg_status eg_field_parse(const eg_field *f, void *opts, const char *text,
                                eg_err *err);
/* The value as eg_field_parse would read it back; returns its length. */
EG_API int eg_field_format(const eg_field *f, const void *opts, char *buf,
                           size_t size);
/* The row of that name, or NULL. */
EG_API const eg_field *eg_field_find(const eg_field *table, const char *name);
/* The i-th choice of "a|b|c" into buf; false past the end. */
EG_API bool eg_choice(const char *choices, int i, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
