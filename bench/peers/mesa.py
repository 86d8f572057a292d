#!/usr/bin/env python3
"""A training step of the mesa lab's networks: PyTorch, JAX and engram in turns.

    mesa.py --model mesa1
    mesa.py --model lsa6 --engram build/engram --at-least 3

A step is forward, loss, backward, AdamW; batches are made outside the clock,
engram takes the time of drawing its own off. Of model layer, the mesa layer
alone, it is forward and backward, from q, k, v and the gradient at the results
to the gradients of q, k, v and lambda. Every variant's loss and gradients are compared
with float64 arithmetic before anything is timed; then every side is a process
of its own that has made its first steps, and all take turns, round by round, by
the clock: only an idle machine gives numbers to keep (--wait gives time to make
it so).
Variants: torch-eager, torch-compile, jax-jit, and of networks with a mesa layer
torch-eager-solve, torch-compile-solve, jax-jit-solve, which solve all systems
at once by Cholesky's factorisation in the place of the recurrence. Other
programs of engram (--also) take turns too. One JSON object a side, the last
line the medians of the rounds' ratios. Exit status 1 where --at-least is missed
against the fastest variant.
"""

import argparse
import json
import os
import statistics
import sys

import numpy as np

import mesa_models as models
import tuning
from turns import Side, alternate, ratios, serve


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--model", choices=sorted([*models.MODELS, models.LAYER]),
                   default="mesa1")
    p.add_argument("--variants", default=None, help="comma-separated; default: "
                   "all that the model has")
    p.add_argument("--batch", type=int, default=256)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--steps", type=int, default=5, help="in a round")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--engram", default="", help="the program, to take turns")
    p.add_argument("--also", action="append", default=[],
                   help="another one, say of before a change")
    p.add_argument("--kern", default="auto", help="their kernel set")
    p.add_argument("--wait", action="store_true",
                   help="for a line when all are warm")
    p.add_argument("--at-least", type=float, default=0)
    p.add_argument("--serve", default="", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.variants is None:
        a.variants = "torch-eager,torch-compile,jax-jit"
        if a.model == models.LAYER or "mesa" in models.MODELS[a.model][0]:
            a.variants += ",torch-eager-solve,jax-jit-solve"
    return a


class TorchOps:
    def __init__(self, dtype, solve):
        import torch

        self.t, self.solve = torch, solve
        self.positions = torch.tensor(models.positions(), dtype=dtype)
        self.seen = torch.ones(models.T, models.T, dtype=dtype).tril()
        self.hidden = torch.full((models.T, models.T), -torch.inf,
                                 dtype=dtype).triu(1)

    def clip(self, x, low, high):
        return x.clamp(low, high)

    def beside(self, e, p):
        return self.t.cat([e, p.expand(e.shape[0], -1, -1)], -1)

    def softmax(self, q, k, v):
        f = self.t.nn.functional.scaled_dot_product_attention
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        return f(q, k, v, is_causal=True).transpose(1, 2)

    def linear(self, q, k, v):
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        return ((q @ k.transpose(2, 3)) * self.seen @ v).transpose(1, 2)

    def mesa(self, q, k, theta):
        t = self.t
        eye = t.eye(models.KEY, dtype=q.dtype)
        if self.solve:
            a = (k[..., :, None] * k[..., None, :]).cumsum(1)
            a = a + eye * t.exp(-theta)[:, None, None]
            return t.cholesky_solve(q[..., None],
                                    t.linalg.cholesky(a))[..., 0]
        R = (eye * t.exp(theta)[:, None, None]).expand(q.shape[0], -1, -1, -1)
        out = []
        for i in range(models.T):
            u = (R @ k[:, i, :, :, None])[..., 0]
            s = 1 + (k[:, i] * u).sum(-1, keepdim=True)
            R = R - u[..., :, None] * (u / s)[..., None, :]
            out.append((R @ q[:, i, :, :, None])[..., 0])
        return t.stack(out, 1)


class JaxOps:
    def __init__(self, dtype, solve):
        import jax
        import jax.numpy as jnp

        self.j, self.n, self.solve = jax, jnp, solve
        self.positions = jnp.asarray(models.positions(), dtype)
        self.seen = jnp.tril(jnp.ones((models.T, models.T), dtype))
        self.clip = jnp.clip

    def beside(self, e, p):
        p = self.n.broadcast_to(p, (e.shape[0],) + p.shape)
        return self.n.concatenate([e, p], -1)

    def softmax(self, q, k, v):
        n = self.n
        a = n.einsum("bthk,bshk->bhts", q, k) / models.KEY ** 0.5
        a = self.j.nn.softmax(n.where(self.seen > 0, a, -n.inf), -1)
        return n.einsum("bhts,bshk->bthk", a, v)

    def linear(self, q, k, v):
        a = self.n.einsum("bthk,bshk->bhts", q, k) * self.seen
        return self.n.einsum("bhts,bshk->bthk", a, v)

    def mesa(self, q, k, theta):
        n, eye = self.n, self.n.eye(models.KEY, dtype=q.dtype)
        if self.solve:
            a = n.cumsum(k[..., :, None] * k[..., None, :], 1)
            a = a + eye * n.exp(-theta)[:, None, None]
            c = n.linalg.cholesky(a)
            y = self.j.scipy.linalg.cho_solve((c, True), q[..., None])
            return y[..., 0]

        def step(R, x):
            q, k = x
            u = n.einsum("bhij,bhj->bhi", R, k)
            s = 1 + (k * u).sum(-1, keepdims=True)
            R = R - u[..., :, None] * (u / s)[..., None, :]
            return R, n.einsum("bhij,bhj->bhi", R, q)

        R = n.broadcast_to(eye * n.exp(theta)[:, None, None],
                           (q.shape[0], models.HEADS) + eye.shape)
        _, out = self.j.lax.scan(step, R, (q.swapaxes(0, 1),
                                           k.swapaxes(0, 1)))
        return out.swapaxes(0, 1)


LR, BETA, EPS, DECAY = 4e-4, (0.9, 0.999), 1e-8, 0.1


class Torch:
    def __init__(self, args, mode, solve, w, dtype="float32"):
        import torch

        self.dtype = getattr(torch, dtype)
        ops = TorchOps(self.dtype, solve)
        self.w = {n: torch.tensor(x, dtype=self.dtype, requires_grad=True)
                  for n, x in w.items()}
        self.opt = torch.optim.AdamW(self.w.values(), lr=LR, betas=BETA,
                                     eps=EPS, weight_decay=DECAY, fused=True)

        def loss(w, x, y):
            if args.model == models.LAYER:
                return models.layer_loss(ops, w, y)
            return models.loss(ops, args.model, w, x, y)
        self.updates = args.model != models.LAYER
        self.loss = torch.compile(loss) if mode == "compile" else loss

    def batch(self, x, y):
        import torch

        return torch.tensor(x, dtype=self.dtype), torch.tensor(
            y, dtype=self.dtype)

    def gradient(self, x, y):
        self.opt.zero_grad(set_to_none=True)
        loss = self.loss(self.w, x, y)
        loss.backward()
        return loss

    def step(self, x, y):
        loss = self.gradient(x, y)
        if self.updates:
            self.opt.step()
        return loss.item()

    def look(self, x, y):
        loss = self.gradient(x, y).item()
        return loss, {n: p.grad.double().numpy() for n, p in self.w.items()}


class Jax:
    def __init__(self, args, mode, solve, w):
        import jax
        import jax.numpy as jnp

        ops = JaxOps(jnp.float32, solve)
        self.w = {n: jnp.asarray(x, jnp.float32) for n, x in w.items()}
        zeros = [{n: jnp.zeros_like(x) for n, x in self.w.items()}
                 for _ in range(2)]
        self.state = (*zeros, jnp.zeros(()))

        def loss(w, x, y):
            if args.model == models.LAYER:
                return models.layer_loss(ops, w, y)
            return models.loss(ops, args.model, w, x, y)
        self.updates = args.model != models.LAYER

        def step(w, state, x, y):
            value, g = jax.value_and_grad(loss)(w, x, y)
            m, v, t = state
            t = t + 1
            up = jax.tree.map
            m = up(lambda m, g: BETA[0] * m + (1 - BETA[0]) * g, m, g)
            v = up(lambda v, g: BETA[1] * v + (1 - BETA[1]) * g * g, v, g)
            a, b = 1 - BETA[0] ** t, 1 - BETA[1] ** t
            w = up(lambda w, m, v: w - LR * (m / a / (jnp.sqrt(v / b) + EPS)
                                             + DECAY * w), w, m, v)
            return w, (m, v, t), value
        self.jitted = jax.jit(step, donate_argnums=(0, 1))
        self.value_and_grad = jax.jit(jax.value_and_grad(loss))

    def batch(self, x, y):
        import jax.numpy as jnp

        return jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)

    def step(self, x, y):
        if not self.updates:
            loss, g = self.value_and_grad(self.w, x, y)
            for of in g.values():
                of.block_until_ready()
            return loss.item()
        self.w, self.state, loss = self.jitted(self.w, self.state, x, y)
        return loss.item()

    def look(self, x, y):
        loss, g = self.value_and_grad(self.w, x, y)
        return loss.item(), {n: np.asarray(a, np.float64)
                             for n, a in g.items()}


