"""data_warnings.py: what ingest found unlikely reaches the data card, whatever it names."""

import logging

import h5py
import numpy as np
import pytest
import yaml

from workflow.lib.data.card import describe
from workflow.lib.data.dataset import ingest, read_attributes
from workflow.lib.data.scans import ingest_scans
from workflow.lib.data.warnings import read_warnings, write_warnings
from workflow.lib.report.data_card import card_markdown, card_warnings
from workflow.lib.runtime.digest import ROOT
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import new_hdf5
from workflow.lib.simulation.archive import write_archive
from workflow.lib.simulation.reflectance import SPECIMENS, simulate_specimen, stream


def kept(path, warnings):
    with new_hdf5(path) as file:
        write_warnings(file, warnings)
    with h5py.File(path) as file:
        return read_warnings(file)


def test_lines_come_back_as_text_and_are_logged(tmp_path, caplog):
    lines = ["20 % of the pixels", "scaled to 0–1? α, β", ""]
    with caplog.at_level(logging.WARNING, "drm"):
        assert kept(tmp_path / "a.h5", lines) == lines
    assert caplog.messages == [f"warning: {line}" for line in lines]
    kept(tmp_path / "b.h5", lines)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_files_without_warnings_lack_them(tmp_path):
    assert kept(tmp_path / "a.h5", []) == []
    with h5py.File(tmp_path / "a.h5") as file:
        assert list(file) == []


def test_what_a_line_names_cannot_harm(tmp_path):
    """Names of files may hold line ends, control characters, bytes that are no text; or be long."""
    name = b"a\nb\x1b[2J\xff.npy".decode("utf-8", "surrogateescape")
    (line,) = kept(tmp_path / "a.h5", [f"{name}: left"])
    assert line == r"a\nb\x1b[2J\udcff.npy: left"
    (line,) = kept(tmp_path / "b.h5", ["ä" * 10**6])
    assert len(line) == 400
    lines = kept(tmp_path / "c.h5", [f"file {k}" for k in range(1000)])
    assert len(lines) == 100
    assert lines[-2:] == ["file 98", "901 more warnings like these"]


@pytest.mark.parametrize("content", [np.arange(3), np.array(5), "one text", None])
def test_what_is_no_lines_of_text_is_refused(content, tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        if content is None:
            file.create_group("warnings")
        else:
            file["warnings"] = content
        with pytest.raises(InputError, match=r"d\.h5: 'warnings' holds no lines of text"):
            read_warnings(file)


def test_text_that_is_not_utf8_is_read(tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file.create_dataset("warnings", data=[b"a\xffb"], dtype=h5py.string_dtype("ascii"))
        assert read_warnings(file) == ["a�b"]


@pytest.fixture
def archive(tmp_path):
    """Two specimens; the training set of the second is dark and has three unindexed points."""
    for specimen in (1, 2):
        for kind, set_id in (("training", 1), ("evaluation", 2)):
            signals, euler = simulate_specimen(
                20, SPECIMENS[specimen - 1], stream(0, set_id, specimen)
            )
            if (specimen, kind) == (2, "training"):
                signals //= 8
                euler[4:7] = 0
            path = tmp_path / f"archive/{kind}_sets/{specimen:02d}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, {"xtr": signals, "ytr": euler}, allow_pickle=True)
    return tmp_path / "archive"


def test_ingest_tells_set_and_numbers_first_on_the_data_card(archive, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "drm"):
        ingest(archive, tmp_path / "d.h5", "archive", "leave_out")
    warnings = [message.removeprefix("warning: ") for message in caplog.messages]
    assert [warning[:24] for warning in warnings] == ["training_sets/02.npy: " + end for end in (
        "po", "ha", "no", "it")]  # fmt: skip
    assert "3 of 20 rows, the first is row 4, counted from 0 (3 × (0, 0, 0))" in warnings[0]
    card = describe(tmp_path / "d.h5")
    assert card_warnings(card)[:4] == card.warnings == warnings
    assert len(card.sets) == 4
    text = " ".join(card_markdown(card).split())
    assert text.index(f"**Warning:** {warnings[0]}.") < text.index("## Signals")
    assert "warnings" not in read_attributes(tmp_path / "d.h5")


def test_ingest_refuses_unindexed_points_unless_told_to_leave_them_out(archive, tmp_path):
    with pytest.raises(InputError, match=r"training_sets/02\.npy: EBSD did not index 3 of 20 rows"):
        ingest(archive, tmp_path / "d.h5", "archive")
    with pytest.raises(InputError, match=r"data\.unindexed 'drop': expected refuse or leave_out"):
        ingest(archive, tmp_path / "d.h5", "archive", "drop")
    assert not (tmp_path / "d.h5").exists()


@pytest.mark.parametrize("config", ["ci.yaml", "config.yaml"])
def test_the_simulated_benchmark_gives_no_warning(config, tmp_path, caplog):
    settings = yaml.safe_load((ROOT / "config" / config).read_text())["simulation"]
    sizes = settings["n_training"], settings["n_evaluation"], settings["scan_shape"]
    write_archive(tmp_path / "archive", settings.get("seed", 1), *sizes)
    with caplog.at_level(logging.WARNING, "drm"):
        ingest(tmp_path / "archive", tmp_path / "d.h5", "simulated")
        ingest_scans(tmp_path / "archive", tmp_path / "s.h5", "simulated")
    assert caplog.messages == []
    with h5py.File(tmp_path / "d.h5") as file:
        assert "warnings" not in file
