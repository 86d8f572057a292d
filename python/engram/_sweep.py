"""Sweeps: points, their runs, and what came of them."""
from __future__ import annotations

import builtins
import json
import os
import sqlite3
import urllib.parse
from typing import Any, Dict, List, Optional

import numpy as np

from . import _yaml
from ._error import Error
from ._run import Metrics, Path, Run, Runs, _is_run, _run_folders, root_of


class Sweep:
    """A configuration over a grid of values and seeds.

    `points` has a dict a point, in their order: the value of each key of the
    grid, `seed`, `state` and `run` (a Run, or None). `frame()` adds the last
    value of every metric, `curves(metric)` has all of one.
    """

    def __init__(self, dir: Path, root: Path):
        self.dir = os.fspath(dir)
        self.root = os.fspath(root)
        path = os.path.join(self.dir, "sweep.json")
        try:
            with builtins.open(path, encoding="utf-8") as file:
                self.record: Dict[str, Any] = json.load(file)
            self.name: str = self.record["name"]
            self.axes: Dict[str, List[Any]] = {
                axis["key"]: [_number(v) for v in axis["values"]]
                for axis in self.record["axes"]}
            self.seeds: List[int] = self.record["seeds"]
        except (OSError, ValueError, KeyError, TypeError) as why:
            raise Error(f"{path}: expected a sweep: {why}") from None
        self.points = self._points()

    def _points(self) -> List[Dict[str, Any]]:
        sizes = [len(values) for values in self.axes.values()]
        sizes.append(len(self.seeds))
        done = self._queue()
        points = []
        for i in range(int(np.prod(sizes))):  # seeds go fastest
            at = np.unravel_index(i, sizes)
            point = {key: values[at[k]]
                     for k, (key, values) in enumerate(self.axes.items())}
            state, dir = done.get(i, ("pending", ""))
            point.update(seed=self.seeds[at[-1]], state=state,
                         run=Run(dir) if dir and _is_run(dir) else None)
            points.append(point)
        return points

    def _queue(self) -> Dict[int, tuple]:
        """{point: (state, run directory)} of the queue; without one, of the
        records of the runs, which say of which sweep they are."""
        path = os.path.join(self.dir, "queue.sqlite")
        try:
            base = sqlite3.connect(
                f"file:{urllib.parse.quote(os.fsencode(path))}?mode=ro",
                uri=True)
            try:
                rows = base.execute("select i, state, dir from points")
                return {i: (state, os.path.join(self.root, dir) if dir else "")
                        for i, state, dir in rows}
            finally:
                base.close()
        except sqlite3.Error:
            return dict(self._records())

    def _records(self):
        for dir in _run_folders(self.root):
            try:
                with builtins.open(os.path.join(dir, "run.json"),
                                   encoding="utf-8") as file:
                    record = json.load(file)
                sweep = record.get("sweep") or {}
                if sweep.get("name") == self.name:
                    yield sweep["point"], (record["status"], dir)
            except (OSError, ValueError, KeyError, AttributeError):
                continue  # no record

    @property
    def runs(self) -> Runs:
        """Those there are, in the order of the points."""
        return Runs(p["run"] for p in self.points if p["run"] is not None)

    def __len__(self) -> int:
        return len(self.points)

    def _metrics(self, point: Dict[str, Any]) -> Optional[Metrics]:
        return point["run"].metrics if point["run"] is not None else None

    def table(self) -> Dict[str, np.ndarray]:
        """Columns [points]: keys of the grid, seed, state, and the last value
        of every metric, NaN where there is none."""
        head = [*self.axes, "seed", "state"]
        columns = {key: np.array([p[key] for p in self.points])
                   for key in head}
        last = [m.last() if m is not None else {}
                for m in map(self._metrics, self.points)]
        for name in dict.fromkeys(name for row in last for name in row):
            columns[name] = np.array([row.get(name, np.nan) for row in last])
        return columns

    def frame(self):
        """The same as a pandas DataFrame, a row a point."""
        import pandas
        return pandas.DataFrame(self.table())

    def curves(self, metric: str):
        """(steps [n], values [points, n]) of one metric; NaN: not measured."""
        found = [m if m is not None and metric in m else None
                 for m in map(self._metrics, self.points)]
        steps = np.unique(np.concatenate(
            [m.step for m in found if m is not None] or [np.zeros(0, int)]))
        values = np.full((len(found), len(steps)), np.nan)
        for row, m in zip(values, found):
            if m is not None:
                row[np.searchsorted(steps, m.step)] = m[metric]
        return steps, values

    def __repr__(self) -> str:
        grid = " x ".join(f"{key} ({len(v)})" for key, v in self.axes.items())
        return (f"<sweep {self.name}: {grid + ' x ' if grid else ''}"
                f"{len(self.seeds)} seeds>")


def _number(text: Any) -> Any:
    """A value of the grid as a number, where it is one."""
    return _yaml.number(text) if isinstance(text, str) else text


def open_sweep(word: Path, root: Optional[Path] = None) -> Sweep:
    """A sweep by its name or folder.

    root: the folder of runs; else $ENGRAM_RUNS, else `runs`.
    """
    base = root_of(root)
    word = os.fspath(word)
    for dir in (word, os.path.join(base, "sweeps", word)):
        if os.path.isfile(os.path.join(dir, "sweep.json")):
            parent = os.path.dirname(os.path.dirname(os.path.abspath(dir)))
            return Sweep(dir, root or parent)
    raise Error(f"no sweep {word!r} under {base}", 2)
