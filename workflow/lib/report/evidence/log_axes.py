"""Logarithmic axes with plain numbers, and panels that have nothing to show."""

from collections.abc import Iterable
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

FEW, MANY = (1, 2, 5), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # ticks of a power of ten


def log_scale(axes: Axes, which: Literal["x", "y"], ticks: tuple[float, ...]) -> None:
    """Ticks at these multiples of each power of ten, as numbers without exponents."""
    axis = {"x": axes.xaxis, "y": axes.yaxis}[which]
    axes.set(**{f"{which}scale": "log"})
    axis.set_major_locator(LogLocator(subs=ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def nothing_to_show(panels: Iterable[Axes], reason: str) -> None:
    """Empty panels, and in the first of them why."""
    panels = list(panels)
    for axes in panels:
        axes.axis("off")
    panels[0].text(0, 0.5, reason, transform=panels[0].transAxes)
