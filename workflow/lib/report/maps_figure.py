"""The paper's figure of maps: a specimen by EBSD and by networks, and one with its anomalies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from workflow.lib.maps.record import Anomalies, MapsOnRecord, SpecimenMaps
from workflow.lib.orientation import misorientation_deg
from workflow.lib.report.evidence.log_axes import FEW, log_scale, nothing_to_show
from workflow.lib.report.maps.ipf import draw_key, tsl_rgb
from workflow.lib.report.style.figures import finish, styled

WIDTH_IN, HEIGHT_IN = 7.2, 5.0
HEIGHTS = (1.0, 1.0, 0.045)  # of both rows of maps and of the bars of colours
LARGEST_DEG = 20.0  # of the colours of misorientations; what is beyond has the last one
DIRECTION = "z"  # of the specimen: its normal
NOT_INDEXED = (1.0, 1.0, 1.0)
SCALE_BARS_UM = tuple(m * 10.0**k for k in range(-2, 7) for m in (1, 2, 5))
OUTLINES = {"pores": ("#00d5ff", "-"), "band": ("#7fff4f", "--")}


def plot_maps(maps: MapsOnRecord, style: Path, paths: Sequence[Path]) -> None:
    """Draw what is on record into each of `paths`, y upwards.

    Above: inverse pole figure maps of EBSD and of the networks. Below: how far each network is
    from EBSD, and the score of the specimen with anomalies, those outlined.
    """
    networks = len(maps.specimen.networks) if maps.specimen else 1
    with styled(style):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        grid = figure.add_gridspec(
            3, networks + 2, width_ratios=[1.0] * (networks + 1) + [0.45], height_ratios=HEIGHTS
        )
        above, below = (
            [figure.add_subplot(grid[row, column]) for column in range(networks + 2)]
            for row in (0, 1)
        )
        for axes in (*above, *below):
            axes.set_axis_off()
        if maps.specimen is None:
            nothing_to_show(above[:1], "no specimen was mapped")
        else:
            _specimen(above, below, figure.add_subplot(grid[2, :networks]), maps.specimen)
        if maps.anomalies is None:
            nothing_to_show(below[networks : networks + 1], "no anomalies were mapped")
        else:
            bar = figure.add_subplot(grid[2, networks])
            _anomalous(below[networks], bar, below[-1], maps.anomalies)
        finish(figure, maps.simulated, paths)


def _specimen(above: list[Axes], below: list[Axes], bar: Axes, maps: SpecimenMaps) -> None:
    _picture(above[0], _colours(maps.ebsd), maps.step_um, "EBSD")
    _scale_bar(above[0], maps.ebsd.shape[1] * maps.step_um)
    draw_key(above[-1])
    above[-1].set_title(f"IPF {DIRECTION.upper()}", fontsize=8)
    reference = torch.as_tensor(maps.ebsd)
    looks = {"cmap": "viridis", "vmin": 0, "vmax": LARGEST_DEG}
    for place, (network, orientation) in enumerate(maps.networks.items()):
        title = maps.titles[network]
        _picture(above[place + 1], _colours(orientation), maps.step_um, title)
        off_deg = misorientation_deg(torch.as_tensor(orientation), reference).numpy()
        picture = _picture(below[place], off_deg, maps.step_um, f"{title} against EBSD", **looks)
    _bar(bar, picture, "misorientation / °", extend="max")


def _anomalous(axes: Axes, bar: Axes, beside: Axes, found: Anomalies) -> None:
    relative = found.score / found.threshold
    low, high = np.nanquantile(relative, (0.001, 0.999))
    norm = LogNorm(min(low, 0.9), max(high, 1.1))
    title = "specimen with anomalies"
    picture = _picture(axes, relative, found.step_um, title, norm=norm, cmap="magma")
    x, y = (np.arange(n) * found.step_um for n in relative.shape[::-1])
    for name, (colour, line) in OUTLINES.items():
        mask = getattr(found, name)
        if mask.any() and not mask.all():
            axes.contour(x, y, mask, [0.5], colors=colour, linewidths=0.9, linestyles=line)
            beside.plot([], [], color=colour, ls=line, lw=1.2, label=name)
    beside.legend(loc="upper left", handlelength=1.6, borderpad=0, facecolor="none")
    _bar(bar, picture, "anomaly score / threshold")
    log_scale(bar, "x", FEW)


def _bar(axes: Axes, picture: AxesImage, label: str, **looks: str) -> None:
    """The colours of a picture, from left to right."""
    axes.figure.colorbar(picture, cax=axes, orientation="horizontal", label=label, **looks)
    axes.tick_params(labelsize=7)


def _picture(
    axes: Axes, image: np.ndarray, step_um: float, title: str, **looks: object
) -> AxesImage:
    """A raster whose first row lies at the bottom, in µm."""
    ny, nx = image.shape[:2]
    edges = np.array([-0.5, nx - 0.5, -0.5, ny - 0.5]) * step_um
    axes.set_title(title, fontsize=8)
    picture = axes.imshow(image, origin="lower", extent=tuple(edges), interpolation="none", **looks)
    axes.set_aspect("equal")
    return picture


def _colours(orientation: np.ndarray) -> np.ndarray:
    rgb = tsl_rgb(orientation, DIRECTION)
    return np.where(np.isfinite(rgb), rgb, NOT_INDEXED)


def _scale_bar(axes: Axes, width_um: float) -> None:
    """The longest round length that is at most a third of the map, at its lower left."""
    fitting = [length for length in SCALE_BARS_UM if length <= width_um / 3]
    length = fitting[-1] if fitting else SCALE_BARS_UM[0]
    start = 0.04 * width_um
    axes.plot([start, start + length], [start] * 2, color="k", lw=3, solid_capstyle="butt")
    axes.annotate(f"{length:g} µm", (start + length / 2, start), xytext=(0, 3), ha="center",
                  va="bottom", textcoords="offset points", fontsize=7,
                  bbox={"fc": "white", "ec": "none", "alpha": 0.75, "pad": 1})  # fmt: skip
