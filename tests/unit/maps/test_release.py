"""A release holds a run's models as they are, says how good they are, and gives them back."""

import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.unit.maps import release_files as small
from workflow.lib.evaluation.scores import read_results, score_table
from workflow.lib.maps.release import open_release, release_facts
from workflow.lib.models.saved import load_task
from workflow.lib.report.table1 import table1
from workflow.lib.runtime.files import InputError, sha256
from workflow.scripts.release import main

TTA = ("plain", ""), ("tta", "tta_")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def path(folder):
    return small.release(folder, folder / "release.zip")


@pytest.fixture(scope="module")
def facts(path):
    return open_release(path).info


def test_it_holds_the_files_of_the_run_byte_for_byte_and_nothing_else(folder, path, tmp_path):
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path)
        names = packed.namelist()
    assert names == sorted(names)
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    models = {
        f"{network}/{fold}/{seed}/{file}"
        for network, fold, seed in small.TRAININGS
        for file in ("weights.safetensors", "model.json")
    }
    spaces = {"signal_space/1.safetensors", "signal_space/8.safetensors"}
    assert found == models | spaces | {"LICENSE", "README.md", "SHA256SUMS", "release.json"}
    for name in models:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert (tmp_path / "LICENSE").read_bytes() == (small.ROOT / "LICENSE").read_bytes()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_sha256sum_agrees_with_its_sums_and_notices_a_change(path, tmp_path):
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path)
    command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert told.stdout.count(": OK\n") == len(files) - 1
    with open(tmp_path / "euler/1/2/weights.safetensors", "r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x7f")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_the_same_models_give_the_same_bytes_elsewhere_and_later(path, tmp_path):
    again = small.release(tmp_path / "elsewhere", tmp_path / "again.zip")
    assert again.read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as packed:
        for entry in packed.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.external_attr >> 16 == 0o100644


def test_scores_of_the_default_fold_are_those_of_table_1(folder, facts):
    files = [
        folder / f"{network}/1/{seed}/predictions.h5" for network in small.TITLES for seed in (1, 2)
    ]
    table = table1(
        read_results(files)[0], small.TITLES, {"paper": {}, "released": {}},
        small.RUN.resamples, "s", True,
    )  # fmt: skip
    for row, result in zip(table.to_dict("records"), facts["results"], strict=True):
        assert (result["title"], result["n"], len(result["seeds"])) == (row["network"], small.N, 2)
        for kind, prefix in TTA:
            found = result["misorientation_deg"][kind]
            assert found["median"] == row[f"{prefix}median_deg"]
            assert found["mean"] == pytest.approx(row[f"{prefix}mean_deg"], rel=1e-12)
            ends = [row[f"{prefix}median_{end}_deg"] for end in ("low", "high")]
            assert found["median_95"] == ends
            assert found["mean_95"][0] < found["mean"] < found["mean_95"][1]
        assert result["misorientation_deg"]["plain"]["invalid"] == 1 + 2
        assert result["misorientation_deg"]["tta"]["invalid"] == 0


def test_scores_of_each_model_are_those_of_scores_csv(folder, facts):
    files = [folder / "/".join(map(str, one)) / "predictions.h5" for one in small.TRAININGS]
    rows = score_table(files).set_index(["network", "fold", "seed"])
    for model, training in zip(facts["models"], small.TRAININGS, strict=True):
        assert (model["network"], model["fold"], model["seed"]) == training
        row, deg = rows.loc[training], small.errors_deg(*training)
        assert model["n"] == row["n"] == small.N
        assert (model["test_specimen"], model["n_training"]) == (model["fold"], 50 + model["fold"])
        for kind, prefix in TTA:
            found = model["misorientation_deg"][kind]
            assert found["median"] == row[f"{prefix}median_deg"]
            assert found["mean"] == pytest.approx(row[f"{prefix}mean_deg"], rel=1e-12)
            assert found["median_95"][0] <= found["median"] <= found["median_95"][1]
            standard_error = deg.std() / (np.sqrt(small.N) * (2 if kind == "tta" else 1))
            width = np.diff(found["mean_95"])[0] / (2 * 1.96 * standard_error)
            assert 0.8 < width < 1.25  # 200 resamples
        assert model["misorientation_deg"]["plain"]["invalid"] == model["seed"]


