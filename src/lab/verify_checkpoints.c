/* The checkpoints of a run: each is read again, and the newest must be there.
 */
#include <inttypes.h>
#include <string.h>

#include "lab/verify_priv.h"
#include "nn/weights.h"

static eg_status read_checkpoint(const egi_verifier *v, const char *name,
                                 int64_t step, bool *checked, int64_t *bytes,
                                 egi_weights_seen *seen, eg_err *err)
{
    eg_safetensors s = {0};
    char want[32];
    const char *have;
    eg_status st;

    EG_TRY(eg_st_read_in(&s, &v->run, name, err));
    *bytes = (int64_t)s.size;
    *checked = s.checked;
    EG_TRY(egi_weights_checked(&s, name, err));
    have = eg_st_meta(&s, "step");
    (void)snprintf(want, sizeof want, "%" PRId64, step);
    if (!have || strcmp(have, want) != 0)
        st = EG_FAIL(err, EG_EFORMAT, "expected step %s, found %s", want,
                     have ? have : "none");
    else
        st = egi_weights_see(seen, &s, step, err);
    seen->memo = eg_st_meta(&s, "memo") != NULL;
done:
    eg_st_release(&s);
    return st;
}

/* *seen: of one that is whole, what it holds. */
static eg_status check_checkpoint(const egi_verifier *v, int64_t step,
                                  egi_weights_seen *seen, eg_err *err)
{
    char name[64];
    bool checked = false;
    int64_t bytes = 0;
    eg_err why = {0};
    eg_status st;

    egi_checkpoint_name(name, step);
    st = read_checkpoint(v, name, step, &checked, &bytes, seen, &why);
    if (st == EG_OK && !checked) {
        egi_verify_tell(v, name, EG_UNCHECKED, bytes, "%s", egi_verify_of_old);
        return EG_OK;
    }
    return egi_verify_conclude(v, name, bytes, st, &why, err);
}

/* A run that has come to its end, or was stopped, leaves one of its last
 * step. */
static void check_last(const egi_verifier *v, int64_t newest)
{
    const egi_record *r = &v->record;
    char name[64];
    bool kept = strcmp(r->status, "finished") == 0 ||
                strcmp(r->status, "interrupted") == 0;

    if (!kept || strcmp(r->kind, "train") != 0 || r->steps_done <= 0 ||
        newest >= r->steps_done)
        return;
    egi_checkpoint_name(name, r->steps_done);
    egi_verify_tell(v, name, EG_DAMAGED, 0, "it is lost");
}

eg_status egi_verify_checkpoints(egi_verifier *v, eg_err *err)
{
    egi_weights_seen newer = {.step = -1}, older = {.step = -1};
    int64_t step;
    eg_status st;

    EG_TRY(egi_checkpoint_below(&step, &v->run, INT64_MAX, err));
    check_last(v, step);
    while (step >= 0) {
        EG_TRY(check_checkpoint(v, step, &older, err));
        if (older.memo && step == v->record.steps_done) v->row_waits = true;
        egi_verify_moves(v, &older, &newer);
        egi_weights_forget(&newer);
        newer = older;
        older = (egi_weights_seen){.step = -1};
        EG_TRY(egi_checkpoint_below(&step, &v->run, step, err));
    }
done:
    egi_weights_forget(&older);
    egi_weights_forget(&newer);
    return st;
}
