"""The page of a map as a text: what is in it, packed values, names that are code, and its size."""

import base64
import io
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_files import HEADER, MEASURED, RASTER, write_grains, write_map
from PIL import Image

from workflow.lib.maps.map_file import Raster, bunge_rad
from workflow.lib.report.maps import page as page_module
from workflow.lib.report.maps.grain_files import GRAIN_COLUMNS
from workflow.lib.report.maps.layers import png
from workflow.lib.report.maps.page import Sources, fitting_page, page_of, ticks_um
from workflow.lib.report.maps.values import packed
from workflow.lib.report.maps.view import View, read_view
from workflow.lib.runtime.files import InputError

PARTS = Path(__file__).parents[3] / "workflow/lib/report/maps"
SOURCES = Sources(*(PARTS / f"page.{suffix}" for suffix in ("html", "css", "js")))
VOID = {"meta", "img", "input"}


class Reader(HTMLParser):
    """Fails where an element is not closed; keeps attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def view_of(folder: Path, header=HEADER, ebsd: bool = True, raster: Raster = RASTER) -> View:
    write_map(folder / "map.h5", raster, header)
    write_map(folder / "ebsd.h5", raster, header, turned_deg=3.0)
    write_grains(folder / "grains.h5", raster)
    names = ("grains.h5", "ebsd.h5", "grains.h5")[: 3 if ebsd else 1]
    return read_view(folder / "map.h5", lambda _: 1, *(folder / name for name in names))


def grain_table(n: int = 2) -> pd.DataFrame:
    table = pd.DataFrame({name: np.arange(n) + 0.25 for name in GRAIN_COLUMNS})
    return table.assign(grain=range(n), area_um2=np.arange(n) * 1000.0)


def data_of(page: str) -> dict:
    return json.loads(re.search(r'id="map-data">(.*?)</script>', page)[1])


def unpacked(entry: dict) -> np.ndarray:
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(entry["data"])), entry["kind"])
    known = numbers != np.iinfo(entry["kind"]).max
    return np.where(known, entry["low"] + entry["step"] * numbers, np.nan)


def test_the_page_is_whole_and_every_picture_has_a_text(tmp_path):
    reader = Reader(page_of(view_of(tmp_path), SOURCES, grain_table(), {}))
    names = [a["value"] for a in reader.all("input") if a["name"] == "layer"]
    assert names == [
        "ipf-z", "ipf-x", "ipf-y", "ebsd-z", "ebsd-x", "ebsd-y", "misorientation", "confidence",
        "anomaly", "mask", "boundaries", "ebsd-boundaries",
    ]  # fmt: skip
    figures = [a["id"] for a in reader.all("figure")]
    assert figures == [f"layer-{name}" for name in names]
    assert all(image["alt"] and image["src"].startswith("data:") for image in reader.all("img"))
    text = " ".join(reader.text)
    for said in ("SIMULATED: the signals", "sequencenet, fold 8, seed 1", "10 × 7 of 2.5 µm"):
        assert said in text
    assert "98.57 %" in text  # 69 of 70
    assert "median 3.00°" in text


def test_it_asks_for_nothing_and_runs_its_own_script_alone(tmp_path):
    page = page_of(view_of(tmp_path), SOURCES, grain_table(), {})
    reader = Reader(page)
    assert "://" not in page
    assert all("src" not in a for a in reader.all("script"))
    assert reader.all("link") == reader.all("iframe") == reader.all("a") == []
    policy = next(a["content"] for a in reader.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_without_ebsd_and_simulation_it_says_neither(tmp_path):
    page = page_of(view_of(tmp_path, MEASURED, ebsd=False), SOURCES, grain_table(), {})
    assert "SIMULATED" not in page
    assert "EBSD:" not in page
    assert data_of(page)["values"].keys() == {
        "phi1", "Phi", "phi2", "confidence", "anomaly", "grain",
    }  # fmt: skip


def test_the_values_are_the_maps(tmp_path):
    view = view_of(tmp_path)
    data = data_of(page_of(view, SOURCES, grain_table(), {}))
    assert (data["nx"], data["ny"], data["step_um"]) == (10, 7, 2.5)
    values = {name: unpacked(entry).reshape(7, 10) for name, entry in data["values"].items()}
    indexed = view.pixels.is_indexed
    angles = np.rad2deg(bunge_rad(view.pixels.orientation.reshape(-1, 4))).reshape(7, 10, 3)
    for name, angle in zip(("phi1", "Phi", "phi2"), np.moveaxis(angles, -1, 0), strict=True):
        np.testing.assert_allclose(values[name][indexed], angle[indexed], atol=0.0051)
        assert np.isnan(values[name][~indexed]).all()
    np.testing.assert_allclose(
        values["confidence"][indexed], view.pixels.confidence[indexed], atol=0.0026
    )
    np.testing.assert_allclose(values["anomaly"], view.pixels.anomaly, atol=3e-4)
    np.testing.assert_allclose(values["misorientation"][indexed], 3, atol=0.0051)
    np.testing.assert_array_equal(values["grain"][indexed], view.labels[indexed])
    assert np.isnan(values["grain"][~indexed]).all()


@given(
    arrays.arrays(float, 20, elements=st.floats(-5, 600) | st.just(np.nan)),
    st.sampled_from([("uint16", 0.01), ("uint32", 0.001)]),
)
def test_packed_values_are_rounded_and_no_more(values, form):
    kind, step = form
    found = unpacked(packed(values, kind, step, -5.0))
    np.testing.assert_allclose(found, values, atol=step / 2 + 1e-9)


@given(
    arrays.arrays(
        np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([3, 4]))
    )
)
def test_a_png_has_the_first_row_at_the_bottom(pixels):
    image = np.array(Image.open(io.BytesIO(png(pixels))))
    np.testing.assert_array_equal(image, pixels[::-1])


def test_names_that_are_html_stay_text(tmp_path):
    evil = "</script><script>alert(1)</script>"
    header = replace(HEADER, scan=evil, network='"><img src=x onerror=alert(1)>', made_by=evil)
    (tmp_path / "a.png").write_bytes(png(np.zeros((1, 1, 3), np.uint8)))
    page = page_of(view_of(tmp_path, header), SOURCES, grain_table(), {evil: tmp_path / "a.png"})
    reader = Reader(page)
    assert len(reader.all("script")) == 2
    assert not any("onerror" in attributes for _, attributes in reader.elements)
    assert evil in " ".join(reader.text)


def test_the_largest_grains_come_first(tmp_path):
    page = page_of(view_of(tmp_path), SOURCES, grain_table(30), {})
    rows = re.findall(r"<tr><td>(\d+)</td>", page)
    assert rows == [str(29 - i) for i in range(20)]
    assert "The 20 largest of 30 grains" in page
    empty = page_of(view_of(tmp_path), SOURCES, grain_table(0), {})
    assert "<tbody>" not in empty


@pytest.mark.parametrize("raster", [Raster(1, 1, 0.25), Raster(30, 1, 1.0), Raster(1, 30, 1.0)])
def test_a_pixel_a_row_and_a_column_have_pages_too(tmp_path, raster):
    Reader(page_of(view_of(tmp_path, raster=raster), SOURCES, grain_table(), {}))


def test_a_page_that_would_be_too_large_shows_fewer_pixels(tmp_path, monkeypatch):
    write_map(tmp_path / "map.h5", Raster(60, 50, 1.0))
    whole = len(page_of(read_view(tmp_path / "map.h5", lambda _: 1), SOURCES, grain_table(), {}))
    monkeypatch.setattr(page_module, "MOST_BYTES", whole)  # one byte less is allowed

    def read(stride: int) -> View:
        return read_view(tmp_path / "map.h5", lambda _: stride)

    page, view = fitting_page(read, Raster(60, 50, 1.0), SOURCES, grain_table(), {})
    assert view.stride == 2
    assert len(page.encode()) < whole
    assert "every 2nd pixel" in page
    (tmp_path / "a.png").write_bytes(bytes(whole))
    with pytest.raises(InputError, match=r"a\.png: .* bytes, expected at most"):
        fitting_page(read, Raster(60, 50, 1.0), SOURCES, grain_table(), {"A": tmp_path / "a.png"})


@given(st.floats(1e-3, 1e6))
def test_ticks_are_round_and_few(length_um):
    ticks = ticks_um(length_um)
    assert 2 <= len(ticks) <= 8
    assert ticks[-1] < length_um
    digits = f"{ticks[1]:.6e}".split("e")[0].rstrip("0").rstrip(".")
    assert digits in ("1", "2", "5")
