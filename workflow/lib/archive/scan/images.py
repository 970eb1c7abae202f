"""A folder of images, one for each direction of the light, as a scan's signals.

The scan's first index counts an image's columns, from left to right, its second the rows from the
bottom upwards. So the default `axes` [+x, +y] mean an image with the specimen's x to the right and
y upwards; for an image in which x points down and y to the right they are [+y, -x].
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from workflow.lib.archive.scan.folder import DIRECTIONS, find_images
from workflow.lib.archive.specimen import SIGNAL_SHAPE
from workflow.lib.runtime.files import InputError, atomic, scratch_folder
from workflow.lib.runtime.progress import Progress

FORMATS = ("PNG", "TIFF")
GREY = "L"  # Pillow's name of 8-bit grey
MOST_PIXELS = 100_000_000  # of an image: a file of a few kB can claim to be larger
STRIP_BYTES = 1 << 25  # of signals that are put together at once

_TOLD = {
    "1": ("black and white, 1 bit", "record intensities"),
    "P": ("8-bit with a palette", "save it as grey, without a palette"),
    "I": ("16- or 32-bit grey", "divide by 257 where 65535 is the highest, save it as 8-bit"),
    "F": ("floating point", "scale it to 0–255, save it as 8-bit"),
}
_COLOUR = ("in colour", "save it as 8-bit grey")


def stack_images(folder: Path, background: Path | None, signals: Path) -> tuple[int, int]:
    """Write the images of `folder` as a .npy of signals uint8 (a, b, 6, 72); returns (a, b).

    background: a folder of as many images, recorded without the specimen; each is subtracted from
    that of its direction, what falls below 0 becomes 0. Images are 8-bit grey PNG or TIFF of one
    size, a columns and b rows; `archive.scan.folder` tells their names. Memory: a few images,
    whatever their number and size; disk: for a while as much again as `signals` beside it. Raises
    InputError, one line, when an image is missing, unreadable, or of another size or kind.
    """
    images = find_images(folder)
    backgrounds = None if background is None else find_images(background)
    rows, columns = size = size_of(images[0])
    total = 2 * rows * columns * len(DIRECTIONS)
    with (
        scratch_folder(signals) as scratch,
        atomic(signals) as part,
        Progress(f"{len(images)} images", total, "B") as progress,
    ):
        planes = scratch / "planes"
        with open(planes, "wb") as stream:
            for k, path in enumerate(images):
                image = _oriented(path, size)
                if backgrounds is not None:
                    dark = _oriented(backgrounds[k], size)
                    image = np.maximum(image, dark) - dark
                stream.write(np.ascontiguousarray(image))
                progress.add(image.size)
        with open(part, "wb") as stream:
            _transpose(planes, (columns, rows), stream, progress.add)
    return columns, rows


def size_of(path: Path) -> tuple[int, int]:
    """Rows and columns of an 8-bit grey image, as its head declares them. InputError if none."""
    with _Opened(path) as image:
        return image.height, image.width


def read_image(path: Path, size: tuple[int, int]) -> np.ndarray:
    """An 8-bit grey image of `size`, rows and columns, as uint8 (rows, columns), the top first."""
    with _Opened(path) as image:
        if (image.height, image.width) != size:
            raise InputError(
                f"{path}: {image.width} × {image.height} pixels, expected {size[1]} × {size[0]} "
                "like the first image"
            )
        return np.asarray(image)


class _Opened:
    """An image whose head has been checked; all that goes wrong within becomes one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Image.Image:
        # Pillow's own limit only warns, and counts per process; ours refuses before decoding.
        self._limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        self._warnings = warnings.catch_warnings(action="ignore")  # of odd tags
        self._warnings.__enter__()
        self._image: Image.Image | None = None
        try:
            self._image = Image.open(self._path, formats=FORMATS)
            _check(self._image, self._path)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self._image

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: object) -> None:
        if self._image is not None:
            self._image.close()
        self._warnings.__exit__(None, None, None)
        Image.MAX_IMAGE_PIXELS = self._limit
        if isinstance(error, Exception) and not isinstance(error, InputError | MemoryError):
            # A broken image makes Pillow raise almost anything.
            raise InputError(
                f"{self._path}: not a readable PNG or TIFF image ({_reason(error, self._path)}); "
                "record or copy it again"
            ) from error


def _check(image: Image.Image, path: Path) -> None:
    """Raise InputError unless the head of an image says that it is a grey one of sensible size."""
    if image.width * image.height > MOST_PIXELS:
        raise InputError(
            f"{path}: claims to have {image.width} × {image.height} pixels, expected at most "
            f"{MOST_PIXELS:,}"
        )
    if getattr(image, "n_frames", 1) != 1:
        raise InputError(f"{path}: holds {image.n_frames} images, expected one")
    if image.mode != GREY:
        found, remedy = _TOLD.get(image.mode.partition(";")[0], _COLOUR)
        raise InputError(
            f"{path}: {found} (Pillow's mode {image.mode}), expected 8-bit grey: {remedy}"
        )


def _oriented(path: Path, size: tuple[int, int]) -> np.ndarray:
    """An image as (columns, rows), rows from the bottom upwards."""
    return read_image(path, size)[::-1].T


def _transpose(
    planes: Path, shape: tuple[int, int], stream: BinaryIO, tell: Callable[[int], None]
) -> None:
    """Write planes (432, a, b) as a .npy of signals (a, b, 6, 72), some rows of all at a time."""
    a, b = shape
    header = {"descr": "|u1", "fortran_order": False, "shape": (a, b, *SIGNAL_SHAPE)}
    np.lib.format.write_array_header_1_0(stream, header)
    at_once = min(a, max(1, STRIP_BYTES // (b * len(DIRECTIONS))))
    buffer = np.empty((at_once * b, len(DIRECTIONS)), np.uint8)
    with open(planes, "rb") as source:
        for first in range(0, a, at_once):
            rows = min(at_once, a - first)
            strip = buffer[: rows * b]
            for k in range(len(DIRECTIONS)):
                source.seek((k * a + first) * b)
                strip[:, k] = np.fromfile(source, np.uint8, rows * b)
            stream.write(strip)
            tell(strip.size)


def _reason(error: Exception, path: Path) -> str:
    """What a library says, as part of a line, without the path again."""
    text = " ".join(str(error).replace(repr(str(path)), "").replace(str(path), "").split())
    return text or type(error).__name__
