"""The sweep's numbers, from answers that are off by angles known beforehand, and from files."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

from workflow.lib.evaluation.ambiguity import (
    Answers,
    Distribution,
    half_turned,
    judge,
    sweep_table,
)
from workflow.lib.orientation import MAX_MISORIENTATION_DEG
from workflow.lib.runtime.files import InputError

SYMMETRY = Rotation.create_group("O")
RNG = np.random.default_rng(5)
TITLES = {"euler": "EulerNet", "sequence": "SequenceNet"}
NONE = np.full(4, np.nan)


def quaternions(rotation: Rotation) -> np.ndarray:
    return rotation.as_quat(scalar_first=True)


def rotations(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(q, scalar_first=True)


def off(q: np.ndarray, deg: float) -> np.ndarray:
    """Orientations (n, 4) turned by `deg` about random axes, as any of their equivalents."""
    axes = RNG.normal(size=(len(q), 3))
    turn = Rotation.from_rotvec(np.deg2rad(deg) * axes / np.linalg.norm(axes, axis=1)[:, None])
    return quaternions(turn * rotations(q) * SYMMETRY[RNG.integers(24, size=len(q))])


def angle_deg(q1: np.ndarray, q2: np.ndarray) -> float:
    """Misorientation of two quaternions (4,), by enumeration."""
    equivalents = rotations(q1).inv() * rotations(q2) * SYMMETRY
    return np.rad2deg(equivalents.magnitude().min())


def in_general_position(n: int) -> np.ndarray:
    """Random orientations (n, 4) that differ from their half turns by more than 30°."""
    q = quaternions(Rotation.random(20 * n, rng=RNG))
    apart = [angle_deg(one, other) > 30 for one, other in zip(q, half_turned(q), strict=True)]
    return q[apart][:n]


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return in_general_position(12)


def distribution(single, candidates, probability) -> Distribution:
    """candidates: (n, 4) each; probability: of each, the same for all signals."""
    n = len(single)
    return Distribution(single, np.stack(candidates, 1), np.tile(np.float64(probability), (n, 1)))


def test_half_a_turn_is_about_the_specimens_normal(reference):
    turned = Rotation.from_euler("z", 180, degrees=True) * rotations(reference)
    same = (turned.inv() * rotations(half_turned(reference))).magnitude()
    np.testing.assert_allclose(same, 0, atol=1e-12)


def test_angles_and_probabilities_are_those_put_in(reference):
    turned = half_turned(reference)
    candidates = [off(turned, 2), off(reference, 4), off(reference, 9), off(turned, 11)]
    judged = judge(distribution(off(turned, 7), candidates, [0.4, 0.3, 0.2, 0.05]), reference)
    np.testing.assert_allclose(judged["nearer_deg"], 7)
    assert (judged["error_deg"] > 20).all()
    np.testing.assert_allclose(judged["best_of_two_deg"], 4)
    assert judged["held_5"].all()
    assert judged["held_10"].all()
    np.testing.assert_allclose(judged["true_probability"], 0.5)
    np.testing.assert_allclose(judged["turned_probability"], 0.4)
    np.testing.assert_allclose(judged["true_weight"], 0.3)
    np.testing.assert_allclose(judged["turned_weight"], 0.4)
    assert (judged["candidates"] == 4).all()


@pytest.mark.parametrize(
    ("true_deg", "turned_deg", "held"),
    [(4.9, 4.9, (1, 1)), (5.1, 1, (0, 1)), (1, 9.9, (0, 1)), (1, 10.1, (0, 0))],
)
def test_both_are_held_by_the_two_heaviest_alone(reference, true_deg, turned_deg, held):
    near = [off(reference, true_deg), off(half_turned(reference), turned_deg)]
    judged = judge(distribution(reference, near, [0.6, 0.3]), reference)
    assert (judged["held_5"] == held[0]).all()
    assert (judged["held_10"] == held[1]).all()
    assert np.isnan(judged["true_weight"]).all() == (not held[0])
    third = [near[0], off(reference, 20), near[1]]
    judged = judge(distribution(reference, third, [0.5, 0.3, 0.2]), reference)
    assert not judged["held_10"].any()


def test_what_is_missing_counts_as_nothing_and_as_the_worst_answer(reference):
    none = np.tile(NONE, (len(reference), 1))
    judged = judge(distribution(none, [off(reference, 3), none], [1, 0]), reference)
    assert (judged["error_deg"] == MAX_MISORIENTATION_DEG).all()
    assert (judged["nearer_deg"] == MAX_MISORIENTATION_DEG).all()
    np.testing.assert_allclose(judged["best_of_two_deg"], 3)
    assert not judged["held_10"].any()
    assert (judged["candidates"] == 1).all()
    np.testing.assert_allclose(judged["true_probability"], 1)
    assert (judged["turned_probability"] == 0).all()
    judged = judge(distribution(none, [none, none], [0, 0]), reference)
    assert (judged["best_of_two_deg"] == MAX_MISORIENTATION_DEG).all()
    assert (judged["candidates"] == 0).all()


def test_one_candidate_may_hold_both_where_they_are_one_orientation():
    """A cube axis along the normal: half a turn about it is a symmetry of the crystal."""
    cube = quaternions(Rotation.from_euler("z", [[10], [30]], degrees=True))
    judged = judge(distribution(cube, [off(cube, 2), off(cube, 30)], [0.9, 0.1]), cube)
    assert judged["held_5"].all()
    assert np.isnan(judged["true_weight"]).all()
    np.testing.assert_allclose(judged["true_probability"], 0.9)
    np.testing.assert_allclose(judged["turned_probability"], 0.9)


def test_reference_and_half_turn_change_places(reference):
    candidates = [quaternions(Rotation.random(len(reference), rng=RNG)) for _ in range(5)]
    candidates[0] = off(reference, 3)
    answers = distribution(candidates[1], candidates, [0.4, 0.3, 0.1, 0.1, 0.1])
    judged, changed = judge(answers, reference), judge(answers, half_turned(reference))
    np.testing.assert_allclose(judged["true_probability"], changed["turned_probability"])
    np.testing.assert_allclose(judged["nearer_deg"], changed["nearer_deg"])
    assert (judged["true_probability"] > changed["true_probability"]).all()


def test_all_numbers_are_those_of_a_loop():
    q = quaternions(Rotation.random(60, rng=RNG))  # near their half turns as well
    spread = [off(q, 4), off(half_turned(q), 4.5), off(q, 12), off(half_turned(q), 8)]
    order = RNG.permuted(np.tile(np.arange(4), (60, 1)), axis=1)
    candidates = np.take_along_axis(np.stack(spread, 1), order[..., None], 1)
    probability = -np.sort(-RNG.dirichlet(np.ones(4), 60), axis=1)
    judged = judge(Distribution(candidates[:, 0], candidates, probability), q)
    for i, both in enumerate(zip(q, half_turned(q), strict=True)):
        angles = np.array([[angle_deg(c, of) for of in both] for c in candidates[i]])
        assert judged["error_deg"][i] == pytest.approx(angles[0, 0])
        assert judged["nearer_deg"][i] == pytest.approx(angles[0].min())
        assert judged["best_of_two_deg"][i] == pytest.approx(angles[:2, 0].min())
        for held_deg in (5, 10):
            held = all(min(angles[0, of], angles[1, of]) <= held_deg for of in (0, 1))
            assert judged[f"held_{held_deg}"][i] == held
        for of, name in enumerate(("true", "turned")):
            within = sum(
                p for p, deg in zip(probability[i], angles[:, of], strict=True) if deg < 10
            )
            assert judged[f"{name}_probability"][i] == pytest.approx(within)
    assert 0 < judged["held_5"].mean() < judged["held_10"].mean() < 1


def write_posterior(path: Path, q: np.ndarray, c: float, answers: Distribution) -> Path:
    with h5py.File(path, "w") as file:
        file["reference"] = q
        write_distribution(file, answers)
        file.attrs.update(facet_amplitude=c, source=f"sim at {c}", simulated=True, fold=1)
    return path


def write_predictions(path: Path, q: np.ndarray, c: float, network: str, kinds) -> Path:
    """kinds: answers by kind; the plain answer and TTA's are the best single ones of theirs."""
    with h5py.File(path, "w") as file:
        file["reference"] = q
        file["orientation"], file["tta_orientation"] = (
            answers.single for answers in kinds.values()
        )
        for kind, answers in kinds.items():
            write_distribution(file.create_group(f"several/{kind}"), answers)
        file.attrs.update(network=network, source=f"sim at {c}", simulated=True, fold=1)
    return path


