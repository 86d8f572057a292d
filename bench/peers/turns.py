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

    def end(self):
        """What it has to say when all rounds are over."""
        return self.process.communicate()[0]


def serve(about, step, steps=1):
    """Rounds of so many steps, until standard input ends."""
    print(json.dumps(about), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(steps):
            step()
        print((time.perf_counter() - start) / steps, flush=True)


def alternate(sides, rounds, wait):
    """Rounds of every side, one behind the other; wait: for a line of standard input when all are warm, so that the machine can be made
    idle."""
    if wait:
        print("all are warm; go on with a line", file=sys.stderr, flush=True)
        sys.stdin.readline()
    for _ in range(rounds):
        for side in sides.values():
            side.round()


def ratios(sides, to):
    """For every other side the median over rounds of its seconds over those of `to`."""
    return {name: statistics.median(x / y for x, y in zip(side.seconds, sides[to].seconds))
            for name, side in sides.items() if name != to}
