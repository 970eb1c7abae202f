"""hdf5.py: what is wrong with a file that is read is told in one line; nothing good is given up."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from workflow.lib.inference.predictions import read_arrays
from workflow.lib.report.signals import first_signals
from workflow.lib.runtime.files import InputError
from workflow.lib.runtime.hdf5 import _unreadable, new_hdf5, opened, write_array

AGAIN = "run the same command again"

HOLD = """
import sys, h5py
with h5py.File(sys.argv[1], "r+"):
    print("held", flush=True)
    sys.stdin.read()
"""
READ = """
import sys
from pathlib import Path
from workflow.lib.runtime.files import InputError
from workflow.lib.inference.predictions import read_arrays
try:
    print(read_arrays(Path(sys.argv[1]), ["numbers"])[0]["numbers"].sum())
except InputError as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "numbers.h5"
    with new_hdf5(path) as file:
        write_array(file, "numbers", np.arange(1000))
        file.attrs["name"] = "a thousand"
    return path


def read(path, **environment):
    """What another process says that reads the file."""
    done = subprocess.run(
        [sys.executable, "-c", READ, path],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_file_that_another_process_writes_is_named_and_stays(path):
    content = path.read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout.readline() == "held\n"
        assert read(path) == (
            f"{path}: another process has it open for writing: end that one (if there is none, "
            f"set HDF5_USE_FILE_LOCKING=FALSE) and {AGAIN}"
        )
        assert read(path, HDF5_USE_FILE_LOCKING="FALSE") == "499500"
        holder.stdin.close()
    assert read(path) == "499500"
    assert len(content) == path.stat().st_size


def test_readers_do_not_keep_each_other_out(path):
    with opened(path):
        assert read(path) == "499500"


SHIM = """
#include <errno.h>
int flock(int descriptor, int operation) { errno = NUMBER; return -1; }
"""


@pytest.fixture
def without_locks(tmp_path):
    """Variables under which no file can be locked, as on some file systems; needs a compiler."""
    source, library = tmp_path / "shim.c", tmp_path / "shim.so"

    def variables(number: int) -> dict[str, str]:
        source.write_text(SHIM.replace("NUMBER", str(number)))
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        return {"LD_PRELOAD": str(library)}

    try:
        variables(errno.ENOLCK)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no C compiler")
    return variables


WRITE = """
import sys
from pathlib import Path
import numpy as np
from workflow.lib.runtime.files import InputError
from workflow.lib.inference.predictions import write_arrays
try:
    write_arrays(Path(sys.argv[1]), {"numbers": np.arange(1000)}, {})
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_read_and_written(path, without_locks, number):
    variables = without_locks(number)
    assert read(path, **variables) == "499500"
    new = path.with_name("new.h5")
    command = [sys.executable, "-c", WRITE, new]
    subprocess.run(command, env=os.environ | variables, check=True)
    assert read(new) == "499500"
    told = read(path, **variables, HDF5_USE_FILE_LOCKING="TRUE")
    if number != errno.ENOSYS:  # which HDF5 itself takes for no reason to fail
        assert told == (
            f"{path}: its file system has no locks: set HDF5_USE_FILE_LOCKING=FALSE and {AGAIN}"
        )


def test_a_broken_file_is_told_with_the_command_that_makes_it_anew(path):
    content = path.read_bytes()
    for broken, cause in (
        (b"", "file signature not found"),
        (b"text", "file signature not found"),
        (content[:-100], "truncated file: eof = .*"),
        (content[:200] + b"\xff" * 600 + content[800:], "bad local heap signature"),
    ):
        path.write_bytes(broken)
        with pytest.raises(InputError) as error:
            read_arrays(path, ["numbers"])
        start, end = str(error.value).split("; ")
        assert start.startswith(f"{path}: not a readable HDF5 file (")
        assert cause.removesuffix(".*") in start
        assert end.endswith(f"with --force and the target {path}")
        assert "\n" not in str(error.value)
        assert path.read_bytes() == broken


def test_a_file_that_may_be_good_is_never_told_to_be_remade(path, tmp_path):
    with (
        pytest.raises(InputError, match=r"absent\.h5: no such file"),
        opened(tmp_path / "absent.h5"),
    ):
        pass
    with pytest.raises(InputError, match="Is a directory while it was read; it may be whole"):
        read_arrays(tmp_path, ["numbers"])
    for number, cause in (
        (errno.EIO, "Input/output error while it was read; it may be whole"),
        (errno.ESTALE, "Stale file handle while it was read; it may be whole"),
        (errno.EACCES, "no permission: change its owner or mode"),
    ):
        error = OSError(number, "Unable to synchronously open file (file read failed)")
        line = str(_unreadable(path, error))
        assert line.startswith(f"{path}: {cause}")
        assert AGAIN in line
        assert "--force" not in line


def test_what_a_file_lacks_is_named(path):
    with pytest.raises(InputError, match=r"numbers\.h5: / lacks 'letters'; it holds numbers"):
        read_arrays(path, ["letters"])
    with pytest.raises(InputError, match=r"numbers\.h5: / lacks 'training'; it holds numbers"):
        first_signals(path)


def test_other_errors_of_the_reader_stay_what_they_are(path):
    with pytest.raises(KeyError, match="mine"), opened(path):
        raise KeyError("mine")
    with pytest.raises(OSError, match="No space left"), opened(path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_group_in_place_of_numbers_is_named(path):
    with new_hdf5(path) as file:
        write_array(file.create_group("numbers"), "inner", np.arange(3))
        file["kind"] = np.dtype("f8")
    with pytest.raises(InputError, match="'numbers' holds inner, expected numbers"):
        read_arrays(path, ["numbers"])
    with pytest.raises(InputError, match="'kind' is a Datatype, expected numbers"):
        read_arrays(path, ["kind"])
