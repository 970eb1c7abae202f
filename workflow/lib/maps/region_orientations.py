"""Orientations of a map's regions: a fair sample of each, and the mean of all their pixels.

Both are gathered strip by strip, so that memory grows with the regions and not with the pixels.
"""

from collections.abc import Iterator

import numpy as np
import torch

from workflow.lib.maps.map_file import Map, Pixels
from workflow.lib.maps.regions import NONE, strips
from workflow.lib.orientation import medoid, misorientation_deg, symmetric_mean
from workflow.lib.orientation.pairs import nearest_equivalent
from workflow.lib.orientation.quaternion import canonical_sign
from workflow.lib.runtime.progress import Progress

SAMPLE = 32  # pixels of a region, evenly taken


def labelled_strips(
    orientation_map: Map, labels: np.ndarray, label: str
) -> Iterator[tuple[slice, Pixels, np.ndarray]]:
    """Of each strip the rows, its pixels, and which of them belong to a region, bool (k, nx)."""
    with Progress(label, labels.size, "pixel") as progress:
        for rows in strips(*labels.shape):
            yield rows, orientation_map.rows(rows.start, rows.stop), labels[rows] != NONE
            progress.add(labels[rows].size)


def sampled(orientation_map: Map, labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Up to `SAMPLE` orientations of each region, float32 (n, SAMPLE, 4), NaN where it has fewer.

    Every so many of a region's pixels in their order row by row.
    """
    sample = np.full((len(sizes), SAMPLE, 4), np.nan, np.float32)
    every = -(-sizes // SAMPLE)
    seen = np.zeros(len(sizes), np.int64)
    for rows, pixels, inside in labelled_strips(orientation_map, labels, "grains: sample"):
        region = labels[rows][inside]
        rank = seen[region] + _ranks(region)
        seen += np.bincount(region, minlength=len(sizes))
        taken = rank % every[region] == 0
        place = rank[taken] // every[region[taken]]
        sample[region[taken], place] = pixels.orientation[inside][taken]
    return sample


def middle_and_scatter(sample: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    """Of samples (n, SAMPLE, 4) the symmetric means (n, 4) and the median misorientation to them.

    The scatter is in degrees, float32 (n,).
    """
    points = torch.as_tensor(sample)
    valid = points.isfinite().all(-1)
    middle = symmetric_mean(points, valid.float(), medoid(points, valid))
    angle_deg = misorientation_deg(points, middle[:, None])
    return middle, angle_deg.nanmedian(1).values.numpy()


def pooled(sample: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Samples (k, SAMPLE, 4) of regions that are two each, from those (k, 2, SAMPLE, 4) of both.

    sizes: int (k, 2), their pixels. Each gives as many as is its share of the pixels, evenly taken.
    """
    known = np.isfinite(sample).all(-1)
    weight = known * (sizes / known.sum(-1))[..., None]  # pixels for which a point stands
    reached = weight.reshape(len(sample), -1).cumsum(1) / weight.sum((1, 2))[:, None]
    wanted = (np.arange(SAMPLE) + 0.5) / SAMPLE
    place = (reached[:, None] < wanted[:, None]).sum(2)
    return np.take_along_axis(sample.reshape(len(sample), -1, 4), place[..., None], 1)


def means(orientation_map: Map, labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The symmetric mean of all pixels of each region, float64 (n, 4).

    As `orientation.symmetric_mean`: each pixel in its equivalent nearest a middle of the region,
    which is the medoid of its sample.
    """
    sample = torch.as_tensor(sampled(orientation_map, labels, sizes))
    near = medoid(sample, sample.isfinite().all(-1)).double()
    moment = np.zeros((16, len(sizes)))
    for rows, pixels, inside in labelled_strips(orientation_map, labels, "grains: mean"):
        region = labels[rows][inside]
        q = torch.as_tensor(pixels.orientation[inside])
        q = nearest_equivalent(q, near[torch.as_tensor(region, dtype=torch.int64)]).numpy()
        for i, j in np.ndindex(4, 4):
            moment[4 * i + j] += np.bincount(region, q[:, i] * q[:, j], len(sizes))
    vectors = torch.linalg.eigh(torch.as_tensor(moment.T.reshape(-1, 4, 4))).eigenvectors
    return canonical_sign(vectors[..., -1]).numpy()


def _ranks(values: np.ndarray) -> np.ndarray:
    """How many equal ones come before each of the values (n,)."""
    order = values.argsort(kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(values)])
    lengths = np.diff(np.append(starts, len(values)))
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return rank
