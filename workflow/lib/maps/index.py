"""What a map says of pixels, from their signals: orientation, confidence, anomaly.

Memory does not grow with the number of signals beyond what the answers themselves take.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from workflow.lib.inference.confidence import predict_with_confidence, signals_per_batch
from workflow.lib.maps.map_file import Pixels
from workflow.lib.maps.signal_space import SignalSpace
from workflow.lib.models.task import Task
from workflow.lib.runtime.devices import use_cpu
from workflow.lib.runtime.threads import share_out

# That are on the device at once: on a CPU so many that its threads have several batches each to
# share out; on a GPU what fills it
SIGNALS_AT_ONCE = {"cpu": 16_384, "cuda": 73_728}


class Indexer:
    """A trained model with the space of the signals that it learnt from, on its device.

    views: of each signal, a divisor of 72. threads: of a CPU.
    """

    def __init__(
        self, task: Task, space: SignalSpace, views: int, device: torch.device, threads: int
    ) -> None:
        use_cpu(threads)
        self.task, self.views, self.device = task, views, device
        task.network.to(device).eval()
        self.space = replace(
            space, mean=space.mean.to(device), components=space.components.to(device)
        )

    @property
    def signals_at_once(self) -> int:
        """How many signals are worth giving to `index` together."""
        return SIGNALS_AT_ONCE[self.device.type]

    @torch.inference_mode()
    def index(self, signals: Tensor) -> Pixels:
        """What is known of signals (n, 6, 72) uint8: arrays of n.

        Pixels are indexed where there is an answer and the anomaly does not exceed the threshold;
        an answer that is not trusted for its anomaly is given all the same.
        """
        if len(signals) == 0:
            return Pixels.of_orientations(np.empty((0, 4)))
        at_once = signals_per_batch(self.views, self.device)
        parts = [
            part
            for some in signals.split(self.signals_at_once)
            for part in share_out(self._indexed, at_once, some.to(self.device))
        ]
        orientation, confidence, anomaly = (
            np.concatenate(arrays) for arrays in zip(*parts, strict=True)
        )
        is_indexed = np.isfinite(orientation).all(-1) & (anomaly <= self.space.threshold)
        return Pixels(orientation, confidence, anomaly, is_indexed)

    def _indexed(self, signals: Tensor) -> tuple[np.ndarray, ...]:
        orientation, confidence = predict_with_confidence(self.task, signals, self.views)
        known = (orientation, confidence, self.space.score(signals))
        return tuple(tensor.cpu().numpy() for tensor in known)
