"""Every model engram can build, in PyTorch, with every activation named.

Written from the definitions, for float64 and for reading; not for speed. The
weights come as a dictionary of TransformerLens names, the options as the
`model` section of a resolved config. Rows are vectors: y = x W.

    score(t, s) = (x_t W_QK) . x_s / sqrt(d_model)            merged
    score(t, s) = x_t . (x_s W_QK^T) / sqrt(d_model)          merged_key
    score(t, s) = (x_t W_Q) . (x_s W_K) / sqrt(d_head)        factorised
    z_t = sum_{s <= t} softmax_s(score(t, s)) x_s W_V,  attn_out = z W_O

norm: none      mid = x + attn(x),            out = mid + mlp(mid)
      pre       mid = x + attn(LN1 x),        out = mid + mlp(LN2 mid)
      parallel  mid = x + attn(LN1 x),        out = mid + mlp(LN2 x)
      post      mid = LN1(x + attn(x)),       out = LN2(mid + mlp(mid))
"""

import math

import torch


class Model:
    def __init__(self, options, weights):
        self.o, self.w = options, weights
        self.n_layers = int(options["n_layers"])
        self.d_model = int(options["d_model"])
        self.n_heads = int(options["n_heads"])
        self.d_head = int(options["d_head"]) or self.d_model // self.n_heads
        kinds = options["mlp"]
        kinds = kinds if isinstance(kinds, list) else [kinds]
        self.mlp = kinds * self.n_layers if len(kinds) == 1 else kinds
        if len(self.mlp) != self.n_layers:
            raise ValueError(f"model.mlp: {self.mlp} for {self.n_layers}")

    def run(self, tokens):
        """tokens [batch, pos]: (logits, {hook name: activation})."""
        self.hooks = {}
        x = self.keep("hook_embed", self.w["W_E"][tokens])
        if "W_pos" in self.w:
            pos = self.w["W_pos"][: tokens.shape[1]].expand_as(x)
            x = x + self.keep("hook_pos_embed", pos)
        for layer in range(self.n_layers):
            x = self.block(layer, x)
        if self.o["norm"] in ("pre", "parallel"):
            x = self.norm("ln_final", x)
        if self.o["tied"]:
            divisor = self.d_model if self.o["tied_scale"] else 1
            logits = x @ self.w["W_E"].T / divisor
        else:
            logits = x @ self.w["W_U"]
        return logits, self.hooks

    def keep(self, name, value):
        self.hooks[name] = value
        return value

    def norm(self, name, x):
        mean = x.mean(-1, keepdim=True)
        var = x.var(-1, keepdim=True, unbiased=False)
        scale = torch.sqrt(var + float(self.o["norm_eps"]))
        self.keep(f"{name}.hook_scale", scale)
        xhat = self.keep(f"{name}.hook_normalized", (x - mean) / scale)
        return xhat * self.w[f"{name}.w"] + self.w[f"{name}.b"]

    def block(self, layer, x):
        at = f"blocks.{layer}"
        kind, norm = self.mlp[layer], self.o["norm"]
        before = norm in ("pre", "parallel")
        self.keep(f"{at}.hook_resid_pre", x)
        attn = self.attention(layer, self.norm(f"{at}.ln1", x) if before else x)
        mid = x + self.keep(f"{at}.hook_attn_out", attn)
        if norm == "post":
            mid = self.norm(f"{at}.ln1", mid)
        out = self.keep(f"{at}.hook_resid_mid", mid)
        if kind != "none":
            h = x if norm == "parallel" else mid
            h = self.norm(f"{at}.ln2", h) if before else h
            out = mid + self.keep(f"{at}.hook_mlp_out",
                                  self.feed_forward(layer, kind, h))
            if norm == "post":
                out = self.norm(f"{at}.ln2", out)
        return self.keep(f"{at}.hook_resid_post", out)

    def feed_forward(self, layer, kind, x):
        at = f"blocks.{layer}.mlp"
        if kind == "linear":
            return x @ self.w[f"{at}.W_F"]
        pre = self.keep(f"{at}.hook_pre", x @ self.w[f"{at}.W_in"])
        if kind == "relu":
            post = torch.relu(pre)
        else:
            post = torch.nn.functional.gelu(pre, approximate="tanh")
        return self.keep(f"{at}.hook_post", post) @ self.w[f"{at}.W_out"]

    def heads(self, x):
        """[batch, pos, n_heads d_head] as [batch, pos, n_heads, d_head]."""
        return x.unflatten(-1, (self.n_heads, self.d_head))

    def attention(self, layer, x):
        at = f"blocks.{layer}.attn"
        w = {k.rsplit(".", 1)[1]: v for k, v in self.w.items()
             if k.startswith(at + ".")}

        def project(name):
            return torch.einsum("btm,hmd->bthd", x, w[name])

        if self.o["qk"] == "merged_key" and self.rotates(layer):
            q = x.unsqueeze(2).expand(-1, -1, self.n_heads, -1)
            k = torch.einsum("btm,hdm->bthd", x, w["W_QK"])
        elif "W_QK" in w:  # without rotation both are one
            q, k = project("W_QK"), x.unsqueeze(2)
        else:
            q, k = project("W_Q"), project("W_K")
        if self.rotates(layer):
            q, k = self.rotate(q), self.rotate(k)
        v = project("W_V") if "W_V" in w else self.heads(x)
        self.keep(f"{at}.hook_q", q)
        self.keep(f"{at}.hook_k", k)  # merged: one for all heads
        self.keep(f"{at}.hook_v", v)

        scale = 1 / math.sqrt(q.shape[-1]) if self.o["scale_scores"] else 1.0
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k.expand_as(q)) * scale
        future = torch.ones_like(scores[0, 0], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(future, -math.inf)
        self.keep(f"{at}.hook_attn_scores", scores)
        pattern = self.keep(f"{at}.hook_pattern", scores.softmax(-1))
        z = torch.einsum("bhqk,bkhd->bqhd", pattern, v)
        self.keep(f"{at}.hook_z", z)
        w_o = w.get("W_O")
        if w_o is None:  # heads side by side
            w_o = torch.eye(self.d_model, dtype=z.dtype)
            w_o = w_o.view(self.n_heads, self.d_head, self.d_model)
        result = torch.einsum("bthd,hdm->bthm", z, w_o)
        return self.keep(f"{at}.hook_result", result).sum(2)

    def rotates(self, layer):
        first = int(self.o["rotary_layers"])
        return self.o["pos"] == "rotary" and (first == 0 or layer < first)

    def rotate(self, x):
        """Pairs (2i, 2i+1) of x [batch, pos, head, width] turned by the angle
        pos theta^(-2i / width)."""
        width, n = x.shape[-1], x.shape[1]
        i = torch.arange(0, width, 2, dtype=x.dtype)
        rate = float(self.o["rotary_theta"]) ** (-i / width)
        angle = torch.arange(n, dtype=x.dtype)[:, None, None] * rate
        c, s = angle.cos(), angle.sin()
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack((c * a - s * b, s * a + c * b), -1).flatten(-2)
