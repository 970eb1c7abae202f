"""The data card: counts by hand, planted wrong conventions found, what the card says."""

import logging

import h5py
import numpy as np
import pytest
import torch
from pypdf import PdfReader
from scipy.spatial.transform import Rotation

from workflow.lib import orientation
from workflow.lib.data import convention_check as conventions
from workflow.lib.data.card import describe, set_table
from workflow.lib.data.dataset import orientation_from_euler
from workflow.lib.report.data_card import card_latex, card_markdown, card_warnings
from workflow.lib.runtime.digest import ROOT, library_modules
from workflow.lib.runtime.files import InputError
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream
from workflow.scripts.describe import main

STYLE = ROOT / "paper/style/figures.mplstyle"


def grains(n, kind=1, specimen=1):
    """Simulated signals (n, 6, 72) and the ZYZ angles (n, 3) of their labels."""
    return simulate_specimen(n, SPECIMENS[specimen - 1], stream(0, kind, specimen))


def write_dataset(path, sets, simulated=True):
    """sets: {"training/01": (signals, angles), …}"""
    with h5py.File(path, "w") as file:
        for name, (signals, angles) in sets.items():
            group = file.create_group(name)
            group["signals"], group["euler_zyz_rad"] = signals, angles
            group["orientation"] = orientation_from_euler(angles)
        source = "simulated benchmark sim-v1" if simulated else "local archive"
        file.attrs.update(source=source, sha256="0" * 64, convention="ZYZ", simulated=simulated)
    return path


# Counts


def test_saturation_and_distinct_orientations_by_hand():
    signals = np.full((4, 6, 72), 10, np.uint8)
    signals[0, 0, :9] = 0  # 9 of 2 × 432 pixels
    signals[1, :, 0] = 255  # 6 of them
    q = orientation_from_euler(np.radians([[0, 0, 0], [0, 5, 0], [0, 0, 0], [0, 0, 0]]))
    table = set_table(signals, q, np.array(["01"] * 4), np.array([False, False, True, True]))
    training, evaluation = table.to_dict("records")
    assert training["at_zero"] == pytest.approx(9 / 864)
    assert training["at_full"] == pytest.approx(6 / 864)
    assert (training["orientations"], training["constant"], training["median"]) == (2, 0, 10)
    assert (evaluation["orientations"], evaluation["constant"]) == (1, 2)


# Conventions


def test_rolled_neighbours_are_those_of_a_search_by_hand():
    signals = grains(12)[0]
    signals[5] = np.tile(signals[5, :, :18], 4)  # most like itself, which doesn't count
    found = conventions.rolled_neighbours(signals)
    allowed = [k for k in range(72) if 3 <= k % 36 <= 33]
    rolled = np.stack([np.roll(signals, k, axis=-1) for k in allowed]).reshape(-1, 432)
    table = np.corrcoef(rolled, signals.reshape(12, -1))[: len(rolled), len(rolled) :]
    table = table.reshape(len(allowed), 12, 12)  # roll × rolled signal × other signal
    table[:, np.arange(12), np.arange(12)] = -1
    for i in range(12):
        k, j = np.unravel_index(table[:, i].argmax(), table[:, i].shape)
        assert (allowed[k], j) == (found.roll[i], found.index[i])
        assert found.correlation[i] == pytest.approx(table[k, i, j], abs=1e-6)
    signals[7] = np.roll(signals[3], 20, axis=-1)
    found = conventions.rolled_neighbours(signals)
    assert (found.index[3], found.roll[3]) == (7, 20)
    assert (found.index[7], found.roll[7]) == (3, 52)


def test_only_the_best_quarter_of_the_pairs_is_judged():
    angles = np.random.default_rng(0).uniform(0, 3, (4, 3))
    angles[1] = angles[0] + [np.radians(50), 0, 0]  # what a roll by 10 steps should do
    pairs = conventions.Neighbours(
        index=np.array([1, 2, 3, 0]),
        roll=np.full(4, 10),
        correlation=np.array([0.9, 0.5, 0.6, 0.7]),
    )
    assert conventions.hypothesis_median_deg(angles, pairs, "ZYZ", "+") < 1e-5
    assert conventions.hypothesis_median_deg(angles, pairs, "ZYZ", "−") > 5


def test_misorientation_is_the_projects():
    p, q = (Rotation.random(100, rng=np.random.default_rng(k)) for k in (1, 2))
    tensors = (torch.from_numpy(r.as_quat(scalar_first=True)) for r in (p, q))
    expected = orientation.misorientation_deg(*tensors)
    np.testing.assert_allclose(conventions.misorientation_deg(p, q), expected, atol=1e-9)


PLANTED = {
    "as it should be": ("ZYZ", "+", lambda g: g.as_euler("ZYZ")),
    "inverse": ("inverse of ZYZ", "+", lambda g: g.inv().as_euler("ZYZ")),
    "Bunge's, which looks like ZYZ": ("ZYZ", "+", lambda g: g.as_euler("ZXZ")),
    "Tait and Bryan's": ("XYZ", "+", lambda g: g.as_euler("XYZ")),
    "azimuth reversed": ("ZYZ", "−", lambda g: g.as_euler("ZYZ")),
}


