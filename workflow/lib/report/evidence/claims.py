"""The original's statements, each with a test on the record and a verdict that its interval gives.

A statement held if the interval lies on its side of zero, did not hold if it lies on the other, and
is undecided if it contains zero. A statement that names a size is judged by its direction: the
size was measured on another material, and stands beside the one found here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from workflow.lib.report.evidence.record import Record, Row
from workflow.lib.report.style.tabular import escape

HELD, NOT_HELD, UNDECIDED, UNTESTED = "held", "did not hold", "undecided", "not tested"
COLUMNS = (
    "claim", "statement", "test", "result", "low", "high", "unit", "verdict", "on_real_data",
)  # fmt: skip
Z = norm.ppf(0.975)  # of a 95 % interval
SPECIMENS = "the published folds, each with several seeds"


@dataclass(frozen=True)
class Result:
    """An estimate with its 95 % interval; positive is on the statement's side."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """HELD, NOT_HELD or UNDECIDED, by where zero is."""
        return HELD if self.low > 0 else NOT_HELD if self.high < 0 else UNDECIDED


@dataclass(frozen=True)
class Claim:
    """A statement of the original and how it is tested.

    test: what the result is, with {control} for that of `Record.best_without_writing`, in commas.
    measure: the result from the record and the sweep, None where rows are missing.
    """

    name: str
    statement: str
    test: str
    unit: str
    measure: Callable[[Record, pd.DataFrame], Result | None]
    on_real_data: str


