"""Pictures of a map: what they say, which way is up, and maps of which there is little to show."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from map_files import HEADER, MEASURED, RASTER, write_grains, write_map
from matplotlib.image import imread
from pypdf import PdfReader
from scipy.spatial.transform import Rotation

from workflow.lib.maps.map_file import Pixels, Raster, new_map
from workflow.lib.report.maps.ebsd_picture import in_words, parts_of, plot_ebsd
from workflow.lib.report.maps.grain_files import Boundaries, read_boundaries, read_grains
from workflow.lib.report.maps.misorientations import plot_misorientations
from workflow.lib.report.maps.panels import bar_length_um, length_in_words
from workflow.lib.report.maps.pictures import (
    plot_anomaly,
    plot_boundaries,
    plot_confidence,
    plot_orientations,
)
from workflow.lib.report.maps.poles import plot_poles
from workflow.lib.report.maps.view import View, read_view
from workflow.lib.runtime.files import InputError

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
ONE_BOUNDARY = Boundaries(
    2, np.array([[0, 1]]), np.array([17.5]), np.array([42.0]), np.array([True])
)
NO_BOUNDARY = Boundaries(
    1, np.empty((0, 2), int), np.empty(0), np.empty(0), np.empty(0, bool)
)  # fmt: skip
ALL = {
    "ipf": plot_orientations,
    "confidence": plot_confidence,
    "anomaly": plot_anomaly,
    "poles": plot_poles,
    "boundaries": lambda view, style, paths: plot_boundaries(view, ONE_BOUNDARY, style, paths),
    "mdf": lambda view, style, paths: plot_misorientations(view, ONE_BOUNDARY, style, paths),
    "ebsd": plot_ebsd,
}


def text_of(path: Path) -> str:
    return " ".join(PdfReader(path).pages[0].extract_text().split())


def view_of(folder: Path, raster: Raster = RASTER, header=HEADER, stride: int = 1) -> View:
    write_map(folder / "map.h5", raster, header)
    write_map(folder / "ebsd.h5", raster, header, turned_deg=3.0)
    write_grains(folder / "grains.h5", raster)
    names = ("grains.h5", "ebsd.h5", "grains.h5")
    return read_view(folder / "map.h5", lambda _: stride, *(folder / name for name in names))


@pytest.mark.parametrize("name", ALL)
def test_a_picture_says_whose_it_is_and_that_it_is_simulated(tmp_path, name):
    ALL[name](view_of(tmp_path), STYLE, [tmp_path / "a.pdf", tmp_path / "a.png"])
    text = text_of(tmp_path / "a.pdf")
    assert "SIMULATED" in text
    assert "Map of mine by sequencenet, fold 8, seed 1, each signal as it is." in text
    assert imread(tmp_path / "a.png").shape[1] == 1400
    if name not in ("poles", "mdf"):
        assert "x / µm" in text
        assert "y / µm" in text
        assert "5 µm" in text  # of the scale bar: 30 % of 25 µm at most
    view = view_of(tmp_path, header=MEASURED, stride=2)
    ALL[name](view, STYLE, [tmp_path / "b.pdf"])
    text = text_of(tmp_path / "b.pdf")
    assert "SIMULATED" not in text
    assert ("every 2nd pixel" in text) is (name not in ("poles", "mdf"))


def test_numbers_in_captions(tmp_path):
    view = view_of(tmp_path)
    plot_anomaly(view, STYLE, [tmp_path / "anomaly.pdf"])
    assert "not indexed, 1.43 % of all pixels" in text_of(tmp_path / "anomaly.pdf")  # 1 of 70
    plot_confidence(view, STYLE, [tmp_path / "confidence.pdf"])
    known = view.pixels.confidence[view.pixels.is_indexed]
    assert f"Median {np.median(known):.2f};" in text_of(tmp_path / "confidence.pdf")
    # three columns on either side of the boundary between columns 2 and 3, and what is about the
    # pixel without a grain
    parts = {name: len(angle) for name, angle in parts_of(view).items()}
    assert sum(parts.values()) == 69
    near = view.near_boundary & view.pixels.is_indexed
    assert parts == {"inside grains": 69 - near.sum(), "within 3 pixels of a boundary": near.sum()}
    assert near[6].tolist() == [True] * 6 + [False] * 4
    assert in_words(view).startswith("inside grains: median 3.00°, mean 3.00°, 100 % below 5°")


@pytest.mark.parametrize(
    ("raster", "name"),
    [
        *((Raster(1, 1, 0.25), name) for name in ALL),
        *((Raster(40, 1, 1.0), name) for name in ("ipf", "boundaries", "ebsd")),
        *((Raster(1, 40, 1.0), name) for name in ("ipf", "boundaries", "ebsd")),
    ],
)
def test_a_pixel_a_row_and_a_column_are_maps_too(tmp_path, name, raster):
    """The last pixel of the first row is unindexed: of one pixel nothing is known."""
    ALL[name](view_of(tmp_path, raster), STYLE, [tmp_path / "a.png"])
    assert imread(tmp_path / "a.png").std() > 0


def test_a_map_of_which_nothing_is_known(tmp_path):
    unknown = Pixels.of_orientations(np.full((7, 10, 4), np.nan))
    with new_map(tmp_path / "map.h5", RASTER, HEADER) as writer:
        writer.append(unknown)
    write_grains(tmp_path / "grains.h5")
    view = read_view(tmp_path / "map.h5", lambda _: 1, tmp_path / "grains.h5")
    plot_confidence(view, STYLE, [tmp_path / "a.pdf"])
    assert "Of no pixel it is known" in text_of(tmp_path / "a.pdf")
    plot_poles(view, STYLE, [tmp_path / "b.pdf"])
    assert "no pixel is indexed" in text_of(tmp_path / "b.pdf")
    plot_misorientations(view, NO_BOUNDARY, STYLE, [tmp_path / "c.pdf"])
    for plot in (plot_orientations, plot_anomaly):
        plot(view, STYLE, [tmp_path / "d.png"])


def test_y_rises_upwards_and_x_to_the_right(tmp_path):
    """One grain in the last rows and columns has 001 along z, red; the other has 111, blue."""
    raster = Raster(12, 8, 1.0)
    blue = Rotation.align_vectors([[0, 0, 1]], [[1, 1, 1]])[0].as_quat(scalar_first=True)
    orientation = np.tile(blue, (8, 12, 1))
    orientation[6:, 9:] = (1, 0, 0, 0)
    with new_map(tmp_path / "map.h5", raster, HEADER) as writer:
        writer.append(Pixels.of_orientations(orientation))
    view = read_view(tmp_path / "map.h5", lambda _: 1)
    plot_orientations(view, STYLE, [tmp_path / "a.png"])
    image = imread(tmp_path / "a.png")[:, :, :3]
    right = image[:, 900:1210]  # the map of z, without the key
    blues = np.argwhere(np.abs(right - (0, 0, 1)).max(-1) < 0.1)
    reds = np.argwhere(np.abs(right - (1, 0, 0)).max(-1) < 0.1)
    reds = reds[reds[:, 0] >= blues[:, 0].min() - 200]  # not the notice above
    assert len(blues) > 10 * len(reds) > 1000
    assert reds[:, 0].max() < np.median(blues[:, 0])  # nearer to the top
    assert reds[:, 1].min() > np.median(blues[:, 1])  # to the right


def test_a_map_of_the_same_pixels_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        plot_orientations(
            view_of(tmp_path), STYLE, [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"]
        )
    for suffix in ("pdf", "png"):
        one, other = (tmp_path / f"{name}.{suffix}" for name in "ab")
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("width_um", "bar"),
    [(25, "5 µm"), (240, "50 µm"), (7000, "2 mm"), (1, "200 nm"), (1e3, "200 µm")],
)
def test_scale_bars_are_round_and_at_most_three_tenths(width_um, bar):
    length = bar_length_um(width_um)
    assert length <= 0.3 * width_um + 1e-9
    assert length > 0.1 * width_um
    assert length_in_words(length) == bar


def test_boundaries_are_told_by_their_misorientation():
    table = Boundaries(
        4,
        np.array([[0, 1], [0, 2], [1, 2]]),
        np.ones(3),
        np.array([3.0, 60.0, 40.0]),
        np.array([False, True, False]),
    )
    pairs = np.array([[0, 2], [0, 1], [1, 2], [-1, 0], [2, 3]])
    assert table.kinds(pairs).tolist() == ["sigma3", "low", "high", "edge", "edge"]
    assert table.kinds(np.empty((0, 2), int)).shape == (0,)
    assert NO_BOUNDARY.kinds(pairs).tolist() == ["edge"] * 5


def test_tables_of_grains_are_read_or_named_in_a_line(tmp_path):
    file = tmp_path / "boundaries.csv"
    columns = "grain_1,grain_2,length_um,misorientation_deg,is_sigma3"
    file.write_text(f"{columns}\n3,1,2.5,60.0,True\n1,2,5.0,10.0,False\n")
    table = read_boundaries(file, 4)
    assert table.pairs.tolist() == [[1, 3], [1, 2]]
    assert table.is_sigma3.tolist() == [True, False]
    file.write_text(f"{columns}\n")
    assert read_boundaries(file, 1).kinds(np.array([[0, 1]])).tolist() == ["edge"]
    file.write_text("grain_1,length_um\n")
    with pytest.raises(InputError, match=r"boundaries\.csv: has no column grain_2, misorientation"):
        read_boundaries(file, 4)
    with pytest.raises(InputError, match=r"none\.csv: .*No such file"):
        read_grains(tmp_path / "none.csv")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"boundaries\.csv: .* expected a CSV"):
        read_grains(file)
    pd.DataFrame({"grain": [1]}).to_csv(file)
    with pytest.raises(InputError, match=r"has no column x_um"):
        read_grains(file)
