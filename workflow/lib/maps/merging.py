"""Regions become grains: small ones join a neighbour, and those that noise has cut are mended."""

import heapq
from collections.abc import Callable

import numpy as np
import torch

from workflow.lib.maps.regions import NONE, Contacts, Regions
from workflow.lib.orientation import misorientation_deg

Neighbours = list[dict[int, tuple[int, float]]]  # of each region: edges shared, and their sum


def without_small(regions: Regions, min_pixels: int) -> Regions:
    """Regions smaller than `min_pixels` join one beside them, the smallest first.

    They join the one to which the mean misorientation along their common boundary is least. What
    has nothing beside it belongs to no grain: its pixels get the label `NONE`.
    """
    sizes, joined = regions.sizes.tolist(), list(range(len(regions.sizes)))
    beside = _neighbours_of(regions.contacts, len(sizes))
    waiting = [(size, region) for region, size in enumerate(sizes) if size < min_pixels]
    heapq.heapify(waiting)
    while waiting:
        size, region = heapq.heappop(waiting)
        if joined[region] != region or sizes[region] != size:
            continue  # has grown or gone since
        if not beside[region]:
            joined[region] = NONE
            continue
        target = min(beside[region], key=lambda other: _mean_and_name(beside[region], other))
        first, second = sorted((region, target))
        joined[second] = first
        sizes[first] += sizes[second]
        _hand_over(beside, second, first)
        if sizes[first] < min_pixels:
            heapq.heappush(waiting, (sizes[first], first))
    return regions.renamed(numbered(joined))


def without_cuts(
    regions: Regions,
    threshold_deg: float,
    middle_and_scatter: Callable[[Regions], tuple[torch.Tensor, np.ndarray]],
) -> Regions:
    """Neighbours join that differ by less than the threshold, or less than they scatter.

    middle_and_scatter: of each region the mean orientation (n, 4), and the median misorientation to
    it in degrees (n,). Where the orientations of two regions scatter by more than the threshold,
    a difference of their means must exceed the mean of both scatters to count as a boundary.
    In each round the pairs most alike join, each region with one other, until none is left.
    """
    while len(regions.contacts.pair):
        middle, scatter_deg = middle_and_scatter(regions)
        one, other = regions.contacts.pair.T
        angle_deg = misorientation_deg(middle[one], middle[other]).numpy()
        needed_deg = np.maximum(threshold_deg, (scatter_deg[one] + scatter_deg[other]) / 2)
        share = angle_deg / needed_deg
        alike = share < 1
        if not alike.any():
            break
        order = share[alike].argsort(kind="stable")
        regions = regions.renamed(
            numbered(_in_pairs(regions.contacts.pair[alike][order], len(regions.sizes)))
        )
    return regions


def numbered(joined: list[int]) -> np.ndarray:
    """New numbers (n,) without gaps, in the old order, for regions that joined others.

    joined[i] is the region of a lower number that i joined, i itself, or `NONE`.
    """
    root = np.array(joined, np.int64)
    for region in np.flatnonzero(root != np.arange(len(root))):  # lower ones are settled already
        root[region] = NONE if root[region] == NONE else root[root[region]]
    kept = root != NONE
    name = np.full(len(root), NONE, np.int64)
    name[kept] = np.unique(root[kept], return_inverse=True)[1]
    return name


def _neighbours_of(contacts: Contacts, n: int) -> Neighbours:
    beside: Neighbours = [{} for _ in range(n)]
    columns = (*contacts.pair.T.tolist(), contacts.edges.tolist(), contacts.total_deg.tolist())
    for one, other, edges, total_deg in zip(*columns, strict=True):
        beside[one][other] = beside[other][one] = (edges, total_deg)
    return beside


def _mean_and_name(beside: dict[int, tuple[int, float]], other: int) -> tuple[float, int]:
    edges, total_deg = beside[other]
    return total_deg / edges, other


def _hand_over(beside: Neighbours, gone: int, heir: int) -> None:
    """All contacts of `gone` become those of `heir`."""
    for other, (edges, total_deg) in beside[gone].items():
        del beside[other][gone]
        if other != heir:
            before = beside[heir].get(other, (0, 0.0))
            total = before[0] + edges, before[1] + total_deg
            beside[heir][other] = beside[other][heir] = total
    beside[gone] = {}


def _in_pairs(pair: np.ndarray, n: int) -> list[int]:
    """What each of n regions joins, the first of these pairs (k, 2) first, each region once."""
    joined, is_free = list(range(n)), [True] * n
    for one, other in pair.tolist():
        if is_free[one] and is_free[other]:
            is_free[one] = is_free[other] = False
            joined[other] = one
    return joined
