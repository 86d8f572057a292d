#!/usr/bin/env python3
"""A training step of GPT-2 small's shape: PyTorch eager and compiled, and engram in turns, step by step.

    gpt2.py --engram build/engram --at-least 1.5
    gpt2.py --engram build/engram --bf16 --at-least 3

124M random parameters of std .02, float32 (--bf16: products of bfloat16, autocast), tied head, T 256, AdamW (fused), no dropout, random
tokens: what `engram bench gpt2` times. First loss and gradients of a short sequence are compared: engram's (libengram.so beside the
program, and cffi) and each variant's with PyTorch's in float64. Then every side is a process of its own that has made its first steps, and
all take turns by the clock: only an idle machine gives numbers to keep (--wait gives time to make it so). One JSON object a side: median
and best seconds of a step, and the most memory that the process had while it stepped. The last line has for each variant the
median of the rounds' ratios. Exit status 1 where --at-least is missed against the fastest variant.

Neighbours on a shared machine take from its matrix unit or its clock for seconds at a time. So multiply-adds and the matrix unit are timed
between all rounds (`engram bench limits`): "machine" is what was seen of their best around a round, the lesser of the two, and
"undisturbed" the same ratio over the rounds where that was .85 or more on both sides, with their number.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile

import tuning
from gpt2_model import T, V, loss_of, of_engram, parameters, tokens_of, write_llmc
from turns import Side, alternate, gauge, ratios, serve, undisturbed


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--variants", default="torch-eager,torch-compile")
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--engram", default="", help="the program, in turns")
    p.add_argument("--kern", default="auto", help="its kernel set")
    p.add_argument("--bf16", action="store_true", help="train.precision bfloat16, and peers under autocast")
    p.add_argument("--wait", action="store_true", help="for a line when all are warm")
    p.add_argument("--at-least", type=float, default=0)
    p.add_argument("--serve", default="", help=argparse.SUPPRESS)  # a variant, or verify
    return p.parse_args()


def in_float64(torch, w):
    """Gradients of the tokens that all are compared on, and the loss."""
    wide = {k: x.detach().double().requires_grad_() for k, x in w.items()}
    loss = loss_of(wide, tokens_of(torch, 2, 32))
    loss.backward()
    return {k: x.grad for k, x in wide.items()}, float(loss)


def distance(grad, want, loss, want_loss, most):
    """The largest error of a tensor's gradient, over its norm, or of the loss. Of keys' biases it is 0, all else rounding."""
    error = max(float((g - want[k][:len(g)]).norm() / want[k].norm().clamp(min=1e-12))
                for k, g in grad.items() if not k.startswith("b_qkv"))
    error = max(error, abs(loss / want_loss - 1))
    assert error < most, error
    return error


def verify_engram(a):
    """engram's gradient of the same weights, in a process of its own."""
    import torch

    folder = os.path.dirname(os.path.abspath(a.engram))
    os.environ.setdefault("ENGRAM_LIBRARY", os.path.join(folder, "libengram.so"))
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../python"))
    import engram

    w = parameters(torch)
    want, want_loss = in_float64(torch, w)
    with tempfile.TemporaryDirectory() as at:
        write_llmc(torch, w, os.path.join(at, "gpt2.bin"))
        model = engram.Model(os.path.join(at, "gpt2.bin"), n_ctx=32, threads=a.threads, kern=a.kern)
    tokens = tokens_of(torch, 2, 32).numpy()
    loss, grad = model.gradient(tokens[:, :-1], tokens[:, 1:])
    print(distance(of_engram(torch, grad), want, loss, want_loss, 1e-4))


class Peer:
    def __init__(self, a, compiled):
        import torch

        self.about = tuning.apply(a.threads)
        self.t, self.a = torch, a
        self.w = parameters(torch)
        for x in self.w.values():
            x.requires_grad_()
        # of fixed shapes: the second one seen would be compiled for any
        self.plain = torch.compile(loss_of, dynamic=False) if compiled else loss_of
        self.about["error"] = self.verify()
        self.optim = torch.optim.AdamW(self.w.values(), lr=1e-4, weight_decay=.1, fused=True)
        self.g = torch.Generator().manual_seed(2)
        for _ in range(2):
            self.step()

    def loss(self, tokens):
        with self.t.autocast("cpu", dtype=self.t.bfloat16) if self.a.bf16 else contextlib.nullcontext():
            return self.plain(self.w, tokens)

    def verify(self):
        loss = self.loss(tokens_of(self.t, 2, 32))
        loss.backward()
        want, want_loss = in_float64(self.t, self.w)
        error = distance({k: x.grad for k, x in self.w.items()}, want, float(loss), want_loss, .1 if self.a.bf16 else 1e-4)
        for x in self.w.values():
            x.grad = None
        return error

    def step(self):
        tokens = self.t.randint(0, V, (self.a.batch, T + 1), generator=self.g)
        self.optim.zero_grad(set_to_none=True)
        self.loss(tokens).backward()
        self.optim.step()


def start(a):
    sides = {}
    if a.engram:
        sides["engram"] = Side([a.engram, "bench", "gpt2", "--turns", "--json", "--rounds", str(a.rounds), "--steps",
                                "1", "--batch", str(a.batch), "--threads", str(a.threads), "--kern", a.kern,
                                *(["--set", "train.precision=bfloat16"] if a.bf16 else [])])
    for v in filter(None, a.variants.split(",")):
        sides[v] = Side([sys.executable, *sys.argv, "--serve", v])
    return sides


def tell(a, name, side, error):
    peak, seconds = side.peak, statistics.median(side.seconds)
    if name == "engram":
        about = {k: v for k, v in json.loads(side.end()).items() if k in ("kernels", "threads", "version", "commit")}
        about["error"] = error
    else:
        about = json.loads(side.about)
        side.end()
    print(json.dumps({"variant": name, "seconds_per_step": seconds, "best": min(side.seconds), "tokens_per_s":
                      a.batch * T / seconds, "peak_bytes": peak, **about, "rounds": side.seconds, "machine":
                      [round(x, 3) for x in side.machine]}), flush=True)


def main():
    a = arguments()
    if a.serve == "verify":
        return verify_engram(a)
    if a.serve:
        tuning.restart(a.threads)
        peer = Peer(a, a.serve == "torch-compile")
        return serve(peer.about, peer.step)
    error = None
    if a.engram and not a.bf16:
        error = float(subprocess.run([sys.executable, *sys.argv, "--serve", "verify"], check=True,
                                     capture_output=True, text=True).stdout)
    sides = start(a)
    limits = gauge(a.engram, a.threads, a.rounds, len(sides)) if a.engram else None
    alternate(sides, a.rounds, a.wait, limits)
    for name, side in sides.items():
        tell(a, name, side, error)
    if not a.engram or len(sides) < 2:
        return None
    ratio = ratios(sides, "engram")
    print(json.dumps({"ratio": ratio, "undisturbed": undisturbed(sides, "engram")}))
    return sys.exit(min(ratio.values()) < a.at_least)


if __name__ == "__main__":
    main()
