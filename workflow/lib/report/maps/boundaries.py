"""Grain boundaries as lines between the pixels of different grains."""

import numpy as np


def boundary_lines(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lines between neighbours of different numbers: (m, 2, 2), and the two numbers, (m, 2).

    labels: int (ny, nx). A line has two ends, each (x, y) in pixels: pixel (row, column) reaches
    from column to column + 1 and from row to row + 1. What lies between the same two grains in
    one go along a row or column is one line. The smaller number comes first.
    """
    across, across_pairs = _runs(labels)
    upright, upright_pairs = _runs(labels.T)
    return (
        np.concatenate([across, upright[..., ::-1]]),
        np.concatenate([across_pairs, upright_pairs]),
    )


def _runs(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lines along x of `boundary_lines`."""
    below, above = labels[:-1], labels[1:]
    pair = np.stack((np.minimum(below, above), np.maximum(below, above)), -1)
    is_line = below != above
    goes_on = np.zeros_like(is_line)  # from the pixel before
    goes_on[:, 1:] = is_line[:, :-1] & (pair[:, 1:] == pair[:, :-1]).all(-1)
    row, start = np.nonzero(is_line & ~goes_on)
    ends_here = is_line.copy()
    ends_here[:, :-1] &= ~goes_on[:, 1:]
    end = np.nonzero(ends_here)[1] + 1
    lines = np.stack((np.stack((start, row + 1), -1), np.stack((end, row + 1), -1)), 1)
    return lines.astype(float), pair[row, start]
