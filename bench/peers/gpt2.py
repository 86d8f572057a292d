#!/usr/bin/env python3
"""A training step of GPT-2 small's shape: PyTorch eager and compiled, and engram in turns.

    gpt2.py --engram build/engram --at-least 1.5
    gpt2.py --engram build/engram --bf16 --at-least 3

124M random parameters, float32 (--bf16: products of bfloat16, autocast), tied head, T 256, AdamW (fused), no dropout, random tokens: what `engram bench gpt2` times.
Loss and gradients of a short sequence are compared with float64 before anything is timed; then all take turns, round by round, by the
clock: only an idle machine gives numbers to keep. One JSON object a variant, the last line the ratios. Exit status 1 where --at-least is
missed against the fastest variant.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time

import tuning

V, T, D, L, H = 50257, 256, 768, 12, 12


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--variants", default="torch-eager,torch-compile")
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=2, help="of a peer, in a round")
    p.add_argument("--engram", default="", help="the program, in turns")
    p.add_argument("--kern", default="auto", help="its kernel set")
    p.add_argument("--bf16", action="store_true", help="train.precision bfloat16, and peers under autocast")
    p.add_argument("--at-least", type=float, default=0)
    return p.parse_args()


def parameters(torch):
    g = torch.Generator().manual_seed(1)
    w = {"wte": torch.randn(V, D, generator=g) * .02, "wpe": torch.randn(T, D, generator=g) * .02}
    for l in range(L):
        for name, shape in (("qkv", (D, 3 * D)), ("o", (D, D)), ("in", (D, 4 * D)), ("out", (4 * D, D))):
            w[f"{name}{l}"] = torch.randn(*shape, generator=g) * .02
            w[f"b_{name}{l}"] = torch.zeros(shape[1])
        for name in ("ln1", "ln2"):
            w[f"{name}{l}"], w[f"b_{name}{l}"] = torch.ones(D), torch.zeros(D)
    w["ln"], w["b_ln"] = torch.ones(D), torch.zeros(D)
    return w


def loss_of(w, tokens):
    """Mean cross-entropy of tokens [B, T + 1]."""
    import torch.nn.functional as F

    x, y = tokens[:, :-1], tokens[:, 1:]
    b, t = x.shape
    r = F.embedding(x, w["wte"]) + w["wpe"][:t]
    for l in range(L):
        n = F.layer_norm(r, (D,), w[f"ln1{l}"], w[f"b_ln1{l}"])
        q, k, v = F.linear(n, w[f"qkv{l}"].T, w[f"b_qkv{l}"]).view(b, t, 3, H, D // H).permute(2, 0, 3, 1, 4)
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, D)
        r = r + F.linear(z, w[f"o{l}"].T, w[f"b_o{l}"])
        n = F.layer_norm(r, (D,), w[f"ln2{l}"], w[f"b_ln2{l}"])
        h = F.gelu(F.linear(n, w[f"in{l}"].T, w[f"b_in{l}"]), approximate="tanh")
        r = r + F.linear(h, w[f"out{l}"].T, w[f"b_out{l}"])
    r = F.layer_norm(r, (D,), w["ln"], w["b_ln"])
    return F.cross_entropy(F.linear(r, w["wte"]).view(-1, V), y.reshape(-1))


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
        self.error = self.verify()
        self.optim = torch.optim.AdamW(self.w.values(), lr=1e-4, weight_decay=.1, fused=True)
        self.g = torch.Generator().manual_seed(2)
        for _ in range(2):
            self.step()

    def loss(self, w, tokens):
        with self.t.autocast("cpu", dtype=self.t.bfloat16) if self.a.bf16 else contextlib.nullcontext():
            return self.plain(w, tokens)

    def verify(self):
        tokens = (self.t.arange(2 * 33) * 7919 % V).view(2, 33)
        self.loss(self.w, tokens).backward()
        wide = {k: x.detach().double().requires_grad_() for k, x in self.w.items()}
        loss_of(wide, tokens).backward()
        error = max(float((x.grad - wide[k].grad).norm() / wide[k].grad.norm().clamp(min=1e-12))
                    for k, x in self.w.items() if not k.startswith("b_qkv"))
        assert error < (0.1 if self.a.bf16 else 1e-4), error
        for x in self.w.values():
            x.grad = None
        return error

    def step(self):
        tokens = self.t.randint(0, V, (self.a.batch, T + 1), generator=self.g)
        self.optim.zero_grad(set_to_none=True)
        self.loss(self.w, tokens).backward()
        self.optim.step()

    def round(self):
        start = time.perf_counter()
        for _ in range(self.a.steps):
            self.step()
        return (time.perf_counter() - start) / self.a.steps


def engram_round(a):
    command = [a.engram, "bench", "gpt2", "--json", "--rounds", "2", "--batch", str(a.batch), "--threads",
               str(a.threads), "--kern", a.kern, *(["--set", "train.precision=bfloat16"] if a.bf16 else [])]
    o = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return o["seconds_per_step"], o["kernels"]


def main():
    a = arguments()
    tuning.restart(a.threads)
    peers = {v: Peer(a, v == "torch-compile") for v in a.variants.split(",")}
    times = {v: [] for v in peers}
    kernels = a.kern
    for _ in range(a.rounds):
        if a.engram:
            seconds, kernels = engram_round(a)
            times.setdefault("engram", []).append(seconds)
        for v, peer in peers.items():
            times[v].append(peer.round())
    for v, t in times.items():
        about = {**peers[v].about, "error": peers[v].error} if v in peers else {"kernels": kernels}
        print(json.dumps({"variant": v, "seconds_per_step": statistics.median(t), "best": min(t),
                          "tokens_per_s": a.batch * T / statistics.median(t), **about}), flush=True)
    if not a.engram:
        return
    ratio = {v: statistics.median(p / e for p, e in zip(times[v], times["engram"])) for v in peers}
    print(json.dumps({"ratio": ratio}))
    sys.exit(min(ratio.values()) < a.at_least)


if __name__ == "__main__":
    main()
