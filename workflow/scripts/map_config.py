"""What `make map` is told, as a config file: `python -m workflow.scripts.map_config SCAN=… …`.

Keys beside SCAN: MODEL, NAME, NETWORK, VIEWS, ARRAY, STEP (µm), EBSD. Prints the path of what it
wrote and the folder in which the maps will be, neither of which has a space in it.
"""

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from workflow.lib.runtime.files import InputError, write_text

FOLDER = Path("results/own")


def main(scan: str, **told: str) -> tuple[Path, Path]:
    """Write the config; the file, and the folder of the scan's maps.

    Empty values count as not told. Raises InputError where there is no such scan or release.
    """
    told = {key: value for key, value in told.items() if value}
    name = told.get("name") or re.sub(r"[^A-Za-z0-9_.-]+", "_", Path(scan).stem).strip("_.-")
    if not name:
        raise InputError(f"SCAN={scan}: found no name in it, expected NAME=... as well")
    for key, path in (("SCAN", scan), ("MODEL", told.get("model")), ("EBSD", told.get("ebsd"))):
        if path is not None and not Path(path).expanduser().exists():
            raise InputError(f"{key}={path}: there is no such file; see README, 'Map a scan'")
    entry: dict[str, Any] = {"name": name, "signals": scan}
    if "array" in told:
        entry["array"] = told["array"]
    if "step" in told:
        entry["step_um"] = _number("STEP", told["step"])
    if "ebsd" in told:
        entry["ebsd"] = {"file": told["ebsd"]}
    maps: dict[str, Any] = {"scans": [entry]}
    if "model" in told:
        maps["release"] = told["model"]
    if "network" in told:
        maps["networks"] = told["network"].split(",")
    if "views" in told:
        maps["views"] = int(_number("VIEWS", told["views"]))
    config = FOLDER / f"{name}.yaml"
    write_text(config, yaml.safe_dump({"maps": maps}, sort_keys=False))
    return config, FOLDER / "maps" / name


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{key}={text}: expected a number") from None


if __name__ == "__main__":
    arguments = dict(argument.split("=", 1) for argument in sys.argv[1:])
    scan = arguments.pop("SCAN", "")
    try:
        if not scan:
            raise InputError("SCAN= is missing: make map SCAN=my.npy MODEL=release.zip")
        print(*main(scan, **{key.lower(): value for key, value in arguments.items()}))
    except InputError as error:
        sys.exit(f"error: {error}")
