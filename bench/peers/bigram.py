"""Batches of the bigram task with in-context triggers.

A sequence of T + 1 characters follows the bigrams of a text, except that
after each of K trigger characters comes the output drawn for it in this
sequence. Inputs are the first T, targets the last T; occur[t] says which
occurrence of its trigger position t is, 0 elsewhere.

All sequences of a batch advance together, one position at a time.
"""

import json

import numpy as np


class Corpus:
    """Unigram and bigram laws from a statistics file of `engram stats`."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            stats = json.load(f)
        self.vocab = len(stats["symbols"])
        counts = np.array(stats["unigram"], dtype=np.float64)
        self.unigram = counts / counts.sum()
        pairs = np.zeros((self.vocab, self.vocab))
        for i, row in enumerate(stats["bigram"]):
            pairs[i, row[0::2]] = row[1::2]  # token, count, token, count, ...
        self.bigram = pairs / np.maximum(pairs.sum(1, keepdims=True), 1)


def draw(cdf, u):
    """Index of the first entry of each row of cdf above u."""
    return np.minimum((cdf <= u[:, None]).sum(1), cdf.shape[1] - 1)


def pick_triggers(corpus, rng, batch, k, fixed):
    """[batch, k] distinct tokens: the most frequent, or drawn in succession."""
    if fixed:
        top = np.argsort(corpus.unigram, kind="stable")[corpus.vocab - k:]
        return np.tile(top, (batch, 1))
    noise = rng.gumbel(size=(batch, corpus.vocab))
    with np.errstate(divide="ignore"):
        keys = np.log(corpus.unigram) + noise
    return np.argsort(-keys, axis=1)[:, :k]


def batch(corpus, rng, size, n_ctx, k=5, fixed=False, outputs="uniform"):
    """tokens, targets, occur: each [size, n_ctx], int64."""
    rows = np.arange(size)
    uni = np.cumsum(corpus.unigram)[None, :]
    bi = np.cumsum(corpus.bigram, axis=1)
    answer = np.full((size, corpus.vocab), -1)
    triggers = pick_triggers(corpus, rng, size, k, fixed)
    for j in range(k):
        q = triggers[:, j]
        if outputs == "uniform":
            answer[rows, q] = rng.integers(corpus.vocab, size=size)
        else:
            answer[rows, q] = draw(bi[q], rng.random(size))

    x = np.empty((size, n_ctx + 1), dtype=np.int64)
    occur = np.zeros((size, n_ctx), dtype=np.int64)
    seen = np.zeros((size, corpus.vocab), dtype=np.int64)
    x[:, 0] = draw(np.repeat(uni, size, 0), rng.random(size))
    for t in range(n_ctx):
        now = x[:, t]
        out = answer[rows, now]
        hit = out >= 0
        seen[rows[hit], now[hit]] += 1
        occur[hit, t] = seen[rows[hit], now[hit]]
        free = draw(bi[now], rng.random(size))
        x[:, t + 1] = np.where(hit, out, free)
    return x[:, :-1], x[:, 1:], occur
