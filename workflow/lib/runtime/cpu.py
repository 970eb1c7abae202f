"""How a job uses the CPU: its threads, and memory that it keeps."""

import ctypes

import torch

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
