"""Rule `tune`: in, what the candidates' trainings came to; out, a table and a figure of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow.lib.report.tuning import candidate_trainings, plot_candidates, tuning_markdown
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    models: list[Path],
    titles: Mapping[str, str],
    networks: Mapping[str, str],
    settings: Mapping[str, Any],
    code: Mapping[str, Any],
    style: Path,
    csv: Path,
    markdown: Path,
    figure: Path,
) -> None:
    """Write a row per training as CSV, a row per candidate as Markdown, and the figure."""
    trainings = candidate_trainings(models, titles, code)
    text = tuning_markdown(trainings, networks, settings)
    write_text(csv, trainings.to_csv(index=False))
    write_text(markdown, text)
    plot_candidates(trainings, networks, style, [figure])
    logger.info("%s", text)


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        models=[Path(path) for path in snakemake.input.models],
        titles=snakemake.params.titles,
        networks=snakemake.params.networks,
        settings=snakemake.params.settings,
        code=snakemake.params.code,
        style=Path(snakemake.input.style),
        csv=Path(snakemake.output.csv),
        markdown=Path(snakemake.output.markdown),
        figure=Path(snakemake.output.figure),
    )
