"""The dataset as one HDF5 file: written from an archive, read by every later step.

dataset.h5 has a group `training/<specimen>` and `evaluation/<specimen>` for each specimen
("01" …), with `signals` uint8 (n, 6, 72), `euler_zyz_rad` float64 (n, 3) as in the archive,
and `orientation` float64 (n, 4): unit quaternions, scalar first, w ≥ 0, crystal to specimen
(conventions: `workflow.lib.orientation`). Attributes of the root: `source` (text), `sha256`
(one hash over the hashes of the ingested files), `convention` (text), `simulated` (bool).
What is unlikely about the data is in `warnings`, see `workflow.lib.data.warnings`.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from workflow.lib.archive.intensity import brightness_warnings
from workflow.lib.archive.layout import MARKER, SETS, Archive, find_files, not_taken_warnings
from workflow.lib.archive.npy.load import load_dict
from workflow.lib.archive.specimen import REFUSE, UNINDEXED, validate_specimen
from workflow.lib.data.warnings import write_warnings
from workflow.lib.runtime.files import InputError, sha256
from workflow.lib.runtime.hdf5 import new_hdf5, opened, write_array
from workflow.lib.runtime.progress import tracked
from workflow.lib.runtime.script import logger

CONVENTION = "intrinsic ZYZ, radians, crystal to specimen, quaternion w x y z"
SOURCES = {
    "mendeley": "Mendeley Data z8bh7n5b7d.1",
    "archive": "local archive",
    "simulated": "simulated benchmark",
}
MAX_MARKER_BYTES = 2**20


def ingest(root: Path, dataset: Path, source: str, unindexed: str = REFUSE) -> None:
    """Write the sets of the archive below `root` to the HDF5 file `dataset`.

    source: "mendeley", "archive" or "simulated", as in the config. An archive that holds
    SIMULATED.json makes a simulated dataset whatever `source` says. unindexed: "refuse" or
    "leave_out" points without an orientation. Raises InputError when a file is missing, broken
    or holds something else than signals and orientations; what is only unlikely is logged and
    kept in the dataset.
    """
    if unindexed not in UNINDEXED:
        raise InputError(f"data.unindexed {unindexed!r}: expected {' or '.join(UNINDEXED)}")
    archive = find_files(root)
    warnings, means = not_taken_warnings(archive), {}
    attributes = source_attributes(root, archive, source)
    files = {f"{SETS[kind]}/{specimen}.npy": path for kind, specimen, path in _sets(archive)}
    with new_hdf5(dataset) as file:
        for kind, specimen, path in tracked(_sets(archive), "ingest", "file"):
            content = load_dict(path)
            signals, euler, found = validate_specimen(
                content["xtr"], content["ytr"], path, unindexed
            )
            name = f"{SETS[kind]}/{specimen}.npy"
            warnings += [f"{name}: {warning}" for warning in found]
            means[name] = float(signals.mean())
            group = file.create_group(f"{kind}/{specimen}")
            write_array(group, "signals", signals)
            write_array(group, "euler_zyz_rad", euler)
            write_array(group, "orientation", orientation_from_euler(euler))
        write_warnings(file, warnings + brightness_warnings(means))
        file.attrs.update(attributes, sha256=combined_sha256(files))
    logger.info("%s: %d specimens, %s", dataset, len(archive.training), attributes["source"])


def orientation_from_euler(euler_zyz_rad: np.ndarray) -> np.ndarray:
    """Quaternions (n, 4), scalar first, w ≥ 0, of g = Rz(α) Ry(β) Rz(γ); angles (n, 3) in rad."""
    rotation = Rotation.from_euler("ZYZ", euler_zyz_rad)
    return rotation.as_quat(canonical=True, scalar_first=True)


def read_attributes(path: Path) -> dict[str, object]:
    """The root attributes of a dataset, fold or scan file as plain Python values.

    Raises InputError when one of source, sha256, convention, simulated is missing.
    """
    with opened(path) as file:
        attributes = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in file.attrs.items()
        }
    for name in ("source", "sha256", "convention", "simulated"):
        if name not in attributes:
            raise InputError(f"{path}: lacks the attribute {name!r}; was it made by ingest?")
    return attributes


def source_attributes(root: Path, archive: Archive, source: str) -> dict[str, object]:
    """The attributes source, convention and simulated of what is made from `archive`.

    Raises InputError for an unknown `source`, for "simulated" without a SIMULATED.json, and
    for a SIMULATED.json that names no benchmark.
    """
    if source not in SOURCES:
        raise InputError(f"source {source!r}: expected one of {', '.join(SOURCES)}")
    text, simulated = SOURCES[source], archive.marker is not None
    if simulated:
        text = f"{SOURCES['simulated']} {_benchmark(archive.marker)}"
        if source != "simulated":
            logger.info("%s holds %s: the dataset is marked as simulated", root, MARKER)
    elif source == "simulated":
        raise InputError(f"{root}: holds no {MARKER}, expected of a simulated archive")
    return {"source": text, "convention": CONVENTION, "simulated": simulated}


def combined_sha256(files: dict[str, Path]) -> str:
    """One hash over lines of "<hash>  <name>", sorted by name, as sha256sum would print them."""
    lines = "".join(f"{sha256(path)}  {name}\n" for name, path in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sets(archive: Archive) -> list[tuple[str, str, Path]]:
    return [
        (kind, specimen, path)
        for kind, files in (("training", archive.training), ("evaluation", archive.evaluation))
        for specimen, path in files.items()
    ]


def _benchmark(marker: Path) -> str:
    """The name of the benchmark in SIMULATED.json."""
    if marker.stat().st_size > MAX_MARKER_BYTES:
        raise InputError(f"{marker}: over {MAX_MARKER_BYTES} bytes, expected a small JSON file")
    try:
        content = json.loads(marker.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{marker}: not valid JSON") from error
    benchmark = content.get("benchmark") if isinstance(content, dict) else None
    if not isinstance(benchmark, str) or not benchmark.isprintable() or len(benchmark) > 64:
        raise InputError(f"{marker}: lacks a benchmark name such as 'sim-v1'")
    return benchmark
