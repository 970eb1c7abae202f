"""Seams that a network has chosen for itself, as far as its answers to other signals show them.

Which of the 24 equivalents of an orientation a network answers, its sheet, is its own choice.
Where nearly equal orientations are answered on different sheets there is a seam between them.
Of n signals only those can show it that lie about: it is seen no finer than they are spaced.
"""

import functools

import numpy as np
import torch
from torch import Tensor

from workflow.lib.evaluation.hypotheses import FAR_DEG
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    MAX_MISORIENTATION_DEG,
    conjugate,
    misorientation_deg,
    multiply,
)

NEIGHBOURS = 256  # among which another sheet is looked for
ROWS_AT_ONCE = 64


class OwnSeams:
    """The neighbours of each of n references (n, 4), to be asked for many answers to them."""

    def __init__(self, reference: np.ndarray) -> None:
        self.reference = torch.from_numpy(reference)
        rows = torch.arange(len(reference)).split(ROWS_AT_ONCE)
        parts = [self._neighbours(row) for row in rows]
        self.deg, self.which, self.operator = map(torch.cat, zip(*parts, strict=True))

    def distance_deg(self, answer: np.ndarray) -> np.ndarray:
        """How near to each reference, (n,), others' answers are on two sheets; answer: (n, 4).

        The misorientation from the reference to the nearest one whose answer is on another sheet
        than the answer to the nearest of all. Answers further than 10° from their reference don't
        count, nor does the signal's own, whose error is to be explained. 62.8 where the nearest
        256 show one sheet. Sheets of plain answers only: medoids of 72 rolls are of many.
        """
        given = torch.from_numpy(answer)
        right = misorientation_deg(given, self.reference) <= FAR_DEG  # not NaN either
        own = _operator(self.reference, given.nan_to_num(0.5))
        # Seen from reference i: its neighbour's answer r_j S is (r_i T⁻¹) S, on the sheet T⁻¹ S.
        sheet = _products()[_inverses()[self.operator], own[self.which]]
        counts = right[self.which]
        first = sheet.gather(1, counts.byte().argmax(1, keepdim=True))
        other = counts & (sheet != first)
        deg = self.deg.gather(1, other.byte().argmax(1, keepdim=True))[:, 0]
        return torch.where(other.any(1), deg, MAX_MISORIENTATION_DEG).numpy()

    def _neighbours(self, row: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of some references the nearest others: degrees, which, and T with r_i ~ r_j T."""
        own = self.reference[row, None]
        deg = misorientation_deg(own, self.reference[None])
        deg[torch.arange(len(row)), row] = torch.inf
        found = deg.topk(min(NEIGHBOURS, len(self.reference) - 1), largest=False)
        operator = _operator(self.reference[found.indices], own)
        return found.values, found.indices, operator


def _operator(start: Tensor, end: Tensor) -> Tensor:
    """The number of the operator S, (...,), with which start S is nearest to end, (..., 4)."""
    return (multiply(conjugate(start), end) @ CUBIC_SYMMETRY.T).abs().argmax(-1)


@functools.cache
def _products() -> Tensor:
    """The number (24, 24) of each product of two operators."""
    return _operator(conjugate(CUBIC_SYMMETRY)[:, None], CUBIC_SYMMETRY[None])


@functools.cache
def _inverses() -> Tensor:
    """The number (24,) of each operator's inverse."""
    return _operator(CUBIC_SYMMETRY, CUBIC_SYMMETRY[:1])
