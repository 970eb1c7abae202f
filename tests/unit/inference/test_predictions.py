"""Files of predictions: what is written is read, and what lacks is told in a line."""

from dataclasses import fields

import h5py
import numpy as np
import pytest
import torch

from tests.unit.inference.known_tasks import TwoWays, Writer, signals_of, two_orientations
from workflow.lib.data.split import Signals
from workflow.lib.inference.evaluate import evaluate
from workflow.lib.inference.predictions import (
    Distribution,
    Predictions,
    read_predictions,
    read_several,
    write_predictions,
)
from workflow.lib.inference.support import KINDS, Settings
from workflow.lib.orientation import MAX_MISORIENTATION_DEG
from workflow.lib.runtime.files import InputError

N = 12
MODES = two_orientations(N)
SETTINGS = Settings(candidates=3, radius_deg=12.0, draws=20, draws_per_view=1, beam_width=2, seed=1)
PART = Signals(signals_of(N).numpy(), MODES[:, 0].numpy(), np.ones(N, np.uint8))


@pytest.fixture(params=[TwoWays, Writer], ids=["answers", "writes"])
def evaluated(request) -> tuple[Predictions, dict[str, Distribution]]:
    task = request.param(MODES, wordless=4)
    return evaluate(task, PART, PART, SETTINGS, torch.device("cpu"), 1, "test")


def test_answers_candidates_and_distributions_are_read_as_written(evaluated, tmp_path):
    predictions, several = evaluated
    path = tmp_path / "p.h5"
    write_predictions(path, predictions, {"network": "known"}, several)
    again, attributes = read_predictions(path)
    assert attributes["network"] == "known"
    for field in fields(Predictions):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(predictions, field.name))
    found = read_several(path)
    assert set(found) == set(KINDS)
    for kind in KINDS:
        for field in fields(Distribution):
            one, other = getattr(found[kind], field.name), getattr(several[kind], field.name)
            np.testing.assert_array_equal(one, other)


def test_candidates_at_the_root_are_those_of_one_view_and_of_the_mixture(evaluated):
    predictions, several = evaluated
    for prefix, kind in (("", "one_view"), ("tta_", "mixture")):
        for name in ("candidate_orientation", "candidate_probability", "left_out_probability"):
            array = getattr(predictions, prefix + name)
            np.testing.assert_array_equal(array, getattr(several[kind], name))
    assert predictions.candidate_orientation.shape == (N, 3, 4)
    assert predictions.candidate_probability.shape == (N, 3)
    assert predictions.left_out_probability.shape == (N,)
    assert predictions.candidate_orientation.dtype == np.float64


def test_where_nothing_is_valid_the_answer_is_the_worst_one(evaluated):
    predictions, _ = evaluated
    assert predictions.n_invalid == predictions.n_tta_invalid == 1
    for deg in (predictions.misorientation_deg, predictions.tta_misorientation_deg):
        assert deg[4] == pytest.approx(MAX_MISORIENTATION_DEG)
        assert np.delete(deg, 4).max() < 1
    assert predictions.tta_left_out_probability[4] == pytest.approx(1)


def test_a_file_without_candidates_is_read_as_before(evaluated, tmp_path):
    predictions, _ = evaluated
    old = Predictions(*[getattr(predictions, field.name) for field in fields(Predictions)[:5]])
    path = tmp_path / "old.h5"
    write_predictions(path, old, {})
    again, _ = read_predictions(path)
    assert again.candidate_orientation is None
    assert again.tta_left_out_probability is None
    np.testing.assert_array_equal(again.orientation, predictions.orientation)
    with pytest.raises(InputError, match=r"old\.h5: / lacks 'several'; it holds"):
        read_several(path)


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (lambda group: group.__delitem__("level"), "one_view lacks 'level'; it holds"),
        (lambda group: group.attrs.__delitem__("temperature"), "lacks the attribute 'temperature'"),
    ],
)
def test_what_lacks_is_told_in_a_line(evaluated, tmp_path, harm, line):
    path = tmp_path / "p.h5"
    write_predictions(path, evaluated[0], {}, evaluated[1])
    with h5py.File(path, "r+") as file:
        harm(file["several/one_view"])
    with pytest.raises(InputError, match=line) as error:
        read_several(path)
    assert "\n" not in str(error.value)
