"""The images of a scan in a folder, one for each direction of the light, found by their names.

Names hold the elevation and the azimuth in degrees, in one of two ways:

- after `el` and `az`, or a longer word that begins so, in any order, among whatever else:
  el15_az005.png, Az-5_El-15.tif, IMG_0001_elevation15_azimuth5.0.tiff;
- or as the only two numbers of the name, the elevation first: 15_005.png, 15_5.tif, s15-a5.png.

Files that are no .png, .tif or .tiff are passed over, and so are hidden ones; folders inside are
not entered. This module needs no package, so that what runs Snakemake can ask for the files.
"""

import re
from pathlib import Path

from workflow.lib.runtime.files import InputError

SUFFIXES = (".png", ".tif", ".tiff")
ELEVATIONS_DEG = (15, 25, 35, 45, 55, 65)
AZIMUTHS_DEG = tuple(range(0, 360, 5))
DIRECTIONS = [(elevation, azimuth) for elevation in ELEVATIONS_DEG for azimuth in AZIMUTHS_DEG]

_NUMBER = r"(\d+(?:\.\d+)?)"
_NAMED = [
    re.compile(rf"(?<![a-z]){word}[a-z]*[-_ =]?{_NUMBER}", re.IGNORECASE) for word in ("el", "az")
]

Direction = tuple[int, int]  # elevation and azimuth in degrees


def images_below(folder: Path) -> list[Path]:
    """The images in a folder, sorted by name; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def find_images(folder: Path) -> list[Path]:
    """The 432 images of a folder in the order of a signal: by elevation, then by azimuth.

    Raises InputError when there is no such folder, when an image's name has no direction or one
    that is not the networks', when two have the same, or when one is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder, expected one of {len(DIRECTIONS)} images")
    found: dict[Direction, Path] = {}
    for path in images_below(folder):
        direction = direction_of(path)
        if direction in found:
            raise InputError(
                f"{folder}: {found[direction].name} and {path.name} are both of "
                f"{_in_words(direction)}, expected one image of each direction"
            )
        found[direction] = path
    missing = [direction for direction in DIRECTIONS if direction not in found]
    if missing:
        raise InputError(
            f"{folder}: {len(found)} of {len(DIRECTIONS)} images; lacks that of "
            f"{_in_words(missing[0])}, e.g. el{missing[0][0]}_az{missing[0][1]:03}.png"
            + (f", and {len(missing) - 1} more" if len(missing) > 1 else "")
        )
    return [found[direction] for direction in DIRECTIONS]


def direction_of(path: Path) -> Direction:
    """The elevation and azimuth in an image's name. Raises InputError when they are not there."""
    stem = path.name.removesuffix(path.suffix)
    named = [word.findall(stem) for word in _NAMED]
    if all(len(numbers) == 1 for numbers in named):
        texts = [numbers[0] for numbers in named]
    else:
        texts = re.findall(_NUMBER, stem)
    if len(texts) != 2:
        raise InputError(
            f"{path}: found {len(texts)} numbers in its name, expected elevation and azimuth in "
            "degrees, e.g. el15_az005.png or 15_5.tif"
        )
    elevation, azimuth = map(float, texts)
    if elevation not in ELEVATIONS_DEG or azimuth not in AZIMUTHS_DEG:
        swapped = azimuth in ELEVATIONS_DEG and elevation in AZIMUTHS_DEG
        raise InputError(
            f"{path}: found elevation {elevation:g}° and azimuth {azimuth:g}°, expected elevations "
            f"of {', '.join(map(str, ELEVATIONS_DEG))}° and azimuths of 0° to 355° in steps of 5°"
            + (": the azimuth first? name it el…_az…" if swapped else "")
        )
    return int(elevation), int(azimuth)


def _in_words(direction: Direction) -> str:
    return f"elevation {direction[0]}° and azimuth {direction[1]}°"
