"""Scans and their EBSD maps: checked, written down, placed in the raster of the map."""

import json
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from orix.io import load
from scipy.spatial.transform import Rotation

from workflow.lib.maps.map_file import Raster, open_map
from workflow.lib.maps.scan_facts import ScanFacts, origin
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.scripts import ebsd as ebsd_script
from workflow.scripts import scan as scan_script

ROOT = Path(__file__).parents[3]
A, B = 5, 3
SIGNALS = simulate_specimen(A * B, SPECIMENS[0], stream(3, 1, 1))[0].reshape(A, B, 6, 72)
TRUE = Rotation.random(A * B, rng=np.random.default_rng(0))
ANGLES = TRUE.as_euler("ZYZ").reshape(A, B, 3)
EBSD = {"array": None, "angles": "zyz", "unit": "radian", "direction": "crystal_to_specimen"}
SETTINGS = {"array": None, "axes": ["+x", "+y"], "step_um": 0.5, "simulated": None, "ebsd": EBSD}


def saved(folder, array, name):
    np.save(folder / name, array)
    return folder / name


def checked(folder, signals=SIGNALS, angles=ANGLES, source=None, **settings):
    """What the rule `scan` writes about a scan."""
    facts = folder / "out" / "scan.json"
    path = signals if isinstance(signals, Path) else saved(folder, signals, "signals.npy")
    if angles is not None and not isinstance(angles, Path):
        angles = saved(folder, angles, "ebsd.npy")
    scan_script.main(path, source or path, angles, facts, "mine", SETTINGS | settings)
    return ScanFacts.load(facts)


def refusal(folder, *arguments, **settings):
    with pytest.raises(InputError) as caught:
        checked(folder, *arguments, **settings)
    assert not (folder / "out" / "scan.json").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_known_of_a_scan(tmp_path):
    facts = checked(tmp_path)
    assert facts.shape == (A, B)
    assert facts.axes == ("+x", "+y")
    assert facts.raster == Raster(nx=A, ny=B, step_um=0.5)
    assert facts.signals_origin == "not stated"
    assert facts.source == str(tmp_path / "signals.npy")
    assert facts.has_ebsd
    assert facts.warnings == ()
    content = json.loads((tmp_path / "out/scan.json").read_text())
    assert (content["nx"], content["ny"], content["format"]) == (A, B, 1)
    other = checked(tmp_path, angles=None, axes=["-y", "+x"])
    assert other.raster == Raster(nx=B, ny=A, step_um=0.5)
    assert not other.has_ebsd


def test_a_scan_of_one_pixel(tmp_path):
    facts = checked(tmp_path, SIGNALS[:1, :1], ANGLES[:1, :1])
    assert facts.raster == Raster(1, 1, 0.5)
    assert checked(tmp_path, SIGNALS[0, :1], ANGLES[0, :1]) == facts, "or as a list"


def test_warnings_are_kept(tmp_path):
    signals = np.tile(SIGNALS, (1, 10, 1, 1))[:, :, ::-1]
    (warning,) = checked(tmp_path, signals, None).warnings
    assert "are elevations in the order 65° to 15°?" in warning


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "name": "a"}'])
def test_something_else_than_facts_is_refused(tmp_path, text):
    path = tmp_path / "scan.json"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(f"{path}: not a scan.json of format 1")):
        ScanFacts.load(path)
    with pytest.raises(InputError, match="no such file"):
        ScanFacts.load(tmp_path / "none.json")


def hdf5(folder, simulated, name="scan.h5"):
    with h5py.File(folder / name, "w") as file:
        file["signals"], file["angles"] = SIGNALS, ANGLES
        if simulated is not None:
            file.attrs["simulated"] = simulated
    return folder / name


@pytest.mark.parametrize(
    ("attribute", "config", "expected"),
    [
        (None, None, "not stated"), (None, True, "simulated"), (None, False, "measured"),
        (True, None, "simulated"), (True, True, "simulated"), (False, False, "measured"),
        (False, None, "measured"),
    ],
)  # fmt: skip
def test_the_origin_is_what_file_and_config_say(tmp_path, attribute, config, expected):
    facts = checked(tmp_path, hdf5(tmp_path, attribute), None, simulated=config)
    assert facts.signals_origin == expected


