"""The measured rows as JSON and as a Markdown table."""

import json
import math
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import caption
from tests.benchmarks.measure import Row
from workflow.lib.runtime.files import atomic

HEADER = ("work", "ours", "baseline", "ratio", "beside a busy core", "of the limit")
EXPLANATION = (
    "Rates are the best of several turns that both sides took alternately. The limit of training "
    "and prediction is a matrix product, measured in the same turns; the arithmetic is counted as "
    "the published network takes it. That of tokens is the copying of as many bytes. Networks that "
    "predict have learnt one signal in all its rolls by heart and see noisy copies of it. Beside a "
    "busy core: the rate in all threads over the rate in one, the median of turns, while another "
    "process keeps one of the cores busy; – where a GPU or a single thread does the work."
)


def write(folder: Path, machine: dict[str, Any], rows: list[Row]) -> None:
    """bench.json, with every single rate in the order of the rows, and bench.md."""
    content = {
        "machine": machine,
        "rows": [row.as_dict() for row in rows],
        "repeats": [row.repeats for row in rows],
    }
    with atomic(folder / "bench.json") as part:
        part.write_text(json.dumps(content, indent=2) + "\n")
    with atomic(folder / "bench.md") as part:
        part.write_text(to_markdown(machine, rows))


def to_markdown(machine: dict[str, Any], rows: list[Row]) -> str:
    """Caption, table and notes."""
    lines = [caption(machine), "", EXPLANATION, "", _line(HEADER), _line(["---"] * len(HEADER))]
    for row in rows:
        limit = "" if row.limit_share is None else f"{100 * row.limit_share:.0f} %: {row.limit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.{int(row.ratio < 10)}f}×"
        busy = "–" if row.beside_busy_core is None else f"{row.beside_busy_core:.2f}×"
        ours, baseline = _rate(row.ours, row.unit), _rate(row.baseline_value, row.unit)
        lines.append(_line([row.work, ours, f"{baseline} {row.baseline}", ratio, busy, limit]))
    notes = [f"- {row.work}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, "", *notes]) + "\n"


def _rate(value: float | None, unit: str) -> str:
    """Three significant digits and the unit."""
    if value is None:
        return "–"
    digits = max(0, 2 - math.floor(math.log10(value)))
    return f"{float(f'{value:.3g}'):,.{digits}f} {unit}"


def _line(cells) -> str:
    return f"| {' | '.join(cells)} |"
