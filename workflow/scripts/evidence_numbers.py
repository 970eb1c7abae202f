"""Rule `evidence_numbers`: in, the record; out, macros for the text, their sources, claims.tex."""

import json
from collections.abc import Sequence
from pathlib import Path

from workflow.lib.report.evidence.claims import claims_latex
from workflow.lib.report.evidence.numbers import evidence_macros, evidence_sources, evidence_tex
from workflow.lib.report.evidence.record import read_record, read_table
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    tables: Sequence[Path],
    provenance: Path,
    claims: Path,
    is_this_run: bool,
    numbers: Path,
    sources: Path,
    claims_tex: Path,
) -> None:
    """Write all that the text says of the record. claims: one of the tables."""
    macros = evidence_macros(read_record(tables, provenance, is_this_run))
    write_text(numbers, evidence_tex(macros))
    write_text(sources, json.dumps(evidence_sources(macros), indent=1) + "\n")
    write_text(claims_tex, claims_latex(read_table(claims)))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        tables=[Path(path) for path in snakemake.input.tables],
        provenance=Path(snakemake.input.provenance),
        claims=Path(snakemake.input.claims),
        is_this_run=snakemake.params.is_this_run,
        numbers=Path(snakemake.output.numbers),
        sources=Path(snakemake.output.sources),
        claims_tex=Path(snakemake.output.claims),
    )
