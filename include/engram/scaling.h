/* How a training step scales: its tasks with the time that each took on one
 * thread, laid out on more of them, on paper. What a step computes is parted
 * by shapes alone, never by threads, so that the tasks of one thread are those
 * of a hundred. */
#ifndef ENGRAM_SCALING_H
#define ENGRAM_SCALING_H

#include "engram/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tasks that are handed out one by one, in order, to whoever is free; the next
 * phase begins when all are done. */
typedef struct eg_phase {
    double before; /* seconds in which one thread is alone, ahead of it */
    int first, n;  /* of the schedule's tasks */
    double bytes;  /* from or to memory, of all tasks; 0: from caches */
} eg_phase;

typedef struct eg_schedule {
    int n_phases, n_tasks;
    eg_index room_phases, room_tasks;
    eg_phase *phase;
    double *task; /* seconds of each */
    double after; /* alone, behind the last phase */
} eg_schedule;

/* What it is laid out on. */
typedef struct eg_schedule_on {
    int threads;
    double wake; /* seconds that a phase of several tasks costs with several
                    threads: to hand out, to wait */
    double bytes_per_s_one, bytes_per_s; /* of memory: what one thread moves,
                                            and all of them; 0: no limit */
} eg_schedule_on;

/* One step's tasks: of 1 to 64 steps of a trainer on a pool, which has one
 * thread (EG_EINVAL otherwise), the one of median length; each task takes its
 * median over those steps that are parted alike. EG_ENOMEM. */
EG_API eg_status eg_schedule_record(eg_schedule *out, eg_trainer *tr,
                                    eg_pool *pool, int steps, eg_err *err);
/* For schedules made by hand: one more task of the phase that is open, and the
 * end of that phase. */
EG_API eg_status eg_schedule_task(eg_schedule *s, double seconds, eg_err *err);
EG_API eg_status eg_schedule_phase(eg_schedule *s, double before, double bytes,
                                   eg_err *err);
/* Seconds of the whole on so many threads. On one thread it is the sum of all;
 * with no wake and no limit of memory never less than the longest chain: what
 * is alone, and the longest task of each phase. A phase whose tasks move more
 * bytes than memory gives takes as long as that, but no longer than on one
 * thread. Cost: tasks times the logarithm of threads. EG_ENOMEM. */
EG_API eg_status eg_schedule_seconds(double *out, const eg_schedule *s,
                                     const eg_schedule_on *on, eg_err *err);
EG_API void eg_schedule_release(eg_schedule *s);
/* Seconds that handing out `threads` empty tasks takes: median of many. */
EG_API double eg_schedule_wake(eg_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
