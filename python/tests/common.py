"""What the tests share: a configuration that trains in a moment, and the tool."""
import json
import os
import subprocess

import numpy as np

TOOL = os.environ["ENGRAM"]
SOURCE = os.environ["ENGRAM_SOURCE"]

TINY = {"run": {"name": "tiny"},
        "task": {"n_ctx": 24, "n_triggers": 2},
        "model": {"d_model": 16},
        "optim": {"lr": 0.01},
        "train": {"steps": 10, "batch": 8},
        "probe": {"every": 5, "batch": 4, "test": 4, "snapshots": 3},
        "checkpoint": {"every": 5, "keep": 2}}

# Two heads, norms, a feed-forward, biases: what the plain model lacks.
RICH = {**TINY, "run": {"name": "rich"},
        "model": {"d_model": 16, "n_heads": 2, "norm": "pre", "mlp": "gelu",
                  "qk": "factorised", "attn_bias": True, "mlp_bias": True,
                  "pos": "learned"}}


def changed(config, **sections):
    """The configuration with options of sections changed."""
    return {**config, **{name: {**config.get(name, {}), **options}
                         for name, options in sections.items()}}


def tool(*words):
    """What the tool prints; it must succeed."""
    done = subprocess.run([TOOL, *map(str, words)], text=True,
                          capture_output=True)
    if done.returncode:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stderr}")
    return done.stdout


def dump(config, out, *words):
    """`engram dump` as arrays by name."""
    path = out + ".yaml"
    with open(path, "w") as file:
        json.dump(config, file)
    tool("dump", path, "--out", out, *words)
    return {file[:-4]: np.load(os.path.join(out, file))
            for file in os.listdir(out) if file.endswith(".npy")}
