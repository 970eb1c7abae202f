"""The tables of jobs and trainings: sums, what was not measured, and how they are written."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow.lib.report.jobs import (
    gpus_by_rule,
    job_table,
    jobs_shown,
    latex,
    markdown,
    network_table,
    networks_shown,
    training_table,
)
from workflow.lib.runtime.files import InputError

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
GPU = "NVIDIA H200 MIG_1g"
TITLES = {"sequencenet": "SequenceNet", "eulernet": "EulerNet"}


@pytest.fixture
def benchmark(tmp_path):
    """Writes a file as Snakemake does: memory in 2^20 bytes, NA for a job it never sampled."""

    def write(name, wall_s, memory="NA", cpu_s="NA"):
        path = tmp_path / f"{name}.tsv"
        rest = f"{memory}\t1.00\t1.00\t1.00\t-\t0.00\t50.00\t{cpu_s}\n"
        path.write_text(f"{HEADER}{wall_s}\t0:00:00\t{rest}")
        return path

    return write


@pytest.fixture
def models(tmp_path):
    """model.json of two trainings of each network, EulerNet's on a CPU."""
    paths = []
    for i, (network, seed) in enumerate(
        [("eulernet", 1), ("eulernet", 2), ("sequencenet", 1), ("sequencenet", 2)]
    ):
        on_gpu = network == "sequencenet"
        description = {
            "name": network, "network": "a class", "fold": 3, "seed": seed, "threads": 4,
            "tflop": 7.0 + i if on_gpu else None, "train_s": 10.0 * (i + 1),
            "signals_per_s": 1000.0 + i, "kept": i == 3, "simulated": True, "device": "ignored",
            "usage": {
                "device": GPU if on_gpu else "CPU",
                "peak_host_memory_mb": 500.0 + i,
                "peak_device_memory_mb": 90.0 + i if on_gpu else None,
                "device_utilisation_percent": 40.0 + i if on_gpu else None,
            },
        }  # fmt: skip
        paths.append(tmp_path / f"{i}.json")
        paths[-1].write_text(json.dumps(description))
    return paths


def test_a_row_per_rule_in_the_given_order(benchmark):
    files = {
        "train": [benchmark("a", 10.5, 100.0, 8.0), benchmark("b", 30.0, 300.0, 4.0)],
        "score": [benchmark("c", 2.0, 50.0, 1.0)],
    }
    table = job_table(files, {"train": GPU})
    assert table["rule"].to_list() == ["train", "score"]
    train = table.iloc[0]
    assert train["jobs"] == train["measured_jobs"] == 2
    assert train["wall_s"] == 40.5
    assert train["longest_wall_s"] == 30.0
    assert train["cpu_s"] == 12.0
    assert train["load_percent"] == pytest.approx(100 * 12 / 40.5, abs=0.01)
    assert train["peak_memory_mb"] == pytest.approx(300 * 1.048576, abs=0.01)  # MB of 10^6 bytes
    assert table["gpu"].to_list() == [GPU, "none"]


def test_a_job_that_was_never_sampled_has_a_time_and_nothing_else(benchmark):
    both = {"split": [benchmark("a", 0.25), benchmark("b", 4.0, 100.0, 2.0)]}
    row = job_table(both, {}).iloc[0]
    assert (row["wall_s"], row["cpu_s"], row["load_percent"]) == (4.25, 2.0, 50.0)
    row = job_table({"split": both["split"][:1]}, {}).iloc[0]
    assert row["wall_s"] == 0.25
    assert row[["cpu_s", "load_percent", "peak_memory_mb"]].isna().all()


def test_a_missing_file_is_said_and_not_guessed(benchmark, tmp_path):
    files = [benchmark("a", 3.0, 100.0, 2.0), tmp_path / "absent.tsv"]
    table = job_table({"train": files, "score": files[1:]}, {})
    assert table["jobs"].to_list() == [2, 1]
    assert table["measured_jobs"].to_list() == [1, 0]
    assert table["wall_s"].to_list()[0] == 3.0
    assert np.isnan(table["wall_s"].to_list()[1])
    shown = jobs_shown(table)
    assert shown["", "jobs"].to_list() == ["1 of 2", "0 of 1", "3"]
    assert shown["wall time / s", "sum"].to_list() == ["3.0", "–", "3.0"]


