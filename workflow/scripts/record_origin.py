"""Rule `record_origin`: in, the fold of the tables; out, where a record is from, as JSON."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow.lib.data.dataset import read_attributes
from workflow.lib.data.split import read_fold
from workflow.lib.report.provenance import short_commit
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    fold: Path, name: str, compared: Sequence[str], code: Mapping[str, Any], provenance: Path
) -> None:
    """Write the run's name, code, date, data, and what is compared on how many test signals."""
    attributes = read_attributes(fold)
    changed = " with changes" * bool(code["uncommitted_changes"])
    facts = {
        "run": name,
        "commit": short_commit(code["commit"]) + changed,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "simulated": bool(attributes["simulated"]),
        "source": str(attributes["source"]),
        "n": len(read_fold(fold, ["test"])["test"]),
        "fold": int(attributes["fold"]),
        "compared": list(compared),
    }
    write_text(provenance, json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        fold=Path(snakemake.input.fold),
        name=snakemake.params.name,
        compared=snakemake.params.compared,
        code=snakemake.params.code,
        provenance=Path(snakemake.output.provenance),
    )