def labelled(name, n=400):
    """Simulated signals whose angles, or azimuth, follow another convention."""
    signals, angles = grains(n)
    _, sense, write = PLANTED[name]
    columns = np.arange(72) if sense == "+" else -np.arange(72) % 72
    return signals[..., columns], write(Rotation.from_euler("ZYZ", angles))


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_convention_wins(name):
    convention, sense, _ = PLANTED[name]
    table = conventions.convention_table(*labelled(name), simulated=True)
    same = convention.replace("ZYZ", "ZXZ")
    assert set(conventions.winners(table)) == {(convention, sense), (same, sense)}
    assert conventions.expected_wins(table) == ((convention, sense) == ("ZYZ", "+"))
    # The simulator tells Bunge's angles apart, which neighbours can't.
    truth = ("ZXZ", "+") if "Bunge" in name else (convention, sense)
    assert conventions.best_model(table) == truth
    rest = table.set_index(["convention", "sense"])["median_deg"].drop(
        [*conventions.winners(table)]
    )
    assert table["median_deg"].min() < rest.min() / 2


def test_a_reflection_turns_the_inverse_into_the_reversed_order():
    """Why one sense of the inverse can't be told from the other sense of another order."""
    signals, angles = grains(50)
    neighbours = conventions.rolled_neighbours(signals)
    reversed_order = conventions.hypothesis_median_deg(angles[:, ::-1], neighbours, "ZYZ", "+")
    inverse = conventions.hypothesis_median_deg(angles, neighbours, "inverse of ZYZ", "−")
    assert reversed_order == pytest.approx(inverse, abs=1e-9)


def test_signals_are_drawn_and_fewer_than_two_refused(monkeypatch):
    monkeypatch.setattr(conventions, "COMPARED_SIGNALS", 30)
    table = conventions.convention_table(*grains(50), simulated=False)
    assert (table["signals"] == 30).all()
    assert table["model"].isna().all()
    with pytest.raises(InputError, match="holds 1 signals, expected at least 2"):
        conventions.convention_table(*grains(1), simulated=False)


# The whole card


def write_card(tmp_path, dataset):
    paths = [tmp_path / f"data_card{suffix}" for suffix in (".md", ".tex", ".pdf", ".png")]
    main(dataset, STYLE, *paths[:2], paths[2:])
    return paths


def test_card_of_simulated_data(tmp_path, caplog):
    sets = {
        f"{kind}/{number:02d}": grains(60, k, number)
        for k, kind in enumerate(("training", "evaluation"), 1)
        for number in (1, 2, 4)
    }
    with caplog.at_level(logging.WARNING, "drm"):
        markdown, tex, pdf, png = write_card(tmp_path, write_dataset(tmp_path / "d.h5", sets))
    assert caplog.messages == []
    text = markdown.read_text()
    assert "**SIMULATED DATA, not measurements.**" in text
    assert "**Warning:**" not in text
    assert "Of the 180 evaluation signals, none repeat a training signal of another" in text
    assert "SIMULATED DATA" in PdfReader(pdf).pages[0].extract_text()
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "all & 180 & 180 & 180 & 180 & " in tex.read_text()
    assert set(tex.read_text()) <= set(map(chr, range(128)))


def test_card_of_a_broken_dataset_warns(tmp_path, caplog):
    """Labels are inverted, and the evaluation set of 01 is the training set of 02."""
    signals, angles = labelled("inverse", 150)
    first, second = (signals[:75], angles[:75]), (signals[75:], angles[75:])
    other = grains(75, 2)
    sets = {"training/01": first, "training/02": second, "evaluation/01": second}
    path = write_dataset(tmp_path / "d.h5", sets | {"evaluation/02": other}, simulated=False)
    with caplog.at_level(logging.WARNING, "drm"):
        markdown, tex, *_ = write_card(tmp_path, path)
    text = markdown.read_text()
    assert len(caplog.messages) == text.count("**Warning:**") == 3
    assert "75 evaluation signals repeat training signals of other specimens" in text
    assert "75 evaluation signals have the orientation of a training signal of another" in text
    assert "ZYZ with positive rolls is not what rolled neighbours fit best" in text
    assert "agree best under inverse of ZYZ with positive rolls" in tex.read_text()
    assert "simulat" not in text.lower()
    assert "simulat" not in tex.read_text().lower()


def test_a_dataset_without_one_kind_of_set_is_refused(tmp_path):
    path = write_dataset(tmp_path / "d.h5", {"training/01": grains(3)})
    with pytest.raises(InputError, match=r"d\.h5: / lacks 'evaluation'"):
        describe(path)
    with h5py.File(path, "a") as file:
        file.create_group("evaluation")
    with pytest.raises(InputError, match=r"d\.h5: holds no evaluation signals"):
        describe(path)


def test_a_single_specimen_has_no_others(tmp_path):
    sets = {"training/01": grains(8), "evaluation/01": grains(5, 2)}
    card = describe(write_dataset(tmp_path / "d.h5", sets))
    assert card.leaks["correlation_other"].tolist() == [-np.inf]
    assert "inf" not in card_markdown(card) + card_latex(card)
    assert not any("other specimens" in warning for warning in card_warnings(card))


def test_the_card_needs_no_torch():
    """Its rule runs where tables and figures are made."""
    modules = library_modules(ROOT / "workflow/scripts/describe.py")
    assert not {"workflow.lib.orientation", "workflow.lib.signals.rolls"} & set(modules)