@pytest.mark.parametrize("text", ["", "s\tcpu_time\n1\t1\n", HEADER, HEADER.replace("\t", ",")])
def test_a_broken_benchmark_file_is_named(tmp_path, text):
    file = tmp_path / "broken.tsv"
    file.write_text(text)
    with pytest.raises(InputError, match=r"broken\.tsv is not a benchmark file") as error:
        job_table({"train": [file]}, {})
    assert "\n" not in str(error.value)


def test_trainings_and_networks(models):
    trainings = training_table(models)
    assert len(trainings) == 4
    assert trainings["device"].to_list() == ["CPU", "CPU", GPU, GPU]
    assert trainings["peak_device_memory_mb"].isna().to_list() == [True, True, False, False]
    networks = network_table(trainings).set_index("network")
    euler, sequence = networks.loc["eulernet"], networks.loc["sequencenet"]
    assert euler["trainings"] == 2
    assert (euler["train_s"], euler["signals_per_s"]) == (15.0, 1000.5)
    assert np.isnan(euler["peak_device_memory_mb"])
    assert np.isnan(euler["tflop"])
    assert sequence["tflop"] == 9.5
    assert sequence["peak_host_memory_mb"] == 503.0
    assert sequence["peak_device_memory_mb"] == 93.0
    assert sequence["device_utilisation_percent"] == 42.5


def test_all_trainings_on_a_cpu_leave_device_memory_empty(models):
    trainings = training_table(models[:2])
    assert trainings["peak_device_memory_mb"].dtype == float
    assert networks_shown(network_table(trainings), TITLES)["memory / MB", "GPU"].to_list() == ["–"]


def test_only_trainings_and_predictions_can_have_a_gpu(models):
    trainings = training_table(models)
    assert gpus_by_rule(trainings, ["CPU"]) == {"train": GPU, "predict": "none"}
    assert gpus_by_rule(trainings, ["CPU", GPU]) == {"train": GPU, "predict": GPU}
    assert gpus_by_rule(trainings[:2], ["CPU"]) == {"train": "none", "predict": "none"}


def test_tables_are_written_with_units_and_escaped(benchmark, models):
    rules = jobs_shown(job_table({"learning_curves": [benchmark("a", 3, 100, 2)]}, {}))
    text = latex(rules)
    assert r"learning\_curves & 1 & 3.0 & 3.0 & 2.0 & 67 & 105 & none \\" in text
    assert r"load / \%" in text
    assert text.index(r"\midrule") < text.index("\nall & 1 & 3.0")
    networks = networks_shown(network_table(training_table(models)), TITLES)
    assert r"EulerNet & 2 & CPU & – & 15.0" in latex(networks)
    assert r"SequenceNet & 2 & NVIDIA H200 MIG\_1g & 9.50 & 35.0" in latex(networks)
    said = markdown(networks, "A note.", simulated=True)
    assert said.startswith("**SIMULATED DATA, not measurements.** A note.\n\n| network ")
    assert "memory / MB, GPU" in said
    assert "SIMULATED" not in markdown(networks, "A note.", simulated=False)


def test_a_model_that_does_not_say_what_it_used_is_not_made_up(models):
    description = json.loads(models[0].read_text())
    del description["tflop"]
    models[0].write_text(json.dumps(description))
    message = r"0\.json has not all of the keys name, usage, kept and tflop.*--force and the target"
    with pytest.raises(InputError, match=message):
        training_table(models)


def test_csv_keeps_names_with_units(models, tmp_path):
    file = tmp_path / "trainings.csv"
    training_table(models).to_csv(file, index=False)
    again = pd.read_csv(file)
    assert {"train_s", "signals_per_s", "peak_host_memory_mb"} <= set(again.columns)
    assert again["simulated"].all()
