"""A picture of a dozen reflectance signals, with the azimuths at which ridges should shine."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from workflow.lib.report.style.figures import save, styled
from workflow.lib.report.style.notice import NOTE_COLOUR, SIMULATED_NOTE
from workflow.lib.runtime.hdf5 import member, opened
from workflow.lib.simulation.reflectance import normals_and_traces

COLUMNS = 3
PANEL_SIZE_IN = (2.3, 1.15)
MARGIN_IN = 1.1  # above and below the panels together
FIRST_EDGE_DEG = -2.5  # the panel begins half a column before azimuth 0
COLOUR_MAP = "viridis"
DPI = 200


def first_signals(
    dataset: str | Path, kind: str = "training", count: int = 12
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The first signal of each specimen, then each one's second, until there are `count`.

    dataset: path of dataset.h5; kind: "training" or "evaluation".

    Returns signals uint8 (m, 6, 72), orientation float64 (m, 4) and the specimens'
    numbers, sorted; m is less than `count` only if the dataset holds fewer signals.
    """
    with opened(dataset) as file:
        specimens = member(file, kind)
        groups = {name: specimens[name] for name in sorted(specimens)}
        sizes = {name: len(group["signals"]) for name, group in groups.items()}
        in_turn = ((i, name) for i in range(max(sizes.values())) for name in groups)
        chosen = [(name, i) for i, name in in_turn if i < sizes[name]][:count]
        chosen.sort()
        signals = np.stack([groups[name]["signals"][i] for name, i in chosen])
        orientation = np.stack([groups[name]["orientation"][i] for name, i in chosen])
    return signals, orientation, [name for name, _ in chosen]


def plot_signals(
    signals: np.ndarray,
    orientation: np.ndarray,
    specimens: list[str],
    path: str | Path,
    style: str | Path,
    simulated: bool,
    title: str = "Directional reflectance of single grains",
) -> None:
    """Write a grid of signals, one heatmap each, on one colour scale.

    signals: uint8 (m, 6, 72).
    orientation: unit quaternions (m, 4), scalar first. Triangles above each panel stand
        at the azimuths of the four {111} normals of the upper hemisphere (filled) and
        opposite to them (open): there light meets a ridge at a right angle.
    specimens: m numbers, as text.
    path: the format follows the suffix, .png or .pdf.
    style: a matplotlib style, by path or name.
    simulated: whether the figure has to say that its data are simulated.
    """
    rows = -(-len(signals) // COLUMNS)
    with styled(style):
        size_in = (COLUMNS * PANEL_SIZE_IN[0], rows * PANEL_SIZE_IN[1] + MARGIN_IN)
        figure = Figure(figsize=size_in, layout="constrained")
        panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
        for axes in panels.flat[len(signals) :]:
            axes.set_axis_off()
        for i, axes in enumerate(panels.flat[: len(signals)]):
            image = draw_signal(axes, signals[i], highest=signals.max())
            mark_ridges(axes, orientation[i])
            axes.set_title(f"specimen {specimens[i]}", fontsize="small", loc="left", pad=10)
        figure.supxlabel("azimuth of the light / °", fontsize="medium")
        figure.supylabel("elevation of the light / °", fontsize="medium")
        figure.colorbar(image, ax=panels, label="intensity / counts", aspect=40, pad=0.02)
        if simulated:
            notice = f"{SIMULATED_NOTE}\n{title}"
            figure.suptitle(notice, fontsize="large", fontweight="bold", color=NOTE_COLOUR)
        else:
            figure.suptitle(title, fontsize="large")
        save(figure, [Path(path)], DPI)


def draw_signal(axes: Axes, signal: np.ndarray, highest: int) -> AxesImage:
    """Draw one signal (6, 72); the colour scale runs from 0 to `highest` counts."""
    image = axes.imshow(
        signal,
        origin="lower",
        extent=(FIRST_EDGE_DEG, FIRST_EDGE_DEG + 360, 10, 70),
        aspect="auto",
        interpolation="nearest",
        vmin=0,
        vmax=highest,
        cmap=COLOUR_MAP,
    )
    axes.set_xticks(range(0, 360, 90))
    axes.set_yticks(range(15, 75, 10), labels=["15", "", "35", "", "55", ""])
    return image


def mark_ridges(axes: Axes, orientation: np.ndarray) -> None:
    """Triangles above the panel at the azimuths of the normals, and opposite to them."""
    azimuth_deg = ridge_azimuths_deg(orientation)
    for turn_deg, filling in ((0, "full"), (180, "none")):
        axes.plot(
            (azimuth_deg + turn_deg - FIRST_EDGE_DEG) % 360 + FIRST_EDGE_DEG,
            np.full(4, 1.07),
            transform=axes.get_xaxis_transform(),
            linestyle="",
            marker="v",
            markersize=3.5,
            markeredgewidth=0.6,
            color="black",
            fillstyle=filling,
            clip_on=False,
        )


def ridge_azimuths_deg(orientation: np.ndarray) -> np.ndarray:
    """Azimuths (4,) of the {111} normals of the upper hemisphere; orientation (4,)."""
    normals, _, _ = normals_and_traces(orientation[None])
    return np.rad2deg(np.arctan2(normals[0, :, 1], normals[0, :, 0]))
