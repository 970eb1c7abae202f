"""A mixture density network: several orientations with weights and widths (Bishop 1994).

Where a regression has one answer and averages over what else would be possible, this one says
all of it: Bishop, Mixture Density Networks, Aston University report NCRG/94/004.
"""

import math

import torch
from torch import Tensor

from workflow.lib.models.task import Draws, all_rolls, turn_back
from workflow.lib.networks.random_numbers import streams, uniform
from workflow.lib.networks.regression import RegressionNet
from workflow.lib.orientation import azimuth_rotation, misorientation_deg, multiply
from workflow.lib.orientation.mixture import NUMBERS, Mixture, draw, log_density
from workflow.lib.orientation.uniform import zone_spiral
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth, standardise

FLOOR = 1e-3
"""The uniform distribution's share: a surprise costs at most −log of it, its gradient fades."""

LEAST_WIDTH_DEG = 0.3  # sharper than labels: EBSD's are right to about 1°, simulated ones to 0.5°
FIRST_WIDTH_DEG = 20.0  # of an untrained network's components: together they cover the zone
SAME_DEG = 5.0  # answers so near to each other are taken for one when one is to be given
OF_EACH = 6  # numbers of a component: a quaternion of any length, log width, log weight


class MixtureTask:
    """Mean negative log density of the rolled reference; the target is the orientation (n, 4).

    components: kernels of `orientation.mixture`, to which the uniform density is added with the
    fixed weight `FLOOR`. Their squared widths are `LEAST_WIDTH_DEG`² plus the exponential of
    twice an output. The output layer's biases begin with distinct orientations, as far apart as
    so many can be found, and with equal weights and widths: components that begin alike have like
    gradients, and stay alike.
    """

    def __init__(self, encoder: str = "published", components: int = 8) -> None:
        self.network = RegressionNet(OF_EACH * components, encoder)
        bias = self.network.output.bias.data.view(components, OF_EACH)
        bias[:, :4] = far_apart(components)
        bias[:, 4] = math.log(math.radians(FIRST_WIDTH_DEG))
        bias[:, 5] = 0

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        turned = multiply(azimuth_rotation(rolls), target[:, None])
        mixtures = self._mixtures(signals, rolls)
        with torch.autocast(signals.device.type, enabled=False):  # no product of matrices rounded
            density = log_density(mixtures, turned[:, :, None])
        return -density.mean().float()

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        return signals.new_full((), rolls.numel(), dtype=torch.float32)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        mixture = mixture_of(self.network(standardise(roll_azimuth(signals, rolls))))
        return _read(mixture, rolls)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        return _read(self._mixtures(signals, all_rolls(signals)), all_rolls(signals))

    @torch.inference_mode()
    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float = 1.0
    ) -> Draws:
        """`count` orientations of the mixture of each roll; temperature: taken no notice of."""
        of_draws = streams((seeds[:, None] * AZIMUTHS + rolls).flatten(), count)
        numbers = torch.stack([uniform(of_draws, place + 1) for place in range(NUMBERS)], -1)
        drawn = draw(self._mixtures(signals, rolls), numbers.unflatten(0, rolls.shape))
        return Draws(turn_back(drawn, rolls[:, :, None]))

    @torch.inference_mode()
    def log_density(self, signals: Tensor, rolls: Tensor, orientation: Tensor) -> Tensor:
        """Log density (n, v, a) of orientations (n, a, 4) of the unrolled signals, in rolls (n, v).

        Relative to uniform on the fundamental zone.
        """
        turned = multiply(azimuth_rotation(rolls)[:, :, None], orientation[:, None])
        return log_density(self._mixtures(signals, rolls), turned)

    def _mixtures(self, signals: Tensor, rolls: Tensor) -> Mixture:
        """Of each signal in each of its rolls (n, v)."""
        return mixture_of(self.network.outputs_of_rolls(standardise(signals), rolls))


def mixture_of(numbers: Tensor) -> Mixture:
    """What the network's outputs (…, 6 c) say, and as component c + 1 the uniform density."""
    parts = numbers.double().unflatten(-1, (-1, OF_EACH))
    mean = torch.nn.functional.normalize(parts[..., :4], dim=-1)
    variance = math.radians(LEAST_WIDTH_DEG) ** 2 + (2 * parts[..., 4].clamp(max=2)).exp()
    log_weight = parts[..., 5].log_softmax(-1) + math.log1p(-FLOOR)
    anywhere = mean.new_tensor([1, 0, 0, 0]).expand_as(mean[..., :1, :])
    return Mixture(
        torch.cat((mean, anywhere), -2),
        torch.nn.functional.pad(log_weight, (0, 1), value=math.log(FLOOR)),
        torch.nn.functional.pad(2 / variance, (0, 1)),
    )


def far_apart(count: int) -> Tensor:
    """So many orientations (count, 4), each of a grid the one farthest from all before it."""
    grid = zone_spiral(512)
    chosen = [grid[0]]
    distance = misorientation_deg(grid[0], grid)
    for _ in range(count - 1):
        chosen.append(grid[distance.argmax()])
        distance = torch.minimum(distance, misorientation_deg(chosen[-1], grid))
    return torch.stack(chosen).float()


def _read(mixture: Mixture, rolls: Tensor) -> tuple[Tensor, Tensor]:
    """Of each mixture the mean around which it holds most, within about `SAME_DEG`, turned back.

    That is where the density is highest once it is smoothed by so much. Without, a component of
    little weight would win by being narrow; and of the weights alone, one of two that share the
    weight of one orientation would lose.
    """
    means = mixture.mean[..., :-1, :]  # not the uniform density's
    held = log_density(mixture.widened(math.radians(SAME_DEG)), means)
    best = held.argmax(-1)[..., None, None]
    answer = means.gather(-2, best.expand(*best.shape[:-1], 4))[..., 0, :]
    return turn_back(answer, rolls), answer.isfinite().all(-1)