def write_distribution(group: h5py.Group, answers: Distribution) -> None:
    group["least_expected_orientation"] = answers.single
    group["candidate_orientation"] = answers.candidates
    group["candidate_probability"] = answers.probability


@pytest.fixture
def sweep(tmp_path, reference) -> dict[float, Answers]:
    """At 0 a network knows both orientations, the other lies between; at 0.3 both know the one."""
    turned = half_turned(reference)
    answers = {}
    for c, weights in ((0.3, [0.9, 0.1]), (0.0, [0.5, 0.5])):
        exact = distribution(off(reference, 1), [off(reference, 1), off(turned, 1)], weights)
        paths = []
        for seed in (1, 2):
            knows = distribution(
                off(reference, 2 * seed),
                [off(reference, 2 * seed), off(turned, 3)],
                [0.6, 0.4] if c == 0 else [1.0, 0.0],
            )
            between_deg = 15 if c == 0 else 3
            between = distribution(off(reference, between_deg), [off(reference, between_deg)], [1])
            for network, of_network in (("sequence", knows), ("euler", between)):
                path = tmp_path / f"{network}{c}{seed}.h5"
                kinds = {"one_view": of_network, "mixture": of_network}
                paths.append(write_predictions(path, reference, c, network, kinds))
        posterior = write_posterior(tmp_path / f"posterior{c}.h5", reference, c, exact)
        answers[c] = Answers(paths, posterior)
    return answers


