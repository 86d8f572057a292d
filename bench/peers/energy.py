#!/usr/bin/env python3
"""What the energy lab spends its time on, by other programs and by engram in turns.

    energy.py
    energy.py --engram build/engram --text FILE --vocabulary r50k_base.tiktoken

A token of GPT-2 small's shape (124M random parameters, float32) with keys and values kept: PyTorch
eager and compiled, compared with the full forward pass in float64 before they are timed; a round is 16 tokens of each side. A text in tokens:
tiktoken on one thread, which must give the text back; a round is the text once. Both by the clock: only an idle machine gives numbers to
keep (--wait gives time to make it so). One JSON object a side: the median, and every round's, and then how many times as fast engram is,
the median of the rounds' ratios. Exact nearest neighbours of 12,288 vectors of 768, by NumPy alone: by blocks of products, compared with
engram's definition on some rows.
"""

import argparse
import json
import statistics
import sys
import time

import numpy as np

import tuning
from gpt2_model import D, H, L, T, V, parameters
from turns import Side, alternate, ratios, serve

PROMPT, TOKENS = 64, 16


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--variants", default="torch-eager,torch-compile,numpy,tiktoken")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=7, help="at most 12: there are 256 positions")
    p.add_argument("--text", default="", help="for tiktoken and engram")
    p.add_argument("--vocabulary", default="", help="a .tiktoken file")
    p.add_argument("--engram", default="", help="the program, in turns")
    p.add_argument("--kern", default="auto", help="engram's set of kernels")
    p.add_argument("--wait", action="store_true", help="for a line of standard input when all are warm")
    p.add_argument("--serve", default="", help=argparse.SUPPRESS)
    return p.parse_args()


def gpt2(torch):
    """Parameters, and the step for `rows` positions from `at` on."""
    w = parameters(torch)
    F = torch.nn.functional

    def norm(x):
        return F.layer_norm(x, (D,))

    def forward(w, tokens, at, keys, values):
        n = tokens.shape[0]
        x = w["wte"][tokens] + w["wpe"][at:at + n]
        for l in range(L):
            q, k, v = (norm(x) @ w[f"qkv{l}"] + w[f"b_qkv{l}"]).split(D, 1)
            keys[l][:, at:at + n] = k.view(n, H, D // H).transpose(0, 1)
            values[l][:, at:at + n] = v.view(n, H, D // H).transpose(0, 1)
            q = q.view(n, H, D // H).transpose(0, 1)
            z = F.scaled_dot_product_attention(q[None], keys[l][None, :, :at + n], values[l][None, :, :at + n],
                                               is_causal=n > 1)[0]
            x = x + z.transpose(0, 1).reshape(n, D) @ w[f"o{l}"] + w[f"b_o{l}"]
            x = x + F.gelu(norm(x) @ w[f"in{l}"] + w[f"b_in{l}"], approximate="tanh") @ w[f"out{l}"] + w[f"b_out{l}"]
        return norm(x[-1:]) @ w["wte"].T

    return w, forward


def cache(torch, dtype):
    return ([torch.zeros(H, T, D // H, dtype=dtype) for _ in range(L)],
            [torch.zeros(H, T, D // H, dtype=dtype) for _ in range(L)])


def serve_torch(a, compiled):
    import torch

    about = tuning.apply(a.threads)
    w, forward = gpt2(torch)
    step = torch.compile(forward, dynamic=True) if compiled else forward
    tokens = torch.arange(T) * 7919 % V
    with torch.inference_mode():
        k, v = cache(torch, torch.float64)
        wide = {name: x.double() for name, x in w.items()}
        want = forward(wide, tokens[:PROMPT], 0, k, v)
        del wide
        k, v = cache(torch, torch.float32)
        forward(w, tokens[:PROMPT // 2], 0, k, v)
        for t in range(PROMPT // 2, PROMPT):
            got = step(w, tokens[t:t + 1], t, k, v)
        error = float((got - want).abs().max() / want.abs().max())
        assert error < 1e-4, error
        at = iter(range(PROMPT, T))

        def token():
            t = next(at)
            step(w, tokens[t:t + 1], t, k, v)

        serve({"error": error, **about}, token, TOKENS)


def serve_tiktoken(a):
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
    e = tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=load_tiktoken_bpe(a.vocabulary), special_tokens={})
    text = open(a.text, encoding="utf-8", errors="replace").read()
    ids = e.encode_ordinary(text)
    assert e.decode(ids) == text
    serve({"tiktoken": tiktoken.__version__, "threads": 1, "tokens": len(ids)}, lambda: e.encode_ordinary(text))


def bench_numpy(m=12288, n=768, block=1024):
    x = np.random.default_rng(1).standard_normal((m, n)).astype(np.float32)
    start = time.perf_counter()
    square = (x.astype(np.float64) ** 2).sum(1).astype(np.float32)
    best = np.empty(m, int)
    for i in range(0, m, block):
        d = square[None] - 2 * (x[i:i + block] @ x.T)
        d[np.arange(len(d)), np.arange(i, i + len(d))] = np.inf
        best[i:i + block] = d.argmin(1)
    seconds = time.perf_counter() - start
    for i in range(0, m, m // 24):
        d = ((x.astype(np.float64) - x[i].astype(np.float64)) ** 2).sum(1)
        d[i] = np.inf
        assert abs(d[best[i]] - d.min()) <= 1e-5 * d.min()
    return {"what": "neighbours", "rate": 1e-9 * m * m * n / seconds, "unit": "GFLOP/s, each pair counted once",
            "seconds": seconds}


def engram(a, more):
    return Side([a.engram, "bench", "energy", "--turns", "--json", "--rounds", str(a.rounds), "--threads", str(a.threads),
                 "--kern", a.kern, *more])


def about_engram(said):
    o = json.loads(said)
    return {**{k: o[k] for k in ("kernels", "threads", "version", "commit")}, **{k: o["rows"][0][k] for k in ("shape", "error")}}


def in_turns(a, what, unit, per_second, variants, more):
    """per_second: of the unit, of a round's seconds."""
    sides = {"engram": engram(a, more)} if a.engram else {}
    for v in variants:
        sides[v] = Side([sys.executable, *sys.argv, "--serve", v])
    alternate(sides, a.rounds, a.wait)
    for name, side in sides.items():
        said = side.end()
        about = about_engram(said) if name == "engram" else json.loads(side.about)
        print(json.dumps({"variant": name, "what": what, "rate": per_second / statistics.median(side.seconds), "unit": unit,
                          **about, "rounds": [per_second / s for s in side.seconds]}), flush=True)
    if a.engram and len(sides) > 1:
        print(json.dumps({"what": what, "engram is faster by": ratios(sides, "engram")}), flush=True)


def main():
    a = arguments()
    if a.serve == "tiktoken":
        return serve_tiktoken(a)
    if a.serve:
        tuning.restart(a.threads)
        return serve_torch(a, a.serve == "torch-compile")
    variants = a.variants.split(",")
    models = [v for v in variants if v.startswith("torch-")]
    if models:
        in_turns(a, "token", "tokens/s", 1, models, [])
    if "tiktoken" in variants and a.text and a.vocabulary:
        size = len(open(a.text, encoding="utf-8", errors="replace").read().encode())
        in_turns(a, "tokenize", "MB/s", 1e-6 * size, ["tiktoken"], ["--text", a.text, "--vocabulary", a.vocabulary])
    if "numpy" in variants:
        print(json.dumps({"variant": "numpy", **bench_numpy()}), flush=True)
    return None


if __name__ == "__main__":
    main()
