"""Run directories, read without engram: JSON, .npy, safetensors."""
from __future__ import annotations

import builtins
import json
import os
import re
from collections.abc import Mapping
from typing import Any, Dict, Iterator, List, Optional, Union

import numpy as np

from . import _yaml
from ._error import Error, reading
from ._safetensors import load_safetensors

Path = Union[str, "os.PathLike[str]"]


def root_of(root: Optional[Path]) -> str:
    """The folder of runs: given, or $ENGRAM_RUNS, or `runs`."""
    return os.fspath(root or os.environ.get("ENGRAM_RUNS") or "runs")


def _lines(path: str) -> Iterator[str]:
    """Whole lines: one that a crash has cut short is left out."""
    with reading(path), builtins.open(path, encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                break
            yield line


def _row(line: str) -> tuple:
    """(step, {name: number or None}) of a line."""
    row = json.loads(line)
    step = row.pop("step")
    if type(step) is not int or not all(
            value is None or isinstance(value, (int, float))
            for value in row.values()):
        raise ValueError
    return step, row


class Metrics(Mapping):
    """Named series over steps: metrics["loss_global"] is [n] float64, NaN where
    that step did not measure it; `step` [n] has the steps."""

    def __init__(self, path: str):
        names: Dict[str, int] = {}
        rows: List[Dict[str, Any]] = []
        steps: List[int] = []
        for number, line in enumerate(_lines(path), 1):
            try:
                step, row = _row(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise Error(f"{path}:{number}: expected an object with step, "
                            f"and numbers, found {line[:60]!r}") from None
            for name in row:
                names.setdefault(name, len(names))
            steps.append(step)
            rows.append(row)
        self.step = np.array(steps, int)
        table = np.full((len(names), len(rows)), np.nan)
        for k, row in enumerate(rows):
            for name, value in row.items():
                if value is not None:
                    table[names[name], k] = value
        self._series = {name: table[i] for name, i in names.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self._series[name]
        except KeyError:
            raise KeyError(f"{name!r}: not measured; there is "
                           f"{', '.join(list(self._series)[:8])}, ...") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def last(self) -> Dict[str, float]:
        """The last value of each that is a number; NaN: there is none."""
        found = {}
        for name, series in self._series.items():
            known = series[~np.isnan(series)]
            found[name] = float(known[-1]) if len(known) else float("nan")
        return found

    def frame(self):
        """A pandas DataFrame, indexed by step."""
        import pandas
        return pandas.DataFrame(self._series,
                                index=pandas.Index(self.step, name="step"))

    def __repr__(self) -> str:
        return f"<{len(self)} metrics at {len(self.step)} steps>"


class Arrays(Mapping):
    """What a run kept in arrays/: arrays["pattern_L0"] has the snapshots stacked,
    [k, ...], their steps are `steps(name)`; what was kept once is as it is.

    Snapshots of another shape than the first one's (the last pattern shows all
    positions) are left out of the stack; `at(name, step)` has every one."""

    _NAME = re.compile(r"(.*?)(?:\.([0-9]+))?\.npy\Z", re.S)

    def __init__(self, folder: str):
        self._folder = folder
        self._steps: Dict[str, List[Optional[int]]] = {}
        files = os.listdir(folder) if os.path.isdir(folder) else []
        for file in sorted(files):
            match = self._NAME.match(file)
            if match and match[1]:
                step = int(match[2]) if match[2] else None
                self._steps.setdefault(match[1], []).append(step)
        for steps in self._steps.values():
            steps.sort(key=lambda step: -1 if step is None else step)

    def _load(self, name: str, step: Optional[int]) -> np.ndarray:
        file = f"{name}.npy" if step is None else f"{name}.{step}.npy"
        path = os.path.join(self._folder, file)
        with reading(path):
            return np.load(path, mmap_mode="r", allow_pickle=False)

    def _find(self, name: str) -> List[Optional[int]]:
        try:
            return self._steps[name]
        except KeyError:
            raise KeyError(f"{name!r}: the run did not keep it; there is "
                           f"{', '.join(self._steps) or 'nothing'}") from None

    def _stack(self, name: str) -> Dict[int, np.ndarray]:
        loaded = {step: self._load(name, step) for step in self._find(name)
                  if step is not None}
        shapes = [array.shape for array in loaded.values()]
        return {step: array for step, array in loaded.items()
                if array.shape == shapes[0]}

    def steps(self, name: str) -> np.ndarray:
        """The steps of what arrays[name] stacks, [k]; of what was kept once,
        [0]."""
        if self._find(name)[0] is None:
            return np.zeros(0, int)
        return np.array(list(self._stack(name)))

    def all_steps(self, name: str) -> np.ndarray:
        """The steps of every snapshot."""
        return np.array([s for s in self._find(name) if s is not None], int)

    def at(self, name: str, step: int) -> np.ndarray:
        """One snapshot."""
        if step not in self._find(name):
            raise KeyError(f"{name!r} was not kept at step {step}, but at "
                           f"{self.all_steps(name).tolist()}")
        return self._load(name, step)

    def __getitem__(self, name: str) -> np.ndarray:
        if self._find(name)[0] is None:
            return self._load(name, None)
        return np.stack(list(self._stack(name).values()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        return f"<arrays {', '.join(self._steps)}>"


class Checkpoint:
    """One of a run's checkpoints."""

    def __init__(self, path: str, step: int):
        self.path = path
        self.step = step

    def tensors(self, moments: bool = False) -> Dict[str, np.ndarray]:
        """Weights by name, views of the mapped file; with moments also what
        the optimiser keeps (optim.m1.W_E, ...)."""
        found, _ = load_safetensors(self.path)
        return {name: array for name, array in found.items()
                if moments or not name.startswith("optim.")}

    def torch(self, moments: bool = False) -> Dict[str, Any]:
        """The same as tensors of PyTorch, which own their numbers."""
        import torch
        return {name: torch.from_numpy(np.array(array))
                for name, array in self.tensors(moments).items()}

    @property
    def metadata(self) -> Dict[str, str]:
        return load_safetensors(self.path)[1]

    def model(self, **how):
        """The live model of it (engram.Model)."""
        from ._model import Model
        return Model(self.path, **how)

    def __repr__(self) -> str:
        return f"<checkpoint of step {self.step}: {self.path}>"


class Run:
    """A run directory. What is asked for is read when it is first asked for;
    `reload` forgets it."""

    def __init__(self, dir: Path):
        self.dir = os.fspath(dir)
        if not os.path.isfile(os.path.join(self.dir, "config.yaml")):
            raise Error(f"{self.dir}: expected a run, found no config.yaml")
        self._kept: Dict[str, Any] = {}

    def _path(self, name: str) -> str:
        return os.path.join(self.dir, name)

    def _once(self, what: str, make):
        if what not in self._kept:
            self._kept[what] = make()
        return self._kept[what]

    def reload(self) -> "Run":
        self._kept.clear()
        return self

    @property
    def config(self) -> Dict[str, Dict[str, Any]]:
        """The resolved configuration, {section: {option: value}}."""
        def make():
            path = self._path("config.yaml")
            with reading(path), builtins.open(path, encoding="utf-8") as file:
                return _yaml.parse(file.read(), path)
        return self._once("config", make)

    @property
    def record(self) -> Dict[str, Any]:
        """run.json: version, machine, times, status."""
        def make():
            path = self._path("run.json")
            with reading(path), builtins.open(path, encoding="utf-8") as file:
                record = json.load(file)
            if not isinstance(record, dict) or "status" not in record:
                raise Error(f"{path}: expected an object with status")
            return record
        return self._once("record", make)

    @property
    def metrics(self) -> Metrics:
        return self._once("metrics",
                          lambda: Metrics(self._path("metrics.jsonl")))

    @property
    def timing(self) -> Metrics:
        """seconds, tokens_per_s, memory_bytes: what depends on the clock."""
        return self._once("timing",
                          lambda: Metrics(self._path("timing.jsonl")))

    @property
    def arrays(self) -> Arrays:
        return self._once("arrays", lambda: Arrays(self._path("arrays")))

    @property
    def checkpoints(self) -> List[Checkpoint]:
        """Oldest first."""
        folder = self._path("checkpoints")
        found = []
        for file in os.listdir(folder) if os.path.isdir(folder) else []:
            match = re.match(r"step-([0-9]+)\.safetensors\Z", file)
            if match:
                found.append(Checkpoint(os.path.join(folder, file),
                                        int(match[1])))
        return sorted(found, key=lambda c: c.step)

    def frame(self):
        """The metrics as a pandas DataFrame, indexed by step."""
        return self.metrics.frame()

    def model(self, **how):
        """The live model of the newest checkpoint (engram.Model)."""
        from ._model import Model
        return Model(self.dir, **how)

    def generate(self, prompt=None, tokens: int = 200, **how):
        """What the model of the newest checkpoint says behind a prompt, as
        tokens (engram.Model.generate)."""
        return self.model().generate(prompt, tokens, **how)

    @property
    def name(self) -> str:
        return self.config["run"]["name"]

    @property
    def id(self) -> str:
        return os.path.basename(os.path.abspath(self.dir))

    @property
    def seed(self) -> int:
        return self.config["run"]["seed"]

    @property
    def status(self) -> str:
        """As the record has it; of a process that was killed it says running."""
        return self.record["status"]

    def __repr__(self) -> str:
        return f"<run {self.dir}>"


def _is_run(dir: str) -> bool:
    return os.path.isfile(os.path.join(dir, "config.yaml")) and \
        os.path.exists(os.path.join(dir, "metrics.jsonl"))


def _subfolders(dir: str) -> List[str]:
    try:
        names = sorted(os.listdir(dir))
    except OSError:
        return []
    paths = (os.path.join(dir, name) for name in names)
    return [p for p in paths if os.path.isdir(p) and not os.path.islink(p)]


def _run_folders(dir: str, depth: int = 3) -> Iterator[str]:
    """Runs below it, as the tool looks for them: a name may have a / in it, and
    hidden folders are left out."""
    for sub in _subfolders(dir):
        if os.path.basename(sub).startswith("."):
            continue
        if _is_run(sub):
            yield sub
        elif depth > 1:
            yield from _run_folders(sub, depth - 1)


def _start(run: Run) -> tuple:
    """When it began, as far as that is known: what runs are ordered by."""
    try:
        return str(run.record.get("start", "")), run.id, run.dir
    except Error:
        return "", run.id, run.dir


def find(word: Path, root: Optional[Path] = None) -> str:
    """The directory that `engram show WORD` would take."""
    word = os.fspath(word)
    base = root_of(root)
    for dir in (word, os.path.join(base, word)):
        if _is_run(dir):
            return dir
    for name in (os.path.join(base, word), word):
        found = [dir for dir in _subfolders(name) if _is_run(dir)]
        if found:
            return found[-1]  # ids are times: the newest one
    for dir in _run_folders(base):
        if os.path.basename(dir) == word:
            return dir
    raise Error(f"no run {word!r} under {base}; `engram runs` lists them", 2)


def open(word: Path, root: Optional[Path] = None) -> Run:
    """A run by its directory, name/id, id, or name (the newest of that name).

    root: the folder of runs; else $ENGRAM_RUNS, else `runs`.
    """
    return Run(find(word, root))


class Runs(List[Run]):
    """A list of runs."""

    def frame(self):
        """A pandas DataFrame: a row a run, its record and its last values."""
        import pandas
        rows = []
        for run in self:
            record = run.record
            row = {key: record.get(key) for key in
                   ("name", "id", "status", "seed", "steps_done", "seconds")}
            row.update(run.metrics.last())
            rows.append(row)
        return pandas.DataFrame(rows, index=[run.dir for run in self])


def runs(where: Optional[str] = None, name: Optional[str] = None,
         root: Optional[Path] = None) -> Runs:
    """The runs on disk, oldest first.

    where: a condition as `engram runs --where` takes it, "optim.lr > 0.1"; it
    asks the tool. name: of this name only.
    """
    base = root_of(root)
    if where is None:
        found = filter(_is_run, _subfolders(os.path.join(base, name))) \
            if name else _run_folders(base)
        return Runs(sorted(map(Run, found), key=_start))
    from ._tool import ask
    words = ["runs"] + ([name] if name else []) + ["--where", where]
    rows = ask(words + ["--runs", base])["runs"]
    return Runs(Run(row["dir"]) for row in reversed(rows))
