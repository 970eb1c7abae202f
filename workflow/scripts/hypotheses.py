"""Rule `hypotheses`: in, all predictions of a fold; out, the paper's hypotheses tested on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from workflow.lib.evaluation.hypotheses import read_evidence
from workflow.lib.evaluation.seams import seam_tables
from workflow.lib.evaluation.spellings import spelling_table
from workflow.lib.evaluation.triangle import triangle_table
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(
    predictions: Sequence[Path],
    models: Path,
    titles: Mapping[str, str],
    kinds: Mapping[str, str],
    resamples: int,
    seams: Path,
    near_far: Path,
    spellings: Path,
    triangle: Path,
) -> None:
    """Write the four tables as CSV. titles, kinds: of the models by name.

    models: the record's table of them; those that are another with more or less arithmetic (see
    `evaluation.evidence.bases`) are left out.
    """
    base = pd.read_csv(models, keep_default_na=False).set_index("network")["base"]
    titles = {name: title for name, title in titles.items() if not base.get(name)}
    evidence = read_evidence(predictions, titles)
    by_distance, compared = seam_tables(evidence, titles, kinds, resamples)
    tables: dict[Path, pd.DataFrame] = {
        seams: by_distance,
        near_far: compared,
        spellings: spelling_table(evidence, titles, kinds, resamples),
        triangle: triangle_table(evidence, titles),
    }
    for path, table in tables.items():
        write_text(path, table.to_csv(index=False, float_format="%.6g"))
        logger.info("%s: %d rows", path.name, len(table))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        predictions=[Path(path) for path in snakemake.input.predictions],
        models=Path(snakemake.input.models),
        titles=snakemake.params.titles,
        kinds=snakemake.params.kinds,
        resamples=snakemake.params.resamples,
        seams=Path(snakemake.output.seams),
        near_far=Path(snakemake.output.near_far),
        spellings=Path(snakemake.output.spellings),
        triangle=Path(snakemake.output.triangle),
    )
