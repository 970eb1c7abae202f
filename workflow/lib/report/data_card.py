"""The data card in words: warnings, a Markdown file, and macros for the paper's appendix."""

import re
import textwrap

import numpy as np
import pandas as pd

from workflow.lib.archive.intensity import LEVELS
from workflow.lib.data import convention_check as con
from workflow.lib.data.card import ALL, DataCard
from workflow.lib.data.leakage import NEAR_IDENTICAL, SAME_ORIENTATION_DEG
from workflow.lib.data.pole_figure import DENSITY_RADIUS_DEG
from workflow.lib.report.data_figure import SHOWN_DIRECTIONS
from workflow.lib.report.style.notice import markdown_notice
from workflow.lib.report.style.tabular import tabular

SHORT = {"training": "train.", "evaluation": "eval."}
SENSE_NAMES = {"+": "positive", "−": "negative"}
LIMITS = (
    "No data can tell ZYZ from Bunge's ZXZ in this way: they differ by 90° about the specimen "
    "normal, which commutes with rolls, and by 90° about a cube axis, which is a symmetry. For "
    "the first of these reasons a constant azimuth between the lamps and EBSD stays unseen, and "
    "a reversed roll equals a specimen frame of the other handedness."
)


def card_warnings(card: DataCard) -> list[str]:
    """What whoever uses the dataset has to know first, a clause each; often nothing."""
    warnings = [*card.warnings]
    found = _totals(card.leaks)
    copies = found["identical_other"] + found["near_other"]
    if copies:
        warnings.append(f"{copies} evaluation signals repeat training signals of other specimens")
    if found["orientation_other"]:
        warnings.append(
            f"{found['orientation_other']} evaluation signals have the orientation of a training "
            "signal of another specimen, which chance hardly explains"
        )
    if not con.expected_wins(card.conventions):
        warnings.append(
            f"{_name(con.EXPECTED)} is not what rolled neighbours fit best: the convention of the "
            "labels or the sense of the azimuth is in doubt"
        )
    if card.simulated and con.best_model(card.conventions) != con.EXPECTED:
        warnings.append(
            f"{_name(con.EXPECTED)} is not what the simulated signals fit best: their labels are "
            "not in the simulator's convention"
        )
    return warnings


def leak_sentences(leaks: pd.DataFrame) -> str:
    """How many evaluation signals are in training sets."""
    found = _totals(leaks)
    other, own = (
        _number(found[f"identical_{origin}"] + found[f"near_{origin}"])
        for origin in ("other", "own")
    )
    same_other, same_own = (_number(found[f"orientation_{origin}"]) for origin in ("other", "own"))
    searched = "All" if found["compared"] == found["signals"] else _number(found["compared"])
    highest = leaks["correlation_other"].max()
    text = (
        f"Of the {_number(found['signals'])} evaluation signals, {other} repeat a training signal "
        f"of another specimen and {own} one of their own; {same_other} share their orientation "
        f"with one of another specimen and {same_own} with one of their own. {searched} of them "
        "were correlated with every training signal."
    )
    if np.isfinite(highest):
        text += f" The most similar pair of different specimens reaches {highest:.3f}."
    return text


def convention_sentences(table: pd.DataFrame) -> str:
    """Which hypothesis wins, what ties with it, and by how much it is ahead."""
    median = table.set_index(["convention", "sense"])["median_deg"]
    best = con.winners(table)
    first = con.EXPECTED if con.EXPECTED in best else best[0]
    tied = [_name(hypothesis) for hypothesis in best if hypothesis != first]
    rest = median.drop(best)
    text = f"Rolled neighbours agree best under {_name(first)}: a median of {median[first]:.1f}°"
    text += f", the same as under {' and '.join(tied)}. " if tied else ". "
    if rest.empty:
        text += "They set no hypothesis apart."
    else:
        text += f"The next hypothesis, {_name(rest.idxmin())}, has {rest.min():.1f}°."
    if first != con.EXPECTED:
        text += f" {_name(con.EXPECTED)}, expected here, has {median[con.EXPECTED]:.1f}°."
    return text


