"""Errors near and far from seams, and the seams that answers show, from cases made by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.evaluation.hypotheses import Answers, Evidence
from workflow.lib.evaluation.own_seams import OwnSeams
from workflow.lib.evaluation.resampling import Resamples
from workflow.lib.evaluation.seams import DISTANCES, binned, near_far, seam_tables
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    MAX_MISORIENTATION_DEG,
    multiply,
    to_fundamental_zone,
)
from workflow.lib.orientation.zone import zone_face_deg


def value_of(rows, statistic: str) -> dict:
    return next(row for row in rows if row["statistic"] == statistic)


def test_near_against_far_by_hand():
    """Two trainings; near are four of ten signals, with errors of 20° and 10° instead of 5°."""
    deg = np.broadcast_to([1, 2, 3, 5.0, *range(6, 12)], (2, 10))
    error = np.where(deg <= 5, [[20.0], [10.0]], 5.0)
    rows = list(near_far(deg, error, 5.0, Resamples(10, 200)))
    values = {row["statistic"]: row["value"] for row in rows}
    assert values["near_share"] == pytest.approx(0.4)
    assert values["mean_ratio"] == pytest.approx(3)
    assert values["over_10_near"] == pytest.approx(0.5)  # 10° is not over 10°
    assert values["over_10_far"] == 0
    assert values["over_10_difference"] == pytest.approx(0.5)
    assert values["over_10_ratio"] == np.inf
    assert value_of(rows, "mean_ratio")["low"] == pytest.approx(3)  # whichever signals are drawn
    ranks = np.corrcoef([2.5] * 4 + [7.5] * 6, np.argsort(np.argsort(deg[0])))[0, 1]
    assert values["rank_correlation"] == pytest.approx(-ranks)
    assert value_of(rows, "rank_correlation")["high"] < 0


def test_no_effect_and_none_near():
    rng = np.random.default_rng(0)
    deg, error = rng.uniform(0, 40, (1, 400)), rng.exponential(5, (1, 400))
    rows = list(near_far(deg, error, 5.0, Resamples(400, 500)))
    for name, without in (("mean_ratio", 1), ("over_10_difference", 0), ("rank_correlation", 0)):
        row = value_of(rows, name)
        assert row["low"] < without < row["high"]
        assert row["low"] < row["value"] < row["high"]
    alone = value_of(near_far(deg + 5.1, error, 5.0, Resamples(400, 50)), "mean_ratio")
    assert np.isnan([alone["value"], alone["low"], alone["high"]]).all()


def test_intervals_of_distance_by_hand():
    deg = np.array([[0.0, 2.4, 2.5, 30.0], [0.0, 2.6, 2.5, 30.0]])
    error = np.array([[1.0, 3.0, 5.0, 20.0], [2.0, 4.0, 8.0, 40.0]])
    first, second, last = binned(deg, error, Resamples(4, 300))
    assert (first["from_deg"], first["to_deg"], first["n"]) == (0, 2.5, 2)  # 2 and 1
    assert first["median_deg"] == pytest.approx((2 + 2) / 2)
    assert first["mean_deg"] == pytest.approx((1 + 3 + 2) / 3)
    assert second["median_deg"] == pytest.approx((5 + 6) / 2)
    assert second["low"] <= second["median_deg"] <= second["high"]
    assert (last["from_deg"], last["over_10_share"], last["median_deg"]) == (30, 1, 30)


def test_a_writers_own_seams_are_the_faces_of_the_zone():
    reference = random_quaternions(1500, 4)
    deg = OwnSeams(reference.numpy()).distance_deg(to_fundamental_zone(reference).numpy())
    faces = zone_face_deg(reference).numpy()
    assert (deg >= faces - 1e-6).all()
    assert np.median(deg - faces) < 6  # as signals are spaced
    assert pd.Series(deg).corr(pd.Series(faces), method="spearman") > 0.9


def test_own_seams_depend_on_answers_alone_not_on_how_references_are_given():
    reference = random_quaternions(200, 5)
    answer = multiply(to_fundamental_zone(reference), quaternion([1, 2, 3], 4.0))
    given = multiply(reference, CUBIC_SYMMETRY[np.random.default_rng(0).integers(24, size=200)])
    ours, theirs = (
        OwnSeams(one.numpy()).distance_deg(answer.numpy()) for one in (reference, given)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_on_one_sheet_there_is_no_seam_and_a_signals_own_answer_does_not_count():
    axes = np.random.default_rng(1).standard_normal((30, 3))
    reference = torch.stack([quaternion(axis, 8.0) for axis in axes])
    seams = OwnSeams(reference.numpy())
    answer = multiply(reference, CUBIC_SYMMETRY[9])
    np.testing.assert_array_equal(seams.distance_deg(answer.numpy()), MAX_MISORIENTATION_DEG)
    answer[7] = reference[7]  # another sheet: a seam for all others
    deg = seams.distance_deg(answer.numpy())
    assert deg[7] == MAX_MISORIENTATION_DEG
    assert (np.delete(deg, 7) < 16 + 1e-9).all()
    answer[7] = multiply(reference[7], quaternion([1, 0, 0], 20.0))  # wrong: it shows no seam
    np.testing.assert_array_equal(seams.distance_deg(answer.numpy()), MAX_MISORIENTATION_DEG)
    answer[7] = torch.nan
    np.testing.assert_array_equal(seams.distance_deg(answer.numpy()), MAX_MISORIENTATION_DEG)


def test_the_tables_have_each_model_distance_and_kind_of_answer():
    reference = random_quaternions(60, 6)
    plain = np.random.default_rng(2).exponential(5, (2, 60))
    answers = Answers(reference.expand(2, -1, -1).numpy(), plain, plain / 2)
    evidence = Evidence({"one": answers, "two": answers}, reference.numpy(), True)
    names = {"one": "One", "two": "Two"}
    by_distance, compared = seam_tables(evidence, names, dict.fromkeys(names, "writer"), 50)
    fixed = by_distance[by_distance["distance"] != "own_seam"]
    assert set(fixed["distance"]) == set(DISTANCES)
    assert (fixed.groupby(["network", "distance", "tta"])["n"].sum() == 60).all()
    own = compared[compared["distance"] == "own_seam"]
    assert set(own["near_deg"]) == {10}
    assert not own["tta"].any()
    of_plain = compared[(compared["distance"] == "zone_face") & ~compared["tta"]]
    with_tta = compared[(compared["distance"] == "zone_face") & compared["tta"]]
    ratio = [
        t.set_index("statistic").loc["mean_ratio", "value"].iloc[0] for t in (of_plain, with_tta)
    ]
    assert ratio[0] == pytest.approx(ratio[1])  # all errors halved
