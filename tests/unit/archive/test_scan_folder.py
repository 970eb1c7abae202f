"""Folders of images of any size: directions in names, and flat memory."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workflow.lib.archive.scan.folder import DIRECTIONS, direction_of

ROOT = Path(__file__).parents[3]


@given(
    direction=st.sampled_from(DIRECTIONS),
    words=st.tuples(
        st.sampled_from(["el", "EL", "elev", "Elevation"]),
        st.sampled_from(["az", "Az", "azim", "AZIMUTH"]),
    ),
    separator=st.sampled_from(["", "_", "-", " ", "="]),
    form=st.sampled_from(["{}", "{:03}", "{}.0"]),
    around=st.sampled_from(["", "IMG0017_", "sample 8 - "]),
    azimuth_first=st.booleans(),
)
def test_names_hold_the_direction(direction, words, separator, form, around, azimuth_first):
    parts = [w + separator + form.format(v) for w, v in zip(words, direction, strict=True)]
    name = around + "_".join(parts[::-1] if azimuth_first else parts) + ".TIF"
    assert direction_of(Path(name)) == direction


MEASURE = """
import sys
from pathlib import Path
from workflow.lib.archive.scan.images import stack_images
stack_images(Path(sys.argv[1]), None, Path(sys.argv[2]))
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def peak_mb(folder, shape):
    """The peak of memory for images of a shape, all the same, in a process of its own."""
    images = folder / f"images{shape[0]}"
    images.mkdir(parents=True)
    pixels = np.arange(shape[0] * shape[1]).astype(np.uint8).reshape(shape)
    Image.fromarray(pixels).save(folder / "one.png", compress_level=0)
    for elevation, azimuth in DIRECTIONS:
        (images / f"{elevation}_{azimuth}.png").symlink_to(folder / "one.png")
    target = folder / "signals.npy"
    child = subprocess.run(
        [sys.executable, "-c", MEASURE, images, target],
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert target.stat().st_size == 128 + 432 * pixels.size
    target.unlink()
    return float(child.stdout)


def test_memory_does_not_grow_with_the_images(tmp_path):
    """From 43 to 173 MB of signals; a strip of 32 MiB is in both."""
    small, large = peak_mb(tmp_path / "a", (250, 400)), peak_mb(tmp_path / "b", (500, 800))
    assert large < small + 20
    assert re.fullmatch(r"[\d.]+", str(large))
