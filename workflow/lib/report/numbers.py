"""numbers.tex: every number that the paper's text cites, as a LaTeX macro."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.spatial.transform import Rotation

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.evaluation.published import read_published
from workflow.lib.evaluation.scores import DISPLAY_NAMES
from workflow.lib.orientation import misorientation_deg
from workflow.lib.report.provenance import short_commit
from workflow.lib.report.style.tabular import escape
from workflow.lib.tokens import TOKENIZERS

PHRASES = {
    "constant": "constant",
    "thirds": "divided by ten after each third",
    "initial_state": "as the initial state of every layer",
    "every_step": "at every step",
    "published": "pads both ends of the azimuth with zeros, as published",
    "equivariant": "joins both ends of the azimuth",
    "scaled": "divided by 255",
    "standardised": "standardised like SequenceNet's",
    True: "with",
    False: "without",
}


def numbers_tex(
    scores: Path,
    table: Path,
    comparison: Path,
    provenance: Path,
    fold: Path,
    models: Sequence[Path],
    published: Path,
) -> str:
    """The text of numbers.tex. Degrees have two decimals and no unit."""
    facts = json.loads(provenance.read_text())
    descriptions: dict[str, list[dict[str, Any]]] = {network: [] for network in DISPLAY_NAMES}
    for path in models:
        description = json.loads(Path(path).read_text())
        descriptions[description["network"]].append(description)
    rows = pd.read_csv(table).set_index("network")

    macros = _run(facts, fold, rows)
    for network, display in DISPLAY_NAMES.items():
        macros |= _network(network, rows.loc[display], descriptions[network], pd.read_csv(scores))
    macros["eulernetInput"] = PHRASES[descriptions["eulernet"][0]["architecture"]["input"]]
    macros |= _writer(descriptions["sequencenet"][0], fold)
    macros |= _published(read_published(published))
    macros |= _comparisons(pd.read_csv(comparison))
    macros["trainingBudgetSentence"] = budget_sentence(descriptions)
    flag = "true" if facts["simulated"] else "false"
    lines = ["% Written by the rule `numbers`.", r"\newif\ifsimulated", rf"\simulated{flag}"]
    lines += [rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros.items()]
    return "\n".join(lines) + "\n"


def _run(facts: dict[str, Any], fold: Path, rows: pd.DataFrame) -> dict[str, str]:
    config = facts["config"]
    parts, attributes = read_fold(fold), read_attributes(fold)
    size = {name: _count(len(part.signals)) for name, part in parts.items()}
    return {
        "runName": escape(config["run"]),
        "dataSource": escape(_with_article(str(attributes["source"]))),
        "nSpecimens": str(config["specimens"]),
        "testSpecimen": str(int(attributes["fold"])),
        "nTraining": size["train"],
        "nValidation": size["validation"],
        "nTest": size["test"],
        "validationPercent": f"{100 * config['validation']['share']:g}",
        "nFolds": str(len(config["folds"])),
        "nSeeds": str(len(config["seeds"])),
        "foldList": _list(config["folds"]),
        "seedList": _list(config["seeds"]),
        "bootstrapResamples": _count(config["bootstrap_resamples"]),
        "chanceMedian": f"{chance_median_deg(parts['test'].orientation):.1f}",
        "deviceName": escape(_list(facts["devices"])),
        "torchVersion": escape(facts["versions"]["torch"]),
        "commit": escape(short_commit(facts["commit"])),
    }


def _network(
    network: str, row: pd.Series, descriptions: list[dict[str, Any]], scores: pd.DataFrame
) -> dict[str, str]:
    first, training = descriptions[0], descriptions[0]["training"]
    mine = scores[scores["network"] == network]
    mine = mine[mine["fold"] == first["fold"]]
    values = {
        "Median": f"{row['median_deg']:.2f}",
        "MedianLow": f"{row['median_low_deg']:.2f}",
        "MedianHigh": f"{row['median_high_deg']:.2f}",
        "Mean": f"{row['mean_deg']:.2f}",
        "TtaMedian": f"{row['tta_median_deg']:.2f}",
        "TtaMedianLow": f"{row['tta_median_low_deg']:.2f}",
        "TtaMedianHigh": f"{row['tta_median_high_deg']:.2f}",
        "TtaMean": f"{row['tta_mean_deg']:.2f}",
        "InvalidPercent": f"{100 * mine['n_invalid'].sum() / mine['n'].sum():.1f}",
        "InvalidTtaPercent": f"{100 * mine['n_tta_invalid'].sum() / mine['n'].sum():.1f}",
        "Epochs": str(training["epochs"]),
        "Batch": str(training["batch"]),
        "LearningRate": _scientific(training["learning_rate"]),
        "Schedule": _schedule(training),
        "Precision": training["precision"],
        "RollsPerEpoch": str(training["rolls_per_epoch"]),
        "SignalsSeen": _thousands(first["signals_seen"]),
        "Parameters": _count(first["parameters"]),
        "TrainMinutes": f"{np.mean([d['train_s'] for d in descriptions]) / 60:.1f}",
        "BestEpoch": _list([d["best_epoch"] for d in descriptions]),
        "ValidationMedian": f"{np.mean([d['validation_median_deg'] for d in descriptions]):.2f}",
    }
    return {network + name: value for name, value in values.items()}


def _writer(description: dict[str, Any], fold: Path) -> dict[str, str]:
    """SequenceNet's choices, and what its tokenizer alone costs on the test orientations."""
    architecture = description["architecture"]
    tokenizer = TOKENIZERS[architecture["tokenizer"]]()
    reference = torch.from_numpy(read_fold(fold, ["test"])["test"].orientation)
    angles = misorientation_deg(tokenizer.decode(tokenizer.encode(reference))[0], reference)
    values = {
        "Tokenizer": architecture["tokenizer"],
        "Length": str(tokenizer.symbols),
        "Cell": architecture["cell"].upper(),
        "Layers": str(architecture["layers"]),
        "Width": str(architecture["width"]),
        "Encoder": PHRASES[architecture.get("encoder", "published")],
        "Conditioning": PHRASES[architecture["conditioning"]],
        "RollEmbedding": PHRASES[architecture["roll_embedding"]],
        "QuantisationMedian": f"{angles.median().item():.3f}",
        "QuantisationMax": f"{angles.max().item():.3f}",
    }
    return {"sequencenet" + name: value for name, value in values.items()}


