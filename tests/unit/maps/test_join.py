"""Blocks of a scan and the map they are joined to: each pixel in its place, whatever the axes."""

from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.quaternions import random_quaternions
from workflow.lib.maps import blocks
from workflow.lib.maps.blocks import About, join_blocks, rows_of_block, write_block
from workflow.lib.maps.map_file import Pixels, open_map
from workflow.lib.maps.scan_facts import ScanFacts
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError

ABOUT = About("simulated", "sequencenet", 8, 1, 1, "SequenceNet of a release")
AXES = [
    (f"{one}{first}", f"{other}{second}")
    for first, second in ("xy", "yx")
    for one in "+-"
    for other in "+-"
]
ORIENTATIONS = random_quaternions(997, 5).numpy()


@dataclass
class Numbered:
    """A scan whose pixels hold their number, row by row, in the first bytes of their signals."""

    shape: tuple[int, int]
    rows_together: int = 1
    most: int = 0  # pixels that were read at once

    def read(self, first: int, last: int) -> np.ndarray:
        count = (last - first) * self.shape[1]
        self.most = max(self.most, count)
        signals = np.zeros((count, 432), np.uint8)
        numbers = np.arange(first * self.shape[1], last * self.shape[1], dtype=np.uint32)
        signals[:, :4] = numbers[:, None].view(np.uint8)
        return signals.reshape(last - first, self.shape[1], 6, 72)


class ByNumber:
    """In place of an `Indexer`: everything about a pixel follows from its number."""

    signals_at_once = 200

    def index(self, signals: torch.Tensor) -> Pixels:
        numbers = signals.flatten(1)[:, :4].contiguous().numpy().view(np.uint32)[:, 0]
        return pixels_of(numbers)


def pixels_of(numbers: np.ndarray) -> Pixels:
    orientation = np.where(numbers[..., None] % 11 == 3, np.nan, ORIENTATIONS[numbers % 997])
    confidence = (numbers % 101 / 101).astype(np.float32)
    return Pixels(orientation, confidence, numbers.astype(np.float32), numbers % 11 > 3)


def facts_of(shape: tuple[int, int], axes=("+x", "+y")) -> ScanFacts:
    return ScanFacts("mine", shape, tuple(axes), 0.5, "measured", "mine.npy", "", "", False, ())


def mapped(folder: Path, shape: tuple[int, int], count: int) -> list[Path]:
    """Blocks of a `Numbered` scan of that shape."""
    paths = [folder / f"{number}-of-{count}.h5" for number in range(1, count + 1)]
    for path in paths:
        rows = rows_of_block(path.stem, shape[0])
        write_block(Numbered(shape), ByNumber(), rows, ABOUT, path, path.stem)
    return paths


