"""Folders of images: found by name, put together pixel by pixel, refused in a line."""

import random
import struct
import zlib

import numpy as np
import pytest
import skimage.io
import tifffile
from PIL import Image

from workflow.lib.archive.scan.folder import (
    AZIMUTHS_DEG,
    ELEVATIONS_DEG,
    find_images,
    images_below,
)
from workflow.lib.archive.scan.images import MOST_PIXELS, read_image, stack_images
from workflow.lib.runtime.files import InputError

ROWS, COLUMNS = 4, 7
# (elevation, azimuth, row, column): no two pixels or directions alike, nothing symmetric.
STACK = np.random.default_rng(0).integers(0, 256, (6, 72, ROWS, COLUMNS)).astype(np.uint8)


def image_folder(folder, stack=STACK, pattern="el{:.0f}_az{:03.0f}.png"):
    """Images written by libraries that this workflow does not read them with."""
    folder.mkdir()
    for i, elevation in enumerate(ELEVATIONS_DEG):
        for j, azimuth in enumerate(AZIMUTHS_DEG):
            path = folder / pattern.format(float(elevation), float(azimuth))
            if path.suffix == ".png":
                skimage.io.imsave(path, stack[i, j], check_contrast=False)
            else:
                tifffile.imwrite(path, stack[i, j], photometric="minisblack")
    return folder


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return image_folder(tmp_path_factory.mktemp("good") / "images")


@pytest.fixture
def folder(good, tmp_path):
    """A copy to spoil; its files are links, to be replaced and not written into."""
    place = tmp_path / "images"
    place.mkdir()
    for path in good.iterdir():
        (place / path.name).symlink_to(path)
    return place


def replaced(path):
    path.unlink()
    return path


def refusal(folder, background=None):
    target = folder.parent / "signals.npy"
    with pytest.raises(InputError) as caught:
        stack_images(folder, background, target)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith((str(folder), str(background)))
    assert not list(folder.parent.glob("*signals.npy*")), "nothing half-written"
    return line


@pytest.mark.parametrize(
    "pattern",
    [
        "el{:.0f}_az{:03.0f}.png",
        "{:.0f}_{:.0f}.tif",
        "IMG_0042-Azimuth{1:.0f}-Elevation{0:.1f}.tiff",
    ],
)
def test_every_pixel_of_every_image_lies_where_it_is_seen(tmp_path, pattern):
    folder = image_folder(tmp_path / "images", pattern=pattern)
    target = tmp_path / "signals.npy"
    assert stack_images(folder, None, target) == (COLUMNS, ROWS)
    signals = np.load(target)
    assert signals.shape == (COLUMNS, ROWS, 6, 72)
    for right in range(COLUMNS):
        for up in range(ROWS):
            seen = STACK[:, :, ROWS - 1 - up, right]  # files begin with the top row
            np.testing.assert_array_equal(signals[right, up], seen)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "signals.npy"]


def test_strips_of_any_size_give_the_same(good, tmp_path, monkeypatch):
    monkeypatch.setattr("workflow.lib.archive.scan.images.STRIP_BYTES", 2 * ROWS * 432)
    stack_images(good, None, tmp_path / "signals.npy")
    expected = STACK[:, :, ::-1].transpose(3, 2, 0, 1)
    np.testing.assert_array_equal(np.load(tmp_path / "signals.npy"), expected)


def test_the_background_of_the_same_direction_is_subtracted(good, tmp_path):
    dark = np.random.default_rng(1).integers(0, 256, STACK.shape).astype(np.uint8)
    background = image_folder(tmp_path / "dark", dark, "{:.0f}-{:.0f}.tif")
    stack_images(good, background, tmp_path / "signals.npy")
    expected = np.clip(STACK.astype(int) - dark, 0, None)[:, :, ::-1].transpose(3, 2, 0, 1)
    np.testing.assert_array_equal(np.load(tmp_path / "signals.npy"), expected)
    (background / "25-105.tif").unlink()
    line = refusal_of_background(good, background, tmp_path)
    assert f"{background}: 431 of 432 images; lacks that of elevation 25° and azimuth 105°" in line
    tifffile.imwrite(background / "25-105.tif", dark[0, 0, 1:], photometric="minisblack")
    assert "7 × 3 pixels, expected 7 × 4" in refusal_of_background(good, background, tmp_path)


def refusal_of_background(good, background, tmp_path):
    with pytest.raises(InputError) as caught:
        stack_images(good, background, tmp_path / "other.npy")
    assert not list(tmp_path.glob("*other*"))
    return str(caught.value)


def test_a_single_pixel_is_a_scan(tmp_path):
    folder = image_folder(tmp_path / "images", STACK[:, :, :1, :1])
    assert stack_images(folder, None, tmp_path / "signals.npy") == (1, 1)
    np.testing.assert_array_equal(np.load(tmp_path / "signals.npy")[0, 0], STACK[:, :, 0, 0])


def test_other_files_are_passed_over(folder):
    for name in ("Thumbs.db", "notes 2.txt", ".hidden_1.png", "._el15_az000.png"):
        (folder / name).write_text("nothing")
    assert len(images_below(folder)) == len(find_images(folder)) == 432
    assert images_below(folder / "none") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("el15_az003.png", "found elevation 15° and azimuth 3°, expected elevations of 15, 25"),
        ("20_0.png", "found elevation 20° and azimuth 0°"),
        ("105_25.tif", "the azimuth first? name it el…_az…"),
        ("el15_az360.png", "found elevation 15° and azimuth 360°"),
        ("overview.png", "found 0 numbers in its name, expected elevation and azimuth"),
        ("scan1_15_5.tif", "found 3 numbers in its name, expected elevation and azimuth"),
    ],
)
def test_images_of_no_direction_are_refused(folder, name, message):
    (folder / name).write_bytes(b"")
    line = refusal(folder)
    assert line.startswith(str(folder / name))
    assert message in line


