"""Rule `pages`: in, tables, data card, provenance and logs; out, pages that the report shows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.report.pages import log_texts, notice, table_page, text_page
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import run


def main(
    tables: Mapping[str, Path],
    card: Path,
    provenance: Path,
    logs: Mapping[str, Sequence[Path]],
    table_pages: Sequence[Path],
    card_page: Path,
    provenance_page: Path,
    log_page: Path,
    notice_text: Path,
) -> None:
    """Write a page for each table (by title), the data card, the provenance, and all logs."""
    facts = json.loads(provenance.read_text())
    simulated = facts["simulated"]
    for (title, csv), page in zip(tables.items(), table_pages, strict=True):
        write_text(page, table_page(title, csv, simulated))
    for title, texts, page in (
        ("Data card", [("", card.read_text())], card_page),
        ("Provenance", [("", provenance.read_text())], provenance_page),
        ("Logs", log_texts(logs), log_page),
    ):
        write_text(page, text_page(title, texts, simulated))
    write_text(notice_text, notice(facts))


if __name__ == "__main__":
    tables = [Path(path) for path in snakemake.input.tables]
    run(
        main,
        snakemake.log[0],
        tables=dict(zip(snakemake.params.titles, tables, strict=True)),
        card=Path(snakemake.input.card),
        provenance=Path(snakemake.input.provenance),
        logs=snakemake.params.logs,
        table_pages=[Path(path) for path in snakemake.output.tables],
        card_page=Path(snakemake.output.card),
        provenance_page=Path(snakemake.output.provenance),
        log_page=Path(snakemake.output.logs),
        notice_text=Path(snakemake.output.notice),
    )
