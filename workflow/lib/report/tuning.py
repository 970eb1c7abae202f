"""The search for settings: what candidates reach on validation signals, and what that costs."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from workflow.lib.report.jobs import read_descriptions
from workflow.lib.report.provenance import short_commit
from workflow.lib.report.style.figures import finish, styled
from workflow.lib.report.style.notice import SIMULATED_NOTE, markdown_notice
from workflow.lib.report.style.tabular import escape, three_digits
from workflow.lib.runtime.files import InputError

EXPLANATION = (
    "Validation medians in degrees, mean ± half the range over trainings, against arithmetic "
    "(matrix products and convolutions of all steps) and time of a training, both medians. A "
    "candidate is on the frontier unless another of its network is at least as good and cheaper, "
    "or better and at most as dear. Test signals take no part."
)
COLUMNS = [
    "network", "candidate", "title", "fold", "seed", "validation_median_deg", "best_epoch", "tflop",
    "train_s", "precision", "device", "processor", "threads", "torch", "kept", "simulated",
    "commit", "date",
]  # fmt: skip
RECORD = "expected results/tune/tuning.csv as `make tune` writes it"
Settings = Mapping[str, Any]  # of a model: architecture and training as the config has them


def candidate_trainings(
    models: Sequence[Path], titles: Mapping[str, str], code: Mapping[str, Any]
) -> pd.DataFrame:
    """A row per training, from the model.json files.

    titles: of the candidates by name. code: see `workflow.lib.runtime.checkout.code_version`.
    Columns: network (the class), candidate (the model's name), title, fold, seed,
    validation_median_deg (of the epoch that was kept), best_epoch, tflop, train_s, precision,
    device, processor, threads, torch, kept (whether it was trained before), simulated, commit,
    date (today's, UTC). Raises InputError for a model of an older version.
    """
    commit = short_commit(code["commit"]) + " with changes" * bool(code["uncommitted_changes"])
    names = (
        "fold", "seed", "validation_median_deg", "best_epoch", "tflop", "train_s", "device",
        "processor", "threads", "torch", "kept", "simulated",
    )  # fmt: skip
    rows = [
        {
            "network": description["network"],
            "candidate": description["name"],
            "title": titles[description["name"]],
        }
        | {name: description[name] for name in names}
        | {"precision": description["training"]["precision"]}
        | {"commit": commit, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        for description in read_descriptions(models)
    ]
    return pd.DataFrame(rows)[COLUMNS]


def read_search(csv: Path) -> pd.DataFrame:
    """The rows that `candidate_trainings` made once, from a file that `make tune` wrote.

    Raises InputError for a file with other columns.
    """
    try:
        trainings = pd.read_csv(csv, dtype={"commit": str, "torch": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{csv} is no CSV of a search ({error}); {RECORD}") from error
    missing = [name for name in COLUMNS if name not in trainings]
    if missing or trainings.empty:
        found = f"no column {missing[0]}" if missing else "no rows"
        raise InputError(f"{csv} has {found}; {RECORD}")
    return trainings


def candidate_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """A row per candidate, by network and arithmetic. trainings: see `candidate_trainings`.

    Columns: network, candidate, title, trainings (their number), mean_deg and half_range_deg of the
    validation medians, tflop and train_s (medians), frontier.
    """
    table = trainings.groupby(["network", "candidate", "title"], sort=False).agg(
        trainings=("seed", "size"),
        mean_deg=("validation_median_deg", "mean"),
        half_range_deg=("validation_median_deg", lambda values: np.ptp(values) / 2),
        tflop=("tflop", "median"),
        train_s=("train_s", "median"),
    )
    table = table.reset_index().sort_values(["network", "tflop", "mean_deg"], ignore_index=True)
    parts = [on_frontier(mine["tflop"], mine["mean_deg"]) for _, mine in table.groupby("network")]
    return table.assign(frontier=np.concatenate(parts))


def on_frontier(cost: Sequence[float], error: Sequence[float]) -> np.ndarray:
    """Whether nothing else is at least as cheap and as good, and cheaper or better: bool (n,)."""
    cost, error = np.asarray(cost), np.asarray(error)
    as_good = (cost <= cost[:, None]) & (error <= error[:, None])  # the column as the row
    better = (cost < cost[:, None]) | (error < error[:, None])
    return ~(as_good & better).any(1)


def differences(settings: Settings, first: Settings) -> str:
    """The settings that are others than in `first`, with their keys in the config."""
    mine, its = _flat(settings), _flat(first)
    changed = {key: value for key, value in mine.items() if key not in its or its[key] != value}
    return _text(changed)


def tuning_markdown(
    trainings: pd.DataFrame, networks: Mapping[str, str], settings: Mapping[str, Settings]
) -> str:
    """The table of candidates, below what it says and where, when and by which code it was made.

    networks: titles of the classes. settings: of the candidates by name, as the config orders them.
    Below the table are the settings of the first candidate of each network, from which the others'
    differences are told.
    """
    table = candidate_table(trainings)
    titles = dict(zip(table["candidate"], table["title"], strict=True))
    of_network = dict(zip(table["candidate"], table["network"], strict=True))
    first: dict[str, str] = {}
    for name in settings:
        if name in of_network:
            first.setdefault(of_network[name], name)
    rows = [
        {
            "network": networks[row.network],
            "candidate": row.title,
            "differs from the first in": differences(
                settings[row.candidate], settings[first[row.network]]
            )
            or "(the first)",
            "trainings": row.trainings,
            "validation median / °": _mean(row.mean_deg, row.half_range_deg, row.trainings),
            "TFLOP": three_digits(row.tflop),
            "time / s": f"{row.train_s:.0f}",
            "frontier": "yes" if row.frontier else "",
        }
        for row in table.itertuples()
    ]
    lines = [
        f"{markdown_notice(trainings['simulated'].any())}{EXPLANATION} {origin(trainings)}",
        pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True),
        *(
            f"{networks[network]}, the first ({titles[name]}): {_text(_flat(settings[name]))}."
            for network, name in first.items()
        ),
    ]
    return "\n\n".join(lines) + "\n"


def origin(trainings: pd.DataFrame) -> str:
    """Which trainings these are, on what machine, by which versions, and when."""
    processors, devices = _values(trainings["processor"]), _values(trainings["device"])
    machine = processors if devices == "CPU" else f"{devices} beside {processors}"
    return (
        f"Folds: {_values(trainings['fold'])}; seeds: {_values(trainings['seed'])}; {machine}; "
        f"threads of a training: {_values(trainings['threads'])}; computed in "
        f"{_values(trainings['precision'])} by PyTorch {_values(trainings['torch'])}; commit "
        f"{_values(trainings['commit'])}; {_values(trainings['date'])}."
    )


def origin_latex(trainings: pd.DataFrame) -> str:
    """`origin` as text for the paper, below a notice if these are simulated data."""
    notice = rf"\textcolor{{notice}}{{\textbf{{{SIMULATED_NOTE}.}}}} "
    return notice * bool(trainings["simulated"].any()) + escape(origin(trainings)) + "%\n"


def plot_candidates(
    trainings: pd.DataFrame, networks: Mapping[str, str], style: Path, figures: Sequence[Path]
) -> None:
    """Validation median against arithmetic: small dots are trainings, large ones their means.

    The large ones have numbers, which the legend explains; a line joins those on the frontier.
    """
    with styled(style):
        figure = Figure(figsize=(6.6, 4.2), layout="constrained")
        axes = figure.subplots()
        table = candidate_table(trainings)
        for index, (network, mine) in enumerate(table.groupby("network")):
            colour, all_of_it = f"C{index}", trainings[trainings["network"] == network]
            axes.plot(all_of_it["tflop"], all_of_it["validation_median_deg"], ".", ms=3, c=colour)
            best = mine[mine["frontier"]]
            axes.plot(
                best["tflop"], best["mean_deg"], "-", lw=0.8, c=colour, label=networks[network]
            )
            for row in mine.itertuples():
                name = f"{row.Index + 1}  {row.title}"
                axes.plot(row.tflop, row.mean_deg, "o", ms=9, c=colour, label=name)
                axes.annotate(
                    str(row.Index + 1), (row.tflop, row.mean_deg), color="white", fontsize=6,
                    ha="center", va="center_baseline",
                )  # fmt: skip
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())  # 10 and 20, not powers
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        axes.set_xlabel("arithmetic of a training / TFLOP")
        axes.set_ylabel("validation median / °")
        figure.legend(loc="outside right center", fontsize=7)
        finish(figure, bool(trainings["simulated"].any()), figures)


def _flat(settings: Settings) -> dict[str, Any]:
    return {**settings["architecture"], **settings["training"]}


def _text(values: Mapping[str, Any]) -> str:
    """Keys with values as YAML has them."""
    return ", ".join(
        f"{key} {value if isinstance(value, str) else json.dumps(value)}"
        for key, value in values.items()
    )


def _mean(mean: float, half_range: float, n: int) -> str:
    return f"{mean:.2f} ± {half_range:.2f}" if n > 1 else f"{mean:.2f}"


def _values(column: pd.Series) -> str:
    return ", ".join(str(value) for value in sorted(column.unique()))
