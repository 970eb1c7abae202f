"""numbers.tex: every number that the paper's text cites, as a LaTeX macro."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.spatial.transform import Rotation

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.evaluation.published import read_published
from workflow.lib.orientation import misorientation_deg
from workflow.lib.report.budget import budget_sentence, thousands
from workflow.lib.report.provenance import short_commit
from workflow.lib.report.style.tabular import escape, three_digits
from workflow.lib.tokens import TOKENIZERS

# How the paper's macros begin, and what its text says: the baseline, and what is compared with it
PROSE = {"eulernet": "EulerNet", "sequencenet": "SequenceNet"}
ROLES = tuple(PROSE)

NOT_HERE = "--"  # for what a model of another class than the paper's does not have
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
    compared: Mapping[str, str],
) -> str:
    """The text of numbers.tex. Degrees have two decimals and no unit.

    compared: titles of the two models by name, the baseline first. Whatever their classes, the
    macros are those of ROLES.
    """
    facts = json.loads(provenance.read_text())
    descriptions: dict[str, list[dict[str, Any]]] = {name: [] for name in compared}
    for path in models:
        description = json.loads(Path(path).read_text())
        descriptions[description["name"]].append(description)
    rows = pd.read_csv(table).set_index("network")

    macros = _run(facts, fold, rows)
    for role, (name, title) in zip(ROLES, compared.items(), strict=True):
        macros |= _model(role, rows.loc[title], descriptions[name], pd.read_csv(scores))
    baseline, other = (of_seeds[0] for of_seeds in descriptions.values())
    for key in ("input", "encoder"):
        macros[ROLES[0] + key.capitalize()] = _phrase_of(baseline["architecture"], key)
    macros |= _writer(other["architecture"], fold)
    macros |= _published(read_published(published))
    macros |= _comparisons(pd.read_csv(comparison), dict(zip(compared, ROLES, strict=True)))
    macros["trainingBudgetSentence"] = budget_sentence(
        {title: descriptions[name] for name, title in compared.items()}
    )
    macros["comparedNote"] = compared_note(
        {title: descriptions[name][0]["network"] for name, title in compared.items()}
    )
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


def _model(
    role: str, row: pd.Series, descriptions: list[dict[str, Any]], scores: pd.DataFrame
) -> dict[str, str]:
    first, training = descriptions[0], descriptions[0]["training"]
    mine = scores[scores["network"] == first["name"]]
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
        "Epochs": str(training.get("epochs", NOT_HERE)),
        "Batch": str(training.get("batch", NOT_HERE)),
        "Optimizer": training.get("optimizer", NOT_HERE).capitalize(),
        "LearningRate": _scientific(training.get("learning_rate")),
        "MatrixRate": _scientific(_of_muon(training)),
        "Schedule": _schedule(training),
        "Precision": training.get("precision", NOT_HERE),
        "RollsPerEpoch": str(training.get("rolls_per_epoch", NOT_HERE)),
        "RollsTogether": str(training.get("rolls_together", NOT_HERE)),
        "SignalsSeen": thousands(first["signals_seen"]),
        "Tflop": NOT_HERE if first["tflop"] is None else three_digits(first["tflop"]),
        "Parameters": _count(first["parameters"]),
        "TrainMinutes": f"{np.mean([d['train_s'] for d in descriptions]) / 60:.1f}",
        "BestEpoch": _list([d["best_epoch"] for d in descriptions]),
        "ValidationMedian": f"{np.mean([d['validation_median_deg'] for d in descriptions]):.2f}",
    }
    return {role + name: value for name, value in values.items()}


def _of_muon(training: dict[str, Any]) -> float | None:
    """Muon's rate, where it is used."""
    return training["matrix_rate"] if training.get("optimizer") == "muon" else None


def _writer(architecture: dict[str, Any], fold: Path) -> dict[str, str]:
    """SequenceNet's choices, and what its tokenizer alone costs on the test orientations."""
    values = {
        "Cell": architecture.get("cell", NOT_HERE).upper(),
        "Layers": str(architecture.get("layers", 0)),  # TeX compares it with 1
        "Width": str(architecture.get("width", NOT_HERE)),
        "Encoder": _phrase_of(architecture, "encoder"),
        "Conditioning": _phrase_of(architecture, "conditioning"),
        "RollEmbedding": _phrase_of(architecture, "roll_embedding"),
        **_tokens(architecture.get("tokenizer"), fold),
    }
    return {ROLES[1] + name: value for name, value in values.items()}


def _tokens(name: str | None, fold: Path) -> dict[str, str]:
    if name is None:
        return dict.fromkeys(
            ("Tokenizer", "Length", "QuantisationMedian", "QuantisationMax"), NOT_HERE
        )
    tokenizer = TOKENIZERS[name]()
    reference = torch.from_numpy(read_fold(fold, ["test"])["test"].orientation)
    angles = misorientation_deg(tokenizer.decode(tokenizer.encode(reference))[0], reference)
    return {
        "Tokenizer": name,
        "Length": str(tokenizer.symbols),
        "QuantisationMedian": f"{angles.median().item():.3f}",
        "QuantisationMax": f"{angles.max().item():.3f}",
    }


def _phrase_of(architecture: dict[str, Any], key: str) -> str:
    return PHRASES[architecture[key]] if key in architecture else NOT_HERE


def _published(published: dict[str, Any]) -> dict[str, str]:
    macros = {}
    for origin, prefix in (("paper", "published"), ("released", "released")):
        for network, statistics in published[origin].items():
            for statistic, value in statistics.items():
                words = statistic.removesuffix("_deg").split("_")
                name = prefix + network.capitalize() + "".join(map(str.capitalize, words))
                macros[name] = f"{value:.2f}" if prefix == "released" else f"{value:.3f}"
    baseline, other = (published["paper"][role] for role in ROLES)
    for name, statistic in (("Plain", "median_deg"), ("Tta", "tta_median_deg")):
        reduction = 100 * (1 - other[statistic] / baseline["median_deg"])
        macros[f"publishedCompare{name}"] = phrase(reduction)
    return macros


def _comparisons(table: pd.DataFrame, roles: Mapping[str, str]) -> dict[str, str]:
    """roles: of the two models by name."""
    macros = {}
    for row in table.itertuples():
        if row.comparison.endswith("_gain"):
            macros[roles[row.comparison.removesuffix("_gain")] + "TtaGain"] = phrase(
                row.reduction_percent
            )
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


def compared_note(compared: Mapping[str, str]) -> str:
    """A sentence where the names in the paper's text do not fit, else nothing.

    compared: the class of each model by its title, the baseline first.
    """
    if list(compared.items()) == [(name, network) for network, name in PROSE.items()]:
        return ""
    pairs = zip(PROSE.values(), map(escape, compared), strict=True)
    called = " and ".join(f"what is called {name} is the model {title}" for name, title in pairs)
    strange = tuple(compared.values()) != ROLES
    rest = "; what is said of how the two are built does not hold for them" if strange else ""
    return rf"In this run {called}{rest}.\ "


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


def _schedule(training: dict[str, Any]) -> str:
    if training.get("schedule") != "one_cycle":
        return _phrase_of(training, "schedule")
    return rf"one-cycle (rising for {100 * training['warm_up']:g}\,\% of the steps)"


def _scientific(number: float | None) -> str:
    if number is None:
        return NOT_HERE
    mantissa, exponent = f"{number:.2e}".split("e")
    return rf"${float(mantissa):g}\times 10^{{{int(exponent)}}}$"


def _list(items: Sequence[Any]) -> str:
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
