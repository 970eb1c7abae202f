"""What the record says of models on the table's fold and over folds, as sentences in LaTeX."""

from collections.abc import Sequence

import numpy as np

from workflow.lib.report.evidence.record import NO_ANSWERS, Record
from workflow.lib.report.evidence.words import (
    NOT_HERE,
    counted,
    degrees,
    difference,
    listed,
    reduction,
    relation,
    sentence,
    title,
    with_interval,
)
from workflow.lib.report.style.tabular import three_digits

DEEP = "euler_deep"  # the baseline's answer and loss on the writer's encoder


def design(record: Record) -> str:
    """How many models, with what arithmetic, on which folds and signals."""
    models = [row for row in record.rows("models.csv") if np.isfinite(row.values["tflop"])]
    if not models:
        return "It has no trained models."
    equal = [row for row in models if not _variant(row)]
    arithmetic = [row.number("tflop") for row in equal]
    low, high = (three_digits(end(arithmetic)) for end in (min, max))
    span = f"{low} TFLOP" if low == high else f"{low} to {high} TFLOP"
    variants = len(models) - len(equal)
    seeds = {int(row.number("seeds")) for row in models}
    text = (
        f"It has {counted(len(equal), 'model')} trained with {span} of counted arithmetic each"
        + (f" and {counted(variants, 'variant')} with other budgets" if variants else "")
        + f", with {'up to ' * (len(seeds) > 1)}{counted(max(seeds), 'seed')} each "
        f"on fold {record.origin['fold']} ({record.origin['n']} test signals)"
    )
    folds = [int(row.number("folds")) for row in models]
    more = sum(count > 1 for count in folds)
    if more:
        text += f", and {counted(more, 'model')} on {max(folds)} folds"
    return f"{text}."


def pair(record: Record) -> str:
    """The two models compared, without TTA and with it."""
    names = record.writer, record.baseline
    titles = [title(record, name) for name in names]
    texts = []
    for statistic, opening in (
        ("median_deg", f"In the evidence, on fold {record.origin['fold']},"),
        ("tta_median_deg", "With TTA for both,"),
    ):
        rows = [record.value(name, statistic) for name in names]
        compared = record.difference(*names, statistic)
        if None in (*rows, compared):
            return f"{titles[1]} and {titles[0]} are not compared in this evidence."
        texts.append(
            f"{opening} {titles[1]} has a median of {with_interval(rows[1])} and {titles[0]} one "
            f"of {with_interval(rows[0])}: the latter is {relation(compared)} the former "
            f"({reduction(compared)}; {difference(compared)})."
        )
    return " ".join(texts)


def encoder(record: Record) -> str:
    """What the writer's encoder alone does for the baseline."""
    plain, tta = (
        record.difference(DEEP, record.baseline, statistic)
        for statistic in ("median_deg", "tta_median_deg")
    )
    baseline, writer = (title(record, name) for name in (record.baseline, record.writer))
    if plain is None or tta is None:
        return f"{baseline} with {writer}'s encoder is {NOT_HERE}."
    return (
        f"{baseline}'s answer and loss on {writer}'s encoder have a median that is "
        f"{relation(plain)} {baseline}'s ({difference(plain)}); with TTA it is {relation(tta)} it "
        f"({difference(tta)})."
    )


def regressions(record: Record) -> str:
    return _of_kind(record, ("regression",), "Regressions", "regression other than the baseline")


def densities(record: Record) -> str:
    return _of_kind(record, ("density",), "Densities", "density")


def writers(record: Record) -> str:
    return _of_kind(record, ("writer",), "Other writers", "other writer")


def others(record: Record) -> str:
    return _of_kind(
        record,
        ("ensemble", "neighbour"),
        "Ensembles and neighbours",
        "ensemble or nearest neighbour",
    )


def best_control(record: Record) -> str:
    """The control that writes nothing and has the lowest validation median, against the writer."""
    name = record.best_without_writing()
    found = {
        statistic: name and record.difference(name, record.writer, statistic)
        for statistic in ("median_deg", "tta_median_deg", "tta_mean_deg")
    }
    writer = title(record, record.writer)
    if name is None or None in found.values():
        return f"A control on {writer}'s encoder that writes nothing is {NOT_HERE}."
    values = [record.value(model, "tta_median_deg") for model in (name, record.writer)]
    shown = ""
    if None not in values:
        shown = f" {with_interval(values[0])} against {with_interval(values[1])},"
    plain, tta, mean = found.values()
    count = len(record.of_kinds(NO_ANSWERS))
    return (
        f"Of the {counted(count, 'control')} that write nothing, {title(record, name)} has the "
        f"lowest validation median. On the test signals its median with TTA,{shown} is "
        f"{relation(tta)} {writer}'s ({difference(tta)}); so compared, its mean with TTA is "
        f"{relation(mean)} {writer}'s ({difference(mean)}) and its median without TTA "
        f"{relation(plain)} {writer}'s ({difference(plain)})."
    )


