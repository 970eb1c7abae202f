"""The scans of the config's `maps`, with what they leave out filled in."""

import copy
from collections.abc import Mapping
from typing import Any

from workflow.lib.runtime.files import InputError

DEFAULTS = {
    "array": None,
    "background": None,
    "simulated": None,
    "step_um": 1.0,
    "axes": ["+x", "+y"],
    "ebsd": None,
    "fold": None,
    "seed": None,
    "training_set": None,
    "truth": None,
}
EBSD_DEFAULTS = {
    "array": None,
    "angles": "zyz",
    "unit": "radian",
    "direction": "crystal_to_specimen",
}


def scans_of(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each scan by its name. Raises InputError where two have one name."""
    scans: dict[str, dict[str, Any]] = {}
    for given in config["maps"]["scans"]:
        scan = copy.deepcopy(DEFAULTS) | given
        if scan["ebsd"] is not None:
            scan["ebsd"] = EBSD_DEFAULTS | scan["ebsd"]
        if scan["name"] in scans:
            raise InputError(
                f"config key maps.scans: found two scans named {scan['name']}, expected another "
                "name for each"
            )
        _check(scan)
        scans[scan["name"]] = scan
    return scans


def _check(scan: Mapping[str, Any]) -> None:
    key = f"config key maps.scans, {scan['name']}"
    if {axis[1] for axis in scan["axes"]} != {"x", "y"}:
        raise InputError(f"{key}: axes {scan['axes']}: expected one of +x, -x and one of +y, -y")
    if scan["training_set"] is not None and scan["ebsd"] is None:
        raise InputError(f"{key}: training_set needs ebsd, the orientations to learn")


def check_scans(config: Mapping[str, Any]) -> None:
    """Raise InputError where there is nothing for the target `maps` to do."""
    if not config["maps"]["scans"]:
        raise InputError(
            "config key maps.scans: found [], expected one scan or more for the target maps: "
            "`make map SCAN=my.npy`, or see config/README.md"
        )
