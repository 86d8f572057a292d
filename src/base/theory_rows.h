/* Rows of a lab's table of theory checks, from its list X(name, step, help):
 * the options eg_theory_<name> and their fields egi_<name>_fields, the function
 * egi_theory_<name>. */
#ifndef EG_BASE_THEORY_ROWS_H
#define EG_BASE_THEORY_ROWS_H

#include "engram/theory.h"

#define EGI_THEORY_DECLARE(name, step, help)                             \
    extern const eg_field egi_##name##_fields[];                         \
    eg_status egi_theory_##name(const void *options, uint64_t seed,      \
                                eg_pool *pool, const eg_theory_out *out, \
                                eg_err *err);

#define EGI_THEORY_ROW(name, step, help) \
    {#name,                              \
     help,                               \
     step,                               \
     egi_##name##_fields,                \
     sizeof(eg_theory_##name),           \
     egi_theory_##name},

#endif
