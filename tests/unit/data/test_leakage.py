"""Copies and leaks: planted ones are found, in memory that doesn't grow with their pairs."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from workflow.lib import orientation
from workflow.lib.data import leakage as duplicates
from workflow.lib.data.dataset import orientation_from_euler
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream

ROOT = Path(__file__).parents[3]
IDENTITY = [1.0, 0, 0, 0]


def grains(n, kind=1, specimen=1):
    """Simulated signals (n, 6, 72) and the ZYZ angles (n, 3) of their labels."""
    return simulate_specimen(n, SPECIMENS[specimen - 1], stream(0, kind, specimen))


def turned(q, axis, deg):
    """Quaternions q (n, 4), turned further by `deg` about a specimen axis."""
    axis = np.array(axis) / np.linalg.norm(axis)
    turn = Rotation.from_rotvec(deg * axis, degrees=True)
    return (turn * Rotation.from_quat(q, scalar_first=True)).as_quat(scalar_first=True)


def groups(q):
    """For each orientation the index of the first that agrees with it."""
    ids = duplicates.orientation_ids(q).tolist()
    return [ids.index(i) for i in ids]


def test_orientations_agree_under_symmetry_within_the_tolerance_and_along_chains():
    start = orientation.CUBIC_SYMMETRY.new_tensor(Rotation.random(rng=0).as_quat())
    equivalents = orientation.multiply(start, orientation.CUBIC_SYMMETRY).numpy()
    assert set(groups(np.concatenate([equivalents, -equivalents]))) == {0}
    q = start.numpy()[None]
    steps = np.concatenate([turned(q, [1, 2, 3], deg) for deg in (0, 0.009, 0.018, 0.029)])
    assert groups(steps) == [0, 0, 0, 3]


def test_orientations_agree_across_the_border_of_the_fundamental_zone():
    border = [turned([IDENTITY], [0, 0, 1], deg) for deg in (44.997, 45.003, -44.998, 44.9)]
    assert groups(np.concatenate(border)) == [0, 0, 0, 3]
    corner = turned([IDENTITY], [1, 1, np.sqrt(2) - 1], 62.7994)  # three faces meet
    around = [turned(corner, axis, 0.004) for axis in ([1, 0, 0], [-1, 1, 0], [0, -1, 1])]
    assert groups(np.concatenate([corner, *around])) == [0, 0, 0, 0]


def scattered(n, deg, centres=1, seed=0):
    """Quaternions (n, 4) that scatter by `deg` about random centres."""
    rng = np.random.default_rng(seed)
    turn = Rotation.from_rotvec(deg * rng.standard_normal((n, 3)), degrees=True)
    centre = Rotation.random(centres, rng=rng)[rng.integers(0, centres, n)]
    return (turn * centre).as_quat(scalar_first=True)


def groups_by_all_pairs(q):
    """As `groups`, from a list of every pair that agrees."""
    image, owner = duplicates._images_in_zone(q)
    chord = 2 * np.sin(np.deg2rad(duplicates.SAME_ORIENTATION_DEG) / 4)
    pairs = owner[KDTree(image).query_pairs(chord, output_type="ndarray")]
    links = coo_array((np.ones(len(pairs), bool), pairs.T), shape=(len(q), len(q)))
    ids = connected_components(links, directed=False)[1].tolist()
    return [ids.index(i) for i in ids]


@pytest.mark.parametrize("centres", [1, 5])
@pytest.mark.parametrize("deg", [0.0005, 0.003, 0.01, 0.03, 0.1, 1])
def test_crowded_orientations_group_as_a_list_of_all_pairs_groups_them(deg, centres):
    q = scattered(600, deg, centres)
    rng = np.random.default_rng(1)  # any of the equivalents, so that some cross the zone's border
    turns = Rotation.create_group("O")[rng.integers(0, 24, len(q))]
    q = (Rotation.from_quat(q, scalar_first=True) * turns).as_quat(scalar_first=True)
    assert groups(q) == groups_by_all_pairs(q)


def test_crowds_less_than_the_tolerance_apart_are_one_group():
    """Nearest neighbours are all of one's own crowd: the way to the next has to be searched."""
    crowds = [turned(scattered(40, 1e-4), [1, 0, 0], 0.008 * k) for k in (0, 1, 2, 3, 6, 7)]
    q = np.concatenate(crowds)
    assert groups(q) == groups_by_all_pairs(q) == [0] * 160 + [160] * 80


CROWD = """
import resource, sys
import numpy as np
from scipy.spatial.transform import Rotation
from workflow.lib.data.leakage import orientation_ids

n, deg, megabytes = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
turn = Rotation.from_rotvec(deg * np.random.default_rng(0).standard_normal((n, 3)), degrees=True)
q = (turn * Rotation.random(rng=1)).as_quat(scalar_first=True)
orientation_ids(q[:100])  # what is loaded at first use is loaded now
status = open("/proc/self/status").read()
used = int(status.split("VmSize:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20,) * 2)
print(len(np.unique(orientation_ids(q))))
"""


@pytest.mark.parametrize(("deg", "expected"), [(0, 1), (0.002, 1), (60, 50_000)])
def test_memory_does_not_grow_with_the_pairs_that_agree(deg, expected):
    """50,000 orientations of one crystal make 1.25 billion pairs, 20 GB; 150 MB are lent."""
    done = subprocess.run(
        [sys.executable, "-c", CROWD, "50000", str(deg), "150"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (str(expected), "")


def planted():
    """Three specimens whose evaluation sets hold copies; arrays as `leak_table` takes them."""
    signals, angles, specimen, evaluation = [], [], [], []
    for kind, number in itertools.product((1, 2), (1, 2, 3)):
        x, e = grains(40, kind, number)
        signals.append(x)
        angles.append(e)
        specimen += [f"{number:02d}"] * 40
        evaluation += [kind == 2] * 40
    signals, q = np.concatenate(signals), orientation_from_euler(np.concatenate(angles))
    first = 120  # evaluation/01; training/01, 02, 03 begin at 0, 40, 80
    signals[first : first + 2] = signals[40:42]  # identical to another specimen's
    signals[first + 2 : first + 5] = np.rint(0.9 * signals[80:83] + 5)  # rescaled
    signals[first + 5] = signals[0]  # identical to one of its own specimen's
    q[first + 10 : first + 14] = turned(q[40:44], [1, 0, 0], 0.005)
    q[first + 20] = q[1]
    return signals, q, np.array(specimen), np.array(evaluation)


def test_planted_copies_are_counted():
    table = duplicates.leak_table(*planted()).set_index("specimen")
    first = {"identical_other": 2, "near_other": 3, "orientation_other": 4}
    first |= {"identical_own": 1, "near_own": 0, "orientation_own": 1}
    assert table.loc["01", list(first)].to_dict() == first
    assert table.loc["01", "correlation_other"] == pytest.approx(1)
    rest = table.loc[["02", "03"]]
    assert (rest[list(first)] == 0).all(axis=None)
    assert (rest.filter(like="correlation") < 0.996).all(axis=None)
    assert (table[["signals", "compared"]] == 40).all(axis=None)


def test_many_pairs_are_drawn_from_but_identical_signals_are_all_found(monkeypatch):
    monkeypatch.setattr(duplicates, "COMPARED_PAIRS", 120 * 120 // 4)
    table = duplicates.leak_table(*planted()).set_index("specimen")
    assert (table["compared"] == 10).all()
    assert table.loc["01", "identical_other"] == 2
    assert table.loc["01", "near_other"] <= 3
