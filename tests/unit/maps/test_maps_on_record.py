"""maps.record: what lies beside the paper is small, and the same maps come back."""

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from workflow.lib.maps.map_file import Header, Pixels, Raster, new_map
from workflow.lib.maps.record import (
    Anomalies,
    MapsOnRecord,
    anomalies,
    is_simulated,
    packed_orientation,
    read_maps,
    specimen_maps,
    unpacked_orientation,
    write_maps,
)
from workflow.lib.orientation import misorientation_deg
from workflow.lib.runtime.files import InputError

SIMULATED, MEASURED = (
    Header("a scan", origin, "not stated") for origin in ("simulated", "measured")
)


def random_orientations(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    return Rotation.random(count, rng=rng).as_quat(scalar_first=True).reshape(*shape, 4)


def off_deg(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return misorientation_deg(torch.as_tensor(one), torch.as_tensor(other)).numpy()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_orientations_keep_within_four_hundredths_of_a_degree(seed):
    orientation = random_orientations(2000, seed=seed)
    packed = packed_orientation(orientation)
    assert packed.dtype == np.uint16
    assert packed.max() < 2**11
    assert off_deg(unpacked_orientation(packed), orientation).max() < 0.04


def test_faces_of_the_zone_and_missing_answers_keep():
    faces = Rotation.from_euler("xyz", [[45, 0, 0], [0, -45, 0], [0, 0, 45], [90, 0, 0]], True)
    orientation = np.concatenate((faces.as_quat(scalar_first=True), np.full((1, 4), np.nan)))
    found = unpacked_orientation(packed_orientation(orientation))
    assert off_deg(found[:4], orientation[:4]).max() < 0.04
    assert np.isnan(found[4]).all()


def new(path, orientation, header=SIMULATED, anomaly=None, is_indexed=None):
    ny, nx = orientation.shape[:2]
    pixels = Pixels.of_orientations(orientation)
    if anomaly is not None:
        pixels = Pixels(orientation, pixels.confidence, anomaly, is_indexed)
    with new_map(path, Raster(nx, ny, 0.5), header) as writer:
        writer.append(pixels)
    return path


def test_a_record_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    reference = random_orientations(40, 56)
    reference[3, 5] = np.nan
    networks = {name: random_orientations(40, 56, seed=k) for k, name in enumerate("bca", 1)}
    paths = {name: new(tmp_path / f"{name}.h5", q) for name, q in networks.items()}
    titles = {"a": "A", "b": "B", "c": "C & D"}
    specimen = specimen_maps(paths, titles, new(tmp_path / "ebsd.h5", reference))

    score = rng.uniform(1, 9, (30, 20)).astype(np.float32)
    found = score > 7
    pores, band = rng.random((2, 30, 20)) < 0.1
    odd = new(tmp_path / "odd.h5", random_orientations(30, 20), anomaly=score, is_indexed=~found)
    whole = MapsOnRecord(specimen, anomalies(odd, pores, band), True)
    write_maps(tmp_path / "maps.h5", whole)
    back = read_maps(tmp_path / "maps.h5")

    assert back.simulated
    assert back.specimen.titles == titles
    assert back.specimen.step_um == back.anomalies.step_um == 0.5
    assert list(back.specimen.networks) == sorted(networks)
    for name, orientation in networks.items():
        assert off_deg(back.specimen.networks[name], orientation).max() < 0.04
    known = np.isfinite(reference).all(-1)
    np.testing.assert_array_equal(np.isfinite(back.specimen.ebsd).all(-1), known)
    np.testing.assert_allclose(back.anomalies.score, score, rtol=1e-3)
    assert back.anomalies.threshold == score[~found].max()
    for name, mask in (("found", found), ("pores", pores), ("band", band)):
        np.testing.assert_array_equal(getattr(back.anomalies, name), mask)


def test_maps_of_the_benchmarks_size_take_less_than_150_kb(tmp_path):
    """96 × 96 pixels of grains: labels with 0.5° of noise, networks with errors of 5°."""
    rng = np.random.default_rng(0)
    grains = np.kron(random_orientations(4, 5).reshape(4, 5, 4), np.ones((24, 20, 1)))[:, :96]
    noise = rng.normal(0, 1, (3, 96 * 96, 3)) * np.deg2rad([[[0.3]], [[3]], [[3]]])
    maps = [
        (Rotation.from_quat(grains.reshape(-1, 4), scalar_first=True) * Rotation.from_rotvec(part))
        .as_quat(scalar_first=True)
        .reshape(96, 96, 4)
        for part in noise
    ]
    specimen = specimen_maps(
        {name: new(tmp_path / f"{name}.h5", q) for name, q in zip("ab", maps[1:], strict=True)},
        {},
        new(tmp_path / "ebsd.h5", maps[0]),
    )
    score = rng.lognormal(0, 0.5, (96, 96)).astype(np.float32)
    masks = rng.random((3, 96, 96)) < 0.1
    write_maps(
        tmp_path / "maps.h5", MapsOnRecord(specimen, Anomalies(score, 1.0, *masks, 1.0), True)
    )
    assert (tmp_path / "maps.h5").stat().st_size < 150_000


def test_of_large_maps_every_so_manyth_pixel_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("workflow.lib.maps.map_file.PIXELS_AT_ONCE", 1300)  # 5 rows
    orientation = random_orientations(122, 260)
    orientation[0::2, 0::2] = orientation[0, 0]  # step 2: those that are kept
    ebsd = new(tmp_path / "ebsd.h5", random_orientations(122, 260, seed=1))
    found = specimen_maps({"n": new(tmp_path / "n.h5", orientation)}, {}, ebsd)
    assert found.networks["n"].shape == (61, 130, 4)
    assert found.step_um == 1.0
    assert off_deg(found.networks["n"], orientation[0, 0]).max() < 0.01


def test_what_does_not_fit_is_one_line(tmp_path):
    one, other = (new(tmp_path / f"{k}.h5", random_orientations(k, 3)) for k in (2, 4))
    with pytest.raises(InputError, match=r"2\.h5: Raster.*, but .*4\.h5 has .*expected the same"):
        specimen_maps({"n": one}, {}, other)
    with pytest.raises(InputError, match=r"2\.h5: 2 × 3 pixels, the truth \(4, 3\)"):
        anomalies(one, np.zeros((4, 3), bool), np.zeros((4, 3), bool))
    with h5py.File(tmp_path / "no.h5", "w") as file:
        file.create_group("specimen")
    with pytest.raises(InputError, match=r"no\.h5: .*expected maps\.h5 of a record"):
        read_maps(tmp_path / "no.h5")


def test_an_empty_record_is_one(tmp_path):
    write_maps(tmp_path / "maps.h5", MapsOnRecord())
    assert read_maps(tmp_path / "maps.h5") == MapsOnRecord(None, None, False)


def test_simulated_is_what_either_origin_says(tmp_path):
    assert is_simulated(new(tmp_path / "s.h5", random_orientations(1, 1)))
    assert not is_simulated(new(tmp_path / "m.h5", random_orientations(1, 1), MEASURED))
