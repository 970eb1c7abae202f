"""Pages of HTML, so that `snakemake --report` can show tables and logs and not only offer them."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.lib.report.style.notice import NOTE_COLOUR, SIMULATED_NOTE

STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em; background: white; color: #222; }}
h1 {{ font-size: 1.4em; }}
h2 {{ font-size: 1em; margin: 1.5em 0 0; color: #555; }}
pre {{ font-size: 13px; margin: 0.3em 0; white-space: pre-wrap; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.25em 0.8em; text-align: right; border-bottom: 1px solid #ddd; }}
th {{ position: sticky; top: 0; background: white; border-bottom: 2px solid #222; }}
.simulated {{ color: {NOTE_COLOUR}; font-weight: bold; }}
"""


def table_page(title: str, csv: Path, simulated: bool) -> str:
    """A page with the table of a CSV file; numbers have two decimals."""
    table = pd.read_csv(csv).to_html(
        index=False, border=0, na_rep="–", float_format="{:.2f}".format
    )
    return _page(title, table, simulated)


def text_page(title: str, texts: Iterable[tuple[str, str]], simulated: bool) -> str:
    """A page with plain texts, each below its heading."""
    body = "".join(
        f"<h2>{escape(heading)}</h2>\n<pre>{escape(text)}</pre>\n" for heading, text in texts
    )
    return _page(title, body, simulated)


def log_texts(logs: Mapping[str, Sequence[Path]]) -> list[tuple[str, str]]:
    """The name and the text of each log. logs: the files of each rule; not all have to exist."""
    return [
        (f"{rule}: {path}", _log_text(Path(path))) for rule, paths in logs.items() for path in paths
    ]


def notice(facts: Mapping[str, Any]) -> str:
    """What the captions of the report begin with, as reStructuredText. facts: provenance.json."""
    if facts["simulated"]:
        return f"**{SIMULATED_NOTE}** ({facts['source']}).\n"
    return f"Data: {facts['source']}.\n"


def _log_text(path: Path) -> str:
    if not path.is_file():
        return "(no log: an earlier workflow made its output)"
    return path.read_text("utf-8", "replace").strip() or "(nothing to report)"


def _page(title: str, body: str, simulated: bool) -> str:
    note = f'<p class="simulated">{SIMULATED_NOTE}</p>\n' if simulated else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        f"<h1>{escape(title)}</h1>\n{note}{body}\n</html>\n"
    )