@pytest.mark.parametrize("attribute", [True, False])
def test_a_contradiction_is_refused(tmp_path, attribute):
    line = refusal(tmp_path, hdf5(tmp_path, attribute), None, simulated=not attribute)
    assert "scan.h5" in line
    assert "config key maps.scans, simulated of mine" in line
    measured, other = hdf5(tmp_path, False, "a.h5"), hdf5(tmp_path, True, "b.h5")
    settings = {"ebsd": EBSD | {"array": "angles"}}
    line = refusal(tmp_path, measured, other, **settings)
    assert re.search(r"b\.h5 says .* simulated, .*a\.h5 that they are measured", line)
    assert checked(tmp_path, other, other, **settings).signals_origin == "simulated"


def test_a_file_of_a_simulated_archive_is_simulated(tmp_path):
    archive = tmp_path / "data"
    (archive / "samples/08").mkdir(parents=True)
    (archive / "SIMULATED.json").write_text("{}")
    signals = saved(archive / "samples/08", SIGNALS, "drm_data.npy")
    assert checked(tmp_path, signals, None).signals_origin == "simulated"
    # Also where the signals were made of images that lie in it.
    made = saved(tmp_path, SIGNALS, "made.npy")
    assert checked(tmp_path, made, None, source=archive).signals_origin == "simulated"
    assert "SIMULATED.json" in refusal_of_new(tmp_path, signals)


def refusal_of_new(folder, signals):
    (folder / "out/scan.json").unlink()
    return refusal(folder, signals, None, simulated=False)


def test_origins_by_hand():
    assert origin({}) == origin({"a": None}) == "not stated"
    assert origin({"a": None, "b": True}) == "simulated"
    with pytest.raises(InputError, match="b says that the signals are simulated, a that"):
        origin({"a": False, "b": True})


# --- The EBSD map.


def written(folder, angles=ANGLES, **settings):
    """The map that the rule `ebsd` writes."""
    checked(folder, angles=angles, **settings)
    path = angles if isinstance(angles, Path) else folder / "ebsd.npy"
    target = folder / "out/ebsd.h5"
    ebsd_script.main(folder / "out/scan.json", path, target, (SETTINGS | settings)["ebsd"])
    return target


@pytest.mark.parametrize("axes", [["+x", "+y"], ["-y", "+x"], ["-x", "-y"], ["+y", "-x"]])
@pytest.mark.parametrize("strip", [2, 1000])
def test_pixels_lie_in_the_raster_and_keep_their_orientation(tmp_path, axes, strip, monkeypatch):
    monkeypatch.setattr("workflow.lib.maps.ebsd_map.PIXELS_AT_ONCE", strip)
    angles = ANGLES.copy()
    angles[1, 2] = np.nan
    path = written(tmp_path, angles, axes=axes)
    crystal_map = load(path)  # by orix, with positions of its own
    step = 0.5
    place = {"+x": lambda i, n: i, "-x": lambda i, n: n - 1 - i}
    place |= {"+y": place["+x"], "-y": place["-x"]}
    xy = np.column_stack([crystal_map.x, crystal_map.y]) / step
    for i, j in np.ndindex(A, B):
        at = {
            axes[0][1]: place[axes[0]](i, A),
            axes[1][1]: place[axes[1]](j, B),
        }
        (pixel,) = np.flatnonzero((np.rint(xy) == [at["x"], at["y"]]).all(1))
        if (i, j) == (1, 2):
            assert crystal_map.phase_id[pixel] == -1
            continue
        assert crystal_map.phase_id[pixel] == 0
        found = Rotation.from_quat(crystal_map.rotations[pixel].data[0], scalar_first=True)
        expected = TRUE[i * B + j].inv()  # orix: specimen to crystal
        assert np.rad2deg((found * expected.inv()).magnitude()) < 1e-4
    with open_map(path) as ebsd:
        assert ebsd.header.scan == "mine"
        assert ebsd.header.made_by == "EBSD, ebsd.npy"
        assert ebsd.header.network == ""


