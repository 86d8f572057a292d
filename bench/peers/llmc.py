#!/usr/bin/env python3
"""A training step of GPT-2 small's shape: llm.c's CPU trainer and engram in turns.

    llmc.py --llmc ~/llm.c --engram build/engram --at-least 6

llm.c is a checkout of yours, whose train_gpt2.c is compiled as its Makefile does (-Ofast -march=native -fopenmp) with a main function
that takes turns (llmc_step.c). Its random weights of std .02 are a file that it reads itself; loss and norm of the gradient are compared
with PyTorch's. Sizes, what is measured and what is printed: gpt2.py. A step of llm.c takes tens of seconds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

from gpt2_model import T, loss_of, parameters, tokens_of, write_llmc
from turns import Side, alternate, ratios


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--llmc", required=True, help="the folder of train_gpt2.c")
    p.add_argument("--engram", required=True, help="the program")
    p.add_argument("--kern", default="auto", help="its kernel set")
    p.add_argument("--cc", default="cc")
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--wait", action="store_true", help="for a line when both are warm")
    p.add_argument("--at-least", type=float, default=0)
    return p.parse_args()


def expected(a, path):
    """Writes the weights; loss and norm of the gradient of the tokens that llmc_step begins with."""
    import torch

    w = {k: x.requires_grad_() for k, x in parameters(torch).items()}
    write_llmc(torch, w, path)
    loss = loss_of(w, tokens_of(torch, a.batch, T))
    loss.backward()
    return float(loss), float(sum((x.grad.double() ** 2).sum() for x in w.values())) ** .5


def build(a, to):
    here = os.path.dirname(os.path.abspath(__file__))
    subprocess.run([a.cc, "-Ofast", "-march=native", "-fopenmp", "-DOMP", "-DTESTING", "-w", "-I", a.llmc,
                    os.path.join(here, "llmc_step.c"), "-lm", "-o", to], check=True)


def main():
    a = arguments()
    with tempfile.TemporaryDirectory() as at:
        weights, program = os.path.join(at, "gpt2.bin"), os.path.join(at, "step")
        build(a, program)
        want = expected(a, weights)
        sides = {"engram": Side([a.engram, "bench", "gpt2", "--turns", "--json", "--rounds", str(a.rounds), "--steps", "1",
                                 "--batch", str(a.batch), "--threads", str(a.threads), "--kern", a.kern]),
                 "llm.c": Side([program, weights, str(a.batch), str(T)],
                               {**os.environ, "OMP_NUM_THREADS": str(a.threads)})}
        error = max(abs(x / y - 1) for x, y in zip(json.loads(sides["llm.c"].about), want))
        assert error < 1e-3, (sides["llm.c"].about, want)
        alternate(sides, a.rounds, a.wait)
    for name, side in sides.items():
        seconds, peak = statistics.median(side.seconds), side.peak
        side.end()
        print(json.dumps({"variant": name, "seconds_per_step": seconds, "best": min(side.seconds), "tokens_per_s":
                          a.batch * T / seconds, "peak_bytes": peak, "error": error, "rounds": side.seconds}))
    ratio = ratios(sides, "engram")
    print(json.dumps({"ratio": ratio}))
    sys.exit(ratio["llm.c"] < a.at_least)


if __name__ == "__main__":
    main()
