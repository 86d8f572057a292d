/* The tokenizer that a file of weights carries. */
#ifndef EG_MODELS_VOCAB_H
#define EG_MODELS_VOCAB_H

#include "engram/tokenizer.h"
#include "models/source.h"

/* *out NULL and EG_OK: it has none, or none that engram speaks. */
eg_status egi_gguf_tokenizer(eg_tokenizer **out, const egi_source *s,
                             eg_err *err);

#endif
