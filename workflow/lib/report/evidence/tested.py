"""What the record says of seams, spellings, budgets, views and the original's statements."""

from collections.abc import Sequence

import numpy as np

from workflow.lib.report.evidence.claims import HELD, NOT_HELD, UNDECIDED, UNTESTED
from workflow.lib.report.evidence.record import Record, Row
from workflow.lib.report.evidence.words import (
    ALIKE,
    HIGHER,
    LOWER,
    NOT_HERE,
    counted,
    degrees,
    difference,
    listed,
    relation,
    title,
    with_interval,
)
from workflow.lib.report.style.tabular import three_digits

NAMES = {  # of the statements, to stand in a list
    "median": "a lower median",
    "tta": "a lower median with TTA on one side",
    "tta_both": "a lower median with TTA on both",
    "outliers": "fewer outliers",
    "tail": "a shorter tail",
    "compact": "a more compact histogram",
    "several": "several orientations where several are valid",
    "autoregression": "autoregression as the cause",
}
ENDS = ("low", "high")
TOLERANCE = 0.05  # of an error: fewer views that come as near are enough


def seams(record: Record) -> str:
    return _near_far(record, "euler_seam", "a seam of the Euler angles")


def own_seams(record: Record) -> str:
    return _near_far(record, "own_seam", "a seam that the network itself has chosen")


def faces(record: Record) -> str:
    return _near_far(record, "zone_face", "a face of the fundamental zone")


def spellings(record: Record) -> str:
    """Whether wrong answers of the writer that is compared are mixed from two spellings."""
    rows = {
        row.text("statistic"): row
        for row in record.rows("spellings.csv", network=record.writer)
        if np.isfinite(row.values["value"])
    }
    writer = title(record, record.writer)
    if not {"far", "mixed", "chance", "excess"} <= rows.keys():
        return f"Mixed spellings of {writer} are {NOT_HERE}."
    far, mixed, chance = (100 * rows[name].number("value") for name in ("far", "mixed", "chance"))
    low, high = (100 * rows["excess"].number(end) for end in ("low", "high"))
    said = "more than" if low > 0 else "less than" if high < 0 else "not distinguishable from what"
    return (
        rf"Of {writer}'s answers {far:.1f}\,\% are further than \dg{{10}} off. Of these "
        rf"{mixed:.1f}\,\% are mixed from two spellings, {said} chance would give "
        rf"({chance:.1f}\,\%; excess ${low:.1f}$ to ${high:.1f}$ points)."
    )


def budget(record: Record) -> str:
    """The two models compared at each budget that both have."""
    found = {name: _by_budget(record, name) for name in (record.baseline, record.writer)}
    first, second = found.values()
    if len(first) < 2 or len(first) != len(second):
        return f"Budgets other than the one of Table~\\ref{{tab:controls}} are {NOT_HERE}."
    budgets = [three_digits(row.number("tflop")) for row in second]
    titles = [title(record, name) for name in found]
    values = [[degrees(row.number("value")) for row in rows] for rows in found.values()]
    pairs = list(zip(first, second, strict=True))
    lower = sum(b.number("value") < a.number("value") for a, b in pairs)
    known = [
        (a, b)
        for a, b in pairs
        if all(np.isfinite(row.values[end]) for row in (a, b) for end in ENDS)
    ]
    apart = sum(
        b.number("high") < a.number("low") or b.number("low") > a.number("high") for a, b in known
    )
    return (
        f"With {listed(budgets)} TFLOP, medians with TTA are {listed(values[0])} for {titles[0]} "
        f"and {listed(values[1])} for {titles[1]}, which is lower at {lower} of {len(pairs)} "
        f"budgets; intervals, known at {len(known)} of them, are apart at {apart}."
        + _budgets_of(record, record.best_without_writing())
    )


def _budgets_of(record: Record, name: str | None) -> str:
    """What a model has at each of its budgets, if it has several."""
    rows = _by_budget(record, name) if name else []
    if len(rows) < 2:
        return ""
    budgets = listed([three_digits(row.number("tflop")) for row in rows])
    values = listed([degrees(row.number("value")) for row in rows])
    return f" {title(record, name)}, the best control by validation, has {values} with {budgets}."


def views(record: Record) -> str:
    """What one view, few and all 72 come to, by the medoid, of each model whose views are known."""
    texts = []
    for name in _viewed(record):
        by_views = _of_views(record, name, decision="medoid", statistic="median_deg")
        if len(by_views) < 2:
            return f"Views other than one and 72 are {NOT_HERE}."
        fewest, most = min(by_views), max(by_views)
        enough = min(c for c, mean in by_views.items() if mean <= (1 + TOLERANCE) * by_views[most])
        texts.append(
            f"from {degrees(by_views[fewest])} to {degrees(by_views[most])} for "
            f"{title(record, name)} (from {enough} views on)"
        )
    if not texts:
        return f"Views other than one and 72 are {NOT_HERE}."
    return (
        f"With {most} views in place of {fewest} and the medoid of their answers, medians go "
        rf"{listed(texts)}; in brackets, from how many views on they are within "
        rf"{100 * TOLERANCE:.0f}\,\% of the latter."
    )


def decisions(record: Record) -> str:
    """What other decisions than the medoid make of 72 views, by mean errors."""
    words = {
        "medoid": "the medoid",
        "symmetric_mean": "a mean under symmetry",
        "least_expected": "the least expected misorientation",
    }
    texts = []
    for name in _viewed(record):
        means = [
            _of_views(record, name, decision=decision, statistic="mean_deg") for decision in words
        ]
        if all(means):
            most = max(means[0])
            texts.append(
                f"{listed([degrees(mean[most]) for mean in means])} for {title(record, name)}"
            )
    if not texts:
        return f"Other decisions than the medoid are {NOT_HERE}."
    return (
        f"Mean errors with {most} views by {listed(list(words.values()))} are {'; '.join(texts)}."
    )