def make(name, args, w):
    kind, mode, *rest = name.split("-")
    if (kind, mode) not in (("torch", "eager"), ("torch", "compile"),
                            ("jax", "jit")) or rest not in ([], ["solve"]):
        sys.exit(f"unknown variant {name}")
    return (Torch if kind == "torch" else Jax)(args, mode, bool(rest), w)


def verify(name, peer, x, y, truth):
    loss, g = peer.look(*peer.batch(x, y))
    error = abs(loss - truth[0]) / truth[0]
    for n, want in truth[1].items():
        off = np.linalg.norm(g[n] - want) / np.linalg.norm(want)
        error = max(error, float(off))
    if not error < 1e-3:
        sys.exit(f"{name}: gradients off by {error:g}")
    return error


def serve_peer(args):
    """A variant, checked and warm, makes a round for each line it is sent."""
    facts = tuning.apply(args.threads)
    rng = np.random.default_rng(1)
    if args.model == models.LAYER:
        w, dz = models.layer_inputs(rng, args.batch)
        data = [(dz, dz)] * 4
    else:
        mixers, constructed, _ = models.MODELS[args.model]
        w = models.weights(args.model, rng)
        data = []
        for _ in range(4):
            x, y = models.systems(rng, args.batch)
            data.append((models.tokens(x, constructed, len(mixers)), y))
    exact = Torch(args, "eager", False, w, "float64")
    truth = exact.look(*exact.batch(*data[0]))
    peer = make(args.serve, args, w)
    facts["error"] = verify(args.serve, peer, *data[0], truth)
    batches = [peer.batch(*d) for d in data]
    at = 0

    def step():
        nonlocal at
        if not np.isfinite(peer.step(*batches[at % 4])):
            sys.exit(f"{args.serve}: the loss is not finite")
        at += 1

    for _ in range(3):
        step()
    serve(facts, step, args.steps)


