"""HDF5 files: read with one line for each thing that may be wrong, written whole or not at all.

HDF5 does not survive a write that fails: it prints a traceback for every open object and
often crashes. So the space on the disk is taken before HDF5 writes into it.

HDF5 locks the files that it opens. A file that is read here may be held by somebody who writes it,
and is then refused; one that is written here has another name until it is whole, and needs no lock.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from workflow.lib.runtime.files import InputError, atomic, refused, remade_by, unwritable

MARGIN = 1 << 16  # bytes for the names, shapes and attributes that come with some data
CAN_RESERVE = hasattr(os, "posix_fallocate") and hasattr(os, "memfd_create")  # Linux


# What the first words of HDF5's messages are: the errors of h5py have no type of their own.
HDF5_SAYS = ("Unable to", "Can't", "Can not")
NOT_LOCKED = "unable to lock file"
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # of a network's file system, say


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """An HDF5 file opened for reading.

    Raises InputError when it is missing, open for writing elsewhere, not allowed, not whole, or
    when its disk fails. Where the file system has no locks, it is read without.
    """
    try:
        with _open(path) as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        if not str(error.args[-1]).startswith(HDF5_SAYS):
            raise
        raise _unreadable(path, error) from error


def member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """The group or dataset `name` inside `group`; InputError when the file lacks it."""
    if not isinstance(group, h5py.Group) or name not in group:
        found = "numbers"
        if isinstance(group, h5py.Group):  # of a damaged file names may be anything
            names = map(str, group)
            found = ", ".join(key if key.isprintable() else repr(key) for key in names)
        raise InputError(
            f"{group.file.filename}: {group.name} lacks {name!r}; it holds {found or 'nothing'}"
        )
    found = group[name]
    if not isinstance(found, h5py.Group | h5py.Dataset):
        raise InputError(
            f"{group.file.filename}: {name!r} is a {type(found).__name__}, expected numbers"
        )
    return found


@contextmanager
def new_hdf5(path: Path) -> Iterator[h5py.File]:
    """An empty HDF5 file to fill; it becomes `path` when the block succeeds, as in `atomic`.

    Data go into it by `write_array`, or after a call of `reserve`.
    """
    with atomic(path) as part:
        try:
            created = h5py.File(part, "w", locking=False)
        except OSError as error:
            if NOT_LOCKED in str(error):
                raise _unreadable(path, error) from error
            raise
        with created as file:
            try:
                reserve(file, 0)
                yield file
                file.flush()
            except BaseException:
                _let_go(file)
                raise
            size = file.id.get_filesize()
        os.truncate(part, size)  # what was reserved and not used


def write_array(group: h5py.Group, name: str, array: np.ndarray) -> None:
    """Write `array` as the new dataset `name` of a group; OSError when the disk is full."""
    reserve(group.file, array.nbytes)
    group[name] = array


def reserve(file: h5py.File, size: int) -> None:
    """Take the disk space for `size` more bytes of data; OSError when there is none."""
    if not CAN_RESERVE:
        return
    try:
        end = file.id.get_filesize()
        os.posix_fallocate(file.id.get_vfd_handle(), end, size + MARGIN)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system without it
            raise


def _open(path: str | Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if NOT_LOCKED not in str(error) or error.errno not in NO_LOCKS:
            raise
        return h5py.File(path, "r", locking=False)


def _unreadable(path: str | Path, error: Exception) -> InputError:
    """The one line for an error of HDF5; it says to remake only what is known to be broken."""
    text, number = str(error.args[-1]), getattr(error, "errno", None)
    if number == errno.ENOENT:
        return InputError(f"{path}: no such file")
    if NOT_LOCKED in text:
        cause = (
            "its file system has no locks: set HDF5_USE_FILE_LOCKING=FALSE"
            if number in NO_LOCKS
            else "another process has it open for writing: end that one (if there is none, set "
            "HDF5_USE_FILE_LOCKING=FALSE)"
        )
        return InputError(f"{path}: {cause} and run the same command again")
    refusal = refused(error)
    if refusal is not None:
        return unwritable(refusal, path)
    if number is not None:
        return InputError(
            f"{path}: {os.strerror(number)} while it was read; it may be whole: see to its disk or "
            "network and run the same command again"
        )
    detail = " ".join(text.partition("(")[2].rpartition(")")[0].split()) or text
    return InputError(f"{path}: not a readable HDF5 file ({detail}); {remade_by(path)}")


def _let_go(file: h5py.File) -> None:
    """Let a file that is given up be closed without another write to its disk."""
    if CAN_RESERVE:
        memory = os.memfd_create("rest")
        os.dup2(memory, file.id.get_vfd_handle())
        os.close(memory)
