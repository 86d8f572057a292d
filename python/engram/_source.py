"""What a live model is made of: its file, and how that is opened."""
from __future__ import annotations

import os

from ._error import whole
from ._run import find
from ._tool import _assignments


def path_of(source, fresh: bool, root) -> str:
    """Of a run or checkpoint, or as it was given."""
    if hasattr(source, "dir"):
        return source.dir
    if hasattr(source, "path"):
        return source.path
    path = os.fspath(source)
    if fresh or os.path.exists(path):
        return path
    return find(path, root)


def how_of(ffi, config, set, seed, n_ctx, allow_extra):
    """As the library takes it, and what must live as long."""
    how = ffi.new("eg_checkpoint_how *")
    keys = {} if seed is None else {"run.seed": seed}
    words = _assignments(set, keys)[1::2]
    texts = [ffi.new("char[]", word.encode()) for word in words]
    items = ffi.new("const char *[]", texts + [ffi.NULL])
    keep = [texts, items]
    if config is not None:
        path = ffi.new("char[]", os.fsencode(config))
        keep.append(path)
        how.config = path
    how.assign = items
    how.n_assign = len(texts)
    if n_ctx is not None:
        how.n_ctx = whole("n_ctx", n_ctx, 1, 2**31 - 1)
    how.allow_extra = allow_extra
    return how, keep
