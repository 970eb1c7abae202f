"""Rule `results`: in, all generated macros and the text; out, results.json, numbers and sources."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow.lib.report.evidence.results import results_json
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    generated: Mapping[str, Mapping[str, Any]],
    sections: Sequence[Path],
    sources: Path,
    provenance: Path,
    results: Path,
) -> None:
    """Write where each number of the text is from."""
    facts = json.loads(provenance.read_text(encoding="utf-8"))
    write_text(results, results_json(generated, sections, sources, facts))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        generated=snakemake.params.generated,
        sections=[Path(path) for path in snakemake.input.sections],
        sources=Path(snakemake.input.sources),
        provenance=Path(snakemake.input.provenance),
        results=Path(snakemake.output.results),
    )
