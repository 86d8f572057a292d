/* The record of a corpus: what its shards were made of. */
#include <inttypes.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"
#include "engram/text.h"
#include "text/made.h"

static void put_name(egi_buf *b, const char *key, const char *value)
{
    egi_buf_add(b, "  \"%s\": \"", key);
    for (const char *s = value; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c < 32 || c == '"' || c == '\\')
            egi_buf_add(b, "\\u%04x", c);
        else
            egi_buf_put(b, s, 1);
    }
    egi_buf_add(b, "\",\n");
}

eg_status egi_made_record(const eg_folder *to, const egi_made *m, double share,
                          eg_err *err)
{
    static const char *const eots[] = {"after", "before", "none"};
    egi_buf b = {0};
    char sum[33], clean[512], late[EGI_REAL_TEXT], part[EGI_REAL_TEXT];
    eg_status st;

    eg_tokenizer_sum(m->t, sum);
    (void)eg_text_clean(clean, sizeof clean, m->c->path[0]);
    egi_real_text(late, 6, m->how->val_share);
    egi_real_text(part, 1, share);
    egi_buf_add(&b, "{\n  \"format\": \"engram.corpus\",\n  \"version\": 1,\n");
    put_name(&b, "source", clean);
    put_name(&b, "tokenizer", EG_TOKENIZER_FILE);
    put_name(&b, "tokenizer_xxh128", sum);
    put_name(&b, "end_of_text", eots[m->how->eot]);
    put_name(&b, "shards",
             m->how->format == EG_SHARD_LLMC ? "llmc" : "nanogpt");
    egi_buf_add(&b,
                "  \"d_vocab\": %d,\n  \"documents\": %lld,\n"
                "  \"bytes\": %lld,\n  \"train_tokens\": %lld,\n"
                "  \"val_tokens\": %lld,\n  \"val_share\": %s,\n"
                "  \"seed\": %" PRIu64 ",\n  \"share\": %s\n}\n",
                eg_tokenizer_vocab(m->t), (long long)m->info.documents,
                (long long)m->info.bytes, (long long)m->info.train,
                (long long)m->info.val, late, m->how->seed, part);
    if (b.failed)
        st = EG_FAIL(err, EG_ENOMEM, "the record of a corpus");
    else
        st = eg_file_write_in(to, EG_CORPUS_FILE, b.s, b.n, err);
    egi_buf_release(&b);
    return st;
}
