"""The tool and the library: where they are, and runs made by the tool."""
from __future__ import annotations

import ctypes.util
import glob
import json
import os
import re
import shutil
import subprocess
from typing import Any, List, Mapping, Optional, Union

from ._error import Error, reading
from ._run import Path, Run, root_of

# A checkout of the sources that this package lies in, if it does.
_TREE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def tool() -> str:
    """The program `engram`: $ENGRAM, or on the PATH, or build/engram of the
    source tree that this package lies in."""
    given = os.environ.get("ENGRAM")
    found = given or shutil.which("engram") or \
        shutil.which(os.path.join(_TREE, "build", "engram"))
    if not found or not os.path.exists(found):
        raise Error(f"no program {given or 'engram'}: set ENGRAM to its path, "
                    "or put it on the PATH")
    return found


def library() -> str:
    """The shared library: $ENGRAM_LIBRARY, or beside the tool, or where the
    system finds one."""
    given = os.environ.get("ENGRAM_LIBRARY")
    if given:
        if not os.path.exists(given):
            raise Error(f"ENGRAM_LIBRARY: {given} is not there")
        return given
    try:
        beside = os.path.dirname(os.path.realpath(tool()))
    except Error:
        beside = None
    for folder in (["", "../lib", "../lib64", "../lib/*-linux-*"]
                   if beside else []):
        for path in glob.glob(os.path.join(glob.escape(beside or ""), folder,
                                           "libengram.so")):
            return os.path.normpath(path)
    found = ctypes.util.find_library("engram")
    if not found:
        raise Error("no libengram.so: set ENGRAM_LIBRARY to its path")
    return found


def call(words: List[str], quiet: bool = True,
         told: Optional[str] = None) -> str:
    """What the tool prints on standard output; its errors are engram.Error.
    told: what it reads from standard input.

    An interrupt (Ctrl-C) goes to the tool too, which saves; its end is waited
    for, and the interrupt goes on.
    """
    program = tool()
    with reading(program):
        process = subprocess.Popen([program, *words], encoding="utf-8",
                                   errors="surrogateescape",
                                   stdin=subprocess.DEVNULL if told is None
                                   else subprocess.PIPE,
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE if quiet else None)
    try:
        out, err = process.communicate(told)
    except KeyboardInterrupt:
        process.communicate()
        raise
    if process.returncode:
        lines = (err or "").strip().splitlines()
        said = lines[-1] if lines else f"exit status {process.returncode}"
        raise Error(said[8:] if said.startswith("engram: ") else said,
                    process.returncode)
    return out


def ask(words: List[str], quiet: bool = True,
        told: Optional[str] = None) -> Any:
    """The JSON that the tool prints."""
    said = call([*words, "--json"], quiet, told)
    with reading(tool()):
        return json.loads(said)


def _plain(value: Any) -> Any:
    """Numbers, arrays and ranges as JSON has them; a float32 of 0.1 is 0.1."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, range)) or getattr(value, "ndim", 0):
        return [_plain(one) for one in value]
    if hasattr(value, "dtype"):
        return float(str(value)) if value.dtype.kind == "f" else value.item()
    return value


def _item(value: Any) -> str:
    """Of a list: in quotes where a sign in it would end it."""
    text = str(value)
    if isinstance(value, str) and re.search(r"[][{},:#\"'\\\s]|\A\Z", text):
        return json.dumps(text, ensure_ascii=False)
    return text


def _assignments(set: Optional[Mapping[str, Any]],
                 keys: Mapping[str, Any]) -> List[str]:
    words = []
    pairs = list((set or {}).items()) + [(key.replace("__", "."), value)
                                         for key, value in keys.items()]
    for key, given in pairs:
        value = _plain(given)
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, list):
            text = "[" + ", ".join(map(_item, value)) + "]"
        else:
            text = str(value)
        words += ["--set", f"{key}={text}"]
    return words


def run(config: Union[Path, Mapping[str, Any]],
        set: Optional[Mapping[str, Any]] = None, *, out: Optional[Path] = None,
        root: Optional[Path] = None, threads: Optional[int] = None,
        quiet: bool = True, **keys: Any) -> Run:
    """Carries out a configuration and returns its run.

    config: a file; a dict {section: {option: value}}; or YAML as text of
    several lines; files that these two name lie in the current folder. set,
    and keywords with `__` for the point, change options: run("basic.yaml",
    {"optim.lr": 0.1}, train__steps=50). out names the run directory, else it
    is new below root. The tool's talk is shown with quiet=False. What fails,
    diverges or is misspelt raises engram.Error.
    """
    words = ["run", *_assignments(set, keys)]
    words += ["--out", os.fspath(out)] if out else ["--runs", root_of(root)]
    if threads:
        words += ["--threads", str(threads)]
    if quiet:
        words += ["--quiet"]
    text = None
    if isinstance(config, Mapping):
        text = json.dumps(_plain(config))  # which is YAML too
    elif "\n" in os.fspath(config):
        text = os.fspath(config)
    file = os.fspath(config) if text is None else "/dev/stdin"
    found = ask([*words, file], quiet, text)
    return Run(found.get("run") or found["dir"])
