"""Programs that take turns. Each makes a round when it is sent a line, and answers with a line, the seconds of a step; before that
comes a line that says that it is warm. `engram bench gpt2 --turns` is one of them, and `serve` makes one of a function."""

import json
import statistics
import subprocess
import sys
import time


class Side:
    """A process, of which nobody else takes the memory: so its peak is measured from outside."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.about = self.line()
        self.seconds = []
        self.machine = []  # of each round: what a gauge saw of the machine around it, of its best
        self.peak = 0  # bytes, of all rounds but the last: behind it the process may end
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as f:
            f.write("5")  # from here on

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            sys.exit(f"{self.process.args[0]}: ended with {self.process.wait()}")
        return text.strip()

    def round(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            self.peak = 1024 * next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
        print(file=self.process.stdin, flush=True)
        self.seconds.append(float(self.line()))

    def rates(self):
        """A round of a gauge."""
        print(file=self.process.stdin, flush=True)
        return [float(x) for x in self.line().split()]

    def end(self):
        """What it has to say when all rounds are over; of that a part may be read already, which communicate() would not give."""
        self.process.stdin.close()
        text = self.process.stdout.read()
        self.process.wait()
        return text


def serve(about, step, steps=1):
    """Rounds of so many steps, until standard input ends."""
    print(json.dumps(about), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(steps):
            step()
        print((time.perf_counter() - start) / steps, flush=True)


def gauge(engram, threads, rounds, sides):
    """What tells how much of itself the machine gives around every round: `engram bench limits`, some ms on all threads in registers."""
    return Side([engram, "bench", "limits", "--turns", "--threads", str(threads), "--rounds", str(rounds * sides + 1)])


def alternate(sides, rounds, wait, limits=None):
    """Rounds of every side, one behind the other; wait: for a line of standard input when all are warm, so that the machine can be made
    idle; limits: a gauge, read between all rounds."""
    if wait:
        print("all are warm; go on with a line", file=sys.stderr, flush=True)
        sys.stdin.readline()
    rates = [limits.rates()] if limits else []
    for _ in range(rounds):
        for side in sides.values():
            side.round()
            if limits:
                rates.append(limits.rates())
    best = [max(x) for x in zip(*rates)]
    share = [min(x / most for x, most in zip(r, best) if most > 0) for r in rates]
    around = [min(pair) for pair in zip(share, share[1:])]
    for i, side in enumerate(sides.values()):
        side.machine = around[i::len(sides)]


def ratios(sides, to):
    """For every other side the median over rounds of its seconds over those of `to`."""
    return {name: statistics.median(x / y for x, y in zip(side.seconds, sides[to].seconds))
            for name, side in sides.items() if name != to}


def undisturbed(sides, to, least=.85):
    """The same over the rounds around which a gauge saw this much of the machine's best on both sides; None: there are none. With their
    number."""
    found = {}
    for name, side in sides.items():
        kept = [x / y for x, y, a, b in zip(side.seconds, sides[to].seconds, side.machine, sides[to].machine) if min(a, b) >= least]
        if name != to:
            found[name] = {"ratio": statistics.median(kept) if kept else None, "rounds": len(kept)}
    return found