def test_missing_and_doubled_images_are_named(folder, tmp_path):
    (folder / "el45_az310.png").unlink()
    assert refusal(folder).endswith(
        "431 of 432 images; lacks that of elevation 45° and azimuth 310°, e.g. el45_az310.png"
    )
    (folder / "el15_az000.png").unlink()
    assert refusal(folder).endswith("e.g. el15_az000.png, and 1 more")
    (folder / "25_5.png").write_bytes(b"")
    assert "25_5.png and el25_az005.png are both of elevation 25° and azimuth 5°" in refusal(folder)
    assert "no such folder, expected one of 432 images" in refusal(tmp_path / "none")


GREY = STACK[2, 5]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (GREY[:, :2], "2 × 4 pixels, expected 7 × 4 like the first image"),
        (GREY.T, "4 × 7 pixels, expected 7 × 4 like the first image"),
        (np.stack([GREY] * 3, -1), "in colour (Pillow's mode RGB), expected 8-bit grey"),
        (np.stack([GREY] * 4, -1), "in colour (Pillow's mode RGBA), expected 8-bit grey"),
        (GREY.astype(np.uint16) * 257, "16- or 32-bit grey (Pillow's mode I;16), expected 8-bit"),
        (GREY > 7, "black and white, 1 bit"),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_other_kinds_of_images_are_refused(folder, pixels, message, suffix):
    path = replaced(folder / "el35_az025.png").with_suffix(f".{suffix}")
    Image.fromarray(pixels).save(path)
    line = refusal(folder)
    assert line.startswith(f"{path}: ")
    assert message in line


def test_tiffs_of_other_kinds_are_refused(folder):
    path = replaced(folder / "el35_az025.png").with_suffix(".tif")
    tifffile.imwrite(path, GREY.astype(np.float32))
    assert "floating point" in refusal(folder)
    tifffile.imwrite(path, np.stack([GREY, GREY]), photometric="minisblack")
    assert "holds 2 images, expected one" in refusal(folder)
    Image.fromarray(GREY).convert("P").save(path)
    assert "8-bit with a palette" in refusal(folder)


def test_a_tiff_that_counts_from_white_is_read_as_it_looks(folder, tmp_path):
    path = replaced(folder / "el15_az000.png").with_suffix(".tif")
    tifffile.imwrite(path, 255 - STACK[0, 0], photometric="miniswhite")
    stack_images(folder, None, tmp_path / "signals.npy")
    np.testing.assert_array_equal(
        np.load(tmp_path / "signals.npy")[:, :, 0, 0], STACK[0, 0, ::-1].T
    )


@pytest.mark.parametrize("name", ["el15_az000.png", "el65_az355.png"])
def test_broken_images_are_refused(folder, name):
    whole = (folder / name).read_bytes()
    path = replaced(folder / name)
    for content in (b"", b"no image", whole[: len(whole) // 2], whole[:60], b"II*\x00" + bytes(40)):
        path.write_bytes(content)
        line = refusal(folder)
        assert line.startswith(f"{path}: not a readable PNG or TIFF image")
    path.unlink()
    path.mkdir()
    assert "not a readable PNG or TIFF image" in refusal(folder)
    path.rmdir()
    path.symlink_to(folder / "nowhere")
    assert "not a readable PNG or TIFF image" in refusal(folder)


def test_images_in_another_format_are_refused_whatever_their_name(folder):
    Image.fromarray(GREY).save(replaced(folder / "el35_az025.png"), format="BMP")
    assert "not a readable PNG or TIFF image" in refusal(folder)


def test_no_bytes_of_an_image_end_otherwise_than_in_a_line(folder):
    """Bytes changed at random: read, or refused; Pillow's own errors are of many kinds."""
    drawn = random.Random(0)
    path = folder / "el15_az005.png"
    refused = 0
    for suffix in (".png", ".tif"):
        Image.fromarray(GREY).save(path.with_suffix(".new" + suffix))
        whole = (path.with_suffix(".new" + suffix)).read_bytes()
        path.with_suffix(".new" + suffix).unlink()
        path.unlink(missing_ok=True)
        place = path.with_suffix(suffix)
        for _ in range(150):
            content = bytearray(whole)
            for _ in range(drawn.randint(1, 3)):
                content[drawn.randrange(len(content))] = drawn.randrange(256)
            place.write_bytes(content)
            told = told_of(place)
            assert told is None or told.startswith(f"{place}: ")
            assert told is None or "\n" not in told
            refused += told is not None
        place.unlink()
    assert refused > 100


def told_of(path):
    try:
        read_image(path, (ROWS, COLUMNS))
    except InputError as error:
        return str(error)
    return None


def png_chunk(kind, content):
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def test_a_bomb_is_refused_before_it_is_unpacked(folder):
    """A PNG of a few hundred kB that would become 400 MB."""
    path = replaced(folder / "el15_az000.png")
    side = 20_000
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(side * 1000), 1)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )  # fmt: skip
    line = refusal(folder)
    assert f"claims to have 20000 × 20000 pixels, expected at most {MOST_PIXELS:,}" in line
    assert Image.MAX_IMAGE_PIXELS is not None, "Pillow's own limit is back"
