"""Sweeps: points in their order, their runs, and what came of them."""
import json
import os
import shutil
import sqlite3
import unittest
from unittest import mock

import numpy as np

import engram
from common import TINY, changed, tool


class Sweeps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open("base.json", "w") as file:
            json.dump(changed(TINY, train={"steps": 4}, probe={"every": 2}),
                      file)
        tool("sweep", "base.json", "--grid", "optim.lr=0.01,0.02", "--grid",
             "model.n_heads=1,2", "--seeds", "3-5", "--name", "grid", "--quiet")
        cls.sweep = engram.open_sweep("grid")

    def test_points(self):
        sweep = self.sweep
        self.assertEqual(sweep.axes, {"optim.lr": [0.01, 0.02],
                                      "model.n_heads": [1, 2]})
        self.assertEqual((sweep.seeds, len(sweep), sweep.name),
                         ([3, 4, 5], 12, "grid"))
        for i, point in enumerate(sweep.points):
            config = point["run"].config
            self.assertEqual(point["state"], "finished")
            self.assertEqual(point["seed"], 3 + i % 3)
            self.assertEqual(config["run"]["seed"], point["seed"])
            self.assertEqual(config["optim"]["lr"], point["optim.lr"])
            self.assertEqual(config["model"]["n_heads"], point["model.n_heads"])
            self.assertEqual(point["run"].record["sweep"],
                             {"name": "grid", "point": i})
        self.assertEqual(len(sweep.runs), 12)

    def test_table(self):
        table = self.sweep.table()
        self.assertEqual(table["model.n_heads"].tolist(), 2 * (3 * [1] + 3 * [2]))
        last = [run.metrics.last()["loss"] for run in self.sweep.runs]
        np.testing.assert_array_equal(table["loss"], last)
        self.assertEqual(len(set(last)), 12)
        try:
            import pandas
        except ImportError:
            return
        self.assertIsInstance(self.sweep.frame(), pandas.DataFrame)

    def test_curves(self):
        steps, loss = self.sweep.curves("loss")
        self.assertEqual(loss.shape, (12, len(steps)))
        run = self.sweep.points[7]["run"]
        np.testing.assert_array_equal(loss[7], run.metrics["loss"])
        steps, none = self.sweep.curves("none")
        self.assertEqual(none.shape, (12, 0))

    def test_without_queue(self):
        """A copy without the queue knows its runs by their records."""
        os.rename("runs/sweeps/grid/queue.sqlite", "kept")
        try:
            again = engram.open_sweep("runs/sweeps/grid")
        finally:
            os.rename("kept", "runs/sweeps/grid/queue.sqlite")
        self.assertEqual([os.path.abspath(p["run"].dir) for p in again.points],
                         [os.path.abspath(p["run"].dir)
                          for p in self.sweep.points])
        # what is no record leaves its point without a run
        shutil.copytree("runs", "damaged")
        os.remove("damaged/sweeps/grid/queue.sqlite")
        for point, text in enumerate(("[]", '{"sweep": 5}', "{",
                                      '{"sweep": {"name": "grid"}}')):
            path = os.path.join("damaged", os.path.relpath(
                again.points[point]["run"].dir, again.root), "run.json")
            with open(path, "w") as file:
                file.write(text)
        sweep = engram.open_sweep("grid", root="damaged")
        self.assertEqual([p["state"] for p in sweep.points],
                         4 * ["pending"] + 8 * ["finished"])

    def test_odd_names(self):
        """Folders whose names mean something else in an address, a pattern."""
        os.makedirs("odd")
        for name in ("sw#x", "sw%41", "sw?x"):
            root = os.path.join("odd", name)
            shutil.copytree("runs", root)
            queue = os.path.join(root, "sweeps", "grid", "queue.sqlite")
            with sqlite3.connect(queue) as base:
                base.execute("update points set state = 'failed' where i = 7")
            base.close()
            sweep = engram.open_sweep("grid", root=root)
            self.assertEqual([p["state"] for p in sweep.points],
                             7 * ["finished"] + ["failed"] + 4 * ["finished"])
        self.assertEqual(sorted(os.listdir("odd")), ["sw#x", "sw%41", "sw?x"])

    def test_library_beside(self):
        os.makedirs("a[b]#c")
        for name in ("engram", "libengram.so"):
            with open(os.path.join("a[b]#c", name), "w"):
                pass
        with mock.patch.dict(os.environ, ENGRAM="a[b]#c/engram"):
            del os.environ["ENGRAM_LIBRARY"]
            self.assertEqual(engram._tool.library(),
                             os.path.abspath("a[b]#c/libengram.so"))

    def test_export(self):
        tool("export", "grid", "--to", "csv", "--out", "grid.csv")
        with open("grid.csv") as file:
            head = file.readline().split(",")
            self.assertEqual(set(head[:5]), {"run", "optim.lr", "model.n_heads",
                                             "seed", "step"})
            steps = len(self.sweep.points[0]["run"].metrics.step)
            self.assertEqual(len(file.readlines()), 12 * steps)
        tool("export", "grid", "--to", "npz", "--out", "grid-npz")
        self.assertEqual(len(os.listdir("grid-npz")), 12)
        self.assertTrue(any("optim.lr=0.02" in name and "seed=4" in name
                            for name in os.listdir("grid-npz")))

    def test_lost(self):
        with self.assertRaisesRegex(engram.Error, "no sweep 'none' under runs"):
            engram.open_sweep("none")
        os.makedirs("bad")
        for text in ("{", "[]", '{"name": "bad"}', '{"name": "x", "axes": [1]}'):
            with open("bad/sweep.json", "w") as file:
                file.write(text)
            with self.assertRaisesRegex(engram.Error,
                                        "bad/sweep.json: expected"):
                engram.open_sweep("bad")

    def test_numbers(self):
        """Values that are none for the tool are none here."""
        os.makedirs("texts")
        with open("texts/sweep.json", "w") as file:
            json.dump({"name": "texts", "seeds": [1], "axes": [
                {"key": "run.name", "values": ["1_000", "nan", "1e3", "-4"]}]},
                file)
        self.assertEqual(engram.open_sweep("texts").axes["run.name"],
                         ["1_000", "nan", 1000.0, -4])


if __name__ == "__main__":
    unittest.main()
