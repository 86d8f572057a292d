/* One block of a trained network, taught to another kind of attention: a model
 * of one block that reads what the block reads and should write what it writes.
 *
 * Its sequences are activations of the network, recorded once: inputs are the
 * stream before the block, targets the stream behind it, so that the stream
 * itself drops out of the error and attention is what is taught. */
#ifndef EGI_MESA_DISTIL_H
#define EGI_MESA_DISTIL_H

#include "engram/train.h"
#include "task/kind.h"

/* The stream of a network before every block and behind the last. */
typedef struct egi_streams {
    int blocks, count;
    eg_index T, d;
    double *x; /* [blocks + 1, count, T, d] */
} egi_streams;

eg_status egi_streams_record(egi_streams *s, const eg_model *m,
                             const eg_task *task, int count, eg_pool *pool,
                             eg_err *err);
void egi_streams_release(egi_streams *s);

/* A task whose training sequences are recorded ones, at random: what stands
 * before block l and behind it. It points into s. */
typedef struct egi_lesson {
    const egi_streams *s;
    int l;
    eg_task task;
} egi_lesson;
void egi_lesson_make(egi_lesson *lesson, const egi_streams *s, int l,
                     uint64_t seed);

/* steps of training; false of more(ctx, fraction) ends it early. *loss, which
 * may be NULL: mean over the last tenth. EG_EINVAL where it is not finite. */
typedef bool (*egi_more_fn)(void *ctx, double done);
eg_status egi_train(eg_trainer **out, const eg_train_spec *spec, double *loss,
                    egi_more_fn more, void *ctx, eg_err *err);

/* Mean loss over all positions of test sequences. */
eg_status egi_test_loss(double *loss, const eg_model *m, const eg_task *task,
                        int count, eg_pool *pool, eg_err *err);

#endif