def engram(args, program):
    return Side([program, "bench", "mesa", "--only", args.model, "--turns",
                 "--json", "--rounds", str(args.rounds), "--steps",
                 str(args.steps), "--batch", str(args.batch), "--threads",
                 str(args.threads), "--kern", args.kern, "-q"])


def tell(args, name, side, ours):
    if ours:
        result = json.loads(side.end())[0]
        about = {k: result[k] for k in ("kernels", "threads", "version",
                                        "commit", "gradient_error")}
    else:
        about = json.loads(side.about)
        side.end()
    print(json.dumps({
        "variant": name, "model": args.model, "batch": args.batch,
        "ms": round(1e3 * statistics.median(side.seconds), 2),
        "best_ms": round(1e3 * min(side.seconds), 2), **about,
        "rounds": side.seconds}), flush=True)


def main():
    args = arguments()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("XLA_FLAGS", "" if args.threads > 1 else
                          "--xla_cpu_multi_thread_eigen=false")
    if args.serve:
        tuning.restart(args.threads)
        return serve_peer(args)
    programs = [p for p in [args.engram, *args.also] if p]
    sides = {p: engram(args, p) for p in programs}
    for name in filter(None, args.variants.split(",")):
        sides[name] = Side([sys.executable, *sys.argv, "--serve", name])
    alternate(sides, args.rounds, args.wait)
    for name, side in sides.items():
        tell(args, name, side, name in programs)
    if not args.engram or len(sides) < 2:
        return 0
    ratio = ratios(sides, args.engram)
    print(json.dumps({"ratio": ratio}))
    peers = [x for name, x in ratio.items() if name not in programs]
    return 1 if peers and min(peers) < args.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
