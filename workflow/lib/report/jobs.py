"""What the jobs of a run took: time, CPU and memory by rule, and the trainings by model.

Times come from Snakemake's benchmark files. It samples a job every half second, after 15 s
every 30 s: CPU time and memory after the last sample are not in them, and a job that ends
before the first sample has neither. A repeated job is measured in its last attempt alone.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow.lib.report.style.notice import markdown_notice
from workflow.lib.report.style.tabular import MISSING, escape, tabular, three_digits
from workflow.lib.runtime.files import InputError, remade_by

# Columns of a benchmark file that are used, and their names here.
BENCHMARK = {"s": "wall_s", "cpu_time": "cpu_s", "max_rss": "peak_memory_mb"}
MB_PER_UNIT = 2**20 / 10**6  # Snakemake's unit of memory is 2^20 bytes
NO_GPU = "none"
ALL = "all"  # names the row of sums


def training_table(models: Sequence[Path]) -> pd.DataFrame:
    """A row per training, from the model.json files.

    Columns: network (the model's name), fold, seed, device, threads, tflop (NaN for what is
    learnt at once), train_s, signals_per_s, peak_host_memory_mb, peak_device_memory_mb (NaN on a
    CPU), device_utilisation_percent (NaN where a GPU did not tell), kept (whether it was trained
    before), simulated. Raises InputError for a model of an older version.
    """
    names = (
        "fold", "seed", "threads", "tflop", "train_s", "signals_per_s", "kept", "simulated",
    )  # fmt: skip
    rows = []
    for description in read_descriptions(models):
        row = {"network": description["name"]} | {name: description[name] for name in names}
        rows.append(row | description["usage"])
    columns = [
        "network", "fold", "seed", "device", "threads", "tflop", "train_s", "signals_per_s",
        "peak_host_memory_mb", "peak_device_memory_mb", "device_utilisation_percent",
        "kept", "simulated",
    ]  # fmt: skip
    may_be_missing = ("tflop", "peak_device_memory_mb", "device_utilisation_percent")
    return pd.DataFrame(rows)[columns].astype(dict.fromkeys(may_be_missing, float))


def read_descriptions(models: Sequence[Path]) -> list[dict[str, Any]]:
    """The content of model.json files. Raises InputError for one of an older version."""
    descriptions = []
    for path in models:
        description = json.loads(Path(path).read_text(encoding="utf-8"))
        if not {"name", "usage", "kept", "tflop"} <= description.keys():
            raise InputError(
                f"{path} has not all of the keys name, usage, kept and tflop, which say what the "
                f"training took: an older version trained it; {remade_by(path)}"
            )
        descriptions.append(description)
    return descriptions


def network_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """A row per model: of its trainings the medians, and of memory the highest peaks.

    trainings: see `training_table`.
    """
    groups = trainings.groupby("network", sort=False)
    table = groups.agg(
        trainings=("seed", "size"),
        device=("device", lambda names: ", ".join(sorted(set(names)))),
        tflop=("tflop", "median"),
        train_s=("train_s", "median"),
        signals_per_s=("signals_per_s", "median"),
        peak_host_memory_mb=("peak_host_memory_mb", "max"),
        peak_device_memory_mb=("peak_device_memory_mb", "max"),
        device_utilisation_percent=("device_utilisation_percent", "median"),
    )
    return table.reset_index()


def gpus_by_rule(trainings: pd.DataFrame, predictions: Iterable[str]) -> dict[str, str]:
    """GPUs of the two rules that can have one; others have none.

    predictions: the device of each file of predictions, a GPU's name or "CPU".
    """
    devices = {"train": trainings["device"], "predict": predictions}
    return {
        rule: ", ".join(sorted(set(names) - {"CPU"})) or NO_GPU for rule, names in devices.items()
    }


def job_table(benchmarks: Mapping[str, Sequence[Path]], gpus: Mapping[str, str]) -> pd.DataFrame:
    """A row per rule, in the order of `benchmarks`.

    benchmarks: the benchmark files of all jobs of each rule. One may be missing: a file that
        an earlier workflow made has none.
    gpus: names of GPUs by rule; see `gpus_by_rule`.

    Columns: rule; jobs and, of them, measured_jobs; wall_s, summed over jobs, and
    longest_wall_s; cpu_s; load_percent, CPU time over wall time, 100 for one busy core;
    peak_memory_mb, the largest resident set of a job; gpu. What was not
    measured is NaN. Raises InputError for a file that is no benchmark file.
    """
    rows = []
    for rule, files in benchmarks.items():
        jobs = _read_benchmarks([Path(file) for file in files])
        sampled = jobs.dropna()
        rows.append(
            {
                "rule": rule,
                "jobs": len(files),
                "measured_jobs": len(jobs),
                "wall_s": jobs["wall_s"].sum(min_count=1),
                "longest_wall_s": jobs["wall_s"].max(),
                "cpu_s": sampled["cpu_s"].sum(min_count=1),
                "load_percent": _load_percent(sampled),
                "peak_memory_mb": sampled["peak_memory_mb"].max(),
                "gpu": gpus.get(rule, NO_GPU),
            }
        )
    return pd.DataFrame(rows).round(2)


def _read_benchmarks(files: Sequence[Path]) -> pd.DataFrame:
    """A row per file that exists, with the columns of BENCHMARK, NaN where not sampled."""
    rows = []
    for file in files:
        if file.is_file():
            try:
                rows.append(pd.read_csv(file, sep="\t", na_values="-")[list(BENCHMARK)].iloc[0])
            except (ValueError, KeyError, IndexError) as error:
                raise InputError(
                    f"{file} is not a benchmark file of Snakemake: expected a row with the "
                    f"columns {', '.join(BENCHMARK)}; without it its job counts as not measured"
                ) from error
    table = pd.DataFrame(rows, columns=list(BENCHMARK), dtype=float).rename(columns=BENCHMARK)
    table["peak_memory_mb"] *= MB_PER_UNIT
    return table


def _load_percent(jobs: pd.DataFrame) -> float:
    wall_s = jobs["wall_s"].sum()
    return 100 * jobs["cpu_s"].sum() / wall_s if wall_s > 0 else np.nan


def jobs_shown(table: pd.DataFrame) -> pd.DataFrame:
    """The job table as text, under headings of two levels, with a row of sums."""
    counts = [
        str(row.jobs) if row.measured_jobs == row.jobs else f"{row.measured_jobs} of {row.jobs}"
        for row in table.itertuples()
    ]
    shown = {
        ("", "rule"): table["rule"],
        ("", "jobs"): counts,
        ("wall time / s", "sum"): _texts(table["wall_s"]),
        ("wall time / s", "longest"): _texts(table["longest_wall_s"]),
        ("CPU", "time / s"): _texts(table["cpu_s"]),
        ("CPU", "load / %"): _texts(table["load_percent"], "{:.0f}"),
        ("memory", "peak / MB"): _texts(table["peak_memory_mb"], "{:.0f}"),
        ("", "GPU"): table["gpu"],
    }
    sums = dict.fromkeys(shown, "") | {
        ("", "rule"): ALL,
        ("", "jobs"): str(table["jobs"].sum()),
        ("wall time / s", "sum"): f"{table['wall_s'].sum():.1f}",
        ("CPU", "time / s"): f"{table['cpu_s'].sum():.1f}",
    }
    return pd.concat([pd.DataFrame(shown), pd.DataFrame([sums])], ignore_index=True)


def networks_shown(table: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """The table of models as text, under headings of two levels. titles: of models by name."""
    shown = {
        ("", "network"): table["network"].map(titles),
        ("", "trainings"): table["trainings"].astype(str),
        ("", "device"): table["device"],
        ("median", "TFLOP"): table["tflop"].map(three_digits),
        ("median", "time / s"): _texts(table["train_s"]),
        ("median", "signals / s"): _texts(table["signals_per_s"], "{:.0f}"),
        ("memory / MB", "host"): _texts(table["peak_host_memory_mb"], "{:.0f}"),
        ("memory / MB", "GPU"): _texts(table["peak_device_memory_mb"], "{:.0f}"),
        ("device", "in use / %"): _texts(table["device_utilisation_percent"], "{:.0f}"),
    }
    return pd.DataFrame(shown)


def latex(shown: pd.DataFrame) -> str:
    """What `jobs_shown` or `networks_shown` gave, as a complete tabular."""
    headings = [tuple(escape(name) for name in names) for names in shown.columns]
    return tabular(shown.map(escape).set_axis(headings, axis=1), rule_above=ALL) + "\n"


def markdown(shown: pd.DataFrame, note: str, simulated: bool) -> str:
    """The same to be read in a terminal, below a sentence that explains it."""
    headings = [", ".join(filter(None, names)) for names in shown.columns]
    table = shown.set_axis(headings, axis=1).to_markdown(index=False, disable_numparse=True)
    return f"{markdown_notice(simulated)}{note}\n\n{table}\n"


def _texts(values: pd.Series, form: str = "{:.1f}") -> list[str]:
    return [MISSING if np.isnan(value) else form.format(value) for value in values]
