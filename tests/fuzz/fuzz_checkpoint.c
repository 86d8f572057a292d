/* Checkpoints and weight files. A checkpoint that is refused leaves the
 * trainer as it was; one that is taken can be trained from. */
#include <unistd.h>

#include "engram/train.h"
#include "fuzz.h"

typedef struct lab {
    eg_task *task;
    eg_pool *pool;
    eg_train_spec spec;
    eg_trainer *trainer;
    char path[64];
} lab;

static void remove_file(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/tmp/engram-fuzz-ck-%d", (int)getpid());
    (void)remove(path);
}

/* The smallest trainer that has every kind of tensor of the basic model. */
static lab *lab_of(void)
{
    static lab l;
    eg_task_opts task;
    eg_err err;

    if (l.trainer) return &l;
    eg_fields_default(eg_task_fields, &task);
    task.n_ctx = 8;
    task.n_triggers = 1;
    EG_ASSERT(eg_task_new(&l.task, &task, 1, &err) == EG_OK);
    EG_ASSERT(eg_pool_new(&l.pool, 1, &err) == EG_OK);
    eg_fields_default(eg_model_fields, &l.spec.model);
    eg_fields_default(eg_optim_fields, &l.spec.optim);
    eg_fields_default(eg_train_fields, &l.spec.train);
    l.spec.model.d_model = 2;
    l.spec.model.n_layers = 1;
    l.spec.train.batch = 2;
    l.spec.task = l.task;
    l.spec.pool = l.pool;
    l.spec.kern = "ref";
    EG_ASSERT(eg_trainer_new(&l.trainer, &l.spec, &err) == EG_OK);
    (void)snprintf(l.path, sizeof l.path, "/tmp/engram-fuzz-ck-%d",
                   (int)getpid());
    EG_ASSERT(atexit(remove_file) == 0);
    return &l;
}

/* Bits of the sum over all parameters, to see whether one was touched. */
static uint64_t parameters(const lab *l)
{
    eg_model *m = eg_trainer_model(l->trainer);
    double sum = 0;
    uint64_t bits;

    for (int i = 0; i < eg_model_n_tensors(m); i++) {
        eg_view v = eg_model_view(m, i);
        sum += fuzz_touch(&v);
    }
    memcpy(&bits, &sum, sizeof bits);
    return bits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lab *l = lab_of();
    eg_err err = {0};
    uint64_t before = parameters(l);
    int64_t step = eg_trainer_step_index(l->trainer);
    int64_t live = eg_mem_query().live_bytes;
    FILE *f = fopen(l->path, "wb");

    EG_ASSERT(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    eg_status st = eg_trainer_load(l->trainer, l->path, &err);
    if (st == EG_OK) {
        eg_step_info info;
        eg_trainer_step(l->trainer, &info);
    } else {
        fuzz_check_failure(st, &err);
        EG_ASSERT(parameters(l) == before);
        EG_ASSERT(eg_trainer_step_index(l->trainer) == step);
    }
    st = eg_model_load(eg_trainer_model(l->trainer), l->path, &err);
    if (st != EG_OK) fuzz_check_failure(st, &err);
    EG_ASSERT(eg_mem_query().live_bytes == live);
    return 0;
}
