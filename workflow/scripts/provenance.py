"""Rule `provenance`: in, what the run made; out, which code, data and machine made it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow.lib.report.provenance import collect, provenance_latex, to_json
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    code: dict[str, str | bool],
    dataset: Path,
    models: Sequence[Path],
    jobs: Path,
    config: dict[str, Any],
    json: Path,
    tex: Path,
) -> None:
    """Write provenance.json, and its main facts as a LaTeX table."""
    facts = collect(code, dataset, models, jobs, config)
    write_text(json, to_json(facts))
    write_text(tex, provenance_latex(facts))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        code=snakemake.params.code,
        dataset=Path(snakemake.input.dataset),
        models=[Path(path) for path in snakemake.input.models],
        jobs=Path(snakemake.input.jobs),
        config=snakemake.params.config,
        json=Path(snakemake.output.json),
        tex=Path(snakemake.output.tex),
    )
