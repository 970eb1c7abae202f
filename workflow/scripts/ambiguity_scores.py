"""Rule `ambiguity_scores`: in, the answers for each facet amplitude; out, a table of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow.lib.evaluation.ambiguity import Answers, sweep_table
from workflow.lib.report.provenance import short_commit
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    answers: Mapping[float, Answers],
    titles: Mapping[str, str],
    resamples: int,
    code: Mapping[str, Any],
    csv: Path,
) -> None:
    """Write a row per facet amplitude, model and kind of answer as CSV.

    titles: of the models by name. resamples: behind each interval. code: see
    `workflow.lib.runtime.checkout.code_version`.
    """
    table = sweep_table(answers, titles, resamples).assign(
        resamples=resamples,
        commit=short_commit(code["commit"]) + " with changes" * bool(code["uncommitted_changes"]),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
    )
    write_text(csv, table.to_csv(index=False))
    logger.info("%d rows of %d facet amplitudes", len(table), len(answers))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        answers={
            amplitude: Answers([Path(path) for path in of["predictions"]], Path(of["posterior"]))
            for amplitude, of in snakemake.params.answers.items()
        },
        titles=snakemake.params.titles,
        resamples=snakemake.params.resamples,
        code=snakemake.params.code,
        csv=Path(snakemake.output.csv),
    )
