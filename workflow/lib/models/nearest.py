"""The nearest neighbour: the training signal that is most like the one to be answered.

It is what a network has to beat: it knows nothing but the training signals, and finds the one
that in some roll correlates best.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from workflow.lib.models.task import Draws, turn_back
from workflow.lib.orientation import azimuth_rotation, multiply
from workflow.lib.signals.rolls import AZIMUTHS, ELEVATIONS, roll_azimuth

# (signals, known signals) compared at once, 600 bytes for each pair of them: on a CPU what fits
# its cache, on a GPU what fills it and takes 0.6 GB
BLOCKS = {"cpu": (8, 1024), "cuda": (256, 4096)}


class KnownSignals(nn.Module):
    """Signals with their orientations, which are its weights, and the search among them.

    signals: uint8 (m, 6, 72). orientation: float64 (m, 4).
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("signals", torch.empty(0, ELEVATIONS, AZIMUTHS, dtype=torch.uint8))
        self.register_buffer("orientation", torch.empty(0, 4, dtype=torch.float64))
        self.register_buffer("spectrum", None, persistent=False)  # follows from the signals

    def remember(self, signals: Tensor, orientation: Tensor) -> None:
        """Know these and no others. Raises RuntimeError if they can't be what they should be."""
        n = len(signals)
        if n == 0 or (signals.shape[1:], signals.dtype) != ((ELEVATIONS, AZIMUTHS), torch.uint8):
            raise RuntimeError(f"its signals are {_kind(signals)}, expected uint8 (m, 6, 72)")
        if (orientation.shape, orientation.dtype) != ((n, 4), torch.float64):
            raise RuntimeError(f"orientations are {_kind(orientation)}, expected float64 ({n}, 4)")
        self.signals, self.orientation = signals, orientation
        self.spectrum = _spectrum(signals).permute(2, 1, 0).contiguous()  # frequency first

    def load_state_dict(self, state_dict: Mapping[str, Any], *options: Any, **more: Any) -> Any:
        """Takes as many signals as there are, where another network has a size of its own."""
        if state_dict.keys() == {"signals", "orientation"}:
            self.remember(state_dict["signals"], state_dict["orientation"])
        return super().load_state_dict(state_dict, *options, **more)

    def forward(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """The known signal that is nearest to each of signals (n, 6, 72): index and roll, (n,).

        The known one is to be rolled. All rolls are correlated at once by their Fourier
        transform over the azimuth, in blocks, so that memory does not grow with the numbers.
        """
        few, many = BLOCKS[signals.device.type]
        found = [self._nearest(block, many) for block in signals.split(few)]
        index, roll = zip(*found, strict=True)
        return torch.cat(index), torch.cat(roll)

    def nearest_pairs(self, signals: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """As `forward`, the `count` best pairs of a known signal and a roll, (n, count) each.

        Of one signal's rolls only those that correlate better than their neighbours count, in the
        circle of 72. Also returned: which pairs are any, as there may be fewer; the best is
        first. Memory is bounded as in `forward`.
        """
        few, _ = BLOCKS[signals.device.type]
        found = [self._pairs(block, count) for block in signals.split(few)]
        index, roll, exists = zip(*found, strict=True)
        return torch.cat(index), torch.cat(roll), torch.cat(exists)

    def _nearest(self, signals: Tensor, many: int) -> tuple[Tensor, Tensor]:
        best, roll = self._best_rolls(_spectrum(signals).permute(2, 0, 1), many)
        index = best.argmax(dim=1)
        return index, roll.gather(1, index[:, None])[:, 0]

    def _best_rolls(self, spectrum: Tensor, many: int) -> tuple[Tensor, Tensor]:
        """Of the known signals the highest correlation with each spectrum, and its roll, (n, m)."""
        best, roll = [], []
        for known in self.spectrum.split(many, dim=2):
            correlation = torch.fft.irfft(spectrum @ known.conj(), AZIMUTHS, dim=0)
            highest, of_roll = correlation.max(dim=0)  # of 72 × n × m; n × m are left
            best.append(highest)
            roll.append(of_roll)
        return torch.cat(best, dim=1), torch.cat(roll, dim=1)

    def _pairs(self, signals: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        spectrum = _spectrum(signals).permute(2, 0, 1)
        best, _ = self._best_rolls(spectrum, BLOCKS[signals.device.type][1])
        # Fewer than `count` signals have a better roll than one that is in a pair to be found
        index = best.argsort(dim=1, descending=True, stable=True)[:, :count]
        known = self.spectrum[:, :, index].conj()  # (37, 6, n, signals)
        correlation = torch.fft.irfft((spectrum.mT[..., None] * known).sum(1), AZIMUTHS, dim=0)
        beside = torch.maximum(correlation.roll(1, 0), correlation.roll(-1, 0))
        peaks = torch.where(correlation >= beside, correlation, -torch.inf)
        peaks = peaks.permute(1, 2, 0).flatten(1)  # (n, signals · 72)
        order = peaks.argsort(dim=1, descending=True, stable=True)[:, :count]
        exists = peaks.gather(1, order).isfinite()
        return index.gather(1, order // AZIMUTHS), order % AZIMUTHS, exists


class NearestTask:
    """The label of the nearest training signal, in any roll, turned back by the roll.

    The target is the orientation (n, 4).
    """

    def __init__(self) -> None:
        self.network = KnownSignals()

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def learn(self, signals: Tensor, target: Tensor) -> None:
        self.network.remember(signals, target)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        index, roll = self.network(roll_azimuth(signals, rolls))
        orientation = self.network.orientation[index]
        turned = multiply(azimuth_rotation(roll).to(orientation), orientation)
        return turn_back(turned, rolls), torch.ones_like(index, dtype=torch.bool)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """All rolls of a signal have the same neighbour, so that one of them is looked up."""
        answer, valid = self.predict(signals, torch.zeros_like(signals[:, 0, 0], dtype=torch.int64))
        return answer[:, None].expand(-1, AZIMUTHS, -1), valid[:, None].expand(-1, AZIMUTHS)

    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float
    ) -> Draws:
        """The `count` nearest pairs of a known signal and a roll; of one view, whatever `rolls`."""
        index, roll, exists = self.network.nearest_pairs(signals, count)
        orientation = self.network.orientation[index]
        turned = multiply(azimuth_rotation(roll).to(orientation), orientation)
        return Draws(torch.where(exists[..., None], turned, torch.nan)[:, None])


def _spectrum(signals: Tensor) -> Tensor:
    """Fourier transform (n, 6, 37) over the azimuth of signals (n, 6, 72) of mean 0 and norm 1.

    A constant signal becomes 0, which is like no other.
    """
    centred = signals.float()
    centred = centred - centred.mean(dim=(1, 2), keepdim=True)
    norm = torch.linalg.vector_norm(centred, dim=(1, 2), keepdim=True)
    return torch.fft.rfft(centred / norm.clamp(min=1e-6))


def _kind(values: Tensor) -> str:
    return f"{str(values.dtype).removeprefix('torch.')} {tuple(values.shape)}"