def claims_table(
    record: Record, sweep: pd.DataFrame, published: Mapping[str, float]
) -> pd.DataFrame:
    """A row per statement: COLUMNS; result, low and high in `unit`, NaN where not tested.

    sweep: see `workflow.lib.report.ambiguity.read_sweep`. published: the reductions in per cent
    that the original states, `plain` and `tta`.
    """
    control = record.best_without_writing()
    names = {
        "control": f", {record.title(control)}," if control else "",
        "plain": f"{published['plain']:.0f} %",
        "tta": f"{published['tta']:.1f} %",
    }
    rows = []
    for claim in CLAIMS:
        result = claim.measure(record, sweep)
        found = result or Result(np.nan, np.nan, np.nan)
        rows.append(
            {
                "claim": claim.name,
                "statement": claim.statement.format(**names),
                "test": claim.test.format(**names),
                "result": found.value,
                "low": found.low,
                "high": found.high,
                "unit": claim.unit,
                "verdict": result.verdict if result else UNTESTED,
                "on_real_data": claim.on_real_data,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def claims_latex(claims: pd.DataFrame) -> str:
    """A complete tabular: statement, test, result with its interval, verdict, real data."""
    widths = (0.23, 0.25, 0.13, 0.1, 0.2)
    form = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}\linewidth}}" for width in widths)
    lines = [rf"\begin{{tabular}}{{@{{}}{form}@{{}}}}", r"\toprule"]
    lines += [r"statement & test & result & verdict & on real data \\", r"\midrule"]
    body = []
    for row in claims.itertuples():
        cells = [escape(row.statement), escape(row.test), _result(row), row.verdict]
        body.append(" & ".join([*cells, escape(row.on_real_data)]) + r" \\")
    lines += ["\n\\addlinespace[3pt]\n".join(body), r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def difference_of(first: tuple[float, float, float], second: tuple[float, float, float]) -> Result:
    """First minus second of two estimates (value, low, high), with an interval from theirs.

    MOVER (Zou & Donner 2008, Statist. Med. 27, 1693): exact in neither, but asymmetric as they are,
    and of two estimates on the same signals too wide rather than too narrow.
    """
    a, a_low, a_high = first
    b, b_low, b_high = second
    return Result(
        a - b,
        a - b - np.hypot(a - a_low, b_high - b),
        a - b + np.hypot(a_high - a, b - b_low),
    )


def wilson(share: float, n: int) -> tuple[float, float, float]:
    """A share of n signals with Wilson's 95 % interval (1927, J. Am. Stat. Assoc. 22, 209)."""
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return share, centre - half, centre + half


def _reduction(statistic: str) -> Callable[[Record, pd.DataFrame], Result | None]:
    """By how many per cent the writer's statistic is lower than the baseline's, paired."""

    def measure(record: Record, _: pd.DataFrame) -> Result | None:
        row = record.difference(record.writer, record.baseline, statistic)
        if row is None:
            return None
        return Result(*(row.number(f"percent{end}") for end in ("", "_low", "_high")))

    return measure


def _tta_against_plain(record: Record, _: pd.DataFrame) -> Result | None:
    """As the original has it: the writer with TTA, the baseline without. By logarithms."""
    writer = record.value(record.writer, "tta_median_deg")
    baseline = record.value(record.baseline, "median_deg")
    if writer is None or baseline is None:
        return None
    logarithm = difference_of(*(tuple(np.log(_estimate(row))) for row in (writer, baseline)))
    of = [100 * (1 - np.exp(x)) for x in (logarithm.value, logarithm.high, logarithm.low)]
    return Result(*of)


def _share(statistic: str) -> Callable[[Record, pd.DataFrame], Result | None]:
    """By how many percentage points more of the writer's signals are within a limit."""

    def measure(record: Record, _: pd.DataFrame) -> Result | None:
        rows = [record.value(name, statistic) for name in (record.writer, record.baseline)]
        if None in rows:
            return None
        found = difference_of(*(_estimate(row) for row in rows))
        return Result(100 * found.value, 100 * found.low, 100 * found.high)

    return measure


def _both_held(record: Record, sweep: pd.DataFrame) -> Result | None:
    """At facet amplitude 0: in how many more signals two candidates of 72 views hold both."""
    rows = sweep[(sweep["facet_amplitude"] == 0) & (sweep["kind"] == "mixture")]
    rows = rows.set_index("model")
    if not {record.writer, record.baseline} <= set(rows.index):
        return None
    shares = [
        wilson(rows.loc[name, "held_5_share"], int(rows.loc[name, "n"]))
        for name in (record.writer, record.baseline)
    ]
    found = difference_of(*shares)
    return Result(100 * found.value, 100 * found.low, 100 * found.high)


def _writing(record: Record, _: pd.DataFrame) -> Result | None:
    """By how many degrees the best control that does not write is worse than the writer."""
    control = record.best_without_writing()
    row = record.difference(control, record.writer, "tta_median_deg") if control else None
    return Result(*_estimate(row)) if row else None


def _estimate(row: Row) -> tuple[float, float, float]:
    value, low, high = (row.number(name) for name in ("value", "low", "high"))
    return value, low, high


def _result(row) -> str:
    if np.isnan(row.result):
        return "--"
    decimals = 2 if row.unit == "degrees" else 1
    unit = {"degrees": r"$^\circ$", "per cent": r"\,\%", "points": " points"}[row.unit]
    value, low, high = (f"${x:.{decimals}f}$" for x in (row.result, row.low, row.high))
    return f"{value}{unit} ({low} to {high})"


CLAIMS = (
    Claim(
        "median",
        "SequenceNet's median is {plain} below EulerNet's.",
        "Reduction of the median, neither with TTA; paired",
        "per cent",
        _reduction("median_deg"),
        f"{SPECIMENS}; settings chosen without the test specimen",
    ),
    Claim(
        "tta",
        "With TTA it is {tta} below.",
        "SequenceNet with TTA against EulerNet without, as in the original",
        "per cent",
        _tta_against_plain,
        "as above; says nothing of the networks, since one side has TTA only",
    ),
    Claim(
        "tta_both",
        "The same, made fair.",
        "Reduction of the median, both with TTA; paired",
        "per cent",
        _reduction("tta_median_deg"),
        "as above, with all 72 views for EulerNet too",
    ),
    Claim(
        "outliers",
        "SequenceNet has fewer outliers.",
        "Share of signals within 10 degrees, SequenceNet's minus EulerNet's",
        "points",
        _share("within_10deg"),
        "labels checked near grain boundaries and twins, which look like outliers",
    ),
    Claim(
        "tail",
        "Its histogram has a shorter tail.",
        "Reduction of the mean, which the tail moves; paired",
        "per cent",
        _reduction("mean_deg"),
        "as for outliers",
    ),
    Claim(
        "compact",
        "Its histogram is more compact.",
        "Share of signals within 5 degrees, SequenceNet's minus EulerNet's",
        "points",
        _share("within_5deg"),
        SPECIMENS,
    ),
    Claim(
        "several",
        "It gives several orientations where several are valid.",
        "Simulated signals of two equally valid orientations: two candidates of 72 views hold "
        "both, SequenceNet's minus EulerNet's share",
        "points",
        _both_held,
        "grains whose signals are known to repeat under a turn of the specimen",
    ),
    Claim(
        "autoregression",
        "It is autoregression that lowers the error.",
        "Median with TTA of the best control by validation that writes nothing{control} minus "
        "SequenceNet's; same encoder and arithmetic, paired",
        "degrees",
        _writing,
        "the same controls on the published folds",
    ),
)
