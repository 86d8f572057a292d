"""libengram through cffi, without a compiler: what of its headers is used here.

A test compares the sizes and places of these structs with what a C compiler
makes of the headers themselves.
"""
from __future__ import annotations

import threading

from ._error import Error
from ._tool import library

CDEF = """
typedef enum eg_status { EG_OK, EG_ENOMEM, EG_EINVAL, EG_ESHAPE, EG_EIO,
                         EG_EFORMAT, EG_EUNSUPPORTED, EG_EBUSY } eg_status;
typedef struct eg_err {
    eg_status status;
    const char *where;
    char msg[512];
} eg_err;
typedef enum eg_dtype { EG_F32, EG_F64, EG_I32, EG_I64, EG_U8, EG_F16,
                        EG_BF16 } eg_dtype;
typedef struct eg_view {
    const void *data;
    eg_dtype dtype;
    int ndim;
    ptrdiff_t shape[8];
} eg_view;
typedef struct eg_io {
    int n_ctx;
    int d_vocab;
    int n_in, n_out;
    int n_eos, n_prefix;
} eg_io;
typedef struct eg_seq {
    int32_t *tokens;
    int32_t *targets;
    int32_t *labels;
    double *inputs, *outputs;
    int32_t *prompts;
} eg_seq;
typedef struct eg_group {
    const char *name;
    int32_t lo, hi;
    const char *help;
} eg_group;
typedef struct eg_tensor {
    char name[64];
    int ndim;
    ptrdiff_t shape[3];
    ptrdiff_t size;
    ptrdiff_t offset;
    ptrdiff_t fan_in;
    int fill;
    bool fixed;
    bool undecayed;
} eg_tensor;
typedef struct eg_checkpoint_how {
    const char *config;
    const char *const *assign;
    int n_assign;
    int64_t seed;
    int n_ctx;
    void *positions;
    void *positions_ctx;
    bool allow_extra;
    bool without_text;
} eg_checkpoint_how;
typedef struct eg_hold {
    const char *hook;
    int head;
    const double *row;
    void *other;
} eg_hold;
typedef struct eg_batch {
    int n;
    const int32_t *tokens, *targets, *prompts;
    const double *inputs, *outputs;
} eg_batch;
typedef struct eg_ids {
    int32_t *id;
    size_t n, room;
} eg_ids;
typedef struct eg_sample_opts {
    double temperature;
    int64_t top_k;
    double top_p;
} eg_sample_opts;

typedef struct eg_model eg_model;
typedef struct eg_task eg_task;
typedef struct eg_config eg_config;
typedef struct eg_tokenizer eg_tokenizer;
typedef struct eg_subject eg_subject;
typedef struct eg_arrays eg_arrays;
typedef struct eg_decoder eg_decoder;
typedef ptrdiff_t eg_index;
typedef enum eg_split { EG_TRAIN, EG_PROBE, EG_TEST } eg_split;

const char *eg_version(void);
void eg_free(void *p);

eg_status eg_subject_open(eg_subject **out, const char *path,
    const eg_checkpoint_how *how, int threads, const char *kern, eg_err *err);
eg_status eg_subject_fresh(eg_subject **out, const char *config,
    const eg_checkpoint_how *how, int threads, const char *kern, eg_err *err);
void eg_subject_free(eg_subject *s);
eg_model *eg_subject_model(eg_subject *s);
const eg_task *eg_subject_task(const eg_subject *s);
const eg_config *eg_subject_config(const eg_subject *s);
const eg_tokenizer *eg_subject_tokenizer(const eg_subject *s);
const char *eg_subject_what(const eg_subject *s);
const char *eg_subject_path(const eg_subject *s);
int64_t eg_subject_step(const eg_subject *s);
const char *eg_subject_hook(eg_subject *s, int i);
eg_status eg_subject_forward(eg_arrays **out, eg_subject *s,
    const eg_batch *b, const char *const *hook, int n_hooks, eg_err *err);
eg_status eg_subject_gradient(eg_arrays **out, double *loss, eg_subject *s,
    const eg_batch *b, eg_err *err);
ptrdiff_t eg_subject_columns(eg_subject *s, const char *hook, int head);
eg_status eg_subject_hold(eg_subject *s, const eg_hold *h, eg_err *err);
void eg_subject_let_go(eg_subject *s);
eg_status eg_subject_decoder(eg_decoder **out, eg_subject *s, eg_err *err);
void eg_decoder_free(eg_decoder *d);
eg_status eg_decoder_prompt(eg_decoder *d, const int32_t *tokens, eg_index n,
    eg_err *err);
eg_status eg_decoder_step(eg_decoder *d, int32_t token, eg_err *err);
int32_t eg_decoder_draw(const eg_decoder *d, const eg_sample_opts *o,
    uint64_t seed, uint64_t n, double *work);
int eg_arrays_count(const eg_arrays *a);
const char *eg_arrays_name(const eg_arrays *a, int i);
eg_view eg_arrays_view(const eg_arrays *a, int i);
void eg_arrays_free(eg_arrays *a);

int eg_model_n_tensors(const eg_model *m);
const eg_tensor *eg_model_tensor(const eg_model *m, int i);
eg_view eg_model_view(const eg_model *m, int i);
void eg_model_set(eg_model *m, int i, const double *in);
eg_io eg_model_io(const eg_model *m);

eg_status eg_config_format(const eg_config *cfg, char **out, eg_err *err);
void eg_task_sequence(const eg_task *task, eg_split split, uint64_t step,
    uint32_t index, eg_seq *out);
eg_status eg_task_trouble(const eg_task *task, eg_err *err);

int32_t eg_tokenizer_eot(const eg_tokenizer *t);
eg_status eg_tokenizer_encode(const eg_tokenizer *t, const char *text,
    size_t n, unsigned flags, eg_ids *ids, eg_err *err);
eg_status eg_tokenizer_decode(const eg_tokenizer *t, const int32_t *ids,
    size_t n, bool text, char **out, size_t *size, eg_err *err);
void eg_ids_release(eg_ids *ids);
"""

_lock = threading.Lock()
_opened = None


def load():
    """(ffi, lib), opened the first time; one library a process."""
    global _opened
    with _lock:
        if _opened is None:
            _opened = _load()
        return _opened


def _load():
    try:
        import cffi
    except ImportError:
        raise Error("live models want cffi: pip install cffi, or Debian's "
                    "python3-cffi") from None
    from . import __version__
    path = library()
    ffi = cffi.FFI()
    ffi.cdef(CDEF)
    try:
        # never unmapped: what is freed when Python ends needs its code
        lib = ffi.dlopen(path, ffi.RTLD_NOW | ffi.RTLD_NODELETE)
    except OSError as why:
        raise Error(f"cannot load {path}: {why}") from None
    found = ffi.string(lib.eg_version()).decode()
    if found != __version__:
        raise Error(f"{path}: expected version {__version__}, as this package "
                    f"is, found {found}")
    return ffi, lib


def check(ffi, status: int, err) -> None:
    """Raises what a call said."""
    if status:
        raise Error(ffi.string(err.msg).decode("utf-8", "replace"), status)
