# needs cffi
"""Live models: their numbers are those of the tool, and their memory is safe."""
import gc
import json
import os
import subprocess
import sys
import unittest
import weakref

import numpy as np

import engram
from common import RICH, TINY, changed, dump, tool

LINEAR = {"run": {"name": "linear"},
          "task": {"kind": "linear", "n_ctx": 12, "dim": 4},
          "model": {"d_model": 12, "mixer": "linear", "qk": "factorised"},
          "train": {"steps": 2, "batch": 4}, "optim": {"lr": 0.01},
          "probe": {"every": 1, "batch": 4, "test": 4}}


def write(config, path):
    with open(path, "w") as file:
        json.dump(config, file)
    return path


class Numbers(unittest.TestCase):
    """Against `engram dump`, which compares itself with other programs."""

    def compare(self, config, name, precision, tolerance):
        config = changed(config, train={"precision": precision})
        want = dump(config, f"{name}-{precision}")
        model = engram.Model(write(config, f"{name}.json"), fresh=True)
        self.assertEqual(model.dtype, np.dtype(precision))
        self.assertEqual(model.what, "untrained")
        n = config["train"]["batch"]
        batch = model.batch(n)
        part = {k: v for k, v in batch.items() if k != "labels"}
        for key, array in batch.items():
            if key in want and key != "outputs":  # there: what is predicted
                np.testing.assert_array_equal(array, want[key], key)
        out = model.forward(hooks="*", **part)
        hooks = 0
        for key, array in out.items():
            if key in ("nll", "pred"):
                continue
            np.testing.assert_array_equal(array, want[key], key)
            hooks += 1
        self.assertEqual(hooks, len(model.hooks))
        self.assertGreater(hooks, 10)
        for key, array in model.tensors.items():
            np.testing.assert_array_equal(array, want["weight." + key], key)
        # of the same positions as the tool's loss
        part["targets"] = self.in_loss(model, batch)
        loss, grad = model.gradient(**part)
        self.assertAlmostEqual(loss, want["loss"][0], delta=tolerance)
        trained = {key[5:] for key in want if key.startswith("grad.")}
        self.assertLessEqual(trained, set(grad))
        for key in trained:
            scale = np.abs(want["grad." + key]).max()
            self.assertGreater(scale, 0, key)
            np.testing.assert_allclose(grad[key], want["grad." + key], rtol=0,
                                       atol=tolerance * scale, err_msg=key)
        return model, part, loss, grad

    @staticmethod
    def in_loss(model, batch):
        """train.loss: in_context of the bigram task, its later occurrences."""
        targets = batch["targets"].copy()
        if model.config["task"]["kind"] == "bigram":
            targets[batch["labels"] < 2] = -1
        return targets

    def test_birth_f32(self):
        self.compare(TINY, "tiny", "float32", 1e-5)

    def test_birth_f64(self):
        self.compare(TINY, "tiny", "float64", 1e-12)

    def test_rich_f32(self):
        self.compare(RICH, "rich", "float32", 2e-5)

    def test_vectors(self):
        self.compare(LINEAR, "linear", "float64", 1e-12)

    def test_differences(self):
        """The gradient is that of the loss that forward shows."""
        config = changed(RICH, train={"precision": "float64"})
        model = engram.Model(write(config, "d.json"), fresh=True)
        batch = model.batch(3)
        tokens, targets = batch["tokens"], batch["targets"]
        loss, grad = model.gradient(tokens, targets)

        def mean():
            nll = model.forward(tokens, targets=targets)["nll"]
            return nll.sum() / (targets >= 0).sum()

        self.assertAlmostEqual(mean(), loss, places=12)
        rng = np.random.default_rng(0)
        for name in ("W_E", "blocks.0.attn.W_Q", "blocks.1.attn.b_O",
                     "blocks.1.mlp.W_in", "blocks.0.ln1.w"):
            before = model.tensors[name].copy()
            way = rng.normal(size=before.shape)
            sides = []
            for h in (1e-5, -1e-5):
                model.set(name, before + h * way)
                np.testing.assert_array_equal(model.tensors[name],
                                              before + h * way)
                sides.append(mean())
            model.set(name, before)
            slope = (sides[0] - sides[1]) / 2e-5
            want = (grad[name] * way).sum()
            self.assertNotEqual(want, 0)
            self.assertAlmostEqual(slope / want, 1, delta=1e-6, msg=name)

    def test_default_targets(self):
        model = engram.Model(write(TINY, "t.json"), fresh=True)
        tokens = model.batch(2)["tokens"]
        targets = np.full_like(tokens, -1)
        targets[:, :-1] = tokens[:, 1:]
        a, b = model.gradient(tokens), model.gradient(tokens, targets)
        self.assertEqual(a[0], b[0])
        np.testing.assert_array_equal(a[1]["W_E"], b[1]["W_E"])