def parts(record: Record) -> str:
    """The turn about the specimen's normal, and the rest."""
    texts = []
    for name in (record.baseline, record.writer):
        rows = [
            record.value(name, f"tta_{part}_median_deg") for part in ("in_plane", "out_of_plane")
        ]
        if None in rows:
            return f"Parts of the error are {NOT_HERE}."
        inside, outside = (degrees(row.number("value")) for row in rows)
        texts.append(f"{inside} and {outside} for {title(record, name)}")
    return (
        "With TTA, the turn about the specimen's normal and the tilt out of the surface have "
        f"medians of {listed(texts)}."
    )


def folds(record: Record) -> str:
    """The two models compared, over folds."""
    texts = []
    names = record.writer, record.baseline
    titles = [title(record, name) for name in names]
    for statistic, opening in (("median_deg", ""), ("tta_median_deg", "with TTA for both, ")):
        row = record.row(
            "fold_differences.csv", network=names[0], reference=names[1], statistic=statistic
        )
        means = [record.row("fold_summary.csv", network=n, statistic=statistic) for n in names]
        if None in (row, *means):
            return f"More than one fold is {NOT_HERE}."
        of, lower = (int(row.number(column)) for column in ("folds", "folds_lower"))
        shown = [
            rf"{degrees(mean.number('value'))} (standard deviation {degrees(mean.number('sd'))})"
            for mean in means
        ]
        texts.append(
            sentence(
                f"{opening}the medians of {counted(of, 'fold')} average {shown[1]} for {titles[1]} "
                f"and {shown[0]} for {titles[0]}, which is lower on {lower} of them and in the "
                f"average {relation(row)} {titles[1]}'s ({difference(row)})."
            )
        )
    return " ".join(texts)


def fold_controls(record: Record) -> str:
    """Other models with several folds, against the writer."""
    rows = [
        row
        for row in record.rows(
            "fold_differences.csv", reference=record.writer, statistic="tta_median_deg"
        )
        if row.text("network") not in record.origin["compared"]
    ]
    if not rows:
        return f"Controls on several folds are {NOT_HERE}."
    texts = [
        f"{title(record, row.text('network'))} is {relation(row)} it ({difference(row)})"
        for row in rows
    ]
    return (
        f"Compared with {title(record, record.writer)} in the same way, with TTA, {listed(texts)}."
    )


def limits(record: Record) -> str:
    """How many seeds and folds the record has."""
    rows = record.rows("models.csv")
    if not rows:
        return "The evidence has no trained models."
    seeds = max(int(row.number("seeds")) for row in rows)
    several = [row for row in rows if int(row.number("folds")) > 1]
    text = (
        f"The evidence is {'simulated' if record.origin['simulated'] else 'measured'} and has "
        f"{counted(seeds, 'seed')} on fold {record.origin['fold']}"
    )
    if not several:
        return f"{text}; of the spread between specimens it knows nothing."
    most = max(int(row.number("folds")) for row in several)
    if len(several) == len(rows):
        return f"{text}, and {most} folds."
    return (
        f"{text}; only {len(several)} of {counted(len(rows), 'model')} have {most} folds, so that "
        "for the others the spread between specimens is unknown."
    )


def _of_kind(record: Record, kinds: Sequence[str], opening: str, none: str) -> str:
    """Medians with TTA of all models of some kinds, and how they compare with the writer's."""
    texts = []
    for name in record.of_kinds(kinds):
        row = record.value(name, "tta_median_deg")
        compared = record.difference(name, record.writer, "tta_median_deg")
        if row is not None and compared is not None:
            value = degrees(row.number("value"))
            texts.append(f"{title(record, name)} {value} ({_short(relation(compared))})")
    if not texts:
        return f"No {none} is part of this evidence."
    return f"{opening}: {listed(texts)}."


def _short(relation: str) -> str:
    return relation.removesuffix(" than").removesuffix(" from")


def _variant(row) -> bool:
    return isinstance(row.values["base"], str) and bool(row.values["base"])
