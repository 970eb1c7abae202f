"""Connected regions of a map: what lies between boundaries, found strip by strip.

Between two neighbours in a row or a column there is a boundary where they are misoriented by the
threshold or more. Regions are what hangs together without crossing one. Regions are numbered by
their first pixel, row by row, so that the numbers don't depend on the strips.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from workflow.lib.maps.map_file import Map
from workflow.lib.maps.median_filter import median_filtered
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.progress import Progress

STRIP_PX = 1 << 15  # pixels, of which each takes about 1 kB while it is filtered
NONE = -1  # the label of pixels that belong to nothing


@dataclass
class Contacts:
    """Pairs of regions that touch, each once.

    pair: int64 (k, 2), the smaller number first. edges: float64 (k,), in how many places a pixel of
    one has a pixel of the other beside it. total_deg: float64 (k,), the sum of the misorientations
    there.
    """

    pair: np.ndarray
    edges: np.ndarray
    total_deg: np.ndarray

    def renamed(self, name: np.ndarray) -> "Contacts":
        """With region i called name[i]; what touches itself or has the name `NONE` is left out."""
        pair = np.sort(name[self.pair], 1)
        apart = (pair[:, 0] != pair[:, 1]) & (pair[:, 0] != NONE)
        return Contacts(*summed(pair[apart], self.edges[apart], self.total_deg[apart]))


@dataclass
class Regions:
    """labels: int32 (ny, nx), 0 to n − 1, or `NONE`; sizes: int64 (n,), in pixels."""

    labels: np.ndarray
    sizes: np.ndarray
    contacts: Contacts

    def renamed(self, name: np.ndarray) -> "Regions":
        """With region i called name[i]: some become one, some `NONE`. Labels are overwritten."""
        rename(self.labels, name)
        kept = name != NONE
        sizes = np.bincount(name[kept], self.sizes[kept]).astype(np.int64)
        return Regions(self.labels, sizes, self.contacts.renamed(name))


def strips(ny: int, nx: int) -> list[slice]:
    """Rows of a map, so many at a time."""
    rows = max(1, STRIP_PX // nx)
    return [slice(first, min(first + rows, ny)) for first in range(0, ny, rows)]


def summed(pair: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """One of each pair (k, 2), int64 and in rising order, and its sum of each of the values (k,).

    pair: not negative, below 2³¹, the smaller first.
    """
    pair = pair.astype(np.int64)
    keys, place = np.unique((pair[:, 0] << 32) | pair[:, 1], return_inverse=True)
    sums = (np.bincount(place, value, len(keys)) for value in values)
    return np.stack((keys >> 32, keys & 0xFFFFFFFF), 1), *sums


def rename(labels: np.ndarray, name: np.ndarray) -> None:
    """Label i becomes name[i], in place; `NONE` stays."""
    names = np.append(name, NONE).astype(labels.dtype)  # whose last one is what −1 finds
    for rows in strips(*labels.shape):
        labels[rows] = names[labels[rows]]


def connected(orientation_map: Map, threshold_deg: float, window_px: int) -> Regions:
    """The regions of a map's orientations after `median_filtered` with this window."""
    ny, nx = orientation_map.raster.ny, orientation_map.raster.nx
    labels = np.full((ny, nx), NONE, np.int32)
    n, sizes, joins, contacts = 0, [], [], []
    above = np.full((1, nx, 4), np.nan, np.float32)
    with Progress("grains: regions", ny * nx, "pixel") as progress:
        for rows in strips(ny, nx):
            here = _filtered_rows(orientation_map, rows, window_px)
            own = _within(here, threshold_deg)
            sizes.append(np.bincount(own[own != NONE]))
            labels[rows] = np.where(own == NONE, NONE, own + n)
            n += len(sizes[-1])
            with_above = np.concatenate((above, here)) if rows.start else here
            numbers = labels[rows.stop - len(with_above) : rows.stop]
            pair, angle_deg = _neighbours(with_above, numbers, len(here))
            is_joined = angle_deg < threshold_deg
            joins.append(np.unique(pair[is_joined], axis=0))
            edges = np.ones(len(pair) - is_joined.sum())
            contacts.append(summed(np.sort(pair[~is_joined], 1), edges, angle_deg[~is_joined]))
            above = here[-1:]
            progress.add(here.shape[0] * nx)
    everywhere = Contacts(*map(np.concatenate, zip(*contacts, strict=True)))
    return Regions(labels, np.concatenate(sizes), everywhere).renamed(
        joined(np.concatenate(joins), n)
    )


def _filtered_rows(orientation_map: Map, rows: slice, window_px: int) -> np.ndarray:
    margin = window_px // 2
    first = max(0, rows.start - margin)
    pixels = orientation_map.rows(first, min(rows.stop + margin, orientation_map.raster.ny))
    known = pixels.is_indexed & np.isfinite(pixels.orientation).all(-1)
    filtered = median_filtered(pixels.orientation, known, window_px)
    return filtered[rows.start - first : rows.stop - first]


def _within(orientation: np.ndarray, threshold_deg: float) -> np.ndarray:
    """Labels (k, nx) of a strip's own regions, from 0."""
    known = np.isfinite(orientation).all(-1)
    number = np.where(known, known.cumsum().reshape(known.shape) - 1, NONE)
    pair, angle_deg = _neighbours(orientation, number, len(number))
    labels = np.full(known.shape, NONE, np.int32)
    labels[known] = joined(pair[angle_deg < threshold_deg], int(known.sum()))
    return labels


def _neighbours(
    orientation: np.ndarray, labels: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (m, 2) and misorientations (m,) of neighbours of different labels, none `NONE`.

    rows: how many of the rows, the last ones, have their own neighbours looked at; a row before
    these is there for those below it.
    """
    pairs, angles_deg = [], []
    for one, other in ((np.s_[-rows:, :-1], np.s_[-rows:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = labels[one], labels[other]
        apart = (a != b) & (a != NONE) & (b != NONE)
        pairs.append(np.stack((a[apart], b[apart]), 1).astype(np.int64))
        q = [torch.as_tensor(orientation[part][apart]) for part in (one, other)]
        angles_deg.append(misorientation_deg(*q).numpy().astype(float))
    return np.concatenate(pairs), np.concatenate(angles_deg)


def joined(pair: np.ndarray, n: int) -> np.ndarray:
    """The number (n,) of the component in which each of n things is; pair (m, 2): joins.

    Components are numbered by their first member.
    """
    graph = coo_array((np.ones(len(pair), bool), (pair[:, 0], pair[:, 1])), (n, n))
    return connected_components(graph, directed=False)[1] if n else np.empty(0, np.int32)
