"""Which pixels of a map are near a boundary of its grains: their signals may mix two crystals."""

import numpy as np
from scipy.ndimage import distance_transform_edt

NEAR_PX = 3  # rows of pixels on either side of a boundary that count as near it


def near_boundary(labels: np.ndarray, within_px: int = NEAR_PX) -> np.ndarray:
    """Which pixels are one of the `within_px` on either side of a boundary, bool (ny, nx).

    A boundary lies between neighbours, along rows or columns, of different labels; those beside it
    are the first. Of the others the distance from one of these counts, along a straight line.
    """
    beside = np.zeros(labels.shape, bool)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differs = labels[one] != labels[other]
        beside[one] |= differs
        beside[other] |= differs
    return distance_transform_edt(~beside) < within_px if beside.any() else beside
