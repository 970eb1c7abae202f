"""Points that EBSD could not index, by the marks that its software puts in place of angles.

- NaN in any of the three angles.
- (0, 0, 0) exactly (Oxford, Bruker). It is also the ideal cube orientation, but a measured or
  simulated one never has three angles of exactly zero; who means it writes (π/2, 0, 0), which
  is the same by symmetry.
- 4π in any of the three (EDAX), also rounded, and also as 720, its degrees. No angle in radians
  goes that far, so that there is no doubt.
- (−1, −1, −1) exactly, the usual number for "nothing" in programs.
"""

import numpy as np

FOUR_PI_TOLERANCE_RAD = 5e-3  # 12.57, with two decimals, is still 4π
DEGREES_OF_4PI = 720.0
CUBE_TOLERANCE_RAD = 2e-6  # the rounding of two angles in float32


def marks(angles: np.ndarray) -> dict[str, np.ndarray]:
    """Where angles (..., 3) in radians are marks, bool (...), by kind; no place is in two."""
    size = np.abs(angles)
    found = {
        "NaN": np.isnan(angles).any(axis=-1),
        "(0, 0, 0)": (size == 0).all(axis=-1),
        "4π": ((np.abs(size - 4 * np.pi) <= FOUR_PI_TOLERANCE_RAD) | (size == DEGREES_OF_4PI)).any(
            axis=-1
        ),
        "(−1, −1, −1)": (angles == -1).all(axis=-1),
    }
    found["4π"] &= ~found["NaN"]
    return found


def is_unindexed(angles: np.ndarray) -> np.ndarray:
    """Whether each of the angles (..., 3) is a mark and no orientation: bool (...)."""
    return np.logical_or.reduce(list(marks(angles).values()))


def count_marks(angles: np.ndarray) -> dict[str, int]:
    """How many marks of each kind angles (..., 3) hold."""
    return {kind: int(found.sum()) for kind, found in marks(angles).items()}


def in_words(counts: dict[str, int]) -> str:
    """Counts by kind as text: "4 × NaN, 20 × (0, 0, 0)"."""
    return ", ".join(f"{count} × {kind}" for kind, count in counts.items() if count)


def is_exact_cube(angles_rad: np.ndarray) -> np.ndarray:
    """Whether angles (n, 3) are the cube orientation but for rounding: bool (n,).

    That is what (0, 0, 0) becomes when unindexed points are converted to another convention
    with the others: Bunge's (0, 0, 0) is (−π/2, 0, π/2) in ZYZ.
    """
    alpha, beta, gamma = angles_rad.T
    quarters = (alpha + gamma) / (np.pi / 2)
    off_rad = np.abs(quarters - np.rint(quarters)) * np.pi / 2
    return (np.abs(beta) <= CUBE_TOLERANCE_RAD) & (off_rad <= CUBE_TOLERANCE_RAD)
