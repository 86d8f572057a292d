"""GPT-2 small's shape as PyTorch has it: random parameters, the loss, and the same as a file of llm.c's."""

import struct

V, T, D, L, H = 50257, 256, 768, 12, 12
PADDED = 50304  # llm.c's vocabulary


def parameters(torch):
    """float32, std .02; matrices [in, out], queries, keys and values side by side."""
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


def tokens_of(torch, sequences, positions):
    """The same for all who are compared, [sequences, positions + 1]."""
    return (torch.arange(sequences * (positions + 1)) * 7919 % V).view(sequences, positions + 1)


def of_engram(torch, tensors):
    """Tensors by engram's names (weights, or gradients), as above."""
    def side_by_side(l, kind):  # [heads, D, d_head], biases [heads, d_head]
        x = [torch.as_tensor(tensors[f"blocks.{l}.attn.{kind}_{name}"]) for name in "QKV"]
        return torch.cat([y.permute(1, 0, 2).reshape(D, D) if y.dim() == 3 else y.reshape(D) for y in x], -1)

    def one(name, shape):
        return torch.as_tensor(tensors[name]).reshape(shape)

    w = {"wte": one("W_E", (V, D)), "wpe": one("W_pos", (-1, D)), "ln": one("ln_final.w", D),
         "b_ln": one("ln_final.b", D)}
    for l in range(L):
        w[f"qkv{l}"], w[f"b_qkv{l}"] = side_by_side(l, "W"), side_by_side(l, "b")
        for ours, theirs, shape in (("o", "attn.{}_O", (D, D)), ("in", "mlp.{}_in", (D, 4 * D)),
                                    ("out", "mlp.{}_out", (4 * D, D))):
            w[f"{ours}{l}"] = one(f"blocks.{l}.{theirs.format('W')}", shape)
            w[f"b_{ours}{l}"] = one(f"blocks.{l}.{theirs.format('b')}", shape[1])
        for name in ("ln1", "ln2"):
            w[f"{name}{l}"], w[f"b_{name}{l}"] = (one(f"blocks.{l}.{name}.{x}", D) for x in "wb")
    return w


def write_llmc(torch, w, path):
    """w as llm.c (and engram) read it: all blocks of a tensor together, matrices [out, in]."""
    names = ["wte", "wpe"] + [name for x in ("ln1", "qkv", "o", "ln2", "in", "out") for name in (x, f"b_{x}")]
    with open(path, "wb") as f:
        header = [20240326, 3, T, V, L, H, D, PADDED]
        f.write(struct.pack("<256i", *header, *[0] * (256 - len(header))))
        for name in names + ["ln", "b_ln"]:
            for x in [w[name]] if name in w else [w[f"{name}{l}"] for l in range(L)]:
                turned = x.dim() == 2 and not name.startswith("w")
                f.write((x.T if turned else x).detach().contiguous().numpy().tobytes())
            if name == "wte":
                f.write(bytes(4 * D * (PADDED - V)))
