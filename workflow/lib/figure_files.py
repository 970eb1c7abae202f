"""Figures as files that are the same each time."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from workflow.lib.files import atomic

# Without date and version the same numbers give the same bytes.
UNDATED = {".pdf": {"CreationDate": None}, ".png": {"Software": None}}


def save(figure: Figure, paths: Sequence[Path], dpi: float | None = None) -> None:
    """Write a figure to each of `paths`; the suffix, .pdf or .png, is the format.

    dpi: of pixels in the figure, or what the style says.
    """
    for path in paths:
        with atomic(path) as part:
            figure.savefig(part, dpi=dpi, metadata=UNDATED.get(part.suffix))
