"""How a CPU's threads share out work: each takes whole chunks of rows, none a part of an operation.

To divide each operation, as PyTorch does, takes longer than most of ours do. And where another
program keeps a core busy, each then waits until its last part has had its turn there: a
misorientation of many pairs took 30 times as long in two threads as in one.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")


def share_out(
    work: Callable[..., Result],
    rows: int,
    *tensors: Tensor,
    follow: Callable[[Iterable[Result]], Iterable[Result]] = iter,
) -> list[Result]:
    """What `work` makes of the same rows of all tensors, `rows` at a time, in their order.

    On a CPU, PyTorch's threads share out these chunks, and `work` sees one thread: results don't
    depend on the number of threads, and a `share_out` within `work` divides no further. On a GPU
    one chunk follows the other. `work` finds inference mode, gradients and autocast as the caller
    has them. follow: is handed the results as they come and hands them on, for a progress bar.
    An error in `work` is raised here, and chunks that have not begun are left.
    """
    chunks = [tensor.split(rows) for tensor in tensors]
    threads = torch.get_num_threads()
    if threads == 1 or tensors[0].device.type != "cpu":
        return list(follow(map(work, *chunks)))
    torch.set_num_threads(1)
    try:
        if len(chunks[0]) == 1:
            return list(follow(map(work, *chunks)))
        with ThreadPoolExecutor(min(threads, len(chunks[0])), initializer=_compute_alone) as pool:
            return list(follow(pool.map(_as_here(work), *chunks)))
    finally:
        torch.set_num_threads(threads)


def _compute_alone() -> None:
    """Let this new thread divide no operation, whatever others set.

    The number of threads is each thread's own, but when it is first asked for, PyTorch sets it to
    what was last set anywhere. So it is asked for before it is set.
    """
    torch.get_num_threads()
    torch.set_num_threads(1)


def _as_here(work: Callable[..., Result]) -> Callable[..., Result]:
    """`work` with the modes of this thread, wherever it is called: others start without them."""
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    autocast, kind = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def called(*chunk: Tensor) -> Result:
        with (
            torch.inference_mode(inference),
            torch.set_grad_enabled(gradients),
            torch.autocast("cpu", kind, autocast),
        ):
            return work(*chunk)

    return called
