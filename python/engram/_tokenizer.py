"""Text to tokens and back, by the tokenizer of a model."""
from __future__ import annotations

import numpy as np

from ._arrays import fits_int32
from ._error import Error
from ._lib import check


def tokens_of(given) -> np.ndarray:
    """Whole numbers of 32 bits as the library takes them; any other would come
    to be another token."""
    found = np.asarray(given)
    if found.size and (found.dtype.kind not in "iu" or not fits_int32(found)):
        raise Error("tokens: expected whole numbers of 32 bits, found "
                    f"{str(given)[:60]}")
    return np.ascontiguousarray(found, np.int32)


class Tokenizer:
    """Lives as long as the model that it came with."""

    def __init__(self, ffi, lib, tokenizer):
        self._ffi, self._lib, self._tokenizer = ffi, lib, tokenizer

    def encode(self, text: str, special: bool) -> np.ndarray:
        ffi, lib = self._ffi, self._lib
        try:
            data = text.encode()
        except (UnicodeEncodeError, AttributeError):
            raise Error(f"expected text, found {str(text)[:60]!a}") from None
        ids, err = ffi.new("eg_ids *"), ffi.new("eg_err *")
        check(ffi, lib.eg_tokenizer_encode(self._tokenizer, data, len(data),
                                           int(special), ids, err), err)
        found = np.array([ids.id[i] for i in range(ids.n)], np.int32)
        lib.eg_ids_release(ids)
        return found

    def decode(self, tokens) -> str:
        ffi, lib = self._ffi, self._lib
        ids = tokens_of(tokens).ravel()
        out, size, err = ffi.new("char **"), ffi.new("size_t *"), \
            ffi.new("eg_err *")
        check(ffi, lib.eg_tokenizer_decode(
            self._tokenizer, ffi.cast("int32_t *", ids.ctypes.data),
            len(ids), True, out, size, err), err)
        text = bytes(ffi.buffer(out[0], size[0])).decode()
        lib.eg_free(out[0])
        return text
