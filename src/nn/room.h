/* A room: one thread's memory for a program, laid out by liveness. Forward op
 * k of n runs at time k, backward op k at time 2 n - 1 - k; values whose times
 * do not meet share a place. Only values of sequences live in a room; weights
 * have memory of their own (real/weights.c). */
#ifndef EG_NN_ROOM_H
#define EG_NN_ROOM_H

#include "nn/prog.h"

/* Where a value lies, in entries from the room's beginning; -1: nowhere. */
typedef struct egi_place {
    eg_index x, g, ld;
} egi_place;

typedef struct egi_room {
    egi_place *at; /* [n_values] */
    bool *fresh;   /* [n_ops, EGI_INS]: is this the first that reaches the
                      input's gradient? */
    eg_index work, entries;
} egi_room;

/* work: entries of scratch that the greediest op of a sequence wants. */
eg_status egi_room_plan(egi_room *r, const egi_program *p, eg_index work,
                        eg_err *err);
void egi_room_release(egi_room *r);

/* Entries from one sequence's part of value v to the next one's. */
static inline eg_index egi_stretch(const egi_room *r, const egi_program *p,
                                   int v)
{
    const egi_value *value = &p->value[v];

    if (value->entries) return (value->entries + 15) / 16 * 16;
    return value->rows * r->at[v].ld;
}

/* Does the backward pass run this op? */
static inline bool egi_op_back(const egi_program *p, const egi_op *op)
{
    return p->value[op->out[0]].grad && !egi_op_info(op->kind)->seeds;
}

#endif