def _published(published: dict[str, Any]) -> dict[str, str]:
    macros = {}
    for origin, prefix in (("paper", "published"), ("released", "released")):
        for network, statistics in published[origin].items():
            for statistic, value in statistics.items():
                words = statistic.removesuffix("_deg").split("_")
                name = prefix + network.capitalize() + "".join(map(str.capitalize, words))
                macros[name] = f"{value:.2f}" if prefix == "released" else f"{value:.3f}"
    paper = published["paper"]
    baseline = paper["eulernet"]["median_deg"]
    for name, statistic in (("Plain", "median_deg"), ("Tta", "tta_median_deg")):
        reduction = 100 * (1 - paper["sequencenet"][statistic] / baseline)
        macros[f"publishedCompare{name}"] = phrase(reduction)
    return macros


def _comparisons(table: pd.DataFrame) -> dict[str, str]:
    macros = {}
    for row in table.itertuples():
        if row.comparison.endswith("_gain"):
            macros[row.comparison.replace("_gain", "TtaGain")] = phrase(row.reduction_percent)
            continue
        name = "compare" + row.comparison.capitalize()
        low, high = row.low_percent, row.high_percent
        macros[name] = phrase(row.reduction_percent)
        macros[name + "Interval"] = rf"${_finite(low)}$ to ${_finite(high)}$\,\%"
        macros[name + "Verdict"] = "includes zero" if low <= 0 <= high else "excludes zero"
    return macros


def phrase(reduction_percent: float) -> str:
    """A reduction in words: "33.1 % lower", or higher, as it came out."""
    if np.isinf(reduction_percent):  # of a median of zero
        return "infinitely higher"
    direction = "lower" if reduction_percent >= 0 else "higher"
    return rf"{abs(reduction_percent):.1f}\,\% {direction}"


def _finite(percent: float) -> str:
    return r"-\infty" if np.isinf(percent) else f"{percent:.1f}"


def budget_sentence(descriptions: dict[str, list[dict[str, Any]]]) -> str:
    """Whether both networks were trained on equal budgets, as a sentence."""
    euler, sequence = descriptions["eulernet"][0], descriptions["sequencenet"][0]
    ratio = np.mean([d["train_s"] for d in descriptions["sequencenet"]])
    ratio /= np.mean([d["train_s"] for d in descriptions["eulernet"]])
    epochs = euler["training"]["epochs"], sequence["training"]["epochs"]
    seen = euler["signals_seen"], sequence["signals_seen"]
    if epochs[0] == epochs[1] and seen[0] == seen[1]:
        budget = (
            f"Both networks had the same budget of {epochs[0]} epochs and "
            f"{_thousands(seen[0])} signals"
        )
    else:
        budget = (
            f"The budgets differ: EulerNet had {epochs[0]} epochs and saw {_thousands(seen[0])} "
            f"signals, SequenceNet had {epochs[1]} and saw {_thousands(seen[1])}"
        )
    return f"{budget}; training SequenceNet took {ratio:.2f} times as long as training EulerNet."


def chance_median_deg(orientation: np.ndarray) -> float:
    """Median misorientation of each test orientation from a uniformly random answer."""
    rng = np.random.default_rng(0)
    guesses = Rotation.random(100 * len(orientation), rng=rng).as_quat(scalar_first=True)
    guesses = torch.from_numpy(guesses).view(100, -1, 4)
    return misorientation_deg(guesses, torch.from_numpy(orientation)).median().item()


def _with_article(source: str) -> str:
    """A source's name in the middle of a sentence: the simulated benchmark, but Mendeley Data."""
    return source if source[0].isupper() else f"the {source}"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", r"\,") if number >= 10_000 else str(number)


def _thousands(number: int) -> str:
    if number < 10_000:
        return str(number)
    return f"{number / 1e6:.2f} million" if number >= 1e6 else f"{number / 1e3:.0f} thousand"


def _schedule(training: dict[str, Any]) -> str:
    if training["schedule"] != "one_cycle":
        return PHRASES[training["schedule"]]
    return rf"one-cycle (rising for {100 * training['warm_up']:g}\,\% of the steps)"


def _scientific(number: float) -> str:
    mantissa, exponent = f"{number:.2e}".split("e")
    return rf"${float(mantissa):g}\times 10^{{{int(exponent)}}}$"


def _list(items: Sequence[Any]) -> str:
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
