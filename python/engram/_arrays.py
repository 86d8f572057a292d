"""Memory of the library's as NumPy arrays: no number is copied."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Dict, Iterator

import numpy as np

TYPES = {0: "<f4", 1: "<f8", 2: "<i4", 3: "<i8", 4: "|u1"}


class _Buffer:
    """Memory of C's as NumPy asks for it. The array's base is this object,
    which keeps the owner of the memory alive."""

    __slots__ = ("owner", "__array_interface__")

    def __init__(self, owner, view, ffi):
        self.owner = owner
        shape = tuple(view.shape[i] for i in range(view.ndim))
        address = int(ffi.cast("uintptr_t", view.data))
        self.__array_interface__ = {
            "version": 3, "shape": shape, "typestr": TYPES[view.dtype],
            "data": (address, True)}


def fits_int32(found: np.ndarray) -> bool:
    """Of whole numbers: no other would come of one in the library."""
    info = np.iinfo(np.int32)
    return not found.size or bool(
        info.min <= int(found.min()) and int(found.max()) <= info.max)


def array_of(owner, view, ffi) -> np.ndarray:
    return np.asarray(_Buffer(owner, view, ffi))


class Activations(Mapping):
    """Arrays by name, of one forward pass: hooks as they were asked for, `nll`
    and, of tokens, `logits` and `pred`, of vectors `outputs`. Each views memory of the library's
    that lives as long as any of them."""

    def __init__(self, arrays: Dict[str, np.ndarray]):
        self._arrays = arrays

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._arrays[name]
        except KeyError:
            raise KeyError(f"{name!r}: not asked for; there is "
                           f"{', '.join(self._arrays)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return "<activations " + ", ".join(
            f"{name} {list(a.shape)}" for name, a in self._arrays.items()) + ">"
