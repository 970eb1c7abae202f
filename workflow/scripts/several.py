"""Rule `several`: in, predictions and the exact posterior; out, how good several answers are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.evaluation.answers import read_answers
from workflow.lib.evaluation.decisions import decision_table
from workflow.lib.evaluation.truth import calibration_table
from workflow.lib.report.calibration import calibration_latex, calibration_markdown
from workflow.lib.report.reliability import plot_reliability
from workflow.lib.report.risk_coverage import plot_risk_coverage
from workflow.lib.report.several import several_latex, several_markdown
from workflow.lib.report.several_numbers import several_tex
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    predictions: Sequence[Path],
    posterior: Path | None,
    titles: Mapping[str, str],
    compared: Mapping[str, str],
    radius_deg: float,
    resamples: int,
    style: Path,
    decisions: Sequence[Path],
    calibration: Sequence[Path],
    numbers: Path,
    reliability: Sequence[Path],
    risk_coverage: Sequence[Path],
) -> None:
    """Write both tables as CSV, Markdown and LaTeX, the macros and the two figures.

    decisions, calibration: the files of a table in these three forms.
    """
    several = read_answers(predictions, posterior)
    table = decision_table(several, titles, resamples)
    truth = calibration_table(several, titles, radius_deg, resamples)
    two = compared.values()
    texts = [table.to_csv(index=False), several_markdown(table), several_latex(table, two)]
    texts += [truth.to_csv(index=False), calibration_markdown(truth), calibration_latex(truth, two)]
    for path, text in zip([*decisions, *calibration], texts, strict=True):
        write_text(path, text)
    write_text(numbers, several_tex(table, truth, compared, radius_deg))
    plot_reliability(several, compared, radius_deg, style, reliability)
    plot_risk_coverage(several, compared, style, risk_coverage)
    logger.info("%s\n%s", several_markdown(table), calibration_markdown(truth))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        predictions=[Path(path) for path in snakemake.input.predictions],
        posterior=next(map(Path, snakemake.input.posterior), None),  # of simulated data
        titles=snakemake.params.titles,
        compared=snakemake.params.compared,
        radius_deg=snakemake.params.radius_deg,
        resamples=snakemake.params.resamples,
        style=Path(snakemake.input.style),
        decisions=[Path(path) for path in snakemake.output.decisions],
        calibration=[Path(path) for path in snakemake.output.calibration],
        numbers=Path(snakemake.output.numbers),
        reliability=[Path(path) for path in snakemake.output.reliability],
        risk_coverage=[Path(path) for path in snakemake.output.risk_coverage],
    )
