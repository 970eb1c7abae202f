"""What a training takes of the machine: memory, and how busy its device is."""

import resource
import statistics
import sys
import threading
import time
from types import TracebackType
from typing import Any

import torch

from workflow.lib.runtime.devices import device_name
from workflow.lib.runtime.script import logger

PERIOD_S = 1.0  # between two looks at a GPU


class Usage:
    """Measures while its block runs; afterwards `summary` tells.

    threads: cores the CPU's utilisation is a share of.
    """

    def __init__(self, device: torch.device, threads: int) -> None:
        self.device, self.threads = device, threads
        self._on_gpu = device.type == "cuda"
        self._samples: list[int] = []
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Usage":
        self._begin_s, self._begin_cpu_s = time.perf_counter(), time.process_time()
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats(self.device)
            self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._on_gpu:
            self._sampler.join()
        self._wall_s = time.perf_counter() - self._begin_s
        self._cpu_s = time.process_time() - self._begin_cpu_s

    def summary(self) -> dict[str, Any]:
        """Ready for JSON: device (its name), peak_host_memory_mb of the whole process,
        peak_device_memory_mb that torch allocated (None without a GPU),
        device_utilisation_percent: of a GPU the mean of NVIDIA's own figure, which counts
        other processes on the card too; of a CPU this process's time on its `threads` cores.
        """
        return {
            "device": device_name(self.device),
            "peak_host_memory_mb": round(_peak_host_memory_mb(), 1),
            "peak_device_memory_mb": self._peak_device_memory_mb(),
            "device_utilisation_percent": self._utilisation_percent(),
        }

    def _sample(self) -> None:
        try:
            while not self._ended.wait(PERIOD_S):
                self._samples.append(torch.cuda.utilization(self.device))
        except Exception as error:  # whatever a driver may say: a training must not end by it
            logger.warning("the GPU does not tell how busy it is: %s", error)

    def _peak_device_memory_mb(self) -> float | None:
        if not self._on_gpu:
            return None
        return round(torch.cuda.max_memory_allocated(self.device) / 1e6, 1)

    def _utilisation_percent(self) -> float | None:
        """None for a training that ended before the first look at its GPU."""
        if not self._on_gpu:
            return round(100 * self._cpu_s / (self._wall_s * self.threads), 1)
        return round(statistics.mean(self._samples), 1) if self._samples else None


def _peak_host_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
