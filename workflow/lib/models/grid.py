"""A density of any form on a grid of orientations, Implicit-PDF (Murphy et al., ICML 2021)."""

import functools
import math

import torch
from torch import Tensor

from workflow.lib.models.task import Draws, all_rolls, turn_back
from workflow.lib.networks.grid import GridNet
from workflow.lib.networks.random_numbers import streams, uniform
from workflow.lib.orientation import CUBIC_SYMMETRY, azimuth_rotation, multiply
from workflow.lib.orientation.uniform import directions, zone_spiral
from workflow.lib.runtime.threads import share_out
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth, standardise

HALVINGS = 5
"""Of a cell's width, in steps of which an answer is sought beside a point of the grid."""

# Rows of the grid's scores at once: on a CPU what fits its cache, on a GPU 0.5 GB
CODES_AT_ONCE = {"cpu": 64, "cuda": 8192}


class GridTask:
    """A score of each pair of a signal and an orientation, made a density by a softmax over a grid.

    Learnt is −log of the density at the rolled reference, where the sum over all orientations is
    one over `points_per_step` evenly spread ones and the reference itself, as in Murphy et al. The
    grid is turned at random in each step, and all signals of a step share it. The score that makes
    this least is the log of the density up to a constant of each signal, however coarse the grid
    (van den Oord et al., arXiv 1807.03748, Eq. 5).
    points: of the fixed grid over which the density of an answer is normalised, about so many,
    see `zone_spiral`; 16 384 are 3.4° apart. The target is the orientation (n, 4).
    """

    def __init__(
        self, encoder: str = "published", points: int = 16_384, points_per_step: int = 1024
    ) -> None:
        self.network = GridNet(encoder)
        self.points = points
        self.points_per_step = points_per_step

    def target(self, orientation: Tensor, tokens: Tensor | None = None) -> Tensor:
        return orientation

    def loss(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        queries = self.network.queries(standardise(signals), rolls).flatten(0, 1)
        truth = multiply(azimuth_rotation(rolls), target[:, None]).flatten(0, 1)
        grid = _grid(self.points_per_step, signals.device)
        turn = torch.randn(4, dtype=grid.dtype, device=grid.device)
        grid = multiply(turn / turn.norm(), grid)
        with torch.autocast(signals.device.type, enabled=False):  # differences of large scores
            others, own = self.network.keys(torch.cat((grid, truth))).split((len(grid), len(truth)))
            true = (queries * own).sum(-1)
            everywhere = torch.cat((queries @ others.T, true[:, None]), 1)
        return (everywhere.logsumexp(1) - true).mean() - math.log(everywhere.shape[1])

    def weight(self, signals: Tensor, rolls: Tensor, target: Tensor) -> Tensor:
        return signals.new_full((), rolls.numel(), dtype=torch.float32)

    def predict(self, signals: Tensor, rolls: Tensor) -> tuple[Tensor, Tensor]:
        queries = self.network.query(standardise(roll_azimuth(signals, rolls)))
        return turn_back(self._densest(queries), rolls), queries.isfinite().all(-1)

    def predict_rolls(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        rolls = all_rolls(signals)
        queries = self.network.queries(standardise(signals), rolls)
        answer = self._densest(queries.flatten(0, 1)).unflatten(0, rolls.shape)
        return turn_back(answer, rolls), queries.isfinite().all(-1)

    @torch.inference_mode()
    def draw(
        self, signals: Tensor, rolls: Tensor, count: int, seeds: Tensor, temperature: float = 1.0
    ) -> Draws:
        """`count` points of the grid, drawn with their probabilities, each moved within its cell.

        By a rotation that is uniform in a ball of a cell's volume, which widens the density by 0.9°
        in each direction with 16 384 points. temperature: taken no notice of.
        """
        queries = self.network.queries(standardise(signals), rolls).flatten(0, 1)
        grid = _grid(self.points, signals.device)
        keys = self.network.keys(grid)

        def drawn(queries: Tensor, seeds: Tensor) -> Tensor:
            of_draws = streams(seeds, count)
            cumulated = (queries @ keys.T).double().softmax(-1).cumsum(-1)
            level = uniform(of_draws, 1) * cumulated[:, -1:]
            point = torch.searchsorted(cumulated, level, right=True).clamp(max=len(grid) - 1)
            numbers = torch.stack([uniform(of_draws, place) for place in (2, 3, 4)], -1)
            found = multiply(grid[point], _in_ball(numbers, _cell_rad(grid)))
            return torch.where(queries.isfinite().all(-1)[:, None, None], found, torch.nan)

        of_rolls = (seeds[:, None] * AZIMUTHS + rolls).flatten()
        parts = share_out(drawn, CODES_AT_ONCE[signals.device.type], queries, of_rolls)
        return Draws(turn_back(torch.cat(parts).unflatten(0, rolls.shape), rolls[:, :, None]))

    @torch.inference_mode()
    def log_density(self, signals: Tensor, rolls: Tensor, orientation: Tensor) -> Tensor:
        """Log density (n, v, a) of orientations (n, a, 4) of the unrolled signals, in rolls (n, v).

        Relative to uniform on the fundamental zone, over which the fixed grid's mean is 1.
        """
        queries = self.network.queries(standardise(signals), rolls)
        turned = multiply(azimuth_rotation(rolls)[:, :, None], orientation[:, None])
        score = (self.network.keys(turned) @ queries[..., None])[..., 0]
        keys = self.network.keys(_grid(self.points, signals.device))

        def total(queries: Tensor) -> Tensor:
            return (queries @ keys.T).logsumexp(-1)

        parts = share_out(total, CODES_AT_ONCE[signals.device.type], queries.flatten(0, 1))
        mean = torch.cat(parts).unflatten(0, rolls.shape) - math.log(len(keys))
        return (score - mean[..., None]).double()

    def _densest(self, queries: Tensor) -> Tensor:
        """The orientation (n, 4) of highest score, float64, of queries (n, w + 1).

        The best point of the grid, then the best of a stencil around it with half a cell's width,
        and so on with halves of that: to a thirtieth of a cell, 0.1° with 16 384 points.
        """
        grid = _grid(self.points, queries.device)
        keys = self.network.keys(grid)
        stencils = [
            _stencil(_cell_rad(grid) / 2**halving, queries.device)
            for halving in range(1, HALVINGS + 1)
        ]

        def sought(queries: Tensor) -> Tensor:
            best = grid[(queries @ keys.T).argmax(-1)]
            for stencil in stencils:
                at = multiply(best[:, None], stencil)
                score = (self.network.keys(at) @ queries[..., None])[..., 0]
                best = at.take_along_dim(score.argmax(-1)[:, None, None], 1)[:, 0]
            return best / best.norm(dim=-1, keepdim=True)

        return torch.cat(share_out(sought, CODES_AT_ONCE[queries.device.type], queries))


@functools.cache  # copied to a device once, because each copy stalls a GPU
def _grid(points: int, device: torch.device) -> Tensor:
    return zone_spiral(points).to(device)


def _cell_rad(grid: Tensor) -> float:
    """Side of a cube of a cell's volume, whose lengths are angles in radians.

    All rotations are 8π² of that, of which the zone is a 24th.
    """
    return (8 * math.pi**2 / len(CUBIC_SYMMETRY) / len(grid)) ** (1 / 3)


@functools.cache
def _stencil(step_rad: float, device: torch.device) -> Tensor:
    """No rotation, and those by `step_rad` about a cube's axes and diagonals: (15, 4)."""
    axes = torch.eye(3, dtype=torch.float64)
    corners = torch.cartesian_prod(*[axes.new_tensor([-1, 1])] * 3) / math.sqrt(3)
    vectors = math.sin(step_rad / 2) * torch.cat((0 * axes[:1], axes, -axes, corners))
    scalars = (1 - vectors.square().sum(-1, keepdim=True)).sqrt()
    return torch.cat((scalars, vectors), -1).to(device)


def _in_ball(numbers: Tensor, cell_rad: float) -> Tensor:
    """Rotations (…, 4) uniform in a ball as large as a cell, of numbers (…, 3) in [0, 1)."""
    radius = (3 / (4 * math.pi)) ** (1 / 3) * cell_rad
    half = radius * numbers[..., :1] ** (1 / 3) / 2
    return torch.cat((half.cos(), half.sin() * directions(numbers[..., 1:])), -1)
