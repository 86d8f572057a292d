"""What went wrong, in a sentence."""
from __future__ import annotations

import operator
from contextlib import contextmanager
from typing import Any, Iterator


class Error(Exception):
    """A sentence that names the thing, what was expected and what was found.

    `status` is the tool's exit code (1 failed, 2 misuse, 130 interrupted) or
    the library's status, 0 when it is neither.
    """

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Within the block a file is read: one that is not there, or not what it
    should be, is an Error that names it."""
    try:
        yield
    except OSError as why:
        raise Error(f"{path}: {why.strerror or why}") from None
    except (ValueError, EOFError) as why:
        raise Error(f"{path}: {why}") from None


def whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number from least to most, NumPy's too."""
    try:
        found = operator.index(value)
    except TypeError:
        raise Error(f"{name}: expected a whole number, found {value!r}") \
            from None
    if not least <= found <= most:
        raise Error(f"{name}: expected {least} to {most}, found {found}")
    return found
