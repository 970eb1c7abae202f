"""Signals and orientations that occur twice, and evaluation signals that training has seen.

Fold k tests on the evaluation set of specimen k and trains on the training sets of the
other specimens. A test signal that one of *those* holds is a leak; one in the training set
of its own specimen is none in this design, and is counted apart.

What is compared: the bytes of signals, their normalised correlation, and orientations, all
without azimuth rolls. A high correlation finds a copy that was rescaled, offset or rounded
anew. It doesn't find a grain that was recorded twice: its noise makes the second signal as
unlike the first as another grain's of similar orientation. Equal orientations may tell.
"""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from workflow.lib.runtime.progress import tracked
from workflow.lib.signals.similarity import highest_correlation, standardised

SAME_ORIENTATION_DEG = 0.01  # above the rounding of float32, far below the error of EBSD
NEAR_IDENTICAL = 0.998  # correlation; different grains of sim-v1 reach 0.996 in 70 million pairs
COMPARED_PAIRS = 100_000_000  # correlations computed at most
NEAREST = 8  # neighbours of a point that are looked at first
BLOCK = 10_000  # orientations whose equivalents are held at once: 8 MB
BORDER = 1e-3  # how near the zone's border, in cos(θ/2), an equivalent counts as an image


def signal_ids(signals: np.ndarray) -> np.ndarray:
    """A number for each signal (n, 6, 72), the same where every byte is: (n,)."""
    rows = np.ascontiguousarray(signals).reshape(len(signals), -1)
    whole = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    return np.unique(whole, return_inverse=True)[1]


def orientation_ids(
    orientation: np.ndarray, tolerance_deg: float = SAME_ORIENTATION_DEG
) -> np.ndarray:
    """A number for each orientation (n, 4), the same for those that agree: (n,).

    Two agree when their misorientation, over the 24 rotations of the cube, is at most the
    tolerance, or when a chain of such pairs connects them. Memory grows with n only, also
    when all agree: the pairs that do are not listed.
    """
    unique, inverse = np.unique(orientation, axis=0, return_inverse=True)
    image, owner = _images_in_zone(unique)
    point, index = np.unique(image, axis=0, return_inverse=True)
    # Unit quaternions of rotations that differ by θ are 2 sin(θ/4) apart.
    chord = np.nextafter(2 * np.sin(np.deg2rad(tolerance_deg) / 4), np.inf)  # itself counts
    owners = len(point) + owner  # are nodes beside the points, linked with all their images
    label = _joined(np.arange(len(point) + len(unique)), index, owners)
    first, second, is_crowded = _nearest(point, chord)
    label = _joined(label, first, second)
    crowded = np.flatnonzero(is_crowded)  # both of each pair that has not been listed
    while len(crowded):
        first, second = _pairs_across(point[crowded], label[crowded], chord)
        if not len(first):
            break
        label = _joined(label, crowded[first], crowded[second])
    return label[len(point) :][inverse]


