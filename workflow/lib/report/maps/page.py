"""The page of a map: one HTML file that a browser opens from the disk and that asks for nothing.

Without scripts it is a page of pictures, one below the other. With its own script, the only one
that its policy of content lets run, layers can be switched and a pixel's values be read.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd

from workflow.lib.maps.map_file import Raster
from workflow.lib.report.maps.ebsd_picture import in_words
from workflow.lib.report.maps.grain_files import GRAIN_COLUMNS
from workflow.lib.report.maps.layers import Layer, bar_png, data_uri, key_png, layers_of
from workflow.lib.report.maps.panels import bar_length_um, length_in_words
from workflow.lib.report.maps.values import values_of
from workflow.lib.report.maps.view import View, stride_for_pixels
from workflow.lib.runtime.files import InputError

MOST_PIXELS = 160_000  # of a page
MOST_BYTES = 5_000_000
LARGEST_GRAINS = 20  # in the table
TICKS = 5  # along an axis, about
READOUT = {  # of values: the label, digits after the point (or, if negative, all there are), unit
    "phi1": ("φ<sub>1</sub>", 2, "°"),
    "Phi": ("Φ", 2, "°"),
    "phi2": ("φ<sub>2</sub>", 2, "°"),
    "confidence": ("confidence", 2, ""),
    "anomaly": ("anomaly score", -3, ""),
    "grain": ("grain", 0, ""),
    "misorientation": ("to EBSD", 2, "°"),
    "ebsd_grain": ("grain of EBSD", 0, ""),
}
OVERLAYS = {"grain": ("grain boundaries", "black"), "ebsd_grain": ("EBSD's boundaries", "white")}


@dataclass(frozen=True)
class Sources:
    """The parts of the page that are files of their own: template, style and script."""

    html: Path
    css: Path
    js: Path


def page_of(
    view: View, sources: Sources, grains: pd.DataFrame, pictures: Mapping[str, Path]
) -> str:
    """The whole page. grains: as `grain_files.read_grains`. pictures: more of them, by title."""
    script = "\n" + sources.js.read_text(encoding="utf-8")
    layers, values = layers_of(view), values_of(view)
    title = f"Orientation map: {view.header.scan}"
    parts = {
        "policy": _policy(script),
        "title": escape(title),
        "style": sources.css.read_text(encoding="utf-8"),
        "notice": _notice(view),
        "facts": _facts(view, grains),
        "choices": _choices(layers),
        "overlays": _overlays(values),
        "layers": "\n".join(_figure(view, layer) for layer in layers),
        "values": "\n".join(
            f'<dt>{READOUT[name][0]}</dt><dd id="value-{name}">–</dd>' for name in values
        ),
        "sections": _grain_table(grains) + _pictures(pictures),
        "footer": escape(_footer(view)),
        "data": _json(_data(view, values)),
        "script": script,
    }
    return Template(sources.html.read_text(encoding="utf-8")).substitute(parts)


def fitting_page(
    read: Callable[[int], View],
    raster: Raster,
    sources: Sources,
    grains: pd.DataFrame,
    pictures: Mapping[str, Path],
) -> tuple[str, View]:
    """The page with as many pixels as fit into `MOST_PIXELS` and `MOST_BYTES`, and its view.

    read: the view with a stride. Raises InputError where the pictures alone take half of it.
    """
    of_pictures = sum(path.stat().st_size for path in pictures.values())
    if of_pictures > MOST_BYTES // 2:
        raise InputError(
            f"{', '.join(map(str, pictures.values()))}: {of_pictures:,} bytes, expected at most "
            f"{MOST_BYTES // 2:,} on a page"
        )
    stride = stride_for_pixels(raster, MOST_PIXELS)
    while True:
        view = read(stride)
        page = page_of(view, sources, grains, pictures)
        if len(page.encode()) < MOST_BYTES or view.pixels.is_indexed.size == 1:
            return page, view
        stride += 1


def ticks_um(length_um: float) -> np.ndarray:
    """Round numbers from 0 to less than a length, about `TICKS` of them."""
    power = 10.0 ** np.floor(np.log10(length_um / TICKS))
    step = next(
        factor * power for factor in (1, 2, 5, 10) if factor * power * (TICKS + 1) >= length_um
    )
    return np.arange(0, length_um, step)


def _policy(script: str) -> str:
    """Nothing is fetched from anywhere; pictures are in the page, and no other script runs."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
        f"'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _notice(view: View) -> str:
    notice = view.header.notice
    return f'<p class="notice" role="note">{escape(notice)}</p>' if notice else ""


def _facts(view: View, grains: pd.DataFrame) -> str:
    header, raster = view.header, view.raster
    facts = {
        "scan": header.scan,
        "signals": header.signals_origin,
        "network": f"{header.network}, fold {header.fold}, seed {header.seed}",
        "learnt from": header.training_origin,
        "views of each signal": str(header.views),
        "pixels": f"{raster.nx:,} × {raster.ny:,} of {raster.step_um:g} µm",
        "indexed": f"{100 * view.indexed / raster.pixels:.2f} %",
        "grains": f"{len(grains):,}",
    }
    if len(grains):
        mean = grains["equivalent_diameter_um"].mean()
        facts["mean diameter"] = f"{mean:.3g} µm"
    known = view.pixels.confidence[view.pixels.is_indexed]
    if np.isfinite(known).any():
        facts["median confidence"] = f"{np.nanmedian(known):.2f}"
    if view.ebsd is not None and view.near_boundary is not None:
        facts["misorientation to EBSD"] = in_words(view)
    if view.sampling_note():
        facts["here"] = view.sampling_note()
    return "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts.items()
    )


