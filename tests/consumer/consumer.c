/* A first program on libengram: makes the birth lab's task and draws one
 * training sequence. */
#include <stdio.h>
#include <engram/engram.h>

int main(void)
{
    enum { T = 32 };
    int32_t tokens[T], targets[T], labels[T];
    eg_seq seq = {tokens, targets, labels, NULL, NULL, NULL};
    eg_task_opts opts;
    eg_task *task;
    eg_err err;

    eg_fields_default(eg_task_fields, &opts);
    opts.n_ctx = T;
    if (eg_task_new(&task, &opts, 1, &err) != EG_OK) {
        fprintf(stderr, "%s (%s)\n", err.msg, eg_status_name(err.status));
        return 1;
    }
    eg_task_sequence(task, EG_TRAIN, 0, 0, &seq);
    printf("engram %s: %d tokens, the first is %d of %d\n", eg_version(), T,
           (int)tokens[0], eg_task_vocab(task));
    eg_task_free(task);
    return 0;
}