def test_a_row_per_amplitude_model_and_kind(sweep):
    table = sweep_table(sweep, TITLES, 200)
    kinds = ["plain", "tta", "one_view", "mixture"]
    assert table["facet_amplitude"].to_list() == [0.0] * 9 + [0.3] * 9
    assert table["kind"].to_list() == [*kinds, *kinds, "exact"] * 2
    assert (
        table["title"].to_list()
        == (["EulerNet"] * 4 + ["SequenceNet"] * 4 + ["Exact posterior"]) * 2
    )
    assert set(table[table["kind"] != "exact"]["seeds"]) == {2}
    assert set(table[table["kind"] == "exact"]["seeds"]) == {1}
    assert set(table["n"]) == {12}
    assert set(table["source"]) == {"sim at 0.0", "sim at 0.3"}
    assert table["simulated"].all()


def test_the_rows_hold_what_was_put_in(sweep):
    rows = sweep_table(sweep, TITLES, 200).set_index(["facet_amplitude", "model", "kind"])
    knows = rows.loc[0.0, "sequence", "mixture"]
    assert knows["median_deg"] == pytest.approx(3)  # 2° with one seed, 4° with the other
    assert knows["median_deg_low"] == pytest.approx(3)  # of every signal
    assert knows["best_of_two_median_deg"] == pytest.approx(3)
    assert knows["held_5_share"] == knows["held_10_share"] == 1
    assert (knows["true_probability"], knows["turned_probability"]) == pytest.approx((0.6, 0.4))
    assert (knows["true_off"], knows["turned_off"]) == pytest.approx((0.1, 0.1))
    assert (knows["true_weight"], knows["turned_weight"]) == pytest.approx((0.6, 0.4))
    assert knows["candidates"] == 2
    regression = rows.loc[0.0, "euler", "plain"]
    assert regression["median_deg"] == pytest.approx(15)
    assert regression["far_share"] == regression["between_share"] == 1
    assert regression["near_share"] == 0
    assert np.isnan(regression["held_5_share"])
    assert rows.loc[0.0, "euler", "one_view"]["candidates"] == 1
    assert rows.loc[0.3, "euler", "plain"]["near_share"] == 1
    one = rows.loc[0.3, "sequence", "one_view"]
    assert (one["true_off"], one["turned_off"]) == pytest.approx((0.1, 0.1))
    assert one["held_5_share"] == 0  # what has no probability is no candidate
    assert np.isnan(one["true_weight"])
    assert one["candidates"] == 1
    exact = rows.loc[0.3, "exact", "exact"]
    assert exact["median_deg"] == pytest.approx(1)
    assert (exact["true_weight"], exact["turned_weight"]) == pytest.approx((0.9, 0.1))
    assert (exact["true_off"], exact["turned_off"]) == (0, 0)


def test_a_table_is_the_same_from_its_csv(sweep, tmp_path):
    table = sweep_table(sweep, TITLES, 200)
    table.to_csv(tmp_path / "sweep.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "sweep.csv"), table)


def test_files_that_do_not_belong_together_are_named(sweep, reference, tmp_path):
    with pytest.raises(InputError, match=r"posterior0\.3\.h5 is of facet amplitude 0\.3, expected"):
        sweep_table({0.0: sweep[0.3]}, TITLES, 200)
    mixed = Answers(sweep[0.3].predictions, sweep[0.0].posterior)
    with pytest.raises(
        InputError, match=r"\.h5 \(sim at 0\.3\) is of other signals than .*sim at 0"
    ):
        sweep_table({0.0: mixed}, TITLES, 200)
    with h5py.File(sweep[0.0].predictions[0], "a") as file:
        del file["several/mixture"]
    with pytest.raises(InputError, match=r"/several lacks 'mixture'; it holds one_view"):
        sweep_table(sweep, TITLES, 200)
