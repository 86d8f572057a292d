#!/usr/bin/env python3
"""engram and PyTorch in turns, in one run: A B A B ..., and their ratio.

    compare.py [options] [--peer "PEER OPTIONS"] -- ENGRAM COMMAND ...

The engram command is run once a round and prints JSON in which one object has
"tokens_per_s"; where several have, --pick key=value says which one. The peer
stays alive between rounds (pytorch_birth.py --serve), so its start-up never
counts. Every round gives one ratio a variant, from neighbours in time; the
last line is the summary as JSON. Exit status 1 where --at-least is missed
against the fastest variant.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        usage="%(prog)s [options] [--peer OPTIONS] -- ENGRAM COMMAND ...")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--peer", default="--model basic --trained paper",
                   help="options of pytorch_birth.py")
    p.add_argument("--variants", default="eager-sdpa,eager-explicit",
                   help="of pytorch_birth.py; several take turns")
    p.add_argument("--steps", type=int, default=3, help="peer steps a round")
    p.add_argument("--pick", default="", metavar="KEY=VALUE",
                   help="which object of the engram command's output")
    p.add_argument("--at-least", type=float, default=0,
                   help="median ratio demanded")
    p.add_argument("command", nargs="+", help="prints JSON")
    return p.parse_args()


def documents(text):
    """All JSON values in a text: one document, or one a line."""
    try:
        return [json.loads(text)]
    except ValueError:
        pass
    out = []
    for line in text.splitlines():
        try:
            out.append(json.loads(line))
        except ValueError:
            continue
    return out


def objects(value):
    """Every object with a tokens_per_s, however deep."""
    if isinstance(value, dict):
        if "tokens_per_s" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from objects(item)


def engram_round(args):
    done = subprocess.run(args.command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{args.command[0]}: exit status {done.returncode}")
    found = list(objects(documents(done.stdout)))
    if args.pick:
        key, _, value = args.pick.partition("=")
        found = [o for o in found if str(o.get(key)) == value]
    if len(found) != 1:
        sys.exit(f"expected one object with tokens_per_s, found {len(found)}"
                 f" in: {done.stdout[:400]}")
    return found[0]


class Peer:
    def __init__(self, args):
        script = os.path.join(HERE, "pytorch_birth.py")
        self.process = subprocess.Popen(
            [sys.executable, script, *shlex.split(args.peer), "--serve",
             "--variants", args.variants, "--steps", str(args.steps)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the peer ended")
        return json.loads(line)

    def round(self, variant):
        self.process.stdin.write(variant + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    args = arguments()
    variants = args.variants.split(",")
    peer = Peer(args)
    engram_round(args)  # files into the cache
    ours, theirs = [], {v: [] for v in variants}
    ratios = {v: [] for v in variants}
    for i in range(args.rounds):
        for v in variants:
            a = engram_round(args)["tokens_per_s"]
            b = peer.round(v)["tokens_per_s"]
            ours.append(a)
            theirs[v].append(b)
            ratios[v].append(a / b)
            print(f"round {i + 1}: engram {a:.0f}  pytorch-{v} {b:.0f}  "
                  f"ratio {a / b:.2f}", flush=True)
    peer.close()

    summary = {"engram": {"median": round(statistics.median(ours)),
                          "best": round(max(ours))}}
    for v in variants:
        summary[f"pytorch-{v}"] = {
            "median": round(statistics.median(theirs[v])),
            "best": round(max(theirs[v])),
            "ratio": round(statistics.median(ratios[v]), 3),
            "ratios": [round(r, 3) for r in ratios[v]]}
    worst = min(statistics.median(r) for r in ratios.values())
    summary["ratio"] = round(worst, 3)
    summary["at_least"] = args.at_least
    print(json.dumps(summary))
    return 1 if worst < args.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
