"""The whole pipeline on config/ci.yaml; its outputs are checked for content."""

import json
import re
import shutil
import time
from collections import Counter

import h5py
import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader
from scipy.spatial.transform import Rotation

NETWORKS = {
    "eulernet": "EulerNet",
    "sequencenet": "SequenceNet",
    "nearest": "Nearest neighbour",
}


@pytest.fixture(scope="module")
def table(finished) -> pd.DataFrame:
    return pd.read_csv(finished / "table1.csv").set_index("network")


@pytest.fixture(scope="module")
def pages(finished) -> list[str]:
    return [page.extract_text() for page in PdfReader(finished / "paper.pdf").pages]


def disorientation_deg(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """By scipy alone, with a loop over its own 24 operators."""
    p, q = (Rotation.from_quat(x, scalar_first=True) for x in (p, q))
    difference = p.inv() * q
    angles = [(difference * operator).magnitude() for operator in Rotation.create_group("O")]
    return np.degrees(np.min(angles, axis=0))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("fold", [1, 2])
def test_predictions_hold_what_they_say(finished, network, fold):
    with (
        h5py.File(finished / f"predictions/{network}/{fold}/1.h5") as file,
        h5py.File(finished / "dataset.h5") as dataset,
    ):
        arrays = {name: file[name][()] for name in file if name != "several"}
        kinds = {kind: dict(group.attrs) for kind, group in file["several"].items()}
        labels = dataset[f"evaluation/{fold:02d}/orientation"][()]
        assert file.attrs["simulated"]
        assert file.attrs["network"] == network
    np.testing.assert_array_equal(arrays["reference"], labels)
    for prefix in ("", "tta_"):
        answer, angle = arrays[prefix + "orientation"], arrays[prefix + "misorientation_deg"]
        valid = np.isfinite(answer).all(1)
        expected = disorientation_deg(answer[valid], labels[valid])
        np.testing.assert_allclose(angle[valid], expected, atol=1e-5)
        np.testing.assert_allclose(angle[~valid], 62.79943, atol=1e-5)
        assert (answer[valid][:, 0] >= 0).all()
        candidates = arrays[prefix + "candidate_orientation"]
        probability = arrays[prefix + "candidate_probability"]
        assert candidates.shape == (50, 4, 4)
        np.testing.assert_array_equal(np.isfinite(candidates).all(-1), probability > 0)
        assert (np.diff(probability, axis=1) <= 1e-12).all()  # the heaviest first
        whole = probability.sum(1) + arrays[prefix + "left_out_probability"]
        np.testing.assert_allclose(whole, 1, atol=1e-9)
    assert kinds.keys() == {"one_view", "mixture", "product"}
    assert all(0.25 <= attributes["temperature"] <= 4 for attributes in kinds.values())


def test_table1_is_the_median_of_the_predictions(finished, table):
    for network, display in NETWORKS.items():
        with h5py.File(finished / f"predictions/{network}/1/1.h5") as file:
            plain, tta = file["misorientation_deg"][()], file["tta_misorientation_deg"][()]
        row = table.loc[display]
        assert row["median_deg"] == pytest.approx(np.median(plain))
        assert row["mean_deg"] == pytest.approx(plain.mean())
        assert row["tta_median_deg"] == pytest.approx(np.median(tta))
        assert row["tta_mean_deg"] == pytest.approx(tta.mean())
        assert row["n"] == 50
        assert row["median_low_deg"] <= row["median_deg"] <= row["median_high_deg"]
        assert row["simulated"]


def test_the_folds_share_nothing_with_their_test_specimen(finished):
    with h5py.File(finished / "folds/2.h5") as file:
        specimens = {part: set(file[part]["specimen"][()]) for part in file}
        sizes = {part: len(file[part]["signals"]) for part in file}
    assert specimens["test"] == {2}
    assert specimens["train"] == specimens["validation"] == set(range(1, 11)) - {2}
    assert sizes == {"train": 9 * 48, "validation": 9 * 12, "test": 50}


def test_models_say_what_they_are(finished):
    for network in NETWORKS:
        folder = finished / f"models/{network}/1/1"
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["model.json", "training.csv", "weights.safetensors"]
        model = json.loads((folder / "model.json").read_text())
        history = pd.read_csv(folder / "training.csv")
        medians = history["validation_median_deg"]
        assert medians[history["epoch"] == model["best_epoch"]].item() == medians.min()
        rolls = model["training"].get("rolls_per_epoch", 1)
        assert model["signals_seen"] == 9 * 48 * rolls * len(history)
        assert model["name"] == model["network"] == network
        assert model["simulated"]


def test_the_paper_shows_this_runs_numbers(pages, table):
    text = "\n".join(pages)
    for display, row in table.iterrows():
        assert display in text
        for column in ("median_deg", "mean_deg", "tta_median_deg", "tta_mean_deg"):
            assert f"{row[column]:.2f}" in text
    for published in ("7.20", "11.08", "4.52", "7.75", "3.71", "37.1", "48.5"):
        assert published in text
    assert "??" not in text
    assert "References" in text


def test_every_page_says_that_the_data_are_simulated(pages):
    assert len(pages) > 8
    assert all("SIMULATED DATA" in page for page in pages)
    assert "SIMULATED DATA — NOT MEASUREMENTS" in pages[0]


def test_nothing_calls_simulated_data_measured(finished):
    assert "SIMULATED" in (finished / "table1.md").read_text()
    assert "SIMULATED" in (finished / "data_card.md").read_text()
    assert "this run (simulated)" in (finished / "table1.tex").read_text()
    assert r"\simulatedtrue" in (finished / "numbers.tex").read_text()
    assert json.loads((finished / "provenance.json").read_text())["simulated"]
    for figure in (
        "figure1.pdf",
        "learning_curves.pdf",
        "signals.pdf",
        "data_card.pdf",
        "frontier.pdf",
        "reliability.pdf",
        "risk_coverage.pdf",
        "ambiguity.pdf",
    ):
        assert "SIMULATED DATA" in PdfReader(finished / figure).pages[0].extract_text()


def test_provenance(finished):
    facts = json.loads((finished / "provenance.json").read_text())
    assert facts["config"]["run"] == "ci"
    assert facts["versions"]["torch"].startswith("2.13")
    assert facts["devices"] == ["CPU"]
    assert len(facts["data_sha256"]) == 64
    jobs = pd.read_csv(finished / "jobs.csv").set_index("rule")
    assert facts["seconds_per_rule"] == pytest.approx(jobs["wall_s"].to_dict(), abs=0.051)


# Rules that make a run's own record of the evidence
OF_THE_RECORD = ("assemble", "evidence_scores", "hypotheses", "views", "views_record")
OF_THE_RECORD += ("arithmetic_record", "record_origin", "claims", "maps_record")
# Rules of the target `maps`, and of what it maps with
OF_MAPS = ("signal_space", "release", "images", "scan", "ebsd", "map_block", "map", "exchange")
OF_MAPS += ("compare", "grains", "ebsd_grains", "truth", "map_scores", "registration")
OF_MAPS += ("training_set", "map_pictures", "map_ebsd_picture", "map_page")


def test_every_rule_that_ran_before_has_a_row_with_its_times(finished, project):
    jobs = pd.read_csv(finished / "jobs.csv").set_index("rule")
    benchmarks = finished / "benchmarks"
    files = [path.relative_to(benchmarks) for path in benchmarks.rglob("*.tsv")]
    counts = Counter(path.parts[0].removesuffix(".tsv") for path in files)
    later = {
        "jobs",
        "provenance",
        "numbers",
        "compile",
        "paper",
        "pages",
        "profile",
        "tune",
        "ambiguity_figure",
        "ambiguity_scores",
        "results",
        "moved",
        *OF_THE_RECORD,
        *OF_MAPS,
    }  # or on request
    expected = {rule: count for rule, count in counts.items() if rule not in later}
    assert jobs["jobs"].to_dict() == jobs["measured_jobs"].to_dict() == expected
    assert (jobs["wall_s"] > 0).all()
    assert (jobs["longest_wall_s"] <= jobs["wall_s"]).all()
    assert jobs.loc["train", "cpu_s"] > 0
    assert jobs.loc["train", "peak_memory_mb"] > 100  # PyTorch alone takes more
    assert set(jobs["gpu"]) == {"none"}
    rules = re.findall(
        r"^rule (\w+):",
        "\n".join(path.read_text() for path in (project / "workflow/rules").glob("*.smk")),
        re.MULTILINE,
    )
    assert set(rules) - set(jobs.index) == later | {"download"}


def test_every_training_says_what_it_took(finished):
    trainings = pd.read_csv(finished / "trainings.csv")
    identity = trainings[["network", "fold", "seed"]].itertuples(index=False, name=None)
    assert set(identity) == {(network, fold, 1) for network in NETWORKS for fold in (1, 2)}
    assert (trainings["train_s"] > 0).all()
    assert (trainings["signals_per_s"] > 0).all()
    tflop = trainings.groupby("network")["tflop"].median()
    assert tflop["eulernet"] == pytest.approx(4 * 9 * 48 * 31.968192e-6)  # of each signal shown
    assert tflop["sequencenet"] > 0
    assert np.isnan(tflop["nearest"])  # learnt at once
    latex = (finished / "trainings.tex").read_text()
    assert f"& CPU & {tflop['eulernet']:.4f} & " in latex
    assert (trainings["peak_host_memory_mb"] > 100).all()
    assert set(trainings["device"]) == {"CPU"}


def test_the_appendix_shows_the_tables_of_jobs_and_trainings(finished, pages):
    text = "\n".join(pages[-3:])
    jobs = pd.read_csv(finished / "jobs.csv")
    for row in jobs.itertuples():
        cells = [row.rule, row.jobs, f"{row.wall_s:.1f}", f"{row.longest_wall_s:.1f}"]
        # the text of a PDF has spaces where its columns are, and around an underscore
        assert " ".join(map(str, cells)) in re.sub(r" ?_ ?", "_", text)
    assert "What each rule took on the machine of this run" in " ".join(text.split())
    signals_per_s = pd.read_csv(finished / "trainings.csv").groupby("network")["signals_per_s"]
    for median in signals_per_s.median():
        assert f"{median:.0f}" in text


def test_nothing_half_written_is_left(finished):
    hidden = [path for path in finished.rglob("*") if path.name.startswith(".part")]
    assert hidden == []
    assert not list(finished.rglob("checkpoint.pt"))


def test_a_second_run_does_nothing(finished, snakemake):
    begin = time.perf_counter()
    done = snakemake()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stderr
    assert time.perf_counter() - begin < 60  # seconds matter, but the machine may be busy


def test_the_same_seed_gives_the_same_table(finished, snakemake, project):
    done = snakemake("--", "results/again/table1.csv", changes="{run: again, folds: [1]}")
    assert done.returncode == 0, done.stderr[-3000:]
    ours = (finished / "table1.csv").read_bytes()
    assert (project / "results/again/table1.csv").read_bytes() == ours


def test_a_local_zip_gives_the_same_dataset(finished, snakemake, project, tmp_path):
    """The archive as a user would have it, zipped under another folder."""
    shutil.copytree(finished / "archive/data", tmp_path / "download" / "DRM data")
    archive = shutil.make_archive(str(tmp_path / "dataset"), "zip", tmp_path / "download")
    changes = f"{{run: local, data: {{source: archive, archive: '{archive}'}}}}"
    done = snakemake("--", "results/local/dataset.h5", changes=changes)
    assert done.returncode == 0, done.stderr[-3000:]
    with (
        h5py.File(project / "results/local/dataset.h5") as ours,
        h5py.File(finished / "dataset.h5") as theirs,
    ):
        assert ours.attrs["sha256"] == theirs.attrs["sha256"]
        assert ours.attrs["simulated"]  # whatever the config calls it
        for name in ("training/07/signals", "evaluation/10/euler_zyz_rad"):
            np.testing.assert_array_equal(ours[name][()], theirs[name][()])
