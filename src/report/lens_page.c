/* The page of the four lenses. */
#include <string.h>

#include "report/report_impl.h"

/* What a file of the data begins with, by which it is known again. */
static const char data_mark[] = "\"engram_lens\": 1";

static eg_status moments(json_t *list, const eg_report_lens *lens, eg_err *err)
{
    for (int i = 0; i < lens->n; i++) {
        json_error_t why;
        json_t *seen = egi_json_parse(lens->seen[i], strlen(lens->seen[i]),
                                      JSON_REJECT_DUPLICATES, &why);
        json_t *moment;

        if (!seen)
            return EG_FAIL(err, egi_json_status(&why),
                           "moment %d of the lenses: %s", i, why.text);
        moment = json_pack("{s:I, s:o}", "step", (json_int_t)lens->step[i],
                           "seen", seen);
        if (json_array_append_new(list, moment) != 0)
            return egi_report_no_memory(err);
    }
    return EG_OK;
}

static eg_status write_data(const char *path, const json_t *root, eg_err *err)
{
    eg_outfile o = {0};
    char *json = egi_json_print(root, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    eg_status st = EG_OK;

    if (!json) return egi_report_no_memory(err);
    EG_TRY(eg_outfile_open_own(&o, NULL, path, data_mark, err));
    eg_outfile_write(&o, json, strlen(json));
    eg_outfile_write(&o, "\n", 1);
    EG_TRY(eg_outfile_commit(&o, err));
done:
    if (st != EG_OK && o.f) eg_outfile_abort(&o);
    eg_free(json);
    return st;
}

eg_status eg_report_lens_place(const char *out, const char *data, eg_err *err)
{
    eg_status st = eg_output_own(out, egi_page_mark, err);

    return st == EG_OK && data ? eg_output_own(data, data_mark, err) : st;
}

eg_status eg_report_lens_write(const eg_report_lens *lens, const char *data,
                               eg_err *err)
{
    eg_status st = EG_OK;
    json_t *root = json_object(), *list = json_array();
    int bad = !root || !list;

    if (lens->n < 1 || !lens->out) {
        st = EG_FAIL(err, EG_EINVAL,
                     "a page of lenses needs a moment and a "
                     "file to write");
        goto done;
    }
    if (!bad) EG_TRY(moments(list, lens, err));
    bad |= json_object_set_new(root, "engram_lens", json_integer(1));
    bad |= json_object_set_new(root, "title", egi_json_text(lens->title));
    bad |= json_object_set_new(root, "source", egi_json_text(lens->source));
    bad |= json_object_set_new(root, "text", egi_json_text(lens->text));
    bad |= egi_page_facts(root);
    bad |= json_object_set(root, "moments", list);
    if (bad) {
        st = egi_report_no_memory(err);
        goto done;
    }
    if (data) EG_TRY(write_data(data, root, err));
    EG_TRY(egi_page_write(lens->out, egi_page_text("lens.html"), root, err));
done:
    json_decref(list);
    json_decref(root);
    return st;
}
