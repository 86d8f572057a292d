"""Runs, sweeps and live models of the engram laboratory, as NumPy arrays.

    import engram

    run = engram.open("birth-basic")          # the newest run of that name
    run.metrics["loss_global"]                # one value a step, NaN: not measured
    run.frame()                               # the same as a pandas DataFrame
    run.arrays["pattern_L0"]                  # snapshots, [k, heads, q, q]
    run.checkpoints[-1].tensors()["W_E"]      # NumPy; .torch() for PyTorch

    run = engram.run("basic.yaml", {"optim.lr": 0.1})
    engram.runs(where="optim.lr > 0.1")       # what is on disk
    engram.open_sweep("lr").frame()           # points x last values

    model = engram.Model("birth-basic")       # live, through libengram
    out = model.forward(tokens, ["blocks.*.attn.hook_pattern"])
    loss, grad = model.gradient(tokens)

Nothing beyond NumPy is needed to read runs. Live models want cffi and the
shared library, `engram.run` and `where` the tool; frames want pandas, tensors
of PyTorch want torch. None of them is imported before it is asked for.
"""
from __future__ import annotations

from ._error import Error
from ._run import Arrays, Checkpoint, Metrics, Run, open, runs
from ._safetensors import load_safetensors
from ._sweep import Sweep, open_sweep
from ._tool import library, run, tool

__version__ = "0.1.0"

__all__ = ["Activations", "Arrays", "Checkpoint", "Error", "Metrics", "Model",
           "Run", "Sweep", "library", "load_safetensors", "open", "open_sweep",
           "run", "runs", "tool"]


def __getattr__(name: str):
    # what needs cffi comes when it is asked for
    if name in ("Model", "Activations"):
        from . import _model
        return getattr(_model, name)
    raise AttributeError(f"module 'engram' has no attribute {name!r}")


def __dir__():
    return sorted(__all__ + ["__version__"])
