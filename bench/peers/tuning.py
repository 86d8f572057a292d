"""The environment a fair PyTorch peer runs in.

glibc reads its malloc settings before main, and OpenMP its thread count when
the library loads, so the process replaces itself once with the variables set.

- Large tensors of one step are unmapped at once by default and faulted in
  again page by page in the next; raised thresholds keep them. PyTorch backs
  them with huge pages when told to.
- The number of threads is said to OpenMP, MKL and PyTorch alike.
- AVX-512 is what PyTorch picks by itself where the CPU has it (recent
  versions); the capability in use is printed with every result.
"""

import os
import sys

MARK = "ENGRAM_PEER_TUNED"


def environment(threads, malloc):
    env = {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        MARK: "1",
    }
    if malloc:
        env["MALLOC_MMAP_THRESHOLD_"] = str(1 << 40)
        env["MALLOC_TRIM_THRESHOLD_"] = str(1 << 40)
        env["MALLOC_TOP_PAD_"] = str(64 << 20)
        env["THP_MEM_ALLOC_ENABLE"] = "1"
    return env


def restart(threads, malloc=True):
    """Replaces the process by itself in the tuned environment, once."""
    if MARK not in os.environ:
        os.environ.update(environment(threads, malloc))
        os.execv(sys.executable, [sys.executable] + sys.argv)


def apply(threads):
    """What can be set from inside. Call before any tensor exists."""
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("highest")
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        # PyTorch 1.13, the version of Debian 12, does not tell
        "cpu": torch.backends.cpu.get_cpu_capability()
        if hasattr(torch.backends, "cpu") else "",
    }
