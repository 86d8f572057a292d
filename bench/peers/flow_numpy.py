#!/usr/bin/env python3
"""`engram bench flow` and the same sums in NumPy and PyTorch, in turns.

    flow_numpy.py [--rounds N] [--threads N] ENGRAM

NumPy: sum_j exp(beta (<x_i,x_j> - 1)) and the same times x_j, d = 3,
n = 10000, in blocks of rows on a pool of threads (exponentials and products
release the interpreter's lock; BLAS itself runs on one thread). PyTorch: one
step of the phase diagrams, x <- N(x + h softmax(beta x x') x), for 256 systems
of 32 tokens in float64, d = 2. Everything is compared with plain sums
before it is timed. Times are processor time over the number of threads, so
that other programs count on neither side; every ratio is of neighbours in
time. The last line is the summary as JSON; exit status 1 where a ratio misses
--at-least (direct sums) or --at-least-step.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

BLOCK = 256


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("engram", help="the engram program")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--at-least", type=float, default=0)
    p.add_argument("--at-least-step", type=float, default=0)
    return p.parse_args()


ARGS = arguments()
if "ENGRAM_FLOW_PEER" not in os.environ:  # thread counts are read at load
    os.environ.update(ENGRAM_FLOW_PEER="1", OPENBLAS_NUM_THREADS="1",
                      MKL_NUM_THREADS="1",
                      OMP_NUM_THREADS=str(ARGS.threads))
    os.execv(sys.executable, [sys.executable] + sys.argv)

import numpy as np  # noqa: E402
import torch  # noqa: E402


def sphere(shape, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


class Numpy:
    """S and F of all tokens, block by block of rows."""

    def __init__(self, x, beta, dtype):
        self.x = np.ascontiguousarray(x.astype(dtype))
        self.beta = dtype(beta)
        self.S = np.empty(len(x), dtype)
        self.F = np.empty_like(self.x)
        self.pool = ThreadPoolExecutor(ARGS.threads)

    def block(self, i):
        rows = slice(i, i + BLOCK)
        w = (self.beta * self.x[rows]) @ self.x.T
        w -= self.beta
        np.exp(w, out=w)
        self.S[rows] = w.sum(axis=1)
        self.F[rows] = w @ self.x

    def __call__(self):
        list(self.pool.map(self.block, range(0, len(self.x), BLOCK)))

    def error(self):
        x = self.x.astype(np.float64)
        w = np.exp(float(self.beta) * (x[:50] @ x.T - 1))
        self()
        return float(max(np.abs(w.sum(1) - self.S[:50]).max(),
                         np.abs(w @ x - self.F[:50]).max()) / len(x))


class Torch:
    """A step of the phase-diagram program: 256 systems of 32 tokens."""

    def __init__(self, d, beta=4.0, h=0.1):
        torch.set_num_threads(ARGS.threads)
        self.x0 = torch.from_numpy(sphere((256, 32, d)))
        self.x, self.beta, self.h = self.x0, beta, h

    def __call__(self):
        with torch.no_grad():
            a = torch.softmax(self.beta * (self.x @ self.x.mT), dim=-1)
            y = self.x + self.h * (a @ self.x)
            self.x = y / y.norm(dim=-1, keepdim=True)

    def error(self):
        x = self.x0.numpy()[0]
        w = np.exp(self.beta * (x @ x.T - 1))
        y = x + self.h * (w @ x) / w.sum(1, keepdims=True)
        self.x = self.x0
        self()
        y /= np.linalg.norm(y, axis=1, keepdims=True)
        return float(np.abs(y - self.x.numpy()[0]).max())


def core_seconds(fn, seconds=1.0):
    """Processor seconds a call and thread."""
    fn()
    start, n = time.process_time(), 0
    while n < 3 or time.process_time() - start < seconds:
        fn()
        n += 1
    return (time.process_time() - start) / n / ARGS.threads


def engram():
    done = subprocess.run([ARGS.engram, "bench", "flow", "--json", "--threads",
                           str(ARGS.threads)], stdout=subprocess.PIPE,
                          text=True)
    if done.returncode:
        sys.exit(f"engram bench flow: exit status {done.returncode}")
    return {r["sum"]: r["core_seconds"] / ARGS.threads
            for r in json.loads(done.stdout)["sums"]}


def main():
    x = sphere((10000, 3))
    peers = {
        "numpy float32": (Numpy(x, 4, np.float32), "direct float32", 1e-5),
        "numpy float64": (Numpy(x, 4, np.float64), "direct float64", 1e-13),
        "pytorch step d 2": (Torch(2), "ensemble step", 1e-13),
    }
    times = {name: [] for name in peers}
    ours = {name: [] for name in peers}
    for name, (fn, _, bound) in peers.items():
        error = fn.error()
        print(f"{name}: error {error:.1e}", flush=True)
        if not error < bound:
            sys.exit(f"{name}: error {error:g}: nothing is timed")
    for i in range(ARGS.rounds):
        mine = engram()
        for name, (fn, row, _) in peers.items():
            times[name].append(core_seconds(fn))
            ours[name].append(mine[row])
            print(f"round {i + 1}: {row} {1e3 * mine[row]:.3f} ms, {name} "
                  f"{1e3 * times[name][-1]:.3f} ms, ratio "
                  f"{times[name][-1] / mine[row]:.1f}", flush=True)
    summary = {"numpy": np.__version__, "torch": torch.__version__,
               "threads": ARGS.threads}
    missed = False
    for name in peers:
        ratio = statistics.median(t / o for t, o in
                                  zip(times[name], ours[name]))
        wanted = (ARGS.at_least_step if "step" in name else ARGS.at_least)
        missed |= ratio < wanted
        summary[name] = {"ms": round(1e3 * statistics.median(times[name]), 3),
                         "engram_ms":
                         round(1e3 * statistics.median(ours[name]), 3),
                         "ratio": round(ratio, 1)}
    print(json.dumps(summary))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
