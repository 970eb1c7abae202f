"""Maps small enough to lie beside the paper's sources: maps.h5 of a record, under 150 kB.

It has `specimen/<network>` and `specimen/ebsd`, orientations of the same pixels, and `anomalous`
with `score`, `found`, `pores` and `band`. A record may lack either. An orientation is three numbers
of 11 bits: the vector part of the quaternion in the cubic fundamental zone, none of which exceeds
sin 22.5°; the error is at most 0.04°. They lie plane by plane, (3, ny, nx), which gzip takes in
best. Masks are bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch

from workflow.lib.maps.map_file import Map, open_map
from workflow.lib.orientation import to_fundamental_zone
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import member, new_hdf5, opened, reserve, write_array

LEVELS = (1 << 11) - 1  # of an orientation's numbers; 0 is none
LARGEST_PART = np.sin(np.pi / 8)
MOST_PIXELS = 10_000
EBSD = "ebsd"
MASKS = ("found", "pores", "band")


@dataclass(frozen=True)
class SpecimenMaps:
    """Maps of the same pixels: orientations (ny, nx, 4) by network, and EBSD's; NaN is none.

    titles: of the networks. step_um: between pixels.
    """

    networks: Mapping[str, np.ndarray]
    titles: Mapping[str, str]
    ebsd: np.ndarray
    step_um: float


@dataclass(frozen=True)
class Anomalies:
    """What a map says is no metal, and what is none; all (ny, nx).

    score: float32. threshold: the highest score of a pixel that passed. found: pixels that are not
    indexed. pores, band: where the truth has them; bool.
    """

    score: np.ndarray
    threshold: float
    found: np.ndarray
    pores: np.ndarray
    band: np.ndarray
    step_um: float


@dataclass(frozen=True)
class MapsOnRecord:
    """What of the maps is on record; simulated: whether any of it is."""

    specimen: SpecimenMaps | None = None
    anomalies: Anomalies | None = None
    simulated: bool = False


def specimen_maps(maps: Mapping[str, Path], titles: Mapping[str, str], ebsd: Path) -> SpecimenMaps:
    """Of map files of the networks and of EBSD; of large maps every so manyth pixel."""
    with open_map(ebsd) as reference:
        raster, seen = reference.raster, _every(reference)
    networks = {}
    for network, path in maps.items():
        with open_map(path) as of_network:
            if of_network.raster != raster:
                raise InputError(
                    f"{path}: {of_network.raster}, but {ebsd} has {raster}; expected the same"
                )
            networks[network] = _every(of_network)["orientation"]
    step_um = raster.step_um * _stride(raster.ny, raster.nx)
    return SpecimenMaps(networks, titles, seen["orientation"], step_um)


def anomalies(map_path: Path, pores: np.ndarray, band: np.ndarray) -> Anomalies:
    """Of a map file, and of the truth, bool (ny, nx)."""
    with open_map(map_path) as of_network:
        raster, seen = of_network.raster, _every(of_network)
    if pores.shape != (raster.ny, raster.nx):
        raise InputError(f"{map_path}: {raster.ny} × {raster.nx} pixels, the truth {pores.shape}")
    step = _stride(raster.ny, raster.nx)
    score, found = seen["anomaly"], ~seen["is_indexed"]
    passed = score[~found]
    threshold = float(passed.max()) if passed.size else float("nan")
    truth = (mask[::step, ::step] for mask in (pores, band))
    return Anomalies(score, threshold, found, *truth, raster.step_um * step)


def is_simulated(path: Path) -> bool:
    """Whether a map comes from simulated signals or from a network that learnt from them."""
    with open_map(path) as of_network:
        return of_network.header.is_simulated


def write_maps(path: Path, maps: MapsOnRecord) -> None:
    """Write maps.h5."""
    with new_hdf5(path) as file:
        file.attrs["simulated"] = maps.simulated
        if maps.specimen is not None:
            group = file.create_group("specimen")
            group.attrs["step_um"] = maps.specimen.step_um
            for name, orientation in (*maps.specimen.networks.items(), (EBSD, maps.specimen.ebsd)):
                planes = np.moveaxis(packed_orientation(orientation), -1, 0)
                written = _write(group, name, planes)
                written.attrs["title"] = maps.specimen.titles.get(name, name)
        if maps.anomalies is not None:
            group = file.create_group("anomalous")
            group.attrs["step_um"] = maps.anomalies.step_um
            group.attrs["threshold"] = maps.anomalies.threshold
            group.attrs["shape"] = maps.anomalies.score.shape
            _write(group, "score", maps.anomalies.score.astype(np.float16))
            for name in MASKS:
                write_array(group, name, np.packbits(getattr(maps.anomalies, name)))


def read_maps(path: Path) -> MapsOnRecord:
    """What `write_maps` wrote."""
    with opened(path) as file:
        try:
            specimen = _read_specimen(file["specimen"]) if "specimen" in file else None
            found = _read_anomalies(file["anomalous"]) if "anomalous" in file else None
            return MapsOnRecord(specimen, found, bool(file.attrs["simulated"]))
        except KeyError as error:
            raise InputError(f"{path}: {error}; expected maps.h5 of a record") from error


def packed_orientation(orientation: np.ndarray) -> np.ndarray:
    """Orientations (…, 4) as uint16 (…, 3), 0 where they are NaN."""
    known = np.isfinite(orientation).all(-1)
    zone = to_fundamental_zone(torch.as_tensor(np.nan_to_num(orientation, nan=0.5))).numpy()
    zone = np.where(zone[..., :1] < 0, -zone, zone)
    share = (np.clip(zone[..., 1:] / LARGEST_PART, -1, 1) + 1) / 2
    return np.where(known[..., None], 1 + np.rint(share * (LEVELS - 1)), 0).astype(np.uint16)


def unpacked_orientation(packed: np.ndarray) -> np.ndarray:
    """The inverse of `packed_orientation`, float64, but for symmetry."""
    vector = ((packed.astype(np.float64) - 1) / (LEVELS - 1) * 2 - 1) * LARGEST_PART
    scalar = np.sqrt(np.maximum(1 - (vector**2).sum(-1, keepdims=True), 0))
    orientation = np.concatenate((scalar, vector), -1)
    return np.where((packed > 0).all(-1, keepdims=True), orientation, np.nan)


def _every(opened_map: Map) -> dict[str, np.ndarray]:
    """Orientation, anomaly and is_indexed of every so manyth pixel of every so manyth row."""
    step = _stride(opened_map.raster.ny, opened_map.raster.nx)
    parts: dict[str, list[np.ndarray]] = {}
    for start, pixels in opened_map.blocks():
        rows = slice(-start % step, None, step)
        for name in ("orientation", "anomaly", "is_indexed"):
            parts.setdefault(name, []).append(getattr(pixels, name)[rows, ::step])
    return {name: np.concatenate(values) for name, values in parts.items()}


def _stride(ny: int, nx: int) -> int:
    return int(np.ceil(np.sqrt(max(1, ny * nx / MOST_PIXELS))))


def _write(group: h5py.Group, name: str, array: np.ndarray) -> h5py.Dataset:
    reserve(group.file, array.nbytes)
    return group.create_dataset(
        name, data=array, compression="gzip", shuffle=True, compression_opts=9
    )


def _read_specimen(group: h5py.Group) -> SpecimenMaps:
    planes = {name: np.moveaxis(dataset[:], 0, -1) for name, dataset in group.items()}
    maps = {name: unpacked_orientation(packed) for name, packed in planes.items()}
    titles = {name: str(dataset.attrs["title"]) for name, dataset in group.items()}
    ebsd = maps.pop(EBSD)
    del titles[EBSD]
    return SpecimenMaps(maps, titles, ebsd, float(group.attrs["step_um"]))


def _read_anomalies(group: h5py.Group) -> Anomalies:
    shape = tuple(group.attrs["shape"])
    masks = [
        np.unpackbits(member(group, name)[:], count=shape[0] * shape[1]).reshape(shape).astype(bool)
        for name in MASKS
    ]
    score = member(group, "score")[:].astype(np.float32)
    return Anomalies(score, float(group.attrs["threshold"]), *masks, float(group.attrs["step_um"]))
