"""What every step does with files: write them whole or not at all, name bad ones in a line."""

import errno
import glob
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

BLOCK = 1 << 16  # bytes; a disk that takes no more of them is full

REMEDIES = {
    errno.ENOSPC: "no space left on its disk: free some",
    errno.EDQUOT: "your quota on its disk is used up: free some space",
    errno.EFBIG: "it grew larger than a file may be here: raise the limit (ulimit -f)",
    errno.EROFS: "its disk is read-only: mount it for writing",
    errno.EACCES: "no permission: change its owner or mode (chown, chmod)",
    errno.EPERM: "no permission: change its owner, mode or attributes (chown, chmod, chattr)",
}


class InputError(ValueError):
    """Input that cannot be used, or a place that cannot be written.

    The message is one line that names the file or key, what was found, what was
    expected and, where it is not obvious, what to do. `workflow.lib.runtime.script` shows it
    without a traceback.
    """


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds.

    After an exception the temporary file is gone and an older `path` is untouched; what a
    killed process left is removed by the next one that writes `path`. Raises InputError
    when the disk is full or can't be written.
    The suffix is kept, because matplotlib and pandas choose the format by it.
    """
    with _temporary(Path(path)) as part:
        yield part
        with open(part, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(part, path)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def scratch_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, for work on it; removed in the end, as in `atomic`."""
    with _temporary(Path(path), ".folder") as part:
        part.mkdir()
        yield part


@contextmanager
def _temporary(path: Path, suffix: str = "") -> Iterator[Path]:
    part = path.with_name(f".part-{os.getpid()}-{path.name}{suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(part)
        yield part
    except InputError:
        raise
    except Exception as error:
        refusal = refused(error) or refusal_of(part / "more" if part.is_dir() else part)
        if refusal is None:
            raise
        place = _place(refusal) or part
        name = path if part in (place, *place.parents) else place
        raise _cannot_write(name, refusal) from error
    finally:
        _remove(part)


def refused(error: BaseException | None) -> OSError | None:
    """The error of the file system behind `error`, if that is what it comes from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in REMEDIES:
            return error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def refusal_of(file: Path) -> OSError | None:
    """What keeps the file system from taking one more block in `file`; None when it does.

    To be asked after programs and libraries that don't tell why they could not write.
    """
    try:
        with open(file, "ab") as stream:
            stream.write(bytes(BLOCK))
    except OSError as error:
        return refused(error)
    return None


def unwritable(refusal: OSError, default: str | Path) -> InputError:
    """The one line for what `refused` found; names `default` unless `refusal` names a file."""
    return _cannot_write(_place(refusal) or default, refusal)


def remade_by(path: str | Path) -> str:
    """The end of a line about a result that is broken or out of date: how it is made anew."""
    return f"to make it anew, run the same snakemake command with --force and the target {path}"


def check_writable(folder: Path) -> None:
    """Raise InputError when `folder`, or where it is going to be made, can't be written."""
    place = next(path for path in (folder, *folder.parents) if path.is_dir())
    try:
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        refusal = refused(error)
        if refusal is None:
            raise
        raise _cannot_write(place, refusal) from error


def sha256(path: str | Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits, read in blocks."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _place(refusal: OSError) -> Path | None:
    told = refusal.filename2 or refusal.filename
    return None if told is None else Path(os.fsdecode(told))


def _cannot_write(name: str | Path, refusal: OSError) -> InputError:
    remedy = REMEDIES[refusal.errno]
    return InputError(f"{name}: {remedy} and run the same command again; what is finished is kept")


def _remove_abandoned(part: Path) -> None:
    """Remove what processes that no longer run on this machine left in the place of `part`.

    Another one that writes the same just now keeps its own. If it runs on another machine, it
    loses it and fails, which harms nothing: only a job started twice can be that one.
    """
    ours = f".part-{os.getpid()}"
    for other in part.parent.glob(f".part-*{glob.escape(part.name.removeprefix(ours))}"):
        pid = other.name.split("-")[1]
        if pid.isdigit() and not _is_running(int(pid)):
            _remove(other)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True