def _viewed(record: Record) -> list[str]:
    """The models whose views are known."""
    return list(dict.fromkeys(row.text("network") for row in record.rows("views.csv")))


def _of_views(record: Record, name: str, **keys: str) -> dict[int, float]:
    """Means over seeds on the table's fold, by the number of views, the smallest first."""
    found: dict[int, list[float]] = {}
    for row in record.rows("views.csv", network=name, **keys):
        if int(row.values["fold"]) == record.origin["fold"]:
            found.setdefault(int(row.values["views"]), []).append(row.number("value"))
    return {count: float(np.mean(values)) for count, values in sorted(found.items())}


def claims(record: Record) -> str:
    """How many statements held, and which."""
    found = _verdicts(record)
    if not found:
        return f"The statements' tests are {NOT_HERE}."
    texts = [
        f"{_said(verdict, len(names))} ({listed([NAMES[name] for name in names])})"
        for verdict in (HELD, NOT_HELD, UNDECIDED, UNTESTED)
        if (names := [name for name, its in found.items() if its == verdict])
    ]
    return f"Of {counted(len(found), 'statement')}, {listed(texts)}."


def conclusion(record: Record) -> str:
    """How many statements held, and whether it is the writing, with the numbers."""
    found = list(_verdicts(record).values())
    counts = [
        _said(verdict, found.count(verdict))
        for verdict in (HELD, NOT_HELD, UNDECIDED, UNTESTED)
        if verdict in found
    ]
    statements = f"Of the original's {counted(len(found), 'statement')}, "
    opening = f"{statements}{listed(counts)}. " if found else ""
    compared = _best_difference(record)
    numbers = f" ({difference(compared)})" if compared else ""
    return f"{opening}{_of_writing(record)}{numbers}."


def abstract(record: Record) -> str:
    """The control that says most, and folds, in two sentences."""
    writer, row = title(record, record.writer), _best_difference(record)
    name = row.text("network") if row else record.writer
    values = [record.value(model, "tta_median_deg") for model in (name, record.writer)]
    if row is None or None in values:
        return f"Controls at equal arithmetic are {NOT_HERE}."
    text = (
        f"Of the controls on {writer}'s encoder that write nothing, the one that validation "
        f"prefers, {title(record, name)}, has {with_interval(values[0])} with TTA, which is "
        f"{relation(row)} {writer}'s {degrees(values[1].number('value'))} on the benchmark of the "
        "evidence."
    )
    folds = record.row(
        "fold_differences.csv",
        network=record.writer,
        reference=record.baseline,
        statistic="tta_median_deg",
    )
    if folds is not None:
        of, lower = (int(folds.number(column)) for column in ("folds", "folds_lower"))
        text += (
            f" Over {counted(of, 'fold')}, {writer} is lower than {title(record, record.baseline)} "
            f"on {lower}."
        )
    return text


def autoregression(record: Record) -> str:
    """Whether it is the writing, without numbers."""
    return f"{_of_writing(record)}."


def _of_writing(record: Record) -> str:
    """What the control that writes nothing says of the writing, without the full stop."""
    writer, row = title(record, record.writer), _best_difference(record)
    if row is None:
        return (
            "Whether it is the writing that lowers the error is not decided, because controls are "
            f"{NOT_HERE}"
        )
    control = title(record, row.text("network"))
    said = {
        LOWER: "It is not the writing that lowers the error: with the same encoder and arithmetic, "
        f"{control}, which writes nothing, has a lower median with TTA than {writer}",
        ALIKE: "Writing is not needed for it: with the same encoder and arithmetic, "
        f"{control}, which writes nothing, has a median with TTA that is not distinguishable from "
        f"{writer}'s",
        HIGHER: "With the same encoder and arithmetic, writing does better than the best control "
        f"that writes nothing: {control} has a higher median with TTA than {writer}",
    }
    return said[relation(row)]


def _best_difference(record: Record) -> Row | None:
    """Of the best control that writes nothing and the writer, in their median with TTA."""
    name = record.best_without_writing()
    return record.difference(name, record.writer, "tta_median_deg") if name else None


def _near_far(record: Record, distance: str, where: str) -> str:
    """How much larger errors near a place are than far from it, of the two models compared."""
    texts = []
    for name in (record.baseline, record.writer):
        row = record.row(
            "near_far.csv", network=name, distance=distance, tta=False, statistic="mean_ratio"
        )
        if row is None or not np.isfinite(row.values["value"]):
            return f"Errors near {where} are {NOT_HERE}."
        value, low, high = (row.number(column) for column in ("value", "low", "high"))
        word = "larger" if low > 1 else "smaller" if high < 1 else "not distinguishable"
        texts.append(f"{value:.2f} ({low:.2f} to {high:.2f}: {word}) for {title(record, name)}")
    return f"The mean error near {where}, over that far from it, is {listed(texts)}."


def _by_budget(record: Record, base: str) -> Sequence[Row]:
    rows = record.rows("arithmetic.csv", base=base, statistic="tta_median_deg")
    return sorted(rows, key=lambda row: row.values["tflop"])


def _said(verdict: str, count: int) -> str:
    """How many statements have a verdict, as part of a sentence."""
    verb = "is " if count == 1 else "are "
    return f"{count} {verb * (verdict in (UNDECIDED, UNTESTED))}{verdict}"


def _verdicts(record: Record) -> dict[str, str]:
    return {row.text("claim"): row.text("verdict") for row in record.rows("claims.csv")}