def model_sentence(table: pd.DataFrame) -> str:
    """What the simulator says of its own signals; empty for measured ones."""
    if table["model"].isna().all():
        return ""
    model = table.set_index(["convention", "sense"])["model"]
    bunge = ("ZXZ", con.EXPECTED[1])
    return (
        "The simulator knows the frame of its lamps: its signals and those it expects of their "
        f"labels have a mean correlation of {model[con.EXPECTED]:.2f} under {_name(con.EXPECTED)} "
        f"and of {model[bunge]:.2f} under {_name(bunge)}."
    )


def card_markdown(card: DataCard) -> str:
    """The whole card, to be read in a terminal or a browser."""
    densities = card.textures.map("{:.2f}".format).reset_index(names="specimen")
    parts = [
        "# Data card",
        f"{markdown_notice(card.simulated)}Source: {card.source}; "
        f"SHA-256 of the ingested files {card.sha256}.",
        *(f"**Warning:** {warning}." for warning in card_warnings(card)),
        "## Signals",
        f"Orientations that agree within {SAME_ORIENTATION_DEG}° count once: they are grains, "
        "where each grain has one orientation. `constant` signals have one value everywhere. "
        "`at 0` and `at 255` are shares of the pixels, `median` is the median pixel.",
        _markdown(_sets_shown(card.sets)),
        "## Orientations",
        "Lowest and highest density of the specimen normal in the crystal's standard triangle, "
        f"within {DENSITY_RADIUS_DEG}° of a direction, in multiples of a random distribution.",
        _markdown(densities),
        "## Evaluation signals that are in training sets",
        leak_sentences(card.leaks),
        "Columns count the evaluation signals that the training sets of other specimens hold "
        "(`other`, a leak) or that of their own (`own`, none: no fold trains on its test "
        "specimen). identical: in every byte; near: of those compared, not identical, but with a "
        f"correlation of {NEAR_IDENTICAL} or more; orientation: within {SAME_ORIENTATION_DEG}°; "
        "correlation: the highest of any. Signals are compared without rolls.",
        _markdown(_leaks_shown(card.leaks)),
        "## Euler convention and sense of the azimuth",
        f"{convention_sentences(card.conventions)} {model_sentence(card.conventions)}",
        f"Each of {card.conventions['signals'].max()} signals is paired with the one most like it "
        f"after a roll, {con.SMALLEST_ROLL_DEG:g}° or more from 0° and 180°. The table has the "
        "median misorientation between the turned orientation and the other over the best-matching "
        f"{con.BEST_SHARE:.0%} of the pairs, for rolls of positive and of negative sense; random "
        f"pairs have {con.CHANCE_DEG}°.",
        LIMITS,
        _markdown(_conventions_shown(card.conventions)),
    ]
    lines = [
        part if part.startswith(("|", "#")) else textwrap.fill(part, 100, break_on_hyphens=False)
        for part in parts
    ]
    return "\n\n".join(lines) + "\n"


def card_latex(card: DataCard) -> str:
    """The same as macros: numbers, sentences and complete tabulars for one page."""
    macros = {
        "cardSameOrientation": f"{SAME_ORIENTATION_DEG:g}",
        "cardDensityRadius": f"{DENSITY_RADIUS_DEG:g}",
        "cardShownDirections": str(SHOWN_DIRECTIONS),
        "cardNearIdentical": f"{NEAR_IDENTICAL:g}",
        "cardPairs": str(card.conventions["signals"].max()),
        "cardSmallestRoll": f"{con.SMALLEST_ROLL_DEG:g}",
        "cardBestPercent": f"{100 * con.BEST_SHARE:g}",
        "cardEvaluation": _thousands(_totals(card.leaks)["signals"]),
        "cardCompared": _thousands(_totals(card.leaks)["compared"]),
        "cardConventionSentences": _tex(convention_sentences(card.conventions)),
        "cardSpecimenTable": _tex(tabular(_specimens_shown(card), rule_above=ALL)),
        "cardLeakTable": _tex(tabular(_leak_totals_shown(card.leaks))),
        "cardConventionTable": _tex(tabular(_conventions_shown(card.conventions))),
    }
    lines = [rf"\newcommand{{\{name}}}{{{value}}}" for name, value in macros.items()]
    return "\n".join(["% Written by the rule `describe`.", *lines]) + "\n"