@given(rows=st.integers(0, 5000), count=st.integers(1, 60))
def test_blocks_share_out_all_rows(rows, count):
    parts = [rows_of_block(f"{number}-of-{count}", rows) for number in range(1, count + 1)]
    assert [first for first, _ in parts] == [0, *(last for _, last in parts[:-1])]
    assert parts[-1][1] == rows
    sizes = [last - first for first, last in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("axes", AXES)
def test_pixels_lie_where_the_axes_say(axes, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "JOINED_AT_ONCE", 300)
    shape = (23, 70)
    parts = mapped(tmp_path, shape, 3)
    header, indexed = join_blocks(parts[::-1], facts_of(shape, axes), tmp_path / "map.h5")
    along = {axis[1]: (place, axis[0] == "-") for place, axis in enumerate(axes)}
    with open_map(tmp_path / "map.h5") as found:
        raster = found.raster
        pixels = found.rows(0, raster.ny)
        assert found.header == header
    assert (raster.nx, raster.ny) == (shape[along["x"][0]], shape[along["y"][0]])
    expected = np.empty((raster.ny, raster.nx), np.uint32)
    for y in range(raster.ny):  # by hand, pixel by pixel
        for x in range(raster.nx):
            place = [0, 0]
            for name, position in (("x", x), ("y", y)):
                index, falls = along[name]
                place[index] = shape[index] - 1 - position if falls else position
            expected[y, x] = place[0] * shape[1] + place[1]
    wanted = pixels_of(expected)
    np.testing.assert_array_equal(pixels.anomaly, wanted.anomaly)
    np.testing.assert_array_equal(pixels.confidence, wanted.confidence)
    np.testing.assert_array_equal(pixels.is_indexed, wanted.is_indexed)
    known = np.isfinite(wanted.orientation).all(-1)
    np.testing.assert_array_equal(np.isfinite(pixels.orientation).all(-1), known)
    apart = misorientation_deg(
        torch.from_numpy(pixels.orientation[known]), torch.from_numpy(wanted.orientation[known])
    )
    assert apart.max() < 1e-5
    assert indexed == wanted.is_indexed.sum()


def test_the_header_says_who_answered(tmp_path):
    parts = mapped(tmp_path, (2, 3), 1)
    header, _ = join_blocks(parts, facts_of((2, 3)), tmp_path / "map.h5")
    assert (header.scan, header.signals_origin) == ("mine", "measured")
    assert (header.network, header.fold, header.seed, header.views) == ("sequencenet", 8, 1, 1)
    assert header.notice.startswith("The network learnt from SIMULATED")


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 2), (130, 3), (5000, 1)])
@pytest.mark.parametrize("count", [1, 4, 7])
def test_narrow_scans_and_more_blocks_than_rows(shape, count, tmp_path):
    parts = mapped(tmp_path, shape, count)
    join_blocks(parts, facts_of(shape), tmp_path / "map.h5")
    with open_map(tmp_path / "map.h5") as found:
        anomaly = found.rows(0, found.raster.ny).anomaly
    np.testing.assert_array_equal(anomaly, np.arange(np.prod(shape)).reshape(shape).T)


@pytest.mark.parametrize("together", [1, 4, 16, 1000])
def test_rows_are_read_in_pieces_that_stored_chunks_fit(together, tmp_path):
    scan = Numbered((100, 10), together)
    write_block(scan, ByNumber(), (33, 90), ABOUT, tmp_path / "block.h5", "block")
    assert scan.most <= 200  # pixels, whatever the chunks
    with h5py.File(tmp_path / "block.h5") as file:
        anomaly = file["pixels"]["anomaly"]
    np.testing.assert_array_equal(anomaly.ravel(), np.arange(330, 900))


def test_what_fails_leaves_no_block(tmp_path):
    class Failing(ByNumber):
        calls = 0

        def index(self, signals: torch.Tensor) -> Pixels:
            self.calls += 1
            if self.calls == 3:
                raise RuntimeError("killed")
            return super().index(signals)

    with pytest.raises(RuntimeError, match="killed"):
        write_block(Numbered((90, 10)), Failing(), (0, 90), ABOUT, tmp_path / "b.h5", "b")
    assert list(tmp_path.iterdir()) == []


def test_speed_and_what_is_left_are_told(tmp_path, caplog):
    with caplog.at_level("INFO", logger="drm"):
        write_block(Numbered((90, 10)), ByNumber(), (0, 90), ABOUT, tmp_path / "b.h5", "mine, 1")
    assert caplog.messages[-1].startswith("mine, 1: 900 of 900 pixels")
    assert caplog.messages[-1].endswith(" pixels/s")


def test_blocks_that_do_not_belong_together_are_refused(tmp_path):
    shape = (6, 4)
    parts = mapped(tmp_path, shape, 3)
    target, facts = tmp_path / "map.h5", facts_of(shape)
    with pytest.raises(InputError, match=r"rows \[0, 4\] and end at \[2, 6\], expected all 6 rows"):
        join_blocks([parts[0], parts[2]], facts, target)
    with pytest.raises(InputError, match=r"begin at rows \[0, 2\] and end at \[2, 4\]"):
        join_blocks(parts[:2], facts, target)
    with pytest.raises(InputError, match=r"blocks of \(6, 4\) pixels, expected \(4, 6\)"):
        join_blocks(parts, facts_of((4, 6)), target)
    other = tmp_path / "other.h5"
    write_block(Numbered(shape), ByNumber(), (4, 6), replace(ABOUT, seed=2), other, "other")
    with pytest.raises(InputError, match="made by another model"):
        join_blocks([*parts[:2], other], facts, target)
    assert not target.exists()
