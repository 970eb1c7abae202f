"""Copies the record of a finished run to paper/record/: `make record`. No rule calls it.

Usage: python -m workflow.scripts.freeze results/evidence paper/record
"""

import sys
from pathlib import Path

from workflow.lib.report.evidence.freeze import freeze
from workflow.lib.runtime.files import InputError


def main(run: Path, record: Path) -> int:
    """The exit status: 0, or 1 with one line on what is missing."""
    try:
        names = freeze(run, record)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{record}: {len(names)} files, {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
