"""HDF5 files written whole or not at all, also when the disk is full.

HDF5 does not survive a write that fails: it prints a traceback for every open object and
often crashes. So the space on the disk is taken before HDF5 writes into it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from workflow.lib.files import atomic

MARGIN = 1 << 16  # bytes for the names, shapes and attributes that come with some data
CAN_RESERVE = hasattr(os, "posix_fallocate") and hasattr(os, "memfd_create")  # Linux


@contextmanager
def new_hdf5(path: Path) -> Iterator[h5py.File]:
    """An empty HDF5 file to fill; it becomes `path` when the block succeeds, as in `atomic`.

    Data go into it by `write_array`, or after a call of `reserve`.
    """
    with atomic(path) as part:
        with h5py.File(part, "w") as file:
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


def _let_go(file: h5py.File) -> None:
    """Let a file that is given up be closed without another write to its disk."""
    if CAN_RESERVE:
        memory = os.memfd_create("rest")
        os.dup2(memory, file.id.get_vfd_handle())
        os.close(memory)
