"""Sequences on their way into the library."""
from __future__ import annotations

from typing import Optional

import numpy as np

from ._arrays import fits_int32
from ._error import Error

SPLITS = {"train": 0, "probe": 1, "test": 2}


class Batch:
    """Sequences as the library takes them: whole ones, zeros behind shorter
    ones."""

    def __init__(self, ffi, io, tokens, targets, inputs, outputs, prompts):
        if io.d_vocab:
            first, what, width = tokens, "tokens", 0
        else:
            first, what, width = inputs, "inputs", io.n_in
        if first is None:
            raise Error(f"the model takes {what}, and there are none")
        shape = np.shape(first)
        depth = 1 + (width > 0)
        if len(shape) not in (depth, depth + 1):
            raise Error(f"{what}: expected {'[n, pos, n_in]' if width else '[n, pos]'}"
                        f" or one sequence, found shape {list(shape)}")
        self.one = len(shape) == depth
        self.n = 1 if self.one else shape[0]
        self.length = shape[0] if self.one else shape[1]
        if not 1 <= self.length <= io.n_ctx:
            raise Error(f"{what}: expected 1 to {io.n_ctx} positions, found "
                        f"{self.length}")
        self.n_ctx = io.n_ctx
        ints, reals = np.int32, np.float64
        self.parts = {
            "tokens": self._put(tokens if io.d_vocab else None, ints, 0, 0),
            "targets": self._put(targets, ints, 0, -1),
            "prompts": self._put(prompts, ints, 0, -1),
            "inputs": self._put(inputs if width else None, reals, io.n_in, 0),
            "outputs": self._put(outputs, reals, io.n_out, 0)}
        self.c = ffi.new("eg_batch *")
        self.c.n = self.n
        for name, array in self.parts.items():
            if array is not None:
                kind = "int32_t *" if array.dtype == ints else "double *"
                setattr(self.c, name, ffi.cast(kind, array.ctypes.data))

    def _put(self, given, dtype, width: int, fill) -> Optional[np.ndarray]:
        if given is None:
            return None
        found = np.asarray(given)
        if dtype == np.int32 and found.dtype.kind not in "iub":
            raise Error(f"expected whole numbers, found {found.dtype}")
        want = (self.n, self.length) + ((width,) if width else ())
        if found.shape != (want[1:] if self.one else want):
            raise Error(f"expected shape {list(want)}, found "
                        f"{list(found.shape)}")
        if dtype == np.int32 and not fits_int32(found):
            raise Error("expected whole numbers of 32 bits")
        whole = np.full((self.n, self.n_ctx) + want[2:], fill, dtype)
        whole[:, :self.length] = found
        return whole

    def cut(self, name: str, array: np.ndarray) -> np.ndarray:
        """A view without what stands behind shorter sequences, and without
        the batch where one sequence was given alone."""
        t = self.length
        if name.endswith(("hook_pattern", "hook_attn_scores")):
            array = array[..., :t, :t]
        else:
            array = array[:, :t]
        return array[0] if self.one else array
