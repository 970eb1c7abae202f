"""Agreement with the truth in a number: of partitions into grains, of scores with a class."""

import numpy as np
from scipy.sparse import coo_array
from scipy.stats import rankdata


def adjusted_rand_index(one: np.ndarray, other: np.ndarray) -> float:
    """How far two partitions of the same things agree (Hubert & Arabie 1985).

    one, other: whole numbers (n,), the part in which each thing is, by any names. 1 for the same
    parts, 0 on average for those drawn at random with the same sizes; it may be negative. NaN of
    fewer than two things.
    """
    if len(one) < 2:
        return float("nan")
    rows, columns = (np.unique(names, return_inverse=True)[1] for names in (one, other))
    counts = coo_array((np.ones(len(rows)), (rows, columns))).tocsr()  # of the same place are added
    both, in_one, in_other = (
        _pairs(sizes) for sizes in (counts.data, counts.sum(1), counts.sum(0))
    )
    by_chance = in_one * in_other / _pairs(np.array([len(rows)]))
    at_most = (in_one + in_other) / 2
    if at_most == by_chance:  # one part, or as many as things, in both
        return 1.0
    return float((both - by_chance) / (at_most - by_chance))


def area_under_curve(score: np.ndarray, is_positive: np.ndarray) -> float:
    """The area under the receiver operating characteristic: how well a score tells positives.

    score: float (n,), not NaN; is_positive: bool (n,). It is the share of the pairs of a positive
    and another in which the positive has the higher score, ties counted half. NaN where all are
    of one kind.
    """
    positives = int(is_positive.sum())
    others = len(is_positive) - positives
    if positives == 0 or others == 0:
        return float("nan")
    ranks = rankdata(score)[is_positive].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * others))


def _pairs(sizes: np.ndarray) -> float:
    """In how many ways two things can be taken from the same part, for parts of these sizes."""
    return float((sizes * (sizes - 1) / 2).sum())
