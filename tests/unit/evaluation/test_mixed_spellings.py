"""Mixed spellings: answers put together by hand from two equivalents, and answers that are not."""

import numpy as np
import pytest
import torch

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.evaluation.hypotheses import Answers
from workflow.lib.evaluation.resampling import Resamples
from workflow.lib.evaluation.spellings import chance_of_mixed, is_mixed, shares
from workflow.lib.orientation import (
    CUBIC_SYMMETRY,
    misorientation_deg,
    multiply,
    to_fundamental_zone,
)
from workflow.lib.orientation.zone import spellings

# On the face between it and its neighbour by 90° about [100], a little off, and away from others
TRUTH = multiply(quaternion([1, 0, 0], 44.0), quaternion([0, 1, 0.3], 32.0))


def two_spellings(truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    equivalents, could_be = spellings(truth, 5.0)
    first, second = equivalents[could_be]
    return first, second


def mixture(first: torch.Tensor, second: torch.Tensor, of_second: list[int]) -> torch.Tensor:
    mixed = first.clone()
    mixed[of_second] = second[of_second]
    return mixed / mixed.norm()


@pytest.mark.parametrize("of_second", [[1], [2, 3], [1, 2], [0, 1, 3]])
def test_a_mixture_is_found_and_is_wrong(of_second):
    first, second = two_spellings(TRUTH)
    answer = mixture(first, second, of_second)
    assert misorientation_deg(answer, TRUTH) > 10
    assert is_mixed(answer[None], TRUTH[None]).tolist() == [True]
    for disguise in (-answer, multiply(answer, CUBIC_SYMMETRY[17])):
        assert is_mixed(disguise[None], TRUTH[None]).tolist() == [True]
    noisy = answer + 0.01 * torch.tensor([-1.0, 1, 1, -1])
    assert is_mixed((noisy / noisy.norm())[None], TRUTH[None]).tolist() == [True]


def test_spellings_blends_and_other_errors_are_not_mixed():
    first, second = two_spellings(TRUTH)
    blend = (first + second) / (first + second).norm()
    off = multiply(first, quaternion([0.2, 1, -1], 25.0))
    answers = torch.stack((first, second, blend, off))
    assert not is_mixed(answers, TRUTH.expand(4, 4)).any()


def test_far_from_all_faces_nothing_is_mixed():
    truth = quaternion([1, 2, 3], 5.0)
    answers = multiply(truth, random_quaternions(300))
    assert not is_mixed(answers, truth.expand(300, 4)).any()
    assert len(is_mixed(answers[:0], answers[:0])) == 0


def test_shares_of_answers_by_hand():
    """Of eight signals: two mixed, two otherwise wrong, three right, one no orientation."""
    first, second = two_spellings(TRUTH)
    central = quaternion([1, 1, 0], 6.0)
    reference = torch.stack([TRUTH] * 3 + [central] * 5)
    answer = reference.clone()
    answer[0], answer[1] = mixture(first, second, [1]), mixture(first, second, [2, 3])
    answer[2] = multiply(TRUTH, quaternion([0.2, 1, -1], 25.0))
    answer[3] = multiply(central, quaternion([0, 0, 1], 30.0))
    error = misorientation_deg(answer, reference).numpy()[None]
    answer[4], error[0, 4] = torch.nan, 62.8
    answers = Answers(answer.numpy()[None], error, error)
    rows = {row["statistic"]: row for row in shares(answers, reference.numpy(), Resamples(8, 400))}
    assert rows["far"]["value"] == pytest.approx(4 / 7)
    assert rows["near_face"]["value"] == pytest.approx(3 / 4)
    assert rows["mixed"]["value"] == pytest.approx(2 / 4)
    assert rows["mixed"]["low"] <= 0.5 <= rows["mixed"]["high"]
    assert rows["excess"]["value"] == pytest.approx(0.5 - rows["chance"]["value"])
    assert 0 <= rows["chance"]["value"] < 0.2
    assert {row["n"] for row in rows.values()} == {4}


def test_where_none_is_mixed_the_interval_is_exact_and_where_none_is_far_there_is_none():
    central = torch.stack([quaternion([1, 1, 0], 6.0)] * 12).numpy()
    away = multiply(torch.from_numpy(central), quaternion([0, 0, 1], 30.0)).numpy()[None]
    error = np.full((1, 12), 30.0)
    rows = list(shares(Answers(away, error, error), central, Resamples(12, 100)))
    mixed = next(row for row in rows if row["statistic"] == "mixed")
    # Clopper and Pearson, 0 of 12: [0, 0.2646]
    assert (mixed["value"], mixed["low"]) == (0, 0)
    assert mixed["high"] == pytest.approx(0.2646, abs=1e-4)
    right = Answers(central[None], error * 0, error * 0)
    rows = {row["statistic"]: row for row in shares(right, central, Resamples(12, 100))}
    assert rows["far"]["value"] == 0
    assert np.isnan([rows["mixed"][name] for name in ("value", "low", "high")]).all()


def test_chance_is_of_the_signal_not_of_its_company():
    truth = to_fundamental_zone(random_quaternions(40, 8))
    error = np.full(40, 20.0)
    chance = chance_of_mixed(error, truth, np.arange(40))
    some = chance_of_mixed(error[5:9], truth[5:9], np.arange(5, 9))
    torch.testing.assert_close(chance[5:9], some)
    assert 0 < chance.mean() < 0.2
