"""Regions become grains: small ones join a neighbour, and those that noise has cut are mended."""

import numpy as np

from workflow.lib.maps.region_orientations import middle_and_scatter, pooled
from workflow.lib.maps.regions import NONE, Contacts, Regions, joined
from workflow.lib.orientation import misorientation_deg


def without_small(regions: Regions, min_pixels: int) -> Regions:
    """Regions smaller than `min_pixels` join one beside them, the smallest first.

    They join the one to which the mean misorientation along their common boundary is least; those
    of the same size do so at once. What has nothing beside it belongs to no grain: its pixels get
    the label `NONE`.
    """
    sizes, contacts = regions.sizes, regions.contacts
    name = np.arange(len(sizes))
    while True:
        touching = np.isin(np.arange(len(sizes)), contacts.pair) & (sizes < min_pixels)
        if not touching.any():
            break
        smallest = touching & (sizes == sizes[touching].min())
        step = joined(_most_alike(contacts, smallest), len(sizes))
        name, sizes = step[name], np.bincount(step, sizes).astype(np.int64)
        contacts = contacts.renamed(step)
    is_grain = sizes >= min_pixels
    number = np.where(is_grain, is_grain.cumsum() - 1, NONE)
    return regions.renamed(number[name])


def without_cuts(regions: Regions, threshold_deg: float, sample: np.ndarray) -> Regions:
    """Neighbours join that differ by less than the threshold, or less than they scatter.

    sample: orientations of each region, as `region_orientations.sampled` gives them. Where those of
    two regions scatter about their means by more than the threshold, by the median, the means must
    differ by more than the mean of both scatters for a boundary between them.
    In each round the pairs most alike join, each region with one other, until none is left.
    """
    middle, scatter_deg = middle_and_scatter(sample)
    while len(regions.contacts.pair):
        one, other = regions.contacts.pair.T
        angle_deg = misorientation_deg(middle[one], middle[other]).numpy()
        share = angle_deg / np.maximum(threshold_deg, (scatter_deg[one] + scatter_deg[other]) / 2)
        order = share.argsort(kind="stable")
        alike = regions.contacts.pair[order[share[order] < 1]]
        if not len(alike):
            break
        pair = _each_once(alike)
        name = joined(pair, len(regions.sizes))
        sample[pair[:, 0]] = pooled(sample[pair], regions.sizes[pair])
        middle[pair[:, 0]], scatter_deg[pair[:, 0]] = middle_and_scatter(sample[pair[:, 0]])
        first = np.unique(name, return_index=True)[1]
        sample, middle, scatter_deg = sample[first], middle[first], scatter_deg[first]
        regions = regions.renamed(name)
    return regions


def _most_alike(contacts: Contacts, chosen: np.ndarray) -> np.ndarray:
    """Each of the chosen regions (n,) bool that touch another, and the one it is most like: (m, 2).

    Of equals the one with the lowest number.
    """
    one, other = np.concatenate((contacts.pair, contacts.pair[:, ::-1])).T
    mean_deg = np.tile(contacts.total_deg / contacts.edges, 2)
    of_chosen = np.flatnonzero(chosen[one])
    order = of_chosen[np.lexsort((other[of_chosen], mean_deg[of_chosen], one[of_chosen]))]
    first = np.unique(one[order], return_index=True)[1]
    return np.stack((one[order][first], other[order][first]), 1)


def _each_once(pair: np.ndarray) -> np.ndarray:
    """Of pairs (k, 2) those of which neither has been in one before."""
    taken: set[int] = set()
    kept = []
    for one, other in pair.tolist():
        if one not in taken and other not in taken:
            taken |= {one, other}
            kept.append((one, other))
    return np.array(kept)
