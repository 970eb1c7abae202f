"""A scan and its EBSD map checked before any of it is mapped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow.lib.archive.layout import MARKER
from workflow.lib.archive.scan.ebsd import open_ebsd
from workflow.lib.archive.scan.sample import look_at
from workflow.lib.archive.scan.signals import open_signals
from workflow.lib.maps.ebsd_map import check_ebsd
from workflow.lib.maps.scan_facts import ScanFacts, origin

FOLDERS_ABOVE = 3  # of a simulated archive's data/samples/08/drm_data.npy, where data is marked


def check_scan(
    name: str, signals: Path, source: Path, ebsd: Path | None, settings: Mapping[str, Any]
) -> ScanFacts:
    """What is known of a scan after all that is cheap has been checked.

    signals: a .npy or HDF5 file; of it a sample is read. source: what the config names, the same
    file or the folder of images of which it was made. ebsd: of which all is read. settings: of the
    scan in the config, with its defaults. Raises InputError, one line, for what can't be mapped;
    what is unlikely becomes a warning.
    """
    with open_signals(signals, settings["array"]) as scan:
        sample = look_at(scan, str(signals))
        shape, says = scan.shape, {str(signals): scan.is_simulated}
    marker = _marker(source)
    says |= {str(marker): True} if marker else {}
    says[f"config key maps.scans, simulated of {name},"] = settings["simulated"]

    def facts(warnings: list[str]) -> ScanFacts:
        return ScanFacts(
            name, shape, tuple(settings["axes"]), float(settings["step_um"]), origin(says),
            str(source), settings["array"] or "", sample.sha256, ebsd is not None, tuple(warnings),
        )  # fmt: skip

    warnings = sample.warnings
    if ebsd is not None:
        with open_ebsd(ebsd, settings["ebsd"]) as orientations:
            says.setdefault(str(ebsd), orientations.is_simulated)
            warnings = warnings + check_ebsd(orientations, facts([]), str(ebsd))
    return facts(warnings)


def _marker(source: Path) -> Path | None:
    """The file that marks a simulated archive in which `source` lies, if it does."""
    place = source.absolute()
    folders = [place, *place.parents[:FOLDERS_ABOVE]] if place.is_dir() else (
        place.parents[:FOLDERS_ABOVE]
    )  # fmt: skip
    return next((folder / MARKER for folder in folders if (folder / MARKER).is_file()), None)
