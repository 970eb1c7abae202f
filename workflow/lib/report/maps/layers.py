"""The layers of a map's page: pictures with one pixel for each that is shown, as PNG."""

import base64
import io
from dataclasses import dataclass

import matplotlib
import numpy as np
from PIL import Image

from workflow.lib.report.maps.ipf import key_image
from workflow.lib.report.maps.panels import UNINDEXED_RGB, ipf_rgb
from workflow.lib.report.maps.pictures import LARGEST_SHARE, MASKED_RGB, METAL_RGB
from workflow.lib.report.maps.view import View

LEVELS = 255  # of a scale's colours; the one after them is for pixels without a value
LARGEST_DEG = 10.0  # where the colours of misorientations end
LINE_PARTS = 3  # of a pixel's width; the parts beside a boundary are black
NONE, GRAIN, LINE = 0, 1, 2  # pixels of the boundaries' layer


@dataclass(frozen=True)
class Scale:
    """What colours mean: values from low to high along a colour bar; `unit` follows them."""

    low: float
    high: float
    unit: str
    colours: np.ndarray  # uint8 (LEVELS, 3)


@dataclass(frozen=True)
class Layer:
    """A picture of the map.

    name: for links, of small letters and hyphens. caption: what it shows, a sentence. scale: of its
    colours; None where `key` is true, and they are those of inverse pole figures, or where the
    caption says it all.
    """

    name: str
    title: str
    caption: str
    png: bytes
    scale: Scale | None = None
    key: bool = False


def layers_of(view: View) -> list[Layer]:
    """All that there are of a view, the one to be seen first at the head."""
    layers = [_ipf(view, direction) for direction in "zxy"]
    if view.ebsd is not None:
        layers += [_ipf(view, direction, view.ebsd) for direction in "zxy"]
        layers.append(_misorientation(view))
    if np.isfinite(view.pixels.confidence).any():
        layers.append(_confidence(view))
    if np.isfinite(view.pixels.anomaly).any():
        layers.append(_anomaly(view))
    layers.append(_mask(view))
    if view.labels is not None:
        layers.append(_boundaries(view.labels, "boundaries", "Grain boundaries", "the map"))
    if view.ebsd_labels is not None:
        layers.append(
            _boundaries(view.ebsd_labels, "ebsd-boundaries", "EBSD: grain boundaries", "EBSD's map")
        )
    return layers


def key_png() -> bytes:
    """The triangle of the colours, transparent around it."""
    image = key_image(160)[0]
    return png(np.round(255 * image).astype(np.uint8))


def bar_png(scale: Scale) -> bytes:
    """The colours of a scale from left to right, one pixel high."""
    return png(np.arange(LEVELS, dtype=np.uint8)[None], scale.colours)


def png(pixels: np.ndarray, palette: np.ndarray | None = None) -> bytes:
    """A PNG of uint8 pixels (ny, nx, 3 or 4), or (ny, nx) of numbers of a palette (n, 3).

    Rows come from the bottom up, as in a map. n is at most 256.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels[::-1]))
    if palette is not None:
        image.putpalette(np.ascontiguousarray(palette, np.uint8).tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def data_uri(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _ipf(view: View, direction: str, ebsd: np.ndarray | None = None) -> Layer:
    of_whom, name = ("", "ipf") if ebsd is None else ("EBSD: ", "ebsd")
    return Layer(
        f"{name}-{direction}",
        f"{of_whom}IPF {direction}",
        f"The crystal direction along the specimen's {direction}; grey where there is no answer.",
        png(np.round(255 * ipf_rgb(view, direction, ebsd)).astype(np.uint8)),
        key=True,
    )


def _misorientation(view: View) -> Layer:
    scale = Scale(0, LARGEST_DEG, "° and more", _colours("viridis"))
    caption = "The misorientation of the map from EBSD; grey where one of them has no answer."
    picture = _scalar(view.misorientation_deg(), scale)
    return Layer("misorientation", "Misorientation to EBSD", caption, picture, scale)


def _confidence(view: View) -> Layer:
    scale = Scale(0, 1, "", _colours("viridis"))
    values = np.where(view.pixels.is_indexed, view.pixels.confidence, np.nan)
    caption = "How sure the answer is; grey where a pixel is not indexed or nobody knows."
    return Layer("confidence", "Confidence", caption, _scalar(values, scale), scale)


def _anomaly(view: View) -> Layer:
    score = view.pixels.anomaly
    low, high = np.quantile(score[np.isfinite(score)], [0, LARGEST_SHARE])
    scale = Scale(float(low), float(high), " and more", _colours("magma"))
    caption = "How far each signal is from those of training, also of pixels that are masked."
    return Layer("anomaly", "Anomaly score", caption, _scalar(score, scale), scale)


def _mask(view: View) -> Layer:
    colours = np.round(255 * np.array([METAL_RGB, MASKED_RGB])).astype(np.uint8)
    masked = (~view.pixels.is_indexed).astype(np.uint8)
    caption = "Red: not indexed, for an anomalous signal or for want of an answer."
    return Layer("mask", "Mask", caption, png(masked, colours))


def _boundaries(labels: np.ndarray, name: str, title: str, whose: str) -> Layer:
    """With `LINE_PARTS` pixels a side for each of the map."""
    fine = labels.repeat(LINE_PARTS, 0).repeat(LINE_PARTS, 1)
    kind = np.where(fine >= 0, GRAIN, NONE).astype(np.uint8)
    for differs, parts in (
        (fine[1:] != fine[:-1], (np.s_[1:], np.s_[:-1])),
        (fine[:, 1:] != fine[:, :-1], (np.s_[:, 1:], np.s_[:, :-1])),
    ):
        for part in parts:
            kind[part][differs] = LINE
    colours = np.round(255 * np.array([UNINDEXED_RGB, (1, 1, 1), (0, 0, 0)])).astype(np.uint8)
    return Layer(
        name, title, f"Between the grains of {whose}; grey: of no grain.", png(kind, colours)
    )


def _scalar(values: np.ndarray, scale: Scale) -> bytes:
    """Values (ny, nx) in the colours of a scale, grey where they are NaN."""
    share = (values - scale.low) / max(scale.high - scale.low, 1e-9)
    known = np.isfinite(share)
    level = np.full(values.shape, LEVELS, np.uint8)
    level[known] = np.clip(share[known] * LEVELS, 0, LEVELS - 1)
    grey = np.round(255 * np.array([UNINDEXED_RGB])).astype(np.uint8)
    return png(level, np.concatenate([scale.colours, grey]))


def _colours(name: str) -> np.ndarray:
    shades = matplotlib.colormaps[name](np.linspace(0, 1, LEVELS))[:, :3]
    return np.round(255 * shades).astype(np.uint8)
