"""A score for any pair of a signal and an orientation (Murphy et al. 2021), factorised.

Letters: n signals, k rolls, m orientations, w width.
"""

import math

import torch
from torch import Tensor, nn

from workflow.lib.networks.regression import RegressionNet
from workflow.lib.orientation import to_matrix

WIDTH = 64  # of the product
HIDDEN = 128
OCTAVES = 5  # of sines: the last turn once in 11°, of the steepest functions
POWERS = [(a, b, 4 - a - b) for a in range(5) for b in range(5 - a)]
"""Of x, y and z, in the 15 monomials of degree four."""


class GridNet(nn.Module):
    """Score ψ(signal) · φ(orientation) + b(orientation).

    ψ is a dense layer on SequenceNet's encoder, as of the other controls; φ and b are two dense
    layers on what `cubic_features` knows of an orientation. Murphy et al. pass each pair through
    layers of its own; as a product, φ is computed once for all signals, and a pair costs w
    multiplications.
    """

    def __init__(self, encoder: str = "published") -> None:
        super().__init__()
        self.orientations = nn.Sequential(
            nn.Linear(len(POWERS) * (1 + 2 * OCTAVES), HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, WIDTH + 1),
        )
        self.signals = RegressionNet(WIDTH, encoder)  # the last, see `training.muon`

    def keys(self, orientation: Tensor) -> Tensor:
        """φ and b, (…, w + 1), of unit quaternions (…, 4); equivalent ones have the same."""
        return self.orientations(cubic_features(orientation))

    def queries(self, signals: Tensor, rolls: Tensor) -> Tensor:
        """ψ and 1, (n, k, w + 1), of standardised signals (n, 6, 72) in rolls (n, k)."""
        return _with_one(self.signals.outputs_of_rolls(signals, rolls))

    def query(self, signals: Tensor) -> Tensor:
        """As `queries`, (n, w + 1), of signals as they are."""
        return _with_one(self.signals(signals))


def cubic_features(orientation: Tensor) -> Tensor:
    """What networks see of unit quaternions (…, 4), (…, 165), float32, the same of equivalents.

    The fourth-degree tensor Σ r⊗r⊗r⊗r over the crystal's three axes r is the lowest that cubic
    symmetry leaves more than a constant of, and tells all orientations apart that it does. It is
    smooth everywhere, where a representative of the fundamental zone jumps at the zone's faces.
    Its 15 different entries are scaled so that an orientation turned by a small angle is as far
    away as the angle in radians. Of each there is besides the sine and cosine of 2, 4, … times it.
    """
    axes = to_matrix(orientation.float()).movedim((-2, -1), (0, 1)).contiguous()
    x, y, z = (torch.stack((torch.ones_like(v), v, v**2, v**3, v**4)) for v in axes)  # (5, 3, …)
    entries = torch.stack([_often(n) * (x[n[0]] * y[n[1]] * z[n[2]]).sum(0) for n in POWERS], -1)
    entries = entries / math.sqrt(8)  # turned by θ: |difference|² = 8 θ², before
    sines, cosines = [(2 * entries).sin()], [(2 * entries).cos()]
    for _ in range(OCTAVES - 1):
        sine, cosine = sines[-1], cosines[-1]
        sines.append(2 * sine * cosine)
        cosines.append(1 - 2 * sine * sine)
    return torch.cat((entries, *sines, *cosines), -1)


def _often(powers: tuple[int, int, int]) -> float:
    """Root of how often an entry of these powers of x, y and z is in the tensor."""
    return math.sqrt(math.factorial(4) / math.prod(math.factorial(power) for power in powers))


def _with_one(numbers: Tensor) -> Tensor:
    return torch.cat((numbers, torch.ones_like(numbers[..., :1])), -1)
