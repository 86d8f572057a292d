#!/usr/bin/env python3
"""Small models whose weights follow from their names, through PyTorch.

    python3 tests/unit/lab/models/record.py > tests/unit/lab/models/recorded.h

needs torch and transformers. t_open.c makes the same weights, opens them as
files, and compares. Weights: entry k of a tensor is u - 1/2, u by `numbers`;
of norms' gains 1 + u / 2, u less by 1/2; all rounded to float32."""
import numpy as np
import torch
import transformers
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
TOKENS = [3, 14, 1, 5, 9, 2, 6, 5, 3, 11]
V, T, D, H, L = 19, 12, 16, 2, 2


def numbers(name, n):
    h = 2166136261
    for c in name.encode():
        h = (h ^ c) * 16777619 & 0xFFFFFFFF
    k = np.arange(n, dtype=np.uint64)
    h = (k * 2654435761 + h) & 0xFFFFFFFF
    h ^= h >> np.uint64(15)
    h = h * np.uint64(2246822519) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    return (h >> np.uint64(8)).astype(np.float64) / 2**24 - 0.5


def is_gain(name):
    return name.endswith(("ln_1.weight", "ln_2.weight", "ln_f.weight",
                          "LayerNorm.weight", "layernorm.weight",
                          "norm.weight"))


def tensor(name, shape):
    x = numbers(name, int(np.prod(shape)))
    x = 1 + x / 2 if is_gain(name) else x
    return torch.tensor(x.astype(np.float32).astype(np.float64).reshape(shape))


def fill(model, prefix=""):
    state = {k: tensor(prefix + k, v.shape) if v.dtype.is_floating_point
             else v for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    model.double().eval()
    return model


def show(name, x):
    x = x.detach().numpy().reshape(-1)
    print(f"static const double {name}[] = {{")
    for i in range(0, len(x), 3):
        print("    " + ", ".join(f"{v:.17g}" for v in x[i:i + 3]) + ",")
    print("};\n")


def gpt2():
    c = transformers.GPT2Config(
        vocab_size=V, n_positions=T, n_embd=D, n_layer=L, n_head=H,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
        attn_implementation="eager")
    m = fill(transformers.GPT2Model(c))
    x = m(torch.tensor([TOKENS])).last_hidden_state[0]
    show("GPT2_LOGITS", x @ m.wte.weight.T)


def nanogpt():
    """nanoGPT's model.py with bias=False, written out."""
    w = lambda name, *shape: tensor("transformer." + name, shape)
    norm = lambda x, g: F.layer_norm(x, (D,), w(g, D), None, 1e-5)
    n = len(TOKENS)
    wte = w("wte.weight", V, D)
    x = wte[TOKENS] + w("wpe.weight", T, D)[:n]
    for l in range(L):
        a = norm(x, f"h.{l}.ln_1.weight")
        q, k, v = (a @ w(f"h.{l}.attn.c_attn.weight", 3 * D, D).T).split(D, 1)
        heads = lambda y: y.view(n, H, D // H).transpose(0, 1)
        y = F.scaled_dot_product_attention(heads(q), heads(k), heads(v),
                                           is_causal=True)
        y = y.transpose(0, 1).reshape(n, D)
        x = x + y @ w(f"h.{l}.attn.c_proj.weight", D, D).T
        a = norm(x, f"h.{l}.ln_2.weight")
        a = F.gelu(a @ w(f"h.{l}.mlp.c_fc.weight", 4 * D, D).T)
        x = x + a @ w(f"h.{l}.mlp.c_proj.weight", D, 4 * D).T
    show("NANO_LOGITS", norm(x, "ln_f.weight") @ wte.T)


def rms(self, x):
    return self.weight * x * (x.square().mean(-1, keepdim=True)
                              + self.variance_epsilon).rsqrt()


def llama():
    # the library takes these two steps in float32 whatever the model is
    modeling = transformers.models.llama.modeling_llama
    modeling.LlamaRMSNorm.forward = rms
    torch.nn.functional.softmax = lambda x, dim, dtype=None: x.softmax(dim)
    c = transformers.LlamaConfig(
        vocab_size=V, hidden_size=D, intermediate_size=24, num_hidden_layers=L,
        num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
        max_position_embeddings=64, tie_word_embeddings=False,
        attn_implementation="eager")
    m = fill(transformers.LlamaForCausalLM(c))
    # and its frequencies
    m.model.rotary_emb.inv_freq = 10000.0 ** (-torch.arange(0, 4, 2) / 4)
    x = m.model.embed_tokens(torch.tensor([TOKENS]))
    n = len(TOKENS)
    angle = torch.arange(n)[:, None] * m.model.rotary_emb.inv_freq
    angle = torch.cat([angle, angle], 1)[None]
    mask = torch.full((n, n), -torch.inf).triu(1)[None, None]
    for layer in m.model.layers:
        x = layer(x, attention_mask=mask,
                  position_embeddings=(angle.cos(), angle.sin()))
        x = x[0] if isinstance(x, tuple) else x
    show("LLAMA_LOGITS", m.lm_head(m.model.norm(x))[0])


def bert():
    c = transformers.BertConfig(
        vocab_size=V, hidden_size=D, num_hidden_layers=L,
        num_attention_heads=H, intermediate_size=4 * D,
        max_position_embeddings=T, hidden_dropout_prob=0,
        attention_probs_dropout_prob=0, attn_implementation="eager")
    m = fill(transformers.BertModel(c, add_pooling_layer=False))
    show("BERT_HIDDEN", m(torch.tensor([TOKENS])).last_hidden_state[0])


print(f"/* Made by record.py with torch {torch.__version__.split('+')[0]}, "
      f"transformers {transformers.__version__},\n"
      " * in float64: do not edit. Rows are positions. */\n"
      "/* clang-format off */\n")
print("static const int32_t TOKENS[] = {" + ", ".join(map(str, TOKENS))
      + "};\n")
gpt2()
nanogpt()
llama()
bert()
