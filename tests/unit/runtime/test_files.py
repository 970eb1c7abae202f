"""Files are written whole or not at all, and scripts end mistakes in one line."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow.lib.runtime.files import InputError, atomic, scratch_folder, sha256

ROOT = Path(__file__).parents[3]


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


def dead_process() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_killed_process_left_goes_with_the_next_attempt(tmp_path):
    dead, alive = dead_process(), os.getppid()
    for name in ("file.csv", "other.csv"):
        (tmp_path / f".part-{dead}-{name}").write_text("half")
        (tmp_path / f".part-{alive}-{name}").write_text("still being written")
    (tmp_path / f".part-{dead}-work.folder/inside").mkdir(parents=True)
    with atomic(tmp_path / "file.csv") as part:
        part.write_text("all")
    with scratch_folder(tmp_path / "work") as folder:
        assert list(folder.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {
        "file.csv",
        f".part-{alive}-file.csv",
        f".part-{dead}-other.csv",
        f".part-{alive}-other.csv",
    }


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_refusal_of_the_file_system_names_the_file(number, tmp_path):
    """Also where a library has wrapped it, and where it speaks of another file than ours."""

    def fail() -> None:
        try:
            raise OSError(number, "refused")
        except OSError as error:
            raise RuntimeError("writer failed") from error

    ours = rf"^{tmp_path}/file\.csv: .* what is finished is kept$"
    with pytest.raises(InputError, match=ours), atomic(tmp_path / "file.csv"):
        fail()
    with (
        pytest.raises(InputError, match=r"^/else/where: "),
        atomic(tmp_path / "file.csv"),
    ):
        raise OSError(number, "refused", "/else/where")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "file.csv"):
        (tmp_path / "missing").read_text()


def test_sha256(tmp_path):
    """The empty file's hash and that of "abc", from FIPS 180-2."""
    file = tmp_path / "f"
    file.write_bytes(b"")
    assert sha256(file).startswith("e3b0c44298fc1c149afbf4c8996fb924")
    file.write_bytes(b"abc")
    assert sha256(file).startswith("ba7816bf8f01cfea414140de5dae2223")


SCRIPT = """
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.script import logger, run

def main(kind):
    logger.info("started")
    if kind == "mistake":
        raise InputError("signals.npy holds NaN, expected numbers")
    if kind == "full":
        raise OSError(28, "No space left on device", "results/a.csv")
    if kind == "bug":
        raise KeyError("oops")

run(main, LOG, kind=KIND)
"""


@pytest.mark.parametrize(("kind", "status"), [("fine", 0), ("mistake", 1), ("full", 1), ("bug", 1)])
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
    if kind == "full":
        assert done.stderr.startswith("started\nerror: results/a.csv: no space left")
        assert done.stderr.count("\n") == 2