def test_an_ang_lies_in_the_raster_whatever_the_scan_s_axes(tmp_path):
    """Written from the map of one scan, read for another whose indices point elsewhere."""
    first = written(tmp_path, axes=["-y", "+x"])
    rows = ["# GRID: SqrGrid"]
    with open_map(first) as ebsd:
        raster, pixels = ebsd.raster, ebsd.rows(0, ebsd.raster.ny)
    for y, x in np.ndindex(raster.ny, raster.nx):
        g = Rotation.from_quat(pixels.orientation[y, x], scalar_first=True)
        angles = " ".join(f"{angle:.6f}" for angle in g.as_euler("ZXZ") % (2 * np.pi))
        rows.append(f"{angles} {x * 0.5} {y * 0.5} 1 1 0 1 1")
    path = tmp_path / "map.ang"
    path.write_text("\n".join(rows) + "\n")
    second = written(tmp_path, path, axes=["-y", "+x"])
    with open_map(second) as ebsd:
        found = ebsd.rows(0, raster.ny).orientation
    np.testing.assert_allclose(found, pixels.orientation, atol=1e-6)
    line = (tmp_path / "out/scan.json").unlink() or refusal(tmp_path, angles=path)
    assert f"{path}: 5 × 3 rows and columns, expected 3 × 5 as in the scan mine" in line
    (told,) = checked(tmp_path, angles=path, axes=["+y", "-x"], step_um=2).warnings
    assert told == "EBSD: a step of 0.5 µm, the config's step_um is 2"


def test_a_simulated_scan_has_a_simulated_ebsd_map(tmp_path):
    with open_map(written(tmp_path, simulated=True)) as ebsd:
        assert ebsd.header.notice.startswith("SIMULATED")
    with open_map(written(tmp_path)) as ebsd:
        assert ebsd.header.notice == ""


@pytest.mark.parametrize(
    ("angles", "message"),
    [
        (ANGLES[:4], "ebsd.npy: 4 × 3 pixels, expected 5 × 3 as in the scan mine: register it"),
        (ANGLES.swapaxes(0, 1), "3 × 5 pixels, expected 5 × 3 .* are x and y exchanged\\?"),
        (ANGLES[0], "3 × 1 pixels, expected 5 × 3"),
        (np.rad2deg(ANGLES), "expected radians up to 2π: set unit: degree"),
        (np.zeros((A, B, 3)), "none of 15 pixels is indexed, expected some"),
    ],
)
def test_ebsd_that_is_not_the_scan_s_is_refused_before_anything_is_mapped(
    tmp_path, angles, message
):
    assert re.search(message, refusal(tmp_path, angles=np.ascontiguousarray(angles)))


def test_another_scan_s_ebsd_leaves_nothing_half_written(tmp_path):
    checked(tmp_path)
    angles = ANGLES.copy()
    angles[-1, -1] = 100
    bad = saved(tmp_path, angles, "bad.npy")
    with pytest.raises(InputError, match="set unit: degree"):
        ebsd_script.main(tmp_path / "out/scan.json", bad, tmp_path / "out/ebsd.h5", EBSD)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scan.json"]


MEASURE = """
import sys
from pathlib import Path
from workflow.lib.maps import ebsd_map
from workflow.scripts.ebsd import main
ebsd_map.PIXELS_AT_ONCE = 1 << 15
settings = {"array": None, "angles": "bunge", "unit": "radian", "direction": "crystal_to_specimen"}
main(*map(Path, sys.argv[1:]), settings)
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def peak_mb(folder, side):
    """The peak of memory for an EBSD map of side × side pixels, in a process of its own."""
    folder.mkdir()
    angles = np.tile(np.random.default_rng(0).uniform(0.1, 3, (side, 1, 3)), (1, side, 1))
    path = saved(folder, angles.astype(np.float32), "ebsd.npy")
    facts = ScanFacts(
        "mine", (side, side), ("+x", "+y"), 1.0, "measured", "", "", "", True, ()
    )  # fmt: skip
    facts.save(folder / "scan.json")
    child = subprocess.run(
        [sys.executable, "-c", MEASURE, folder / "scan.json", path, folder / "ebsd.h5"],
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    return float(child.stdout)


def test_memory_does_not_grow_with_the_map(tmp_path):
    """Read as a whole, the larger one takes 40 MB more."""
    small, large = peak_mb(tmp_path / "a", 250), peak_mb(tmp_path / "b", 700)
    assert large < small + 10
