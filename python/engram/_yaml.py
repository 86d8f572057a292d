"""The YAML that engram writes itself: sections of options, a line each.

Not a reader of YAML: of anybody's file, use PyYAML. Text is bare or in double
quotes, lists stand in brackets.
"""
from __future__ import annotations

import re

from ._error import Error

_INT = re.compile(r"[+-]?[0-9]+\Z")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,\]]*)\s*([,\]])')
_ESCAPE = re.compile(r'\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)')
_LETTER = {"n": "\n", "t": "\t"}


def _unescape(match: "re.Match[str]") -> str:
    what = match[1]
    if len(what) > 1:
        return chr(int(what[1:], 16))
    return _LETTER.get(what, what)


def scalar(text: str):
    """A value as it stands in a configuration, typed as the schema types it."""
    text = text.strip()
    if text.startswith("["):
        return _list(text)
    if text.startswith('"'):
        return _ESCAPE.sub(_unescape, text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    return number(text)


def number(text: str):
    """What is written as a number is one, other text stays as it is."""
    if _INT.match(text):
        return int(text)
    if _REAL.match(text):
        return float(text)
    if text.lstrip("+-") == ".inf":
        return float(text.replace(".", ""))
    return text


def _list(text: str) -> list:
    items = []
    at = 1
    while at < len(text) and text[at:].strip() != "]":
        match = _ITEM.match(text, at)
        if not match:
            raise Error(f"expected a list in brackets, found {text[:60]!r}")
        items.append(scalar(match[1]))
        at = match.end()
        if match[2] == "]":
            break
    return items


def parse(text: str, name: str = "configuration") -> dict:
    """{section: {option: value}} of a config.yaml that engram wrote."""
    sections: dict = {}
    section = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon or (line[0] == " " and section is None):
            raise Error(f"{name}:{number}: expected 'section:' or "
                        f"'  option: value', found {line[:60]!r}")
        if line[0] != " ":
            section = sections.setdefault(key.strip(), {})
            continue
        section[key.strip()] = scalar(value)
    return sections
