#!/usr/bin/env python3
"""What the energy lab spends its time on, by other programs, and by engram in turns.

    energy.py
    energy.py --engram build/engram --text FILE --vocabulary r50k_base.tiktoken

A token of GPT-2 small's shape (124M random parameters, float32) with keys and values kept: PyTorch
eager and compiled, compared with the full forward pass in float64 before they are timed. Exact nearest neighbours of
12,288 vectors of 768: NumPy by blocks of products, compared with engram's definition on some rows. A text in tokens: tiktoken on
one thread, which must give the text back. All by the clock: only an idle machine gives numbers to keep. One JSON object a line.
"""

import argparse
import json
import subprocess
import time

import numpy as np

import tuning
from gpt2_model import D, H, L, T, V, parameters

PROMPT, TOKENS, ROUNDS = 64, 16, 7


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--variants", default="torch-eager,torch-compile,numpy,tiktoken")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--text", default="", help="for tiktoken and engram")
    p.add_argument("--vocabulary", default="", help="a .tiktoken file")
    p.add_argument("--engram", default="", help="the program, in turns")
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


def bench_torch(a, compiled):
    import torch

    about = tuning.apply(a.threads)
    w, forward = gpt2(torch)
    step = torch.compile(forward, dynamic=True) if compiled else forward
    tokens = torch.arange(PROMPT + ROUNDS * TOKENS) * 7919 % V
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
        rates = []
        for r in range(ROUNDS):
            start = time.perf_counter()
            for t in range(PROMPT + r * TOKENS, PROMPT + (r + 1) * TOKENS):
                step(w, tokens[t:t + 1], t, k, v)
            rates.append(TOKENS / (time.perf_counter() - start))
    return {"what": "token", "rate": float(np.median(rates)), "unit": "tokens/s", "error": error, **about}


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


def bench_tiktoken(a):
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
    e = tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=load_tiktoken_bpe(a.vocabulary), special_tokens={})
    text = open(a.text, encoding="utf-8", errors="replace").read()
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        ids = e.encode_ordinary(text)
        rates.append(1e-6 * len(text.encode()) / (time.perf_counter() - start))
    assert e.decode(ids) == text
    return {"what": "tokenize", "rate": float(np.median(rates)), "unit": "MB/s a thread", "tokens": len(ids)}


def bench_engram(a):
    command = [a.engram, "bench", "energy", "--json", "--threads", str(a.threads)]
    if a.text and a.vocabulary:
        command += ["--text", a.text, "--vocabulary", a.vocabulary]
    o = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for row in o["rows"]:
        print(json.dumps({"variant": "engram", **row}), flush=True)


def main():
    a = arguments()
    tuning.restart(a.threads)
    run = {"torch-eager": lambda: bench_torch(a, False), "torch-compile": lambda: bench_torch(a, True),
           "numpy": bench_numpy, "tiktoken": lambda: bench_tiktoken(a)}
    for v in a.variants.split(","):
        if v == "tiktoken" and not (a.text and a.vocabulary):
            continue
        if a.engram:
            bench_engram(a)
        print(json.dumps({"variant": v, **run[v]()}), flush=True)


if __name__ == "__main__":
    main()
