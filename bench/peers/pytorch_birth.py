#!/usr/bin/env python3
"""Speed of one training step of the birth lab's models in PyTorch on a CPU.

    pytorch_birth.py --model basic --trained paper
    pytorch_birth.py --model full --variants eager-sdpa,compile-sdpa

A step is: clear gradients, forward, loss, backward, update. Data generation
is outside the clock; batches are real sequences of the task, so that the
positions in the loss are those of training. Before anything is timed, the
loss and the gradients of every variant on the first batch are compared with
float64 arithmetic. Variants take turns step by step, so that a slow spell of
the machine meets all of them. One JSON object a variant on stdout.

Variant names: {eager,compile}-{sdpa,explicit}, with -bf16 behind for
autocast. With --serve: one variant name a line on stdin asks for one round.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import sys
import time

import tuning

HERE = os.path.dirname(os.path.abspath(__file__))
STATS = os.path.join(HERE, "../../data/tinyshakespeare.stats.json")
VARIANTS = ("eager-sdpa,eager-explicit,compile-sdpa,compile-explicit,"
            "eager-sdpa-bf16,eager-explicit-bf16")


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--model", choices=("basic", "full"), default="basic")
    p.add_argument("--trained", default="",
                   help="paper, all, or tensor names; default: paper (basic), "
                        "all (full)")
    p.add_argument("--loss", choices=("in_context", "all"), default="",
                   help="default: in_context (basic), all (full)")
    p.add_argument("--optim", choices=("sgd", "adamw"), default="",
                   help="default: sgd (basic), adamw (full)")
    p.add_argument("--linear", action="store_true",
                   help="basic: linear feed-forward in the last block")
    p.add_argument("--batch", type=int, default=0,
                   help="sequences; default: 128 (basic), 64 (full)")
    p.add_argument("--d-model", type=int, default=128)
    p.add_argument("--n-heads", type=int, default=4, help="full only")
    p.add_argument("--n-layers", type=int, default=2)
    p.add_argument("--n-ctx", type=int, default=256)
    p.add_argument("--triggers", type=int, default=5)
    p.add_argument("--variants", default=VARIANTS, help=f"of {VARIANTS}")
    p.add_argument("--steps", type=int, default=9, help="timed, at least 7")
    p.add_argument("--warmup", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--default-malloc", action="store_true",
                   help="leave glibc's malloc as it is, to see the difference")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--stats", default=STATS,
                   help="character statistics, a file of `engram stats`")
    p.add_argument("--serve", action="store_true",
                   help="wait for variant names on stdin")
    a = p.parse_args()
    full = a.model == "full"
    a.trained = a.trained or ("all" if full else "paper")
    a.loss = a.loss or ("all" if full else "in_context")
    a.optim = a.optim or ("adamw" if full else "sgd")
    a.batch = a.batch or (64 if full else 128)
    if a.steps < 7 and not a.serve:
        p.error("--steps: at least 7")
    return a


def make_batches(args, corpus, n):
    """(tokens, targets of the loss, flat positions of the loss or None)."""
    import bigram
    import numpy as np
    import torch

    rng = np.random.default_rng(args.seed)
    out = []
    for _ in range(n):
        x, y, occur = bigram.batch(corpus, rng, args.batch, args.n_ctx,
                                   args.triggers)
        y, rows = torch.from_numpy(y).flatten(), None
        if args.loss == "in_context":
            rows = torch.from_numpy(np.flatnonzero(occur >= 2))
            y = y[rows]
        out.append((torch.from_numpy(x), y, rows))
    return out


class Variant:
    """One way to run the step, with its own copy of the weights."""

    def __init__(self, name, args, vocab):
        import torch
        import models

        parts = name.split("-")
        if (parts[0] not in ("eager", "compile") or len(parts) < 2
                or parts[1] not in models.ATTEND
                or parts[2:] not in ([], ["bf16"])):
            raise SystemExit(f"unknown variant {name}; try one of {VARIANTS}")
        self.name, self.args = name, args
        self.model = build(args, vocab, parts[1])
        self.trained = models.select(self.model, args.trained)
        self.params = [p for p in self.model.parameters() if p.requires_grad]
        # fused updates on a CPU came with PyTorch 2.4
        fused = {"fused": True} if hasattr(torch.backends, "cpu") else {}
        if args.optim == "sgd":
            self.opt = torch.optim.SGD(self.params, lr=0.2, momentum=0.9,
                                       weight_decay=1e-4, **fused)
        else:
            self.opt = torch.optim.AdamW(self.params, lr=1e-3,
                                         betas=(0.9, 0.99), weight_decay=0.01,
                                         **fused)
        self.loss = self.model.loss
        if parts[0] == "compile":
            self.loss = torch.compile(self.model.loss)
        self.cast = contextlib.nullcontext()
        if "bf16" in parts:
            self.cast = torch.autocast("cpu", dtype=torch.bfloat16)
        self.seconds, self.faults, self.check = [], [], {}

    def gradient(self, batch):
        self.opt.zero_grad(set_to_none=True)
        with self.cast:
            loss = self.loss(*batch)
        loss.backward()
        return loss

    def step(self, batch):
        """Seconds and page faults of one step."""
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        start = time.perf_counter()
        loss = self.gradient(batch)
        self.opt.step()
        seconds = time.perf_counter() - start
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        if not loss.isfinite():
            raise SystemExit(f"{self.name}: the loss is not finite")
        return seconds, faults

    def verify(self, batch, truth):
        """Loss and gradients at the initial weights against float64."""
        loss = self.gradient(batch).item()
        worst = 0.0
        for name, p in self.model.named_parameters():
            if p.requires_grad:
                g = truth[1][name]
                diff = (p.grad.double() - g).norm() / g.norm()
                worst = max(worst, diff.item())
        self.check = {"loss_error": abs(loss - truth[0]) / truth[0],
                      "grad_error": worst}
        limit = 0.1 if self.name.endswith("bf16") else 1e-3
        if not worst < limit:
            raise SystemExit(f"{self.name}: gradients off by {worst:g}")

    def result(self, facts, seconds, faults):
        a = self.args
        median, best = statistics.median(seconds), min(seconds)
        tokens = a.batch * a.n_ctx
        return {
            "peer": f"pytorch-{self.name}", "model": a.model,
            "trained": a.trained, "loss": a.loss, "optim": a.optim,
            "linear": a.linear, "n_layers": a.n_layers, "d_model": a.d_model,
            "n_ctx": a.n_ctx, "batch": a.batch, "steps": len(seconds),
            "median_ms": round(1e3 * median, 2),
            "best_ms": round(1e3 * best, 2),
            "tokens_per_s": round(tokens / median),
            "best_tokens_per_s": round(tokens / best),
            "page_faults_per_step": round(statistics.median(faults)),
            **self.check, **facts,
        }


def build(args, vocab, attend):
    """The model at its initial weights, the same for every variant."""
    import torch
    import models

    torch.manual_seed(args.seed)
    if args.model == "basic":
        return models.Basic(vocab, args.n_ctx, args.d_model, attend,
                            args.n_layers, args.linear)
    return models.Full(vocab, args.n_ctx, args.d_model, attend, args.n_layers,
                       args.n_heads)


def truth(args, vocab, batch):
    """Loss and gradients of the first batch in float64."""
    import models

    model = build(args, vocab, "explicit").double()
    models.select(model, args.trained)
    loss = model.loss(*batch)
    loss.backward()
    return loss.item(), {n: p.grad for n, p in model.named_parameters()
                         if p.requires_grad}


def serve(variants, batches, args, facts):
    """One line in, one line out, until the input ends."""
    by_name = {v.name: v for v in variants}
    print(json.dumps({"ready": sorted(by_name)}), flush=True)
    for line in sys.stdin:
        v = by_name[line.strip()]
        v.step(batches[0])
        timed = [v.step(batches[i % len(batches)]) for i in range(args.steps)]
        print(json.dumps(v.result(facts, *zip(*timed))), flush=True)


def main():
    args = arguments()
    tuning.restart(args.threads, malloc=not args.default_malloc)
    facts = tuning.apply(args.threads)
    facts["malloc"] = "default" if args.default_malloc else "tuned"
    import bigram

    corpus = bigram.Corpus(args.stats)
    batches = make_batches(args, corpus, max(4, min(args.steps, 8)))
    expected = truth(args, corpus.vocab, batches[0])
    variants = []
    for name in args.variants.split(","):
        v = Variant(name, args, corpus.vocab)
        v.verify(batches[0], expected)
        for i in range(args.warmup):
            v.step(batches[i % len(batches)])
        variants.append(v)
    if args.serve:
        return serve(variants, batches, args, facts)
    for i in range(args.steps):
        for v in variants:
            seconds, faults = v.step(batches[i % len(batches)])
            v.seconds.append(seconds)
            v.faults.append(faults)
    for v in variants:
        print(json.dumps(v.result(facts, v.seconds, v.faults)), flush=True)


if __name__ == "__main__":
    main()
