"""Runs as Python sees them are the files as they stand."""
import json
import os
import unittest
from unittest import mock

import numpy as np

import engram
from common import SOURCE, TINY, changed, tool
from engram import _yaml
from engram._tool import _assignments


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_ = engram.run(TINY)
        cls.other = engram.run(TINY, {"optim.lr": 0.25}, run__seed=7)

    def test_version(self):
        said = json.loads(tool("version", "--json")) \
            if "--json" in tool("help", "version") else None
        words = said["version"] if said else tool("version").split()[1]
        self.assertEqual(engram.__version__, words.rstrip(","))
        with open(os.path.join(SOURCE, "python", "pyproject.toml")) as file:
            self.assertIn(f'\nversion = "{engram.__version__}"\n', file.read())

    def test_config(self):
        config = self.run_.config
        self.assertEqual(config["task"]["n_ctx"], 24)
        self.assertEqual(config["optim"]["lr"], 0.01)
        self.assertIs(config["model"]["causal"], True)
        self.assertEqual(config["train"]["freeze"], [])
        self.assertEqual(self.other.config["optim"]["lr"], 0.25)
        self.assertEqual((self.other.seed, self.other.name), (7, "tiny"))
        try:
            import yaml
        except ImportError:
            return
        with open(os.path.join(self.run_.dir, "config.yaml")) as file:
            self.assertEqual(config, yaml.safe_load(file))

    def test_yaml(self):
        read = _yaml.scalar
        self.assertEqual(read('[a, "b, c]", 3, -1.5e-05]'),
                         ["a", "b, c]", 3, -1.5e-05])
        self.assertEqual(read('"a\\n\\x41\\u00e9\\\\\\""'), 'a\nA\u00e9\\"')
        self.assertEqual(read("[]"), [])
        self.assertEqual((read("-.inf"), read("1.0e+22"), read("false")),
                         (-np.inf, 1e22, False))
        self.assertEqual((read("3"), read("bigram"), read('"3"')),
                         (3, "bigram", "3"))
        with self.assertRaisesRegex(engram.Error, "x:1: expected 'section:'"):
            _yaml.parse("  lost: 1\n", "x")

    def test_metrics(self):
        metrics = self.run_.metrics
        with open(os.path.join(self.run_.dir, "metrics.jsonl")) as file:
            rows = [json.loads(line) for line in file]
        self.assertEqual(metrics.step.tolist(), [row["step"] for row in rows])
        seen = 0
        for name, series in metrics.items():
            for k, row in enumerate(rows):
                want = row.get(name)
                if want is None:
                    self.assertTrue(np.isnan(series[k]), name)
                else:
                    self.assertEqual(series[k], want, name)
                    seen += 1
        self.assertGreater(seen, 40)
        last = json.loads(tool("show", self.run_.dir, "--json"))["last"]
        self.assertAlmostEqual(metrics.last()["loss_global"],
                               last["loss_global"], places=7)
        self.assertIn("seconds", self.run_.timing)
        with self.assertRaisesRegex(KeyError, "not measured"):
            metrics["none"]

    def test_cut_short(self):
        path = "cut.jsonl"
        with open(path, "w") as file:
            file.write('{"step": 0, "a": 1}\n{"step": 5, "b": null}\n{"st')
        metrics = engram.Metrics(path)
        self.assertEqual(metrics.step.tolist(), [0, 5])
        self.assertTrue(np.isnan(metrics["b"]).all())
        with open(path, "w") as file:
            file.write('{"step": 0}\nnothing\n')
        with self.assertRaisesRegex(engram.Error, "cut.jsonl:2: expected"):
            engram.Metrics(path)
        for line in ('[1]', '{"step": "x"}', '{"step": null}', '{"a": 1}',
                     '{"step": 1, "a": "x"}', '{"step": 1, "a": [1]}'):
            with open(path, "w") as file:
                file.write(line + "\n")
            with self.assertRaisesRegex(engram.Error, "cut.jsonl:1: expected"):
                engram.Metrics(path)
        with open(path, "w"):
            pass
        self.assertEqual(engram.Metrics(path).step.dtype.kind, "i")

    def test_damaged(self):
        """Every file of a run is named where it is gone or no longer one."""
        folder = self.run_.dir
        for name, read in (("metrics.jsonl", lambda run: run.metrics),
                           ("timing.jsonl", lambda run: run.timing),
                           ("run.json", lambda run: run.status),
                           ("config.yaml", lambda run: run.config),
                           ("arrays/demo_tokens.npy",
                            lambda run: run.arrays["demo_tokens"])):
            path = os.path.join(folder, name)
            os.rename(path, "kept")
            try:
                for data in (b"\xff\xfe\n", b"5\n"):
                    with open(path, "wb") as file:
                        file.write(data)
                    with self.assertRaisesRegex(engram.Error, path):
                        read(engram.Run(folder))
                if name == "run.json":  # a list of runs does without it
                    self.assertIn(folder, [r.dir for r in engram.runs()])
            finally:
                os.replace("kept", path)
        with self.assertRaisesRegex(engram.Error, "none: No such file"):
            engram.load_safetensors("none")

    def test_arrays(self):
        arrays = self.run_.arrays
        folder = os.path.join(self.run_.dir, "arrays")
        steps = arrays.all_steps("memory_W_O2")
        self.assertEqual(steps.tolist(), sorted(steps.tolist()))
        self.assertGreater(len(steps), 1)
        for k, step in enumerate(steps):
            want = np.load(os.path.join(folder, f"memory_W_O2.{step}.npy"))
            np.testing.assert_array_equal(arrays["memory_W_O2"][k], want)
            np.testing.assert_array_equal(arrays.at("memory_W_O2", step), want)
        self.assertEqual(arrays["demo_tokens"].dtype, np.int32)
        self.assertEqual(arrays["pattern_L0"].ndim, 4)
        with self.assertRaisesRegex(KeyError, "did not keep"):
            arrays["none"]
        with self.assertRaisesRegex(KeyError, "not kept at step 3"):
            arrays.at("memory_W_O2", 3)

    def test_checkpoints(self):
        checkpoints = self.run_.checkpoints
        self.assertEqual([c.step for c in checkpoints], [5, 10])
        weights = checkpoints[-1].tensors()
        self.assertNotIn("optim.updates", weights)
        self.assertIn("optim.updates", checkpoints[-1].tensors(moments=True))
        self.assertEqual(checkpoints[-1].metadata["step"], "10")
        self.assertEqual(weights["W_E"].shape[1], 16)
        norm = np.linalg.norm(weights["blocks.0.attn.W_QK"].astype(float))
        want = self.run_.metrics["norm.blocks.0.attn.W_QK"][-1]
        self.assertAlmostEqual(norm, want, delta=1e-6 * want)
        self.assertFalse(weights["W_E"].flags.writeable)

    def test_torch(self):
        try:
            import torch
        except ImportError:
            self.skipTest("no torch")
        checkpoint = self.run_.checkpoints[-1]
        for moments in (False, True):
            arrays = checkpoint.tensors(moments)
            found = checkpoint.torch(moments)
            self.assertEqual(list(found), list(arrays))
            for name, array in arrays.items():
                tensor = found[name]
                self.assertEqual(tuple(tensor.shape), array.shape, name)
                np.testing.assert_array_equal(tensor.numpy(), array, name)
        weight, kept = found["W_E"], arrays["W_E"].copy()
        self.assertIs(weight.dtype, torch.float32)
        weight.requires_grad_(True)
        (weight ** 2).sum().backward()
        np.testing.assert_array_equal(weight.grad.numpy(), 2 * kept)
        with torch.no_grad():
            weight += 1  # its own numbers: the file stays
        np.testing.assert_array_equal(arrays["W_E"], kept)

    def test_safetensors(self):
        def write(header, data=b""):
            text = json.dumps(header).encode()
            with open("x.safetensors", "wb") as file:
                file.write(len(text).to_bytes(8, "little") + text + data)
            return engram.load_safetensors("x.safetensors")

        one = {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}
        found, meta = write({"a": one, "__metadata__": {"k": "v"}},
                            bytes([0x80, 0x3f, 0x20, 0xc0]))
        self.assertEqual(found["a"].tolist(), [1.0, -2.5])
        self.assertEqual(meta, {"k": "v"})
        for wrong in ({"shape": [3]}, {"data_offsets": [0, 8]},
                      {"data_offsets": [-4, 0]}, {"dtype": "F7"},
                      {"shape": [-1, -2]}):
            with self.assertRaisesRegex(engram.Error, "x.safetensors: a: "):
                write({"a": {**one, **wrong}}, bytes(4))
        with open("x.safetensors", "wb") as file:
            file.write(b"\xff" * 16)
        with self.assertRaisesRegex(engram.Error, "not a safetensors file"):
            engram.load_safetensors("x.safetensors")

    def test_found(self):
        id_ = self.run_.id
        for word in (self.run_.dir, "tiny/" + id_, id_):
            self.assertEqual(engram.open(word).id, id_)
        self.assertEqual(engram.open("tiny").id, self.other.id)  # the newest
        found = [run.id for run in engram.runs()]
        self.assertEqual(found[:2], [id_, self.other.id])
        self.assertEqual(engram.runs(root="nowhere"), [])
        with self.assertRaisesRegex(engram.Error, "no run 'x' under runs"):
            engram.open("x")
        with self.assertRaisesRegex(engram.Error, "found no config.yaml"):
            engram.Run(".")

    def test_order(self):
        """By time, not by name."""
        for name, day in (("b", 1), ("a", 2), ("c", 3)):
            run = engram.run(TINY, run__name=name, train__steps=1, root="days")
            record = {**run.record, "start": f"2026-11-0{day}T00:00:00Z"}
            with open(os.path.join(run.dir, "run.json"), "w") as file:
                json.dump(record, file)
        self.assertEqual([r.name for r in engram.runs(root="days")],
                         ["b", "a", "c"])
        # a name with a / in it: those that the tool lists, and no others
        run = engram.run(TINY, run__name="a/d", train__steps=1, root="days")
        os.rename(run.dir, "days/a/d/20250101-000000")
        said = json.loads(tool("runs", "--runs", "days", "--json"))["runs"]
        self.assertEqual([r.dir for r in engram.runs(root="days")],
                         [row["dir"] for row in reversed(said)])
        self.assertEqual(engram.open("20250101-000000", root="days").name,
                         "a/d")
        self.assertEqual([r.name for r in engram.runs(name="a", root="days")],
                         ["a"])

    def test_where(self):
        if "--where" not in tool("help", "runs"):
            self.skipTest("this tool's `runs` has no --where")
        found = engram.runs(where="optim.lr > 0.1", name="tiny")
        self.assertEqual([run.id for run in found], [self.other.id])

    def test_run(self):
        text = "run: {name: tiny}\n" + \
            f"task: {{n_ctx: 24, n_triggers: 2}}\nmodel: {{d_model: 16}}\n"
        run = engram.run(text, {"train.freeze": ["W_E", "W_U"]}, out="here",
                         train__steps=1, train__batch=2, probe__batch=2,
                         probe__test=2, threads=1)
        self.assertEqual(run.dir, "here")
        self.assertEqual(run.status, "finished")
        self.assertEqual(run.config["train"]["freeze"], ["W_E", "W_U"])
        with self.assertRaisesRegex(engram.Error, "did you mean") as caught:
            engram.run(changed(TINY, optim={"lrr": 1}))
        self.assertEqual(caught.exception.status, 2)
        with self.assertRaisesRegex(engram.Error, "not there|No such file"):
            engram.run("none.yaml")

    def test_run_files(self):
        """Files that a configuration without a folder names lie in this one."""
        np.save("start.npy", np.eye(3))
        flow = {"run": {"name": "from-file", "kind": "flow"},
                "flow": {"x0": "start.npy", "times": [0, 1]}}
        for config in (flow, json.dumps(flow).replace("{", "{\n", 1)):
            x = engram.run(config, threads=1).arrays["x"]
            np.testing.assert_array_equal(x[0], np.eye(3))

    def test_lists(self):
        """An item of a list stays one, whatever signs are in it."""
        given = ["a,b", 'c"]', "d e", "f#", "", "0:1:2", "plain", 3, -.5, True]
        words = _assignments({"a.b": given}, {})
        want = given[:-1] + ["True"]
        self.assertEqual(_yaml.scalar(words[1].partition("=")[2]), want)
        with self.assertRaisesRegex(engram.Error, "matches 'W_E,W_U'"):
            engram.run(TINY, {"train.freeze": ["W_E,W_U"]})

    def test_no_tool(self):
        """A file that is no program, and a program that is another."""
        with open("no-program", "w"):
            pass
        for path in ("no-program", "/bin/true", "nowhere"):
            with mock.patch.dict(os.environ, ENGRAM=os.path.abspath(path)
                                 if path == "no-program" else path):
                with self.assertRaisesRegex(engram.Error, path):
                    engram.run(TINY)

    def test_run_numpy(self):
        """Options as NumPy has them, in the configuration and over it."""
        given = changed(TINY, run={"seed": np.arange(4)[3]},
                        model={"attn_bias": np.bool_(True)},
                        probe={"positions": np.array([2, 5])})
        config = engram.run(given, {"train.steps": np.int64(1),
                                    "optim.lr": np.float32(.1),
                                    "model.mlp_bias": np.bool_(False),
                                    "model.mixer": np.array(["linear"]),
                                    "probe.positions": range(3, 5)},
                            threads=1).config
        self.assertEqual(config["run"]["seed"], 3)
        self.assertEqual(config["optim"]["lr"], .1)
        self.assertEqual(config["train"]["steps"], 1)
        self.assertEqual([config["model"][key] for key in
                          ("attn_bias", "mlp_bias", "mixer")],
                         [True, False, ["linear"]])
        self.assertEqual([int(t) for t in config["probe"]["positions"]],
                         [3, 4])

    def test_frames(self):
        try:
            import pandas
        except ImportError:
            with self.assertRaises(ImportError):
                self.run_.frame()
            return
        frame = self.run_.frame()
        self.assertIsInstance(frame, pandas.DataFrame)
        self.assertEqual(frame.index.tolist(), self.run_.metrics.step.tolist())
        self.assertEqual(len(engram.runs(name="tiny").frame()), 2)

    def test_light(self):
        """Importing asks for nothing but NumPy."""
        code = ("import sys; sys.modules.update(dict.fromkeys(('cffi', "
                "'pandas', 'torch', 'yaml', 'matplotlib'))); import engram; "
                "engram.open('tiny').metrics")
        import subprocess
        import sys
        subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    unittest.main()
