"""One ambiguous grain: the rule of the choice, what an orientation explains."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.spatial.transform import Rotation

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.report.ambiguous_grain import (
    choose,
    correlation,
    exact_weights,
    explain,
    fit,
    grain_latex,
    half_turn_deg,
    read_grain,
)
from workflow.lib.report.grain_figure import NO_GRAIN, plot_grain
from workflow.lib.report.style.notice import SIMULATED_NOTE
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.reflectance import SPECIMENS, ideal_signal, row_response
from workflow.scripts import ambiguous_grain as script

STYLE = Path(__file__).parents[3] / "paper/style/figures.mplstyle"
IDENTITY = np.array([1.0, 0, 0, 0])
# [111] of the crystal to z of the specimen: about [1 −1 0], by the angle between [001] and [111]
ALONG_111 = quaternion([1, -1, 0], np.degrees(np.arccos(1 / np.sqrt(3)))).numpy()
TILTED = SPECIMENS[3]  # its rows respond unlike those of a specimen without tilt
HALF_TURN = Rotation.from_rotvec([0, 0, np.pi])


def turned(q):
    return (HALF_TURN * Rotation.from_quat(q, scalar_first=True)).as_quat(scalar_first=True)


def candidates(*rows):
    """Candidates (n, 3, 4) and probabilities: rows of two probabilities, axis, angle between."""
    orientation = np.full((len(rows), 3, 4), np.nan)
    probability = np.zeros((len(rows), 3))
    for i, (first, second, axis, angle_deg) in enumerate(rows):
        orientation[i, 0] = random_quaternions(1, seed=i)[0]
        between = Rotation.from_quat(quaternion(axis, angle_deg).numpy(), scalar_first=True)
        q = Rotation.from_quat(orientation[i, 0], scalar_first=True) * between
        orientation[i, 1] = q.as_quat(scalar_first=True)
        probability[i, :2] = first, second
    return orientation, probability


def test_the_rule_takes_the_largest_sum_of_two_separate_answers():
    choice = choose(
        *candidates(
            (0.65, 0.29, [1, 1, 1], 60),  # the second is too light
            (0.50, 0.45, [1, 1, 1], 15),  # too near
            (0.50, 0.45, [0, 0, 1], 80),  # 10° apart: a quarter turn is a symmetry
            (0.30, 0.30, [1, 1, 1], 60),  # just meets it
            (0.40, 0.35, [1, 1, 1], 60),  # the one
            (0.40, 0.35, [1, 1, 1], 60),  # a tie goes to the first
        )
    )
    assert (choice.index, choice.qualified) == (4, 3)


def test_when_no_signal_meets_the_rule_the_second_probability_decides():
    choice = choose(
        *candidates(
            (0.7, 0.2, [1, 1, 1], 60), (0.6, 0.25, [1, 1, 1], 60), (0.9, 0.1, [1, 1, 1], 60)
        )
    )
    assert (choice.index, choice.qualified) == (1, 0)


def test_without_any_second_answer_there_is_no_choice():
    orientation, probability = candidates((1.0, 0.0, [1, 1, 1], 60))
    orientation[:, 1] = np.nan
    assert choose(orientation, probability) is None
    assert choose(orientation[:, :1], probability[:, :1]) is None
    assert choose(np.full((2, 3, 4), np.nan), np.zeros((2, 3))) is None


def test_modes_of_the_posterior_count_for_the_nearer_answer_within_ten_degrees():
    operator = Rotation.create_group("O")[7].as_quat(scalar_first=True)
    modes = [operator, quaternion([1, 2, 3], 9), quaternion([1, 1, 1], 55), IDENTITY * np.nan]
    modes += [quaternion([1, 2, 3], 11)]
    pair = np.stack([IDENTITY, quaternion([1, 1, 1], 60).numpy()])
    weights = exact_weights(pair, np.stack(modes), np.array([0.3, 0.2, 0.25, 0.0, 0.15]))
    np.testing.assert_allclose(weights, [0.5, 0.25])
    assert exact_weights(pair, np.full((2, 4), np.nan), np.zeros(2)).tolist() == [0, 0]


def test_half_turn_by_hand():
    q = random_quaternions(1, seed=3)[0].numpy()
    assert half_turn_deg(q, turned(q)) == pytest.approx(0, abs=1e-5)
    assert half_turn_deg(IDENTITY, IDENTITY) == pytest.approx(0, abs=1e-5)  # a symmetry
    assert half_turn_deg(ALONG_111, ALONG_111) == pytest.approx(60)  # the Σ3 twin


def recorded(orientation, weights, background, c):
    ideal = ideal_signal(orientation[None], weights[None], c)[0]
    return 50 * (ideal + background) * row_response(TILTED)[:, None]


@pytest.mark.parametrize("c", [0.0, 0.15])
@pytest.mark.parametrize("q", random_quaternions(3, seed=5).numpy())
def test_weights_of_a_signal_without_noise_are_found(q, c):
    weights = np.array([0.5, 1.7, 0.0, 0.9])
    signal = recorded(q, weights, 0.25, c)
    found, background, modelled = fit(signal, q, TILTED, c)
    np.testing.assert_allclose(found, weights, atol=1e-6)
    assert background == pytest.approx(0.25, abs=1e-6)
    np.testing.assert_allclose(modelled, signal, atol=1e-4)


def test_only_the_facet_term_tells_half_a_turn():
    q, weights = random_quaternions(1, seed=6)[0].numpy(), np.array([1.0, 0.6, 1.5, 0.8])
    for c, told in ((0.0, False), (0.15, True)):
        signal = recorded(q, weights, 0.3, c)
        error = np.abs(explain(signal, turned(q), TILTED, c) - signal).max()
        assert (error > 1) == told


def test_what_is_explained_saturates_and_its_correlation_is_pearsons():
    q = random_quaternions(1, seed=8)[0].numpy()
    signal = recorded(q, np.full(4, 9.0), 0.3, 0.15)
    assert signal.max() > 300
    explained = explain(signal, q, TILTED, 0.15)
    assert explained.max() == 255
    expected = np.corrcoef(signal.ravel(), explained.ravel())[0, 1]
    assert correlation(signal, explained) == pytest.approx(expected, abs=1e-6)
    assert correlation(np.zeros((6, 72)), signal) == 0


def write(path, arrays, **attributes):
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = value
        file.attrs.update(attributes)
    return path


def files(folder, simulated=True, c=0.0, second=0.45):
    """A fold of three grains of specimen 04 with their answers and the exact posterior."""
    label = random_quaternions(3, seed=21).numpy()
    signals = np.stack([recorded(q, np.ones(4), 0.3, c) for q in label]).round().astype(np.uint8)
    answers = np.stack([turned(label), label], axis=1)  # the heavier one is wrong
    probability = np.array([[0.5, 0.1], [0.5, second], [0.4, 0.35]])
    if not second:
        probability, answers = probability[:, :1], answers[:, :1]
    test = {"signals": signals, "orientation": label, "specimen": np.full(3, 4, np.uint8)}
    about = {"source": "s", "sha256": "h", "convention": "c", "simulated": simulated}
    fold = write(folder / "fold.h5", {f"test/{name}": x for name, x in test.items()}, **about)
    names = ("candidate_orientation", "candidate_probability")
    predictions = write(folder / "p.h5", dict(zip(names, (answers, probability), strict=True)))
    exact = np.stack([label, turned(label)], axis=1), np.tile([0.51, 0.48], (3, 1))
    posterior = write(folder / "q.h5", dict(zip(names, exact, strict=True)), facet_amplitude=c)
    return fold, predictions, posterior


def test_the_chosen_grain_has_all_that_is_known_of_it(tmp_path):
    grain, simulated = read_grain(*files(tmp_path))
    assert simulated
    assert (grain.index, grain.qualified, grain.specimen, grain.nearest) == (1, 2, 4, 1)
    first, second = grain.answers
    assert (first.probability, second.probability) == (0.5, 0.45)
    assert (first.exact_probability, second.exact_probability) == (0.48, 0.51)
    assert second.misorientation_deg == pytest.approx(0, abs=1e-5)
    assert first.misorientation_deg == pytest.approx(grain.separation_deg)
    assert grain.half_turn_deg == pytest.approx(0, abs=1e-5)
    # With the posterior's c = 0 and the specimen's tilt both explain all but the rounding.
    assert min(first.correlation, second.correlation) > 0.999
    assert first.correlation == pytest.approx(second.correlation, abs=1e-5)


def test_measured_data_have_no_exact_probabilities(tmp_path):
    fold, predictions, _ = files(tmp_path, simulated=False)
    grain, simulated = read_grain(fold, predictions, None)
    assert not simulated
    assert [answer.exact_probability for answer in grain.answers] == [None, None]


def test_files_that_do_not_fit_are_named_in_a_line(tmp_path):
    fold, _, posterior = files(tmp_path)
    other = {"candidate_orientation": np.ones((2, 2, 4)), "candidate_probability": np.ones((2, 2))}
    short = write(tmp_path / "short.h5", other)
    with pytest.raises(InputError, match=r"short\.h5: .*expected 3 signals"):
        read_grain(fold, short, posterior)
    old = write(tmp_path / "old.h5", {"orientation": np.ones((3, 4))})
    with pytest.raises(InputError, match=r"old\.h5.*candidate_orientation"):
        read_grain(fold, old, posterior)


def macros(text):
    return dict(re.findall(r"\\newcommand\{\\(\w+)\}\{(.*)\}", text))


@pytest.mark.parametrize("second", [0.45, 0])
def test_files_are_written_the_same_each_time_with_the_same_macros(tmp_path, second):
    found = []
    for name in ("a", "b"):
        paths = [tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"]
        tex = tmp_path / f"{name}.tex"
        script.main(*files(tmp_path, second=second), "SequenceNet", STYLE, paths, tex)
        found.append([path.read_bytes() for path in (*paths, tex)])
    assert found[0] == found[1]
    assert found[0][0].startswith(b"\x89PNG")
    assert found[0][1].startswith(b"%PDF")
    text = tex.read_text()
    assert (r"\grainfoundtrue" in text) is bool(second)
    values = macros(text)
    assert values.keys() == macros(grain_latex(None)).keys()
    assert all(re.fullmatch("grain[A-Za-z]+", name) for name in values)
    assert values["grainFirstWeight"] == ("0.50" if second else "--")


@pytest.mark.parametrize("simulated", [True, False])
def test_the_picture_says_what_it_shows(tmp_path, monkeypatch, simulated):
    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))
    )
    fold, predictions, posterior = files(tmp_path, simulated)
    grain, _ = read_grain(fold, predictions, posterior if simulated else None)
    plot_grain(grain, "SequenceNet", simulated, STYLE, [tmp_path / "grain.png"])
    plot_grain(None, "SequenceNet", simulated, STYLE, [tmp_path / "none.png"])
    figure, empty = drawn
    assert (figure.get_suptitle() == SIMULATED_NOTE) is simulated
    assert empty.texts[0].get_text() == NO_GRAIN
    bars, first, second, *panels = figure.axes
    assert len(bars.patches) == (6 if simulated else 3)
    assert first.get_xlim() == second.get_xlim() == first.get_ylim()
    assert [axes.get_title() for axes in (first, second)] == [
        "first answer: 0.50",
        "second answer: 0.45",
    ]
    assert not first.get_xlabel().startswith("●")
    assert second.get_xlabel().startswith("● 0.0°")
    headings = [axes.get_title(loc="left") for axes in panels[:3]]
    assert headings[0] == "recorded"
    assert all(("sim-v1\n(an assumption)" in text) is not simulated for text in headings[1:])
    assert {axes.get_images()[0].get_clim() for axes in panels[:3]} == {(0, grain.signal.max())}
