"""`engram export` as Python reads it: csv, zipfile, NumPy, and TensorBoard's own
reader where ENGRAM_TENSORBOARD names a Python that has it."""
import csv
import json
import os
import subprocess
import unittest
import zipfile

import numpy as np

import engram
from common import TINY, tool

READ_EVENTS = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import \\
    EventAccumulator
from tensorboard.backend.event_processing import (data_provider,
    plugin_event_multiplexer)
from tensorboard import context
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import (api_pb2, backend_context,
    list_session_groups)

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
many = plugin_event_multiplexer.EventMultiplexer()
many.AddRunsFromDirectory(sys.argv[2])
many.Reload()
provider = data_provider.MultiplexerDataProvider(many, "there")
groups = list_session_groups.Handler(
    context.RequestContext(),
    backend_context.Context(base_plugin.TBContext(data_provider=provider)),
    "x", api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=9, allowed_statuses=[1, 2, 3])).run()
print(json.dumps({
    "scalars": {tag: [[e.step, e.value, e.wall_time]
                      for e in events.Scalars(tag)]
                for tag in events.Tags()["scalars"]},
    "texts": events.Tags()["tensors"],
    "runs": sorted(many.Runs()),
    "hparams": {g.name: {k: v.number_value for k, v in g.hparams.items()}
                for g in groups.session_groups}}))
"""


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runs = [engram.run(TINY, {"optim.lr": lr, "run.seed": seed})
                    for lr, seed in ((0.01, 1), (0.02, 1), (0.02, 5))]
        cls.one = cls.runs[0]

    def test_csv(self):
        tool("export", self.one.dir, "--to", "csv", "--out", "one.csv")
        with open("one.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        metrics = self.one.metrics
        self.assertEqual([int(row["step"]) for row in rows],
                         metrics.step.tolist())
        self.assertEqual(set(rows[0]), {"step", *metrics})
        for name, series in metrics.items():
            for row, value in zip(rows, series):
                if row[name] in ("", "nan"):
                    self.assertTrue(np.isnan(value), name)
                else:
                    self.assertEqual(float(row[name]), value, name)

    def test_csv_of_several(self):
        for words, name in (([], "wide.csv"), (["--long"], "long.csv")):
            tool("export", "tiny", "--to", "csv", "--out", name, *words)
        with open("wide.csv", newline="") as file:
            wide = list(csv.DictReader(file))
        self.assertEqual(list(wide[0])[:4], ["run", "optim.lr", "seed", "step"])
        with open("long.csv", newline="") as file:
            for row in csv.DictReader(file):
                run = next(r for r in self.runs
                           if row["run"] == f"tiny/{r.id}")
                self.assertEqual(float(row["optim.lr"]),
                                 run.config["optim"]["lr"])
                self.assertEqual(int(row["seed"]), run.seed)
                at = run.metrics.step.tolist().index(int(row["step"]))
                self.assertEqual(float(row["value"]),
                                 run.metrics[row["metric"]][at])

    def test_npz(self):
        tool("export", self.one.dir, "--to", "npz", "--out", "one.npz")
        self.assertIsNone(zipfile.ZipFile("one.npz").testzip())
        with np.load("one.npz", allow_pickle=False) as data:
            np.testing.assert_array_equal(data["step"], self.one.metrics.step)
            for name, series in self.one.metrics.items():
                np.testing.assert_array_equal(data[name], series)
            np.testing.assert_array_equal(data["timing/seconds"],
                                          self.one.timing["seconds"])
            arrays = self.one.arrays
            for name in arrays:
                np.testing.assert_array_equal(data["arrays/" + name],
                                              arrays[name])
                if len(arrays.steps(name)):
                    np.testing.assert_array_equal(
                        data[f"arrays/{name}.steps"], arrays.steps(name))
            with open(os.path.join(self.one.dir, "config.yaml"), "rb") as file:
                self.assertEqual(data["config.yaml"], file.read())
        tool("export", "tiny", "--to", "npz", "--out", "many")
        self.assertEqual(sorted(os.listdir("many")),
                         ["optim.lr=0.01,seed=1.npz", "optim.lr=0.02,seed=1.npz",
                          "optim.lr=0.02,seed=5.npz"])

    def test_tensorboard(self):
        python = os.environ.get("ENGRAM_TENSORBOARD")
        tool("export", self.one.dir, "--to", "tensorboard", "--out", "tb")
        tool("export", "tiny", "--to", "tensorboard", "--out", "tb3")
        if not python:
            self.skipTest("ENGRAM_TENSORBOARD names no Python with tensorboard")
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run([python, "-c", READ_EVENTS, "tb", "tb3"],
                              text=True, capture_output=True, env=clean)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        for name, series in self.one.metrics.items():
            tag = name.replace(".", "/", 1)
            known = ~np.isnan(series)
            self.assertEqual([e[0] for e in found["scalars"][tag]],
                             self.one.metrics.step[known].tolist(), tag)
            np.testing.assert_array_equal(
                [e[1] for e in found["scalars"][tag]],
                series[known].astype(np.float32), tag)
        walls = [e[2] for e in found["scalars"]["timing/seconds"]]
        np.testing.assert_allclose(np.diff(walls),
                                   np.diff(self.one.timing["seconds"]),
                                   atol=1e-5)
        self.assertIn("config", found["texts"])
        labels = ["optim.lr=0.01,seed=1", "optim.lr=0.02,seed=1",
                  "optim.lr=0.02,seed=5"]
        self.assertEqual(found["runs"], labels)
        self.assertEqual(found["hparams"][labels[2]],
                         {"optim.lr": 0.02, "seed": 5})

    def test_refused(self):
        for words, why in (
                (["--to", "xml", "--out", "x"], "expected hf, engram, tensorb"),
                (["--to", "npz", "--long", "--out", "x"], "--long does nothing"),
                (["--to", "csv", "--set", "a=b", "--out", "x"],
                 "--set does nothing with --to csv"),
                (["--to", "csv"], "--out PATH says where")):
            with self.assertRaisesRegex(engram.Error, why) as caught:
                engram._tool.call(["export", "tiny", *words])
            self.assertEqual(caught.exception.status, 2)
        with open("mine.csv", "w") as file:
            file.write("mine")
        with self.assertRaisesRegex(engram.Error, "is there already"):
            engram._tool.call(["export", "tiny", "--to", "csv", "--out",
                               "mine.csv"])
        with open("mine.csv") as file:
            self.assertEqual(file.read(), "mine")


if __name__ == "__main__":
    unittest.main()