class Trained(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_ = engram.run(RICH)
        cls.model = cls.run_.model()
        cls.tokens = cls.model.batch(3, split="test")["tokens"]

    def test_opened(self):
        model = self.model
        self.assertEqual((model.what, model.step), ("run of engram", 10))
        self.assertEqual((model.n_ctx, model.d_vocab), (24, 65))
        self.assertEqual(model.config, self.run_.config)
        for name, array in self.run_.checkpoints[-1].tensors().items():
            np.testing.assert_array_equal(array, model.tensors[name], name)
        first = self.run_.checkpoints[0].model(threads=1)
        self.assertEqual(first.step, 5)
        by_name = engram.Model("rich", set={"train.precision": "float64"})
        self.assertEqual(by_name.dtype, np.float64)
        np.testing.assert_array_equal(by_name.tensors["W_E"],
                                      model.tensors["W_E"])

    def test_probe(self):
        """Mean losses are those of `engram probe`."""
        said = json.loads(tool("probe", self.run_.dir, "--json"))
        metrics = said["values"]
        batch = self.model.batch(4, split="test")
        nll = self.model.forward(batch["tokens"],
                                 targets=batch["targets"])["nll"]
        later = (batch["targets"] >= 0) & (batch["labels"] >= 2)
        self.assertAlmostEqual(nll[later].mean(),
                               metrics["loss_in_context_test"], places=5)

    def test_threads(self):
        one = engram.Model(self.run_, threads=1).forward(self.tokens)["logits"]
        two = engram.Model(self.run_, threads=2).forward(self.tokens)["logits"]
        np.testing.assert_array_equal(one, two)

    def test_shorter(self):
        """What is behind a position cannot change it."""
        names = ["blocks.*.attn.hook_pattern", "blocks.1.hook_resid_post",
                 "blocks.0.attn.hook_z"]
        whole = self.model.forward(self.tokens, names)
        part = self.model.forward(self.tokens[:, :9], names)
        self.assertEqual(part["logits"].shape, (3, 9, 65))
        self.assertEqual(part["blocks.0.attn.hook_pattern"].shape, (3, 2, 9, 9))
        self.assertEqual(part["blocks.0.attn.hook_z"].shape, (3, 9, 2, 8))
        for name in ("logits", "blocks.1.hook_resid_post"):
            np.testing.assert_array_equal(part[name], whole[name][:, :9])
        alone = self.model.forward(self.tokens[1, :9].tolist())
        np.testing.assert_array_equal(alone["logits"], part["logits"][1])
        self.assertEqual(alone["pred"].shape, (9,))

    def test_hold(self):
        model, hook = self.model, "blocks.1.attn.hook_z"
        free = model.forward(self.tokens, hook)
        with model.hold(hook + ".h1"):
            held = model.forward(self.tokens, hook)
            self.assertTrue((held[hook][:, :, 1] == 0).all())
            np.testing.assert_array_equal(held[hook][:, :, 0],
                                          free[hook][:, :, 0])
            self.assertFalse(np.array_equal(held["logits"], free["logits"]))
            with self.assertRaisesRegex(engram.Error, "let go"):
                model.gradient(self.tokens)
        with model.hold({hook: np.arange(16), "blocks.0.hook_mlp_out": 0.5}):
            held = model.forward(self.tokens, [hook, "blocks.0.hook_mlp_out"])
            self.assertTrue((held[hook].reshape(3, 24, 16)
                             == np.arange(16)).all())
            self.assertTrue((held["blocks.0.hook_mlp_out"] == 0.5).all())
        again = model.forward(self.tokens)
        np.testing.assert_array_equal(again["logits"], free["logits"])
        model.gradient(self.tokens)
        for name, why in (("blocks.9.x", "blocks.9.x"),
                          ("blocks.0.attn.hook_pattern", "hook_pattern")):
            with self.assertRaisesRegex(engram.Error, why):
                with model.hold(name):
                    pass
        with self.assertRaisesRegex(engram.Error, "expected 16 columns"):
            with model.hold(hook, np.zeros(3)):
                pass

    def test_hold_within(self):
        """An inner block ends what it began, and no more."""
        model, z = self.model, "blocks.1.attn.hook_z"
        mlp, names = "blocks.0.hook_mlp_out", [z, "blocks.0.hook_mlp_out"]
        row = np.arange(16.0)

        def now():
            out = model.forward(self.tokens, names)
            return out[z].reshape(3, 24, 16), out[mlp]

        free = now()
        with model.hold({z: row}):
            row[:] = 9  # what was said stays
            with model.hold(mlp, 0.5):
                a, b = now()
                self.assertTrue((a == np.arange(16)).all() and (b == .5).all())
            self.assertTrue((now()[0] == np.arange(16)).all())
            self.assertFalse((now()[1] == 0.5).any())
            with model.hold(z + ".h1", 3):  # the same again
                a = now()[0]
                self.assertTrue((a[..., :8] == np.arange(8)).all())
                self.assertTrue((a[..., 8:] == 3).all())
            self.assertTrue((now()[0] == np.arange(16)).all())
            with self.assertRaisesRegex(engram.Error, "blocks.9.x"):
                with model.hold({mlp: 0.5, "blocks.9.x": 0}):
                    self.fail("held")
            a, b = now()
            self.assertTrue((a == np.arange(16)).all())
            np.testing.assert_array_equal(b, free[1])
        for a, b in zip(now(), free):
            np.testing.assert_array_equal(a, b)
        # blocks that end in the order in which they began, as threads' may
        first, second = model.hold({z: np.arange(16)}), model.hold(mlp, 0.5)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        a, b = now()
        self.assertFalse((a == np.arange(16)).all())
        self.assertTrue((b == 0.5).all())
        second.__exit__(None, None, None)
        for a, b in zip(now(), free):
            np.testing.assert_array_equal(a, b)
        model.gradient(self.tokens)

    def test_forked(self):
        """A child of the process is told so, and ends."""
        code = """if True:
            import gc, os, sys, engram
            model = engram.Model("rich", threads=2)
            model.forward([1, 2])
            child = os.fork()
            if child:
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                model.forward([1, 2])
                sys.exit(status)
            said = 0
            for call in (lambda: model.forward([1, 2]),
                         lambda: model.gradient([1, 2]),
                         lambda: model.hold("blocks.0.hook_mlp_out").__enter__()):
                try:
                    call()
                except engram.Error as why:
                    said += "forked" in str(why)
            engram.Model("rich", threads=2).forward([1, 2])
            del model
            gc.collect()
            if said != 3:
                sys.exit(f"{said} of 3")
        """
        done = subprocess.run([sys.executable, "-c", code], timeout=60)
        self.assertEqual(done.returncode, 0)

    def test_lives(self):
        """An array keeps what it views; nothing keeps what nobody views."""
        model = engram.Model(self.run_)
        weight = model.tensors["W_E"]
        out = model.forward(self.tokens)
        loss, grad = model.gradient(self.tokens)
        row, kept = out["logits"][0, 3], grad["W_E"][:5]
        copies = weight.copy(), row.copy(), kept.copy()
        subject = weakref.ref(model._subject)
        del model, out, grad
        gc.collect()
        junk = [np.ones(100000) for _ in range(50)]
        for array, copy in zip((weight, row, kept), copies):
            np.testing.assert_array_equal(array, copy)
            self.assertFalse(array.flags.writeable)
            self.assertFalse(array.flags.owndata)
        self.assertIsNotNone(subject())
        del weight, array, junk
        gc.collect()
        self.assertIsNone(subject())
        np.testing.assert_array_equal(row, copies[1])

    def test_ends_well(self):
        """What Python frees last of all is freed by code that is still there."""
        code = """if True:
            import codecs, engram
            def error(why, kept=engram.Model("rich").forward([1])["logits"]):
                raise why
            codecs.register_error("engram", error)  # cleared last
        """
        done = subprocess.run([sys.executable, "-c", code])
        self.assertEqual(done.returncode, 0)

    def test_no_leak(self):
        """A hundred passes take no more memory than one."""
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def work():
            for _ in range(50):
                self.model.forward(self.tokens, "*")
                self.model.gradient(self.tokens)

        work()
        before = resident()
        work()
        self.assertLess(resident() - before, 4 << 20)

    def test_refused(self):
        forward = self.model.forward
        for call, why in (
                (lambda: forward([[0, 65]]), "tokens: sequence 0, position 1: "
                                             "expected 0 to 64, found 65"),
                (lambda: forward([[0, -1]]), "found -1"),
                (lambda: forward([0.5]), "expected whole numbers, found float"),
                (lambda: forward([1 << 40]), "of 32 bits"),
                (lambda: forward(np.zeros((1, 25), int)), "1 to 24 positions"),
                (lambda: forward([]), "1 to 24 positions, found 0"),
                (lambda: forward(3), r"found shape \[\]"),
                (lambda: forward(), "takes tokens, and there are none"),
                (lambda: forward([1], ["hook_x"]), "no hook 'hook_x'"),
                (lambda: forward([1, 2], targets=[1]), r"expected shape \[1, 2"),
                (lambda: self.model.gradient([1, 2], [-1, -1]), "has a target"),
                (lambda: self.model.set("W_E", [1]), "W_E: expected shape"),
                (lambda: self.model.batch(1, "x"), "split: expected train"),
                (lambda: engram.Model("none"), "no run 'none'"),
                (lambda: engram.Model(self.run_, set={"a.b": 1}), "--set "),
                (lambda: self.model.encode("x"), "nothing names")):
            with self.assertRaisesRegex(engram.Error, why):
                call()
        with self.assertRaisesRegex(KeyError, "expected one of"):
            self.model.set("W_X", 0)
        # and it is as before
        self.assertEqual(forward([1])["logits"].shape, (1, 65))

    def test_without_mask(self):
        config = changed(RICH, model={"causal": False})
        model = engram.Model(write(config, "m.json"), fresh=True)
        with self.assertRaisesRegex(engram.Error, "without a mask"):
            model.forward([1, 2])
        model.forward(np.zeros((1, 24), int))

    def test_seed(self):
        """seed is run.seed, 0 like any other."""
        path = write(changed(TINY, run={"seed": 3}), "s.json")

        def weights(**how):
            model = engram.Model(path, fresh=True, **how)
            return model.tensors["W_E"].tolist()

        for seed in (0, 3, 7):
            self.assertEqual(weights(seed=seed),
                             weights(set={"run.seed": seed}))
        self.assertEqual(weights(), weights(seed=3))
        self.assertNotEqual(weights(seed=0), weights(seed=3))
        for how in ({"seed": -1}, {"n_ctx": -5}, {"n_ctx": 2**40}):
            with self.assertRaisesRegex(engram.Error, "expected"):
                weights(**how)

    def test_generate(self):
        """Tokens are those of `engram generate`, greedy and sampled."""
        model = self.model
        for words, how in (
                ((), {}), (("--seed", 5), {"seed": 5}),
                (("--temperature", 0), {"temperature": 0}),
                (("--temperature", 0.7, "--top-k", 9, "--top-p", 0.8),
                 {"temperature": 0.7, "top_k": 9, "top_p": 0.8})):
            # 40 tokens behind 3: beyond the 24 positions
            said = json.loads(tool("generate", self.run_.dir, "--ids", "7 3 9",
                                   "--tokens", 40, "--json", "-q", *words))
            found = model.generate([7, 3, 9], 40, **how)
            self.assertEqual(found.tolist(), said["ids"], how)
        self.assertEqual(found.dtype, np.int32)
        self.assertGreater(len(set(model.generate(tokens=40).tolist())), 5)
        said = json.loads(tool("generate", self.run_.dir, "--tokens", 5,
                               "--json", "-q"))
        self.assertEqual(self.run_.generate(tokens=5).tolist(), said["ids"])
        # the likeliest of every forward pass
        text = [7, 3, 9]
        for token in model.generate(text, 10, temperature=0):
            self.assertEqual(model.forward(text)["logits"][-1].argmax(), token)
            text.append(int(token))
        # weights as they are now
        kept = model.tensors["W_U"].copy()
        model.set("W_U", np.zeros_like(kept))
        self.assertEqual(model.generate([1], 3, temperature=0).tolist(),
                         [0, 0, 0])
        model.set("W_U", np.full_like(kept, np.nan))
        with self.assertRaisesRegex(engram.Error, "token 1 is a number"):
            model.generate([1], 3)
        model.set("W_U", kept)
        self.assertEqual(model.generate([7], 0).tolist(), [])
        for call, why in (
                (lambda: model.generate([65]), "0 to 64, found 65"),
                (lambda: model.generate([]), "at least one token"),
                (lambda: model.generate([0.5]), "whole numbers, found float"),
                (lambda: model.generate("x"), "nothing names"),
                (lambda: model.generate([1], top_p=2), "top_p: expected 0 to"),
                (lambda: model.generate([1], -1), "tokens: expected 0 to"),
                (lambda: model.generate([1], 1.5), "tokens: expected a whole"),
                (lambda: model.generate([1], seed=-1), "seed: expected 0 to"),
                (lambda: model.generate([1], top_k=.5), "top_k: expected a w"),
                (lambda: model.batch(-1), "n: expected 0 to"),
                (lambda: model.batch(1, step=-1), "step: expected 0 to"),
                (lambda: model.batch(1, first=2**32), "first: expected 0")):
            with self.assertRaisesRegex(engram.Error, why):
                call()
        with model.hold("blocks.1.attn.hook_z"):
            with self.assertRaisesRegex(engram.Error, "let go"):
                model.generate([1], 1)

    def test_text(self):
        with open("text.txt", "w") as file:
            file.write("To be, or not to be: that is the question.\n" * 40)
        run = engram.run({"task": {"kind": "text", "text": "text.txt",
                                   "n_ctx": 16},
                          "model": {"d_model": 8}, "optim": {"lr": 0.01},
                          "train": {"steps": 1, "batch": 2},
                          "probe": {"batch": 2, "test": 2}})
        model = run.model()
        tokens = model.encode("to be")
        self.assertEqual(model.decode(tokens), "to be")
        for wrong in (tokens.astype(int) + 2**32, tokens + .25, [2**70],
                      "to be"):
            with self.assertRaisesRegex(engram.Error, "numbers of 32 bits"):
                model.decode(wrong)
        for wrong in ("\ud800", None, b"to be"):
            with self.assertRaisesRegex(engram.Error, "expected text"):
                model.encode(wrong)
        said = json.loads(tool("generate", run.dir, "--prompt", "to be",
                               "--tokens", 9, "--json", "-q"))
        self.assertEqual(model.generate("to be", 9).tolist(), said["ids"])
        # one array is the tokens of the prompt
        self.assertEqual(tokens.tolist(), said["prompt"])
        self.assertEqual(model.forward(tokens)["logits"].shape,
                         (5, model.d_vocab))


if __name__ == "__main__":
    unittest.main()
