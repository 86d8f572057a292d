"""safetensors as NumPy arrays: eight bytes of length, a JSON header, data."""
from __future__ import annotations

import json
import mmap
import os
from typing import Dict, Tuple, Union

import numpy as np

from ._error import Error, reading

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
          "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
          "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}


def _widen(bits: np.ndarray) -> np.ndarray:
    """bfloat16 is the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _header(data, path: str) -> Tuple[dict, int]:
    size = len(data)
    n = int.from_bytes(data[:8], "little") if size >= 8 else size
    if n + 8 > size:
        raise Error(f"{path}: not a safetensors file: a header of {n} bytes in "
                    f"a file of {size}")
    try:
        header = json.loads(bytes(data[8:8 + n]))
    except ValueError as why:
        raise Error(f"{path}: header of safetensors: {why}") from None
    if not isinstance(header, dict):
        raise Error(f"{path}: header of safetensors: expected an object")
    return header, 8 + n


def _entry(data, start: int, name: str, about: dict, path: str) -> np.ndarray:
    try:
        dtype = np.dtype(_TYPES[about["dtype"]])
        shape = tuple(int(n) for n in about["shape"])
        first, last = (int(n) for n in about["data_offsets"])
    except (KeyError, TypeError, ValueError):
        raise Error(f"{path}: {name}: expected dtype, shape and data_offsets, "
                    f"found {str(about)[:100]}") from None
    count = 1
    for n in shape:
        count *= n
    if (min(shape, default=0) < 0 or first < 0 or last > len(data) - start
            or last - first != count * dtype.itemsize):
        raise Error(f"{path}: {name}: {dtype} {list(shape)} is not the "
                    f"{last - first} bytes at {first}")
    array = np.frombuffer(data, dtype, count, start + first) if count else \
        np.zeros(0, dtype)
    array = array.reshape(shape)
    return _widen(array) if about["dtype"] == "BF16" else array


def load_safetensors(path: Union[str, os.PathLike]) -> Tuple[
        Dict[str, np.ndarray], Dict[str, str]]:
    """Tensors and metadata of a file.

    The arrays are views of the mapped file, read-only, and keep it mapped;
    bfloat16 is widened to float32, exactly. Checksums are not looked at:
    `engram verify` does.
    """
    path = os.fspath(path)
    with reading(path), open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < 8:
            raise Error(f"{path}: not a safetensors file: below 8 bytes")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    header, start = _header(data, path)
    meta = header.pop("__metadata__", {})
    return {name: _entry(data, start, name, about, path)
            for name, about in header.items()}, meta
