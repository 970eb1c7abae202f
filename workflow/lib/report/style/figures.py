"""Figures as files that are the same each time, whoever draws them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from workflow.lib.report.style.notice import NOTE_COLOUR, SIMULATED_NOTE
from workflow.lib.runtime.files import atomic

# Without date and version the same numbers give the same bytes.
UNDATED = {".pdf": {"CreationDate": None}, ".png": {"Software": None}}


def styled(style: str | Path) -> AbstractContextManager[None]:
    """Draw in `style`, a file or a name, on Matplotlib's defaults: no matplotlibrc counts."""
    return matplotlib.style.context(str(style), after_reset=True)


def save(figure: Figure, paths: Sequence[Path], dpi: float | None = None) -> None:
    """Write a figure to each of `paths`; the suffix, .pdf or .png, is the format.

    dpi: of pixels in the figure, or what the style says.
    """
    for path in paths:
        with atomic(path) as part:
            figure.savefig(part, dpi=dpi, metadata=UNDATED.get(part.suffix))


def finish(figure: Figure, simulated: bool, paths: Sequence[Path]) -> None:
    """Write a figure to each of `paths`, with the notice above it if its data are simulated."""
    if simulated:
        figure.suptitle(SIMULATED_NOTE, color=NOTE_COLOUR, fontsize=9, fontweight="bold")
    save(figure, paths)
