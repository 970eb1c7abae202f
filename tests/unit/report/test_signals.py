"""The picture of a dozen signals: which are chosen, and what is written."""

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure

from workflow.lib.report.signals import first_signals, plot_signals
from workflow.lib.report.style.notice import SIMULATED_NOTE
from workflow.lib.simulation.reflectance import (
    SPECIMENS,
    random_orientations,
    simulate_signals,
    stream,
)


@pytest.fixture
def signals():
    rng = stream(0, 1, 1)
    orientation = random_orientations(4, 0.0, rng)
    return simulate_signals(orientation, SPECIMENS[0], rng), orientation


@pytest.fixture
def dataset(tmp_path):
    """Specimens 01 to 05 with 3, 1, 3, 3, 3 signals; a signal's values tell which it is."""
    with h5py.File(tmp_path / "dataset.h5", "w") as file:
        for number, n in enumerate([3, 1, 3, 3, 3], start=1):
            values = 10 * number + np.arange(n, dtype=np.uint8)
            group = file.create_group(f"training/{number:02d}")
            group["signals"] = np.broadcast_to(values[:, None, None], (n, 6, 72))
            group["orientation"] = np.tile([1.0, 0, 0, 0], (n, 1))
    return tmp_path / "dataset.h5"


def test_specimens_take_turns(dataset):
    signals, orientation, specimens = first_signals(dataset, count=7)
    assert specimens == ["01", "01", "02", "03", "03", "04", "05"]
    np.testing.assert_array_equal(signals[:, 0, 0], [10, 11, 20, 30, 31, 40, 50])
    assert orientation.shape == (7, 4)


def test_all_signals_are_shown_when_there_are_few(dataset):
    signals, _, _ = first_signals(dataset, count=100)
    assert len(signals) == 13


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_figure_is_written_whole_and_the_same_each_time(tmp_path, signals, suffix):
    contents = []
    for name in ("first", "second"):
        path = tmp_path / f"{name}{suffix}"
        plot_signals(*signals, ["01"] * 4, path, "default", simulated=True)
        contents.append(path.read_bytes())
    assert contents[0].startswith({".png": b"\x89PNG", ".pdf": b"%PDF"}[suffix])
    assert contents[0] == contents[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"first{suffix}", f"second{suffix}"]


@pytest.mark.parametrize("simulated", [True, False])
def test_figure_says_whether_the_data_are_simulated(tmp_path, signals, monkeypatch, simulated):
    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))
    )
    plot_signals(
        *signals, ["01", "02", "03", "04"], tmp_path / "signals.png", "default", simulated=simulated
    )
    figure = drawn[0]
    assert (SIMULATED_NOTE in figure.get_suptitle()) is simulated
    panels = [axes for axes in figure.axes if axes.get_images()]
    assert [axes.get_title(loc="left") for axes in panels] == [
        f"specimen {number}" for number in ("01", "02", "03", "04")
    ]
    scales = {axes.get_images()[0].get_clim() for axes in panels}
    assert scales == {(0, signals[0].max())}
