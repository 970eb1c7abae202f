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
WITH_EBSD = "samples/08"  # of the simulation's scans
EBSD_DEFAULTS = {
    "array": None,
    "angles": "zyz",
    "unit": "radian",
    "direction": "crystal_to_specimen",
}


def scans_of(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each scan by its name. Raises InputError where two have one name.

    One that says by `truth` which scan of the simulation it is needs no `signals`: they are this
    run's, with its EBSD map if it has one.
    """
    scans: dict[str, dict[str, Any]] = {}
    for given in config["maps"]["scans"]:
        scan = copy.deepcopy(DEFAULTS) | _simulated(given, config["run"]) | given
        if scan["ebsd"] is not None:
            scan["ebsd"] = EBSD_DEFAULTS | scan["ebsd"]
        if scan["name"] in scans:
            raise InputError(
                f"config key maps.scans: found two scans named {scan['name']}, expected another "
                "name for each"
            )
        _check(scan, config)
        scans[scan["name"]] = scan
    return scans


def _simulated(given: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Where the signals and the EBSD map are of a scan that says nothing but its `truth`."""
    truth, scans = given.get("truth"), f"results/{run}/scans.h5"
    if truth is None or "signals" in given:
        return {}
    found: dict[str, Any] = {"signals": scans, "array": f"{truth}/drm_data"}
    if truth == WITH_EBSD:
        found["ebsd"] = {"file": scans, "array": f"{truth}/eulers"}
    return found


def _check(scan: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    key = f"config key maps.scans, {scan['name']}"
    if "signals" not in scan:
        raise InputError(f"{key}: signals are missing, the path of a file or a folder")
    if scan["truth"] is not None and config["data"]["source"] != "simulated":
        raise InputError(
            f"{key}: truth {scan['truth']} with data.source {config['data']['source']}: only of "
            "simulated scans is the truth known: leave it out"
        )
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
