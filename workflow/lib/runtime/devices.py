"""Where a job computes: the device that is chosen once, its name, and how a CPU is used."""

import ctypes
import platform
from pathlib import Path

import torch

from workflow.lib.runtime.gpu import no_gpu, why_torch_has_none

# From glibc's malloc.h: freed memory beyond the first is given back to the system, single blocks
# beyond the second always are.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 1 << 30


def use_cpu(threads: int) -> None:
    """Let PyTorch compute in `threads` threads, and glibc, where it is, keep freed memory.

    The tensors of a step are as large as those of the one before. Given back in between, each
    of their pages would have to be fetched from the system and zeroed again.
    """
    torch.set_num_threads(threads)
    try:
        tune = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    tune(M_TRIM_THRESHOLD, KEPT_BYTES)
    tune(M_MMAP_THRESHOLD, KEPT_BYTES)


def choose_device(name: str) -> torch.device:
    """The device called `cpu` or `cuda`, or for `auto` a GPU if there is one.

    Raises InputError if there should be one and is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    elif name == "cuda" and not torch.cuda.is_available():
        reason = why_torch_has_none() or "no GPU is visible"
        raise no_gpu("device or prediction_device is 'cuda' in the config", reason)
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The GPU's name, or `CPU`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def processor_name() -> str:
    """The processor's name as Linux gives it, or as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
