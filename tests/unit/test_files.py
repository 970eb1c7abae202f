"""Files are written whole or not at all, and scripts end mistakes in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from workflow.lib.files import atomic, sha256

ROOT = Path(__file__).parents[2]


def test_atomic_replaces_only_when_all_went_well(tmp_path):
    target = tmp_path / "new" / "file.csv"
    with atomic(target) as part:
        assert part.suffix == ".csv"
        part.write_text("first")
        assert not target.exists()

    def write_half() -> None:
        with atomic(target) as part:
            part.write_text("half of the sec")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert target.read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["file.csv"]


def test_sha256(tmp_path):
    """The empty file's hash and that of "abc", from FIPS 180-2."""
    file = tmp_path / "f"
    file.write_bytes(b"")
    assert sha256(file).startswith("e3b0c44298fc1c149afbf4c8996fb924")
    file.write_bytes(b"abc")
    assert sha256(file).startswith("ba7816bf8f01cfea414140de5dae2223")


SCRIPT = """
from workflow.lib.files import InputError
from workflow.lib.job import logger, run

def main(kind):
    logger.info("started")
    if kind == "mistake":
        raise InputError("signals.npy holds NaN, expected numbers")
    if kind == "bug":
        raise KeyError("oops")

run(main, LOG, kind=KIND)
"""


@pytest.mark.parametrize(("kind", "status"), [("fine", 0), ("mistake", 1), ("bug", 1)])
def test_scripts_log_and_end_as_they_should(kind, status, tmp_path):
    log = tmp_path / "logs" / "script.log"
    code = SCRIPT.replace("LOG", repr(str(log))).replace("KIND", repr(kind))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == status
    assert log.read_text().startswith("started\n")
    assert ("Traceback" in done.stderr) == (kind == "bug")
    assert ("Traceback" in log.read_text()) == (kind == "bug")
    if kind == "mistake":
        assert done.stderr == "started\nerror: signals.npy holds NaN, expected numbers\n"
        assert log.read_text() == done.stderr