def _name(hypothesis: tuple[str, str]) -> str:
    convention, sense = hypothesis
    return f"{convention} with {SENSE_NAMES[sense]} rolls"


def _totals(leaks: pd.DataFrame) -> pd.Series:
    return leaks.select_dtypes("integer").sum()


def _number(count: int) -> str:
    return str(count or "none")


def _thousands(count: int) -> str:
    return f"{count:,}".replace(",", r"\,") if count >= 10_000 else str(count)


def _sets_shown(sets: pd.DataFrame) -> pd.DataFrame:
    shares = {"at_zero": "at 0 / %", "at_full": "at 255 / %"}
    shown = sets.rename(columns=shares)
    return shown.assign(**{name: _percent(shown[name]) for name in shares.values()})


def _leaks_shown(leaks: pd.DataFrame) -> pd.DataFrame:
    correlations = ["correlation_other", "correlation_own"]
    shown = leaks.assign(**{name: leaks[name].map(_correlation) for name in correlations})
    return shown.rename(columns=lambda name: name.replace("_", ", "))


def _conventions_shown(table: pd.DataFrame) -> pd.DataFrame:
    """A row per convention; medians under either sense, then correlations with the model."""
    quantities = {"median_deg": ("median / °", "{:.1f}"), "model": ("simulator", "{:.2f}")}
    shown = {("", "convention"): table["convention"].unique()}
    for column, (heading, form) in quantities.items():
        for sense in con.SENSES:
            values = table.loc[table["sense"] == sense, column]
            if values.notna().all():
                shown[(heading, sense)] = values.map(form.format).to_list()
    return pd.DataFrame(shown)


def _specimens_shown(card: DataCard) -> pd.DataFrame:
    """A row per specimen, and one of all: counts by set, saturation, density of normals."""
    by_set = card.sets.pivot(index="specimen", columns="set")
    counts = pd.DataFrame(
        {
            (what, short): by_set[what, kind]
            for what in ("signals", "orientations")
            for kind, short in SHORT.items()
        }
    )
    counts = counts.fillna(0).astype(int)
    counts.loc[ALL] = counts.sum()
    share = pd.DataFrame(card.histograms).T
    measures = {
        ("pixels / %", "at 0"): _percent(share[0]),
        ("pixels / %", "at 255"): _percent(share[LEVELS - 1]),
        ("density", "min."): card.textures["lowest"].map("{:.2f}".format),
        ("density", "max."): card.textures["highest"].map("{:.2f}".format),
    }
    shown = pd.concat([counts.astype(str), pd.DataFrame(measures)], axis=1)
    shown.insert(0, ("", "specimen"), shown.index)
    return shown


def _leak_totals_shown(leaks: pd.DataFrame) -> pd.DataFrame:
    """Two rows: what the training sets of other specimens hold, and those of the same."""
    found = _totals(leaks)
    rows = [
        {
            ("", "training set"): f"of {whose}",
            ("", "copies"): str(found[f"identical_{origin}"] + found[f"near_{origin}"]),
            ("", "orient."): str(found[f"orientation_{origin}"]),
            ("", "max. $r$"): _correlation(leaks[f"correlation_{origin}"].max()),
        }
        for origin, whose in (("other", "others"), ("own", "the same"))
    ]
    return pd.DataFrame(rows)


def _correlation(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "–"


def _percent(share: pd.Series) -> pd.Series:
    return (100 * share).map("{:.2f}".format)


def _markdown(table: pd.DataFrame) -> str:
    if table.columns.nlevels > 1:
        table = table.set_axis([", ".join(filter(None, names)) for names in table.columns], axis=1)
    return table.to_markdown(index=False, disable_numparse=True)


def _tex(text: str) -> str:
    """Degrees, minus and per cent signs as LaTeX has them."""
    text = re.sub(r"([\d.]+)°", r"\\dg{\1}", text)
    return text.replace("°", r"$^\circ$").replace("−", "$-$").replace("%", r"\%")