def test_it_says_what_its_models_learnt_from(facts):
    data = {"source": "simulated benchmark sim-v1", "sha256": "5a" * 32, "simulated": True}
    assert (facts["data"], facts["code"], facts["run"]) == (data, small.CODE, "small")
    assert facts["default"] == {"network": "writer", "fold": 1, "seed": 1}
    assert facts["signal"]["shape"] == [6, 72]
    assert facts["signal"]["elevations_deg"] == [15, 25, 35, 45, 55, 65]
    assert facts["signal"]["azimuths_deg"] == list(range(0, 360, 5))


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ((None, None, None), ("writer", 1, 1)),  # the default
        (("writer", None, 2), ("writer", 1, 2)),
        (("euler", None, None), ("euler", 1, 1)),  # the default's fold
        (("euler", 8, None), ("euler", 8, 1)),
        (("euler", 1, 2), ("euler", 1, 2)),
    ],
)
def test_a_chosen_model_answers_as_the_one_on_disk(folder, path, asked, given):
    chosen = open_release(path).choose(*asked)
    network, fold, seed = given
    assert (chosen.network, chosen.fold, chosen.seed) == given
    assert (chosen.title, chosen.is_simulated) == (small.TITLES[network], True)
    assert chosen.checksum == sha256(path)
    own = folder / f"{network}/{fold}/{seed}"
    task = load_task(own / "weights.safetensors", own / "model.json")
    signals, rolls = torch.from_numpy(small.signals_of(fold, 12)), torch.arange(12)
    for other, one in zip(
        task.predict(signals, rolls), chosen.task.predict(signals, rolls), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def test_a_chosen_model_has_the_signal_space_of_its_fold(folder, path):
    release = open_release(path)
    signals = torch.from_numpy(small.signals_of(3))
    scores = {fold: release.choose("euler", fold).space.score(signals) for fold in (1, 8)}
    assert not torch.equal(scores[1], scores[8])
    for fold in (1, 8):
        space = type(release.choose("euler", fold).space).load(
            folder / f"spaces/{fold}.safetensors"
        )
        assert torch.equal(space.score(signals), scores[fold])
        assert space.threshold == release.choose("euler", fold).space.threshold


def test_a_network_that_lacks_the_default_fold_gives_its_own_first(tmp_path):
    trained = [
        small.train(tmp_path, *one) for one in (("writer", 1, 1), ("euler", 8, 2), ("euler", 8, 1))
    ]
    path = tmp_path / "release.zip"
    main(trained, small.fit_spaces(tmp_path), small.ROOT / "LICENSE", small.RUN, path)
    chosen = open_release(path).choose("euler")
    assert (chosen.fold, chosen.seed) == (8, 2)
    assert [row["network"] for row in open_release(path).info["results"]] == ["writer"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("vector", None, None), "has no network vector, expected one of euler, writer"),
        (("writer", 8, None), "has no fold 8 of writer, expected one of 1"),
        (("euler", 2, None), "has no fold 2 of euler, expected one of 1, 8"),
        (("euler", 8, 2), "has no seed 2 of euler, fold 8, expected one of 1"),
    ],
)
def test_what_it_lacks_is_told_with_what_it_has(path, asked, message):
    with pytest.raises(InputError) as caught:
        open_release(path).choose(*asked)
    assert str(caught.value) == f"{path}: {message}"


def test_of_measured_data_nothing_says_simulated(tmp_path):
    path = small.release(tmp_path, tmp_path / "release.zip", simulated=False)
    assert not open_release(path).choose().is_simulated
    with zipfile.ZipFile(path) as packed:
        assert b"SIMULATED" not in packed.read("README.md")
        assert packed.read("README.md").startswith(b"# Networks of the run small\n")


def test_answers_of_another_training_are_refused(tmp_path):
    one, other = (small.train(tmp_path, "euler", 1, seed) for seed in (1, 2))
    with pytest.raises(InputError, match=r"found the answers of \('euler', 1, 2\), expected") as e:
        release_facts([one._replace(predictions=other.predictions)], small.RUN)
    assert str(e.value).startswith(str(other.predictions))


def test_models_of_different_data_are_refused(tmp_path):
    run = replace(small.RUN, default=("euler", 1, 1))
    one, other = (small.train(tmp_path, "euler", 1, s, simulated=s == 1) for s in (1, 2))
    with pytest.raises(InputError, match=r"its data are .*local archive.*, expected .*sim-v1"):
        release_facts([one, other], run)


def test_a_failure_leaves_no_release_and_keeps_an_older_one(tmp_path):
    trained = [small.train(tmp_path, "writer", 1, 1)]
    spaces, path = small.fit_spaces(tmp_path)[:1], tmp_path / "release.zip"
    path.write_bytes(b"older")
    trained[0].weights.unlink()
    with pytest.raises(FileNotFoundError):
        main(trained, spaces, small.ROOT / "LICENSE", small.RUN, path)
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.glob(".part*")] == []


def test_the_facts_are_json_that_any_reader_takes(path):
    with zipfile.ZipFile(path) as packed:
        text = packed.read("release.json").decode()
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert pd.json_normalize(content["models"])["misorientation_deg.tta.median"].notna().all()
