#!/usr/bin/env python3
"""Is a dump the model of "Birth of a Transformer" as its program has it?

    birth_original.py DIR [--tol T]

Reads a folder of `engram dump` of one of the forms below and computes logits,
loss and gradients a second time, in float64, in the manner of the original
program and not of engram: columns are vectors, W_K, W_V, W_O, W_F, W_U are
applied from the left, rotations are products with complex numbers.

    basic   two blocks of one head; scores x_t . (W_K x_s), a linear or ReLU
            feed-forward behind the attention, no norms
              positions   random, or sinusoids: over sqrt(d) beside embeddings
                          of variance 1/d (pos: sinusoidal_scaled, embed_std: 0)
              rotary      in the first block instead: x_t and W_K x_s are turned
                          (qk: merged_key, pos: rotary, rotary_layers: 1)
              tied        logits U x / sqrt(d), U = E / sqrt(d)
    full    several heads, W_Q and W_K, LayerNorm, feed-forward beside the
            attention; tied: logits E x (tied_scale: false)

Exit status 1 where an array differs by more than the tolerance, over its
largest entry.
"""

import argparse
import math
import sys

import torch
from torch.nn import functional as F

import compare_dump


def rotate(x, theta):
    """x [batch, pos, d]: pairs as complex numbers, times exp(i pos rate)."""
    d = x.shape[-1]
    z = torch.view_as_complex(x.reshape(*x.shape[:-1], d // 2, 2))
    rate = theta ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    angle = torch.outer(torch.arange(x.shape[1], dtype=torch.float64), rate)
    return torch.view_as_real(z * torch.polar(torch.ones_like(angle), angle)
                              ).flatten(-2)


def sinusoids(n, d, size):
    """[n, d] as the original writes them, times size."""
    rate = torch.exp(torch.arange(0, d, 2, dtype=torch.float64)
                     * (-math.log(10000.0) / d))
    angle = torch.arange(n, dtype=torch.float64)[:, None] * rate
    out = torch.zeros(n, d, dtype=torch.float64)
    out[:, 0::2], out[:, 1::2] = angle.sin(), angle.cos()
    return size * out


class Original:
    """The matrices as the paper has them: y = W x. `of` is the dump's."""

    def __init__(self, options, of):
        self.o, self.of = options, of
        self.d = int(options["d_model"])
        self.full = options["qk"] == "factorised"
        self.heads = int(options["n_heads"])
        self.kinds = options["mlp"]
        if len(self.kinds) == 1:
            self.kinds = self.kinds * int(options["n_layers"])

    def matrix(self, layer, name):
        """Column convention, heads under each other: [out, in]."""
        w = self.of[f"blocks.{layer}.attn.{name}"]
        if name == "W_QK":  # the paper's W_K itself
            return w[0]
        if name == "W_O":
            return w.flatten(0, 1).T
        return w.transpose(1, 2).flatten(0, 1)

    def linear(self, name, x):
        return F.linear(x, self.of[name].T)

    def scores(self, layer, x):
        """[batch, head, pos, pos], not scaled."""
        if self.full:
            q, k = (self.split(F.linear(x, self.matrix(layer, n)))
                    for n in ("W_Q", "W_K"))
            return q @ k.transpose(-1, -2), q.shape[-1]
        q, k = x, F.linear(x, self.matrix(layer, "W_QK"))
        first = int(self.o["rotary_layers"])
        if self.o["pos"] == "rotary" and (first == 0 or layer < first):
            theta = float(self.o["rotary_theta"])
            q, k = rotate(q, theta), rotate(k, theta)
        return (q @ k.transpose(-1, -2)).unsqueeze(1), self.d

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def attention(self, layer, x):
        s, width = self.scores(layer, x)
        if self.o["scale_scores"]:
            s = s / math.sqrt(width)
        n = x.shape[1]
        s = s + torch.full((n, n), -math.inf, dtype=s.dtype).triu(1)
        v = self.split(F.linear(x, self.matrix(layer, "W_V")))
        z = (s.softmax(-1) @ v).transpose(1, 2).flatten(-2)
        return F.linear(z, self.matrix(layer, "W_O"))

    def feed_forward(self, layer, x):
        at = f"blocks.{layer}.mlp"
        if self.kinds[layer] == "linear":
            return self.linear(f"{at}.W_F", x)
        return self.linear(f"{at}.W_out", self.linear(f"{at}.W_in", x).relu())

    def norm(self, name, x):
        if self.o["norm"] == "none":
            return x
        return F.layer_norm(x, (self.d,), self.of[f"{name}.w"],
                            self.of[f"{name}.b"], float(self.o["norm_eps"]))

    def block(self, layer, x):
        at = f"blocks.{layer}"
        h = x + self.attention(layer, self.norm(f"{at}.ln1", x))
        if self.kinds[layer] == "none":
            return h
        source = x if self.o["norm"] == "parallel" else h
        return h + self.feed_forward(layer, self.norm(f"{at}.ln2", source))

    def positions(self, n):
        pos = self.o["pos"]
        if pos == "sinusoidal":
            return sinusoids(n, self.d, 1)
        if pos == "sinusoidal_scaled":
            return sinusoids(n, self.d, 1 / math.sqrt(self.d))
        return 0 if pos == "rotary" else self.of["W_pos"]

    def logits(self, tokens):
        x = self.of["W_E"][tokens] + self.positions(tokens.shape[1])
        for layer in range(int(self.o["n_layers"])):
            x = self.block(layer, x)
        if not self.o["tied"]:
            return self.linear("W_U", self.norm("ln_final", x))
        x = self.norm("ln_final", x)
        if not self.o["tied_scale"]:
            return F.linear(x, self.of["W_E"])
        root = math.sqrt(self.d)
        return F.linear(x, self.of["W_E"] / root) / root


def refuse_others(o):
    """Only what one of the two original programs can be."""
    ok = o["norm"] in ("none", "parallel") and o["value"] == "matrix" and (
        o["output"] == "matrix") and "gelu" not in o["mlp"]
    if o["qk"] == "factorised":
        ok = ok and o["pos"] in ("learned", "random", "sinusoidal")
    else:
        ok = ok and o["n_heads"] == "1" and o["norm"] == "none" and (
            o["pos"] != "rotary" or o["qk"] == "merged_key")
    if not ok:
        sys.exit("not a model of the original programs: see --help")


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dir")
    p.add_argument("--tol", type=float, default=0)
    args = p.parse_args()
    torch.set_num_threads(2)
    dump, report = compare_dump.Dump(args.dir), compare_dump.Report()
    options, train = dump.config["model"], dump.config["train"]
    refuse_others(options)
    weights = {n: dump.tensor("weight." + n).double().requires_grad_()
               for n in dump.starting("weight.")}
    tokens, targets, occur = (dump.tensor(n).long()
                              for n in compare_dump.BATCH)
    logits = Original(options, weights).logits(tokens)
    inside = compare_dump.positions(train["loss"], targets, occur)
    loss = F.cross_entropy(logits[inside], targets[inside])
    loss.backward()
    report.add("logits", dump.tensor("logits"), logits)
    report.add("loss", dump.tensor("loss").reshape(()), loss)
    if options["pos"].startswith("sinusoidal"):
        report.add("W_pos", dump.tensor("weight.W_pos"),
                   Original(options, weights).positions(tokens.shape[1]))
    for name in dump.starting("grad."):
        found = dump.tensor("grad." + name)
        if dump.frozen(name) and not found.any():
            continue
        if weights[name].grad is not None:
            report.add("grad." + name, found, weights[name].grad)
    tol = args.tol or compare_dump.TOLERANCE[train["precision"]]
    bad = report.print(tol)
    print(f"{train['precision']}, tolerance {tol:g}: {len(report.rows)} arrays"
          f" compared, {len(bad)} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
