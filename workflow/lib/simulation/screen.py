"""Where to start: the orientations of a grid that explain a signal best, all others left out.

At a given orientation the expected counts are linear in five numbers that can't be negative:
gain times the weight of each variant, and gain times background. So each orientation of a grid
of the cubic fundamental zone is given its least squares, for all signals at once.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from scipy.spatial import cKDTree
from torch import Tensor

from workflow.lib.orientation import CUBIC_SYMMETRY, multiply
from workflow.lib.runtime.threads import share_out
from workflow.lib.simulation.forward import basis
from workflow.lib.simulation.likelihood import Model

CELLS = 16  # of the grid, along each axis of the zone's cube
APART_DEG = 6.0  # a start is the best within so much
SWEEPS = 15
LEAST_WEIGHT = 0.05  # of a variant at a start: three and a half standard deviations
MAX_LOG_GAIN = 1.0
_SIGNALS_AT_ONCE = 8


@dataclass(frozen=True)
class Grid:
    """Orientations of the fundamental zone, and what the model makes of each.

    orientation: (a, 4), float64. neighbours: those within `APART_DEG`, int64 (a, m), filled up
    with the orientation itself. columns: what each of the five numbers adds to the counts,
    (a, 5, 432), the background's last; gram: their products, (a, 5, 5).
    """

    orientation: Tensor
    neighbours: Tensor
    columns: Tensor
    gram: Tensor


@dataclass(frozen=True)
class Starts:
    """Where fits begin: orientation (n, s, 4), grain (n, s, 6), and whether there is one (n, s)."""

    orientation: Tensor
    grain: Tensor
    present: Tensor


@lru_cache(maxsize=1)
def zone_grid() -> Tensor:
    """Orientations that cover the cubic fundamental zone, (7 952, 4), at most 3.4° from any.

    The tangents of a body-centred cubic lattice, cut to the zone's truncated cube of Rodrigues
    vectors. Nearest ones are 4.0° to 4.9° apart.
    """
    places = (torch.arange(CELLS, dtype=torch.float64) + 0.25) / CELLS
    lattice = torch.cat([torch.cartesian_prod(*[places + shift / CELLS] * 3) for shift in (0, 0.5)])
    rodrigues = torch.tan((2 * lattice - 1) * (math.pi / 8))  # of turns up to 45° about ⟨100⟩
    rodrigues = rodrigues[rodrigues.abs().sum(-1) <= 1]
    quaternion = torch.cat((torch.ones(len(rodrigues), 1).double(), rodrigues), -1)
    return quaternion / quaternion.norm(dim=-1, keepdim=True)


@lru_cache(maxsize=1)
def neighbours_of_grid() -> Tensor:
    """For each orientation of `zone_grid` those within 6° by symmetry, int64 (a, m)."""
    grid = zone_grid()
    # Only near the zone's surface does an equivalent come close: 45° to 62.8° from the centre.
    images = multiply(grid.unsqueeze(1), CUBIC_SYMMETRY)
    outside = images[..., 0].abs() >= math.cos(math.radians(62.8 + APART_DEG) / 2)
    owner = torch.arange(len(grid)).unsqueeze(1).expand(-1, len(CUBIC_SYMMETRY))[outside]
    images = images[outside]
    images = images * images[:, :1].sign()
    chord = 2 * math.sin(math.radians(APART_DEG) / 4)
    pairs = cKDTree(grid).sparse_distance_matrix(cKDTree(images), chord, output_type="ndarray")
    pairs.sort(order=("i", "j"))
    first, image = torch.as_tensor(pairs["i"].copy()), torch.as_tensor(pairs["j"].copy())
    count = torch.bincount(first, minlength=len(grid))
    place = torch.arange(len(first)) - (count.cumsum(0) - count)[first]
    neighbours = torch.arange(len(grid)).unsqueeze(1).repeat(1, int(count.max()))
    neighbours[first, place] = owner[image]
    return neighbours


def screen_grid(model: Model, device: torch.device | str = "cpu") -> Grid:
    """The grid with its columns and their products, for one specimen and facet amplitude."""
    orientation = zone_grid().to(device)
    response = model.response(orientation)
    columns = orientation.new_empty(len(orientation), 5, len(response), dtype=model.dtype)
    columns[:, :4] = torch.cat(
        share_out(lambda part: basis(part, model.c, model.dtype).signal, 512, orientation)
    )
    columns[:, 4] = 1
    columns *= response
    gram = torch.bmm(columns, columns.mT)
    return Grid(orientation, neighbours_of_grid().to(device), columns, gram)


def non_negative(gram: Tensor, products: Tensor, sweeps: int = SWEEPS) -> tuple[Tensor, Tensor]:
    """Least squares with non-negative coefficients, by descent along one after the other.

    gram: products of the k columns, (k, k, ...); products: of the columns with what they are to
    explain, (k, ...), broadcast. Returns the coefficients (k, ...), and by how much they lower
    the sum of squares, (...).
    """
    k = len(products)
    inverse = [1 / gram[i, i] for i in range(k)]
    found = [torch.zeros_like(products[i]) for i in range(k)]
    for _ in range(sweeps):
        for i in reversed(range(k)):
            rest = products[i].clone()
            for j in range(k):
                if j != i:
                    rest.addcmul_(gram[i, j], found[j], value=-1)
            found[i] = rest.mul_(inverse[i]).clamp_min_(0)
    explained = torch.zeros_like(products[0])
    for i in range(k):
        gradient = 2 * products[i]
        for j in range(k):
            gradient.addcmul_(gram[i, j].expand_as(gradient), found[j], value=-1)
        explained.addcmul_(gradient, found[i])
    return torch.stack(found), explained


def find_starts(model: Model, grid: Grid, counts: Tensor, count: int) -> Starts:
    """The best local minima of the grid for each signal, at most `count`; counts (n, 432)."""
    parts = share_out(lambda part: _starts(model, grid, part, count), _SIGNALS_AT_ONCE, counts)
    return Starts(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _starts(model: Model, grid: Grid, counts: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    a, k, pixels = grid.columns.shape
    products = grid.columns.view(a * k, pixels) @ counts.to(grid.columns.dtype).T
    products = products.view(a, k, -1).permute(1, 2, 0).contiguous()
    gram = grid.gram.permute(1, 2, 0).unsqueeze(2).contiguous()
    found, explained = non_negative(gram, products)
    best_near = explained[:, grid.neighbours].amax(-1)
    score = torch.where(explained >= best_near, explained, -torch.inf)
    score, place = score.topk(count, dim=-1)
    coefficients = found.gather(2, place.expand(5, -1, -1)).movedim(0, -1).double()
    return grid.orientation[place], first_grain(model, coefficients), score.isfinite()


def first_grain(model: Model, coefficients: Tensor) -> Tensor:
    """A grain's six numbers (..., 6) from gain · weights and gain · background (..., 5)."""
    brightness = coefficients[..., 4] / model.specimen.background
    # Both the gain and the background are known to 30 %: each takes half of what is found.
    log_gain = (0.5 * brightness.clamp_min(1e-6).log()).clamp(-MAX_LOG_GAIN, MAX_LOG_GAIN)
    intensity = coefficients / log_gain.exp().unsqueeze(-1)
    weights = intensity[..., :4].clamp_min(LEAST_WEIGHT).log()
    return torch.cat((weights, intensity[..., 4:], log_gain.unsqueeze(-1)), -1)