def _choices(layers: Sequence[Layer]) -> str:
    return "\n".join(
        f'<label><input type="radio" name="layer" value="{layer.name}"'
        f"{' checked' * (i == 0)}> {escape(layer.title)}</label>"
        for i, layer in enumerate(layers)
    )


def _overlays(values: Mapping[str, object]) -> str:
    there = [name for name in OVERLAYS if name in values]
    return "\n".join(
        f'<label><input type="checkbox" name="overlay" value="{name}" '
        f'data-colour="{OVERLAYS[name][1]}"> {OVERLAYS[name][0]}</label>'
        for name in there
    )


def _figure(view: View, layer: Layer) -> str:
    """A layer with axes in µm, scale bar, and what its colours mean."""
    left, right, bottom, top = view.extent_um
    width, height = right - left, top - bottom
    marks = [
        f'<span class="tick-x" style="left:{100 * (um - left) / width:.3f}%">{um:g}</span>'
        for um in ticks_um(right)
    ] + [
        f'<span class="tick-y" style="bottom:{100 * (um - bottom) / height:.3f}%">{um:g}</span>'
        for um in ticks_um(top)
    ]
    length = bar_length_um(width)
    marks.append(
        f'<div class="bar" style="width:{100 * length / width + 3:.2f}%"><span></span>'
        f"{length_in_words(length)}</div>"
    )
    aspect = float(np.clip(width / height, 0.1, 10))
    whose = f"{layer.title} of {view.header.scan}, {width:g} by {height:g} µm. {layer.caption}"
    return f"""<figure class="layer" id="layer-{layer.name}" style="--aspect:{aspect:.4f}">
<figcaption><div><h2>{escape(layer.title)}</h2><p>{escape(layer.caption)}</p></div>
{_legend(layer)}</figcaption>
<div class="window"><div class="plot"><div class="frame" style="aspect-ratio:{aspect:.4f}">
<img alt="{escape(whose)}" src="{data_uri(layer.png)}">{"".join(marks)}
<span class="name-x">x / µm</span><span class="name-y">y / µm</span>
</div></div></div></figure>"""


def _legend(layer: Layer) -> str:
    if layer.key:
        alt = "Key: red where 001, green where 101, blue where 111 lies along the direction"
        return (
            f'<div class="key"><span class="top">111</span><img alt="{alt}" '
            f'src="{data_uri(key_png())}"><span>001</span><span>101</span></div>'
        )
    if layer.scale is None:
        return ""
    low, high = f"{layer.scale.low:.3g}", f"{layer.scale.high:.3g}{layer.scale.unit}"
    alt = f"Colours from {low} to {high}"
    return (
        f'<div class="scale">{low}<img alt="{alt}" src="{data_uri(bar_png(layer.scale))}">'
        f"{high}</div>"
    )


def _grain_table(grains: pd.DataFrame) -> str:
    largest = grains.sort_values("area_um2", ascending=False, kind="stable").head(LARGEST_GRAINS)
    shown = {name: form for name, form in GRAIN_COLUMNS.items() if largest[name].notna().any()}
    if not shown:
        return ""
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head, _ in shown.values())
    rows = "\n".join(
        "<tr>"
        + "".join(
            f"<td>{'–' if pd.isna(row[name]) else form.format(row[name])}</td>"
            for name, (_, form) in shown.items()
        )
        + "</tr>"
        for row in largest.to_dict("records")
    )
    caption = f"The {len(largest)} largest of {len(grains):,} grains; all are in grains.csv."
    return (
        f'<section class="table"><h2>Grains</h2><table><caption>{caption}</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></section>\n"
    )


def _pictures(pictures: Mapping[str, Path]) -> str:
    return "".join(
        f'<section class="more"><figure><figcaption><h2>{escape(title)}</h2></figcaption>'
        f'<img alt="{escape(title)}" src="{data_uri(path.read_bytes())}"></figure></section>\n'
        for title, path in pictures.items()
    )


def _footer(view: View) -> str:
    made = f" Made with {view.header.made_by}." if view.header.made_by else ""
    return (
        "Angles are Bunge's φ1, Φ, φ2 in degrees, as EBSD software writes them; x is to the right, "
        f"y up, z towards the reader; colours are those of EDAX's TSL software for m-3m.{made}"
    )


def _data(view: View, values: Mapping[str, object]) -> dict[str, object]:
    ny, nx = view.shape
    forms = {name: {"digits": digits, "unit": unit} for name, (_, digits, unit) in READOUT.items()}
    length = {"digits": 2, "unit": " µm"}
    return {
        "nx": nx,
        "ny": ny,
        "step_um": view.step_um,
        "forms": forms | {"x": length, "y": length},
        "values": values,
    }


def _json(data: object) -> str:
    """JSON that stays inside its element, whatever a name in it is."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
