"""The networks of "Uncovering mesa-optimization algorithms in Transformers"
(arXiv 2309.05858) on linear systems, once for PyTorch and once for JAX: what
differs between the two is handed in as `ops`.

Heads stand side by side: q, k, v are [batch, pos, head, key]. No norms, no
biases. Weights are dictionaries of arrays, made by `weights` with NumPy.
"""

import numpy as np

N, HEADS, KEY, WIDTH, T = 10, 4, 20, 40, 50

# name: mixers, constructed tokens, clip of the residual stream
MODELS = {
    "mesa1": (["mesa"], True, 4),
    "lsa6": (["linear"] * 6, True, 4),
    "softmax7": (["softmax"] * 7, False, 0),
    "hybrid": (["softmax", "mesa"], False, 1),
}


# The mesa layer alone: its inputs are what gradients are taken of.
LAYER = "layer"


def layer_inputs(rng, batch):
    """q, k, v [batch, T, head, key] of the size that the states of a system have
    behind a map, log lambda, and the gradient at the results."""
    w = {n: 0.3 * rng.standard_normal((batch, T, HEADS, KEY)) for n in "qkv"}
    w["log_lambda"] = np.zeros(HEADS)
    return w, rng.standard_normal((batch, T, HEADS, KEY))


def layer_loss(ops, w, dz):
    """Its gradients are those of the layer, given dz."""
    q = ops.mesa(w["q"], w["k"], w["log_lambda"])
    return (ops.linear(q, w["k"], w["v"]) * dz).sum()


def systems(rng, batch):
    """Inputs and targets [batch, T, N]: s' = W s + noise, W orthogonal."""
    q, r = np.linalg.qr(rng.standard_normal((batch, N, N)))
    q *= np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    s = np.empty((batch, T + 1, N))
    s[:, 0] = rng.uniform(-1, 1, (batch, N))
    for t in range(T):
        s[:, t + 1] = np.einsum("bij,bj->bi", q, s[:, t])
        s[:, t + 1] += 0.01 * rng.standard_normal((batch, N))
    return s[:, :-1], s[:, 1:]


def tokens(x, constructed, layers):
    """[0, s_t, s_t, s_{t-1}], of one layer [0, 0, s_t, s_{t-1}]; or s_t."""
    if not constructed:
        return x
    before = np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], 1)
    zero = np.zeros_like(x)
    return np.concatenate([zero, zero if layers == 1 else x, x, before], 2)


def weights(model, rng):
    mixers, constructed, _ = MODELS[model]
    std = 0.05
    w = {}
    if not constructed:
        w["W_in"] = std * rng.standard_normal((N, WIDTH))
        w["W_out"] = std * rng.standard_normal((WIDTH, N))
    for i, mixer in enumerate(mixers):
        wide = 2 * WIDTH if i == 0 and not constructed else WIDTH
        w[f"{i}.W_Q"] = std * rng.standard_normal((wide, HEADS * KEY))
        w[f"{i}.W_K"] = std * rng.standard_normal((wide, HEADS * KEY))
        w[f"{i}.W_V"] = std * rng.standard_normal((WIDTH, HEADS * KEY))
        w[f"{i}.W_O"] = std * rng.standard_normal((HEADS * KEY, WIDTH))
        if mixer == "mesa":
            w[f"{i}.log_lambda"] = np.zeros(HEADS)
    return w


def positions():
    pos, i = np.arange(T)[:, None], np.arange(0, WIDTH, 2)[None, :]
    rate = pos * 10000.0 ** (-i / WIDTH)
    return np.stack([np.sin(rate), np.cos(rate)], 2).reshape(T, WIDTH)


def loss(ops, model, w, x, y):
    """Squared error, summed over coordinates, halved, mean over positions."""
    mixers, constructed, clip = MODELS[model]
    e = x if constructed else x @ w["W_in"]
    batch = e.shape[0]
    for i, mixer in enumerate(mixers):
        at = e
        if i == 0 and not constructed:
            at = ops.beside(e, ops.positions)
        q = (at @ w[f"{i}.W_Q"]).reshape(batch, T, HEADS, KEY)
        k = (at @ w[f"{i}.W_K"]).reshape(batch, T, HEADS, KEY)
        v = (e @ w[f"{i}.W_V"]).reshape(batch, T, HEADS, KEY)
        if mixer == "softmax":
            z = ops.softmax(q, k, v)
        else:
            if mixer == "mesa":
                q = ops.mesa(q, k, w[f"{i}.log_lambda"])
            z = ops.linear(q, k, v)
        e = e + z.reshape(batch, T, HEADS * KEY) @ w[f"{i}.W_O"]
        if clip:
            e = ops.clip(e, -clip, clip)
    out = e[:, :, :N] if constructed else e @ w["W_out"]
    return 0.5 * ((out - y) ** 2).sum() / (batch * T)