def _joined(label: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Labels (n,), 0 and up, after the groups of the nodes `first` and `second` are joined."""
    links = (np.ones(len(first), bool), (label[first], label[second]))
    size = label.max(initial=-1) + 1
    return connected_components(coo_array(links, shape=(size, size)), directed=False)[1][label]


def _nearest(point: np.ndarray, chord: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of points (n, 4) less than `chord` apart, and which points may have more of them.

    Of each point its NEAREST nearest ones, itself among them; if that many are near, there may
    be others.
    """
    distance, neighbour = KDTree(point).query(point, NEAREST, distance_upper_bound=chord)
    is_near = np.isfinite(distance)
    first, place = np.nonzero(is_near)
    return first, neighbour[first, place], is_near.all(axis=1)


def _pairs_across(
    point: np.ndarray, label: np.ndarray, chord: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of points (n, 4) less than `chord` apart whose labels (n,) differ.

    Not all of them, but none only if there is none, and at least one of every group that has
    any: two different numbers differ in a bit, so for each bit the points that have it look
    for the nearest of those that don't, and the reverse. Groups are numbered anew in each
    region, so that regions of one group need no search.
    """
    region = _regions(point, chord)
    groups, group = np.unique(np.column_stack((region, label)), axis=0, return_inverse=True)
    begin = np.searchsorted(groups[:, 0], groups[:, 0])
    number = (np.arange(len(groups)) - begin)[group]
    searched = np.flatnonzero(np.bincount(groups[:, 0])[region] > 1)
    pairs = [np.empty((2, 0), np.intp)]
    for bit in range(int(number.max()).bit_length()):
        has_bit = (number[searched] >> bit & 1).astype(bool)
        sides = searched[has_bit], searched[~has_bit]
        for these, others in (sides, sides[::-1]):
            nearest = KDTree(point[others]).query(point[these], distance_upper_bound=chord)
            found = np.isfinite(nearest[0])
            pairs.append(np.stack((these[found], others[nearest[1][found]])))
    return tuple(np.concatenate(pairs, axis=1))


def _regions(point: np.ndarray, chord: float) -> np.ndarray:
    """Numbers of regions (n,) such that points (n, 4) of different ones are `chord` apart.

    Their borders are the gaps in each coordinate.
    """
    keys = np.empty(point.shape, np.intp)
    for key, coordinate in zip(keys.T, point.T, strict=True):
        order = coordinate.argsort()
        key[order] = np.concatenate(([0], (np.diff(coordinate[order]) >= chord).cumsum()))
    return np.unique(keys, axis=0, return_inverse=True)[1]


def _images_in_zone(orientation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The equivalents of orientations (n, 4) in the fundamental zone (m, 4), and whose, (m,).

    Inside the zone each has one; at its border several are (almost) equally near the
    identity, and what is a neighbour of one of them may be far from the others.
    """
    operators = Rotation.create_group("O")
    images, owners = [np.empty((0, 4))], [np.empty(0, np.intp)]
    for start in range(0, len(orientation), BLOCK):
        rotation = Rotation.from_quat(orientation[start : start + BLOCK], scalar_first=True)
        equivalents = np.stack([(rotation * o).as_quat(canonical=True) for o in operators])
        cosine = equivalents[..., 3]  # of half the rotation angle
        which, owner = np.nonzero(cosine >= cosine.max(axis=0) - BORDER)
        images.append(equivalents[which, owner])
        owners.append(start + owner)
    return np.concatenate(images), np.concatenate(owners)


def leak_table(
    signals: np.ndarray, orientation: np.ndarray, specimen: np.ndarray, evaluation: np.ndarray
) -> pd.DataFrame:
    """What the training sets hold of each specimen's evaluation set, a row per specimen.

    All signals of the dataset: signals (n, 6, 72), orientation (n, 4), specimen (n,), and
    evaluation (n,), whether a signal is of an evaluation set.

    Columns: specimen; signals, of its evaluation set; compared, how many of them were
    correlated with all training signals: a random part when there are too many pairs. Then,
    with the ending `_other` for the training sets of the other specimens and `_own` for
    that of its own, the numbers of evaluation signals that are `identical` to one there,
    that are compared and `near` identical but not identical, and that share their
    `orientation` with one there; and the highest `correlation` of any (−∞ if there is none).
    """
    signal_id, orientation_id = signal_ids(signals), orientation_ids(orientation)
    training = np.flatnonzero(~evaluation)
    known = standardised(signals[training])
    share = COMPARED_PAIRS / max(1, len(training) * int(evaluation.sum()))
    rng = np.random.default_rng(0)  # the same dataset, the same draw
    rows = []
    for name in tracked(np.unique(specimen[evaluation]), "leaks", "specimen"):
        tested = np.flatnonzero(evaluation & (specimen == name))
        drawn = np.sort(rng.permutation(len(tested))[: int(np.ceil(share * len(tested)))])
        compared = standardised(signals[tested[drawn]])
        row = {"specimen": name, "signals": len(tested), "compared": len(drawn)}
        own = specimen[training] == name
        for origin, there in (("other", ~own), ("own", own)):
            highest = highest_correlation(compared, known[there])
            identical = np.isin(signal_id[tested], signal_id[training[there]])
            same = np.isin(orientation_id[tested], orientation_id[training[there]])
            row[f"identical_{origin}"] = int(identical.sum())
            row[f"near_{origin}"] = int((~identical[drawn] & (highest >= NEAR_IDENTICAL)).sum())
            row[f"orientation_{origin}"] = int(same.sum())
            row[f"correlation_{origin}"] = float(highest.max())
        rows.append(row)
    return pd.DataFrame(rows)
