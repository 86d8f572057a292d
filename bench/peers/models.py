"""The two models of the birth lab in plain PyTorch.

Basic: single-head attention layers on a residual stream, query and key merged
in one matrix, no norms and no biases. Full: several heads, ReLU MLP of width
4d, LayerNorm before both branches, which read the block's input in parallel.

Rows are vectors and weights act from the right. `attend` is chosen by name:
"sdpa" is torch's fused attention, "explicit" writes the scores out.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

PAPER = ("blocks.0.attn.W_QK", "blocks.1.attn.W_QK", "blocks.1.attn.W_O",
         "blocks.1.mlp.W_F")


def attend_sdpa(q, k, v, mask, scale):
    if not hasattr(F, "scaled_dot_product_attention"):  # before PyTorch 2
        return attend_explicit(q, k, v, mask, scale)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)


def attend_explicit(q, k, v, mask, scale):
    shape = q.shape
    q, k, v = (x.reshape(-1, *x.shape[-2:]) for x in (q, k, v))
    scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=scale)
    z = torch.bmm(torch.softmax(scores, -1), v)
    return z.reshape(*shape[:-1], v.shape[-1])


ATTEND = {"sdpa": attend_sdpa, "explicit": attend_explicit}


def uniform(*shape):
    """U(-1, 1) / sqrt(rows)."""
    bound = 1 / math.sqrt(shape[0])
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


class Base(nn.Module):
    """Embeddings, causal mask, loss."""

    def __init__(self, vocab, n_ctx, d, attend):
        super().__init__()
        self.W_E = nn.Parameter(torch.randn(vocab, d))
        self.W_pos = nn.Parameter(torch.randn(n_ctx, d))
        self.W_U = uniform(d, vocab)
        self.attend = ATTEND[attend]
        mask = torch.full((n_ctx, n_ctx), -math.inf).triu(1)
        self.register_buffer("mask", mask, persistent=False)

    def loss(self, tokens, targets, rows):
        """Mean cross-entropy over the positions `rows` of the flattened
        batch (None: over all); targets are those of these positions."""
        x = self(tokens).flatten(0, 1)
        if rows is not None:
            x = x[rows]
        logits = x @ self.W_U
        if logits.dtype == torch.bfloat16:
            logits = logits.float()
        return F.cross_entropy(logits, targets)


class Basic(Base):
    def __init__(self, vocab, n_ctx, d, attend, n_layers=2, linear=False):
        super().__init__(vocab, n_ctx, d, attend)
        self.blocks = nn.ModuleList()
        for layer in range(n_layers):
            attn, mlp = nn.Module(), nn.Module()
            attn.W_QK, attn.W_V, attn.W_O = (uniform(d, d) for _ in range(3))
            if linear and layer == n_layers - 1:
                mlp.W_F = uniform(d, d)
            block = nn.Module()
            block.attn, block.mlp = attn, mlp
            self.blocks.append(block)
        self.scale = 1 / math.sqrt(d)

    def forward(self, tokens):
        x = F.embedding(tokens, self.W_E) + self.W_pos
        for block in self.blocks:
            a = block.attn
            q, k, v = (y.unsqueeze(1) for y in (x @ a.W_QK, x, x @ a.W_V))
            z = self.attend(q, k, v, self.mask.to(q.dtype), self.scale)
            x = x + z.squeeze(1) @ a.W_O
            if hasattr(block.mlp, "W_F"):
                x = x + x @ block.mlp.W_F
        return x


class Full(Base):
    def __init__(self, vocab, n_ctx, d, attend, n_layers=2, n_heads=4):
        super().__init__(vocab, n_ctx, d, attend)
        self.n_heads = n_heads
        self.blocks = nn.ModuleList()
        for _ in range(n_layers):
            block = nn.Module()
            block.ln1, block.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
            block.W_QKV = uniform(d, 3 * d)  # W_Q, W_K, W_V side by side
            block.W_O = uniform(d, d)
            block.W_in, block.W_out = uniform(d, 4 * d), uniform(4 * d, d)
            self.blocks.append(block)
        self.ln_final = nn.LayerNorm(d)
        self.scale = 1 / math.sqrt(d // n_heads)

    def forward(self, tokens):
        x = F.embedding(tokens, self.W_E) + self.W_pos
        b, t, d = x.shape
        for block in self.blocks:
            qkv = (block.ln1(x) @ block.W_QKV).view(b, t, 3, self.n_heads, -1)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            z = self.attend(q, k, v, self.mask.to(q.dtype), self.scale)
            h = torch.relu(block.ln2(x) @ block.W_in)
            x = x + z.transpose(1, 2).reshape(b, t, d) @ block.W_O
            x = x + h @ block.W_out
        return self.ln_final(x)


def select(model, trained):
    """Freezes everything but the named tensors; "paper" and "all" are sets."""
    names = [n for n, _ in model.named_parameters()]
    if trained == "paper":
        chosen = [n for n in PAPER if n in names]
    elif trained == "all":
        chosen = names
    else:
        chosen = trained.split(",")
    unknown = sorted(set(chosen) - set(names))
    if unknown or not chosen:
        raise SystemExit(f"no such tensors: {unknown}; there are {names}")
    for name, p in model.named_parameters():
        p.requires_grad_(name in chosen)
    return chosen
