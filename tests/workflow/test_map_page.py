"""The page of a map in a real browser, opened from the disk."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chromium import Chromium
from matplotlib.image import imread
from scipy.spatial.transform import Rotation

from workflow.lib.maps.map_file import Header, Pixels, Raster, bunge_rad, new_map
from workflow.lib.report.maps.grain_files import GRAIN_COLUMNS
from workflow.lib.report.maps.page import Sources, page_of
from workflow.lib.report.maps.view import View, read_view
from workflow.lib.runtime.hdf5 import new_hdf5, write_array

PARTS = Path(__file__).parents[2] / "workflow/lib/report/maps"
SOURCES = Sources(*(PARTS / f"page.{suffix}" for suffix in ("html", "css", "js")))
RASTER = Raster(24, 16, 2.5)
HEADER = Header("mine", "simulated", "simulated", "sequencenet", 8, 1, 1, "release.zip")
FRAME = """(() => {
  const area = document.querySelector(".shown .frame").getBoundingClientRect();
  return [area.left, area.top, area.width, area.height];
})()"""


DRAWN = """(() => {
  const lines = document.querySelector(".shown canvas");
  const copy = new OffscreenCanvas(lines.width, lines.height);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(lines, 0, 0);
  const pixels = context.getImageData(0, 0, copy.width, copy.height).data;
  let covered = 0;
  let down = 0;
  for (let i = 3; i < pixels.length; i += 4) {
    covered += pixels[i] / 255;
    down += ((pixels[i] / 255) * Math.floor(i / 4 / copy.width)) / copy.height;
  }
  return [covered / (copy.width * copy.height), down / covered];
})()"""
SHOWN = """[...document.querySelectorAll(".layer")]
  .filter((figure) => figure.offsetHeight > 0)
  .map((figure) => figure.id)"""


@pytest.fixture(scope="module")
def view(tmp_path_factory) -> View:
    """Every pixel another orientation; the first three rows are one grain, without 5 pixels."""
    folder = tmp_path_factory.mktemp("map")
    rng = np.random.default_rng(7)
    shape = (RASTER.ny, RASTER.nx)
    rotation = Rotation.random(RASTER.pixels, rng=rng)
    turned = rotation * Rotation.from_rotvec(np.deg2rad([2.0, 0, 0]))
    labels = np.zeros(shape, np.int32)
    labels[3:] = 7
    labels[0, :5] = -1
    confidence, anomaly = rng.random((2, *shape), dtype=np.float32)
    for name, q in (("map", rotation), ("ebsd", turned)):
        orientation = q.as_quat(scalar_first=True).reshape(*shape, 4)
        with new_map(folder / f"{name}.h5", RASTER, HEADER) as writer:
            writer.append(Pixels(orientation, confidence, 10 * anomaly, labels >= 0))
    with new_hdf5(folder / "grains.h5") as file:
        write_array(file, "labels", labels)
    names = ("map.h5", "grains.h5", "ebsd.h5", "grains.h5")
    first, *others = (folder / name for name in names)
    return read_view(first, lambda _: 1, *others)


@pytest.fixture(scope="module")
def page(view, tmp_path_factory) -> Path:
    grains = pd.DataFrame({name: [0.25, 1.25] for name in GRAIN_COLUMNS}).assign(grain=[0, 7])
    path = tmp_path_factory.mktemp("page") / "map.html"
    path.write_text(page_of(view, SOURCES, grains, {}), encoding="utf-8")
    return path


@pytest.fixture
def browser(page, tmp_path) -> Iterator[Chromium]:
    """The page, ready; when the test is over, that nobody complained and nothing was asked for."""
    with Chromium(tmp_path / "profile") as chromium:
        chromium.open(page)
        chromium.wait_for("document.documentElement.dataset.ready === 'yes'")
        yield chromium
        assert chromium.complaints() == []
        assert chromium.requested() == [page.as_uri()]


def value(browser: Chromium, name: str) -> str:
    return browser.evaluate(f"document.getElementById('value-{name}').textContent")


def place(browser: Chromium, row: int, column: int) -> tuple[float, float]:
    """The middle of a pixel in the window: row 0 is the lowest one."""
    left, top, width, height = browser.evaluate(FRAME)
    return (
        left + (column + 0.5) / RASTER.nx * width,
        top + (RASTER.ny - row - 0.5) / RASTER.ny * height,
    )


def expected(view: View, row: int, column: int) -> dict[str, str]:
    """What the page should say of a pixel."""
    q = view.pixels.orientation[row, column]
    angles = np.rad2deg(bunge_rad(q[None]))[0]
    said = {"x": f"{2.5 * column:.2f} µm", "y": f"{2.5 * row:.2f} µm"}
    said |= {n: f"{a:.2f}°" for n, a in zip(("phi1", "Phi", "phi2"), angles, strict=True)}
    label = str(view.labels[row, column])
    return said | {"misorientation": "2.00°", "grain": label, "ebsd_grain": label}


@pytest.mark.parametrize(("row", "column"), [(1, 20), (15, 0), (9, 13)])
def test_the_mouse_over_a_pixel_shows_its_values(browser, view, row, column):
    browser.mouse("mouseMoved", *place(browser, row, column))
    for name, said in expected(view, row, column).items():
        if said.endswith("°"):
            assert float(value(browser, name)[:-1]) == pytest.approx(float(said[:-1]), abs=0.011)
        else:
            assert value(browser, name) == said, name
    confidence = view.pixels.confidence[row, column]
    assert float(value(browser, "confidence")) == pytest.approx(confidence, abs=0.0076)
    score = view.pixels.anomaly[row, column]
    assert float(value(browser, "anomaly")) == pytest.approx(score, abs=0.0051)


def test_a_pixel_that_is_not_indexed_has_dashes(browser):
    browser.mouse("mouseMoved", *place(browser, 0, 2))
    for name in ("phi1", "Phi", "phi2", "confidence", "misorientation", "grain"):
        assert value(browser, name) == "–"
    assert value(browser, "anomaly") != "–"


def test_the_notice_is_seen_without_scrolling_and_the_picture_is_drawn(browser, tmp_path):
    top, bottom, shown = browser.evaluate(
        "(() => { const n = document.querySelector('.notice'); const a = n.getBoundingClientRect();"
        " return [a.top, a.bottom, n.textContent]; })()"
    )
    assert 0 <= top < bottom < 300
    assert shown.startswith("SIMULATED")
    browser.screenshot(tmp_path / "page.png")
    image = imread(tmp_path / "page.png")[:, :, :3]
    left, upper, width, height = (round(number) for number in browser.evaluate(FRAME))
    lower = min(upper + height, len(image))
    assert image[upper + 2 : lower - 2, left + 2 : left + width - 2].std() > 0.2  # colours
    red = np.abs(image - (0.698, 0.094, 0.169)).max(-1) < 0.02
    assert red[round(top) : round(bottom)].mean() > 0.5


def test_layers_are_switched_and_one_is_shown(browser):
    names = browser.evaluate("[...document.querySelectorAll('[name=layer]')].map((i) => i.value)")
    assert len(names) == 12
    for name in names:
        browser.evaluate(f"document.querySelector('[name=layer][value={name}]').click()")
        assert browser.evaluate(SHOWN) == [f"layer-{name}"]
        loaded = browser.evaluate("document.querySelector('.shown .frame img').naturalWidth")
        assert loaded == RASTER.nx * (3 if "boundaries" in name else 1)
    browser.mouse("mouseMoved", *place(browser, 5, 5))  # of the last layer
    assert value(browser, "x") == "12.50 µm"


def test_lines_between_grains_lie_over_the_map(browser):
    def drawn() -> tuple[float, float]:
        """How much of the map they cover, and how far from its top they lie on the average."""
        return tuple(browser.evaluate(DRAWN))

    assert drawn()[0] == 0
    browser.evaluate("document.querySelector('[name=overlay][value=grain]').click()")
    # one line across all columns, a quarter of a pixel wide
    assert drawn() == pytest.approx((0.25 / RASTER.ny, 13 / RASTER.ny), rel=0.05)
    browser.evaluate("document.querySelector('[name=overlay][value=grain]').click()")
    assert drawn()[0] == 0


def test_the_keyboard_moves_holds_and_lets_go(browser):
    browser.evaluate("document.querySelector('.shown .frame').focus()")
    browser.mouse("mouseMoved", *place(browser, 4, 4))
    for key, shift, at in (
        ("ArrowUp", False, (5, 4)),
        ("ArrowRight", True, (5, 14)),
        ("ArrowLeft", False, (5, 13)),
        ("ArrowDown", True, (0, 13)),  # not below the map
    ):
        browser.key(key, shift)
        assert (value(browser, "y"), value(browser, "x")) == tuple(f"{2.5 * i:.2f} µm" for i in at)
    browser.key("Enter")
    browser.mouse("mouseMoved", *place(browser, 9, 9))
    assert value(browser, "y") == "0.00 µm"
    browser.key("Escape")
    browser.mouse("mouseMoved", *place(browser, 8, 9))
    assert value(browser, "y") == "20.00 µm"
    browser.click(*place(browser, 10, 9))
    browser.mouse("mouseMoved", *place(browser, 2, 2))
    assert value(browser, "y") == "25.00 µm"
    assert "held" in browser.evaluate("document.getElementById('held').textContent")


def test_a_larger_map_still_tells_its_pixels(browser):
    before = browser.evaluate(FRAME)[2]
    browser.evaluate("document.querySelector('[name=zoom][value=\"2\"]').click()")
    assert browser.evaluate(FRAME)[2] == pytest.approx(2 * before, rel=0.01)
    browser.mouse("mouseMoved", *place(browser, 15, 3))
    assert (value(browser, "x"), value(browser, "y")) == ("7.50 µm", "37.50 µm")


def test_without_scripts_all_layers_stand_below_each_other(page, tmp_path):
    with Chromium(tmp_path / "profile") as chromium:
        chromium.send("Emulation.setScriptExecutionDisabled", value=True)
        chromium.open(page)
        chromium.send("DOM.enable")
        document = chromium.send("DOM.getDocument", depth=0)["root"]["nodeId"]
        found = chromium.send("DOM.querySelectorAll", nodeId=document, selector=".layer img")
        boxes = [
            chromium.send("DOM.getBoxModel", nodeId=node)["model"] for node in found["nodeIds"]
        ]
        controls = chromium.send("DOM.querySelector", nodeId=document, selector="#controls")
        with pytest.raises(AssertionError, match="box model"):
            chromium.send("DOM.getBoxModel", nodeId=controls["nodeId"])  # not shown
    maps = [box for box in boxes if box["width"] > 300]
    assert len(maps) == 12
    tops = [box["border"][1] for box in maps]
    assert all(b - a > m["height"] for a, b, m in zip(tops, tops[1:], maps, strict=False))
    assert all(math.isclose(m["width"] / m["height"], 1.5, rel_tol=0.02) for m in maps)
