#!/usr/bin/env python3
"""Does PyTorch agree with a folder written by `engram dump`?

    compare_dump.py DIR [--tol T]

Reads config.yaml, the batch and the weights, computes logits, loss, every
activation and every gradient in float64, and prints for each array of the
folder the largest absolute difference, and the same divided by the largest
entry. Exit status 1 where that ratio exceeds the tolerance, where an array is
not known here, or where logits, loss or a gradient is missing.

Files are NAME.npy: tokens, targets, labels [batch, pos]; weight.<tensor>;
grad.<tensor>; logits; loss; hooks by their TransformerLens names.
"""

import argparse
import fnmatch
import os
import sys

import numpy as np
import torch

import reference_model

TOLERANCE = {"float32": 1e-4, "float64": 1e-12}
BATCH = ("tokens", "targets", "labels")


def scalar(text):
    text = text.strip()
    if text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1:
        return text[1:-1]
    if text.startswith("[") and text.endswith("]"):
        inner = text[1:-1].strip()
        return [scalar(t) for t in inner.split(",")] if inner else []
    return {"true": True, "false": False}.get(text, text)


def read_config(path):
    """{section: {key: value}} of a resolved config: two levels, scalars and
    lists, which is all engram writes. Numbers stay text."""
    out, section, key = {}, None, None
    with open(path, encoding="utf-8") as f:
        for line in f:
            body = line.split(" #")[0].rstrip()
            text = body.strip()
            if not text or text.startswith(("#", "---")):
                continue
            if text.startswith("- "):
                if section is not None and key is not None:
                    items = out[section].get(key)
                    items = items if isinstance(items, list) else []
                    out[section][key] = items + [scalar(text[2:])]
                continue
            name, _, value = text.partition(":")
            if body[0] != " ":
                section, key = name, None
                out[section] = {} if not value.strip() else scalar(value)
            elif isinstance(out.get(section), dict):
                key = name
                out[section][key] = scalar(value)
    return out


class Dump:
    """The folder: arrays are mapped, not read at once."""

    def __init__(self, folder):
        self.folder = folder
        self.config = read_config(os.path.join(folder, "config.yaml"))
        self.names = sorted(f[:-4] for f in os.listdir(folder)
                            if f.endswith(".npy"))

    def array(self, name):
        return np.load(os.path.join(self.folder, name + ".npy"), mmap_mode="r")

    def tensor(self, name, rows=slice(None)):
        a = self.array(name)
        return torch.from_numpy(np.array(a[rows] if a.ndim else a))

    def starting(self, prefix):
        return [n[len(prefix):] for n in self.names if n.startswith(prefix)]

    def frozen(self, tensor):
        items = self.config["train"].get("freeze", [])
        items = items if isinstance(items, list) else [items]
        return any(fnmatch.fnmatchcase(tensor, i.split("@")[0].strip())
                   for i in items)


class Report:
    """Largest difference and largest entry of every array, over chunks."""

    def __init__(self):
        self.rows = {}

    def add(self, name, found, expected):
        found, expected = found.double(), expected.detach().double()
        if found.shape != expected.shape:
            self.rows[name] = (f"shape {list(found.shape)}, expected "
                               f"{list(expected.shape)}",)
            return
        hidden = expected == -torch.inf  # masked scores: must be so exactly
        wrong = bool((hidden != (found == -torch.inf)).any())
        both = ~hidden & (found != -torch.inf)
        diff = (found - expected)[both].abs()
        diff = diff.max().item() if diff.numel() else 0.0
        size = expected[~hidden].abs().max().item() if both.any() else 0.0
        if wrong or diff != diff:
            diff = float("inf")
        old = self.rows.get(name, (0.0, 0.0))
        if len(old) == 2:
            self.rows[name] = (max(old[0], diff), max(old[1], size))

    def print(self, tol):
        """Prints all rows; returns the names that are off."""
        bad = []
        for name, row in self.rows.items():
            if len(row) == 1:
                print(f"{name:44s} {row[0]}   WRONG")
                bad.append(name)
                continue
            diff, size = row
            rel = diff / size if size > 0 else diff
            verdict = "" if rel <= tol else "   WRONG"
            print(f"{name:44s} abs {diff:9.2e}  rel {rel:9.2e}{verdict}")
            if verdict:
                bad.append(name)
        return bad


def positions(kind, targets, occur):
    """Which positions are in the loss."""
    return (targets >= 0) & (occur >= 2) if kind in ("", "later", "in_context") else \
        targets >= 0


def run(dump, report, chunk):
    """Fills the report; returns the hooks this model has."""
    model_options = dump.config["model"]
    weights = {n: dump.tensor("weight." + n).double().requires_grad_()
               for n in dump.starting("weight.")}
    model = reference_model.Model(model_options, weights)
    tokens, targets, occur = (dump.tensor(n).long() for n in BATCH)
    inside = positions(dump.config["train"]["loss"], targets, occur)
    count = inside.sum().item()
    total, known = 0.0, set()
    for first in range(0, len(tokens), chunk):
        rows = slice(first, first + chunk)
        logits, hooks = model.run(tokens[rows])
        nll = torch.nn.functional.cross_entropy(
            logits[inside[rows]], targets[rows][inside[rows]],
            reduction="sum")
        (nll / count).backward()
        total += nll.item() / count
        hooks["logits"] = logits
        known.update(hooks)
        for name in dump.names:
            if name in hooks:
                report.add(name, dump.tensor(name, rows), hooks[name])
    if "loss" in dump.names:
        report.add("loss", dump.tensor("loss").reshape(()),
                   torch.tensor(total, dtype=torch.float64))
    for name in dump.starting("grad."):
        found = dump.tensor("grad." + name)
        if dump.frozen(name) and not found.any():
            continue
        if name in weights:
            report.add("grad." + name, found, weights[name].grad)
    return known, weights


def missing(dump, known, weights):
    """(unknown arrays, absent results, absent hooks)"""
    fine = set(BATCH) | known | {"loss"}
    fine |= {p + n for p in ("weight.", "grad.") for n in weights}
    unknown = [n for n in dump.names if n not in fine]
    still = dump.config["model"]["pos"] in (
        "random", "sinusoidal", "sinusoidal_scaled")
    needed = ["logits", "loss"] + [
        "grad." + n for n in weights
        if not dump.frozen(n) and not (n == "W_pos" and still)]
    return (unknown, [n for n in needed if n not in dump.names],
            sorted(n for n in known if n not in dump.names))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("dir")
    p.add_argument("--tol", type=float, default=0,
                   help="of the difference over the largest entry; default "
                        "1e-4 for float32 dumps, 1e-12 for float64")
    p.add_argument("--chunk", type=int, default=16,
                   help="sequences at a time")
    args = p.parse_args()
    torch.set_num_threads(2)
    dump, report = Dump(args.dir), Report()
    precision = dump.config["train"]["precision"]
    tol = args.tol or TOLERANCE[precision]
    known, weights = run(dump, report, args.chunk)
    bad = report.print(tol)
    unknown, absent, unseen = missing(dump, known, weights)
    if unseen:
        print("not in the folder:", " ".join(unseen))
    for name in unknown:
        print(f"{name:44s} not known here   WRONG")
    for name in absent:
        print(f"{name:44s} missing   WRONG")
    failed = len(bad) + len(unknown) + len(absent)
    print(f"{precision}, tolerance {tol:g}: {len(report.rows)} arrays "
          f"compared, {failed} wrong")
    return 1 if failed or not report.rows else 0


if __name__ == "__main__":
    sys.exit(main())
