"""What the file system refuses, said in one line and by all ranks together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hpcqke.errors import HpcqkeError, StorageError
from hpcqke.parallel import agree

FILE_FAULTS = (OSError, RuntimeError, ValueError, KeyError)
"""What h5py, HDF5 and MPI-IO raise when a file fails them (full disk, damage, no permission)."""

T = TypeVar("T")


def storage_error(path: str | Path, fault: BaseException) -> StorageError:
    """`fault` as a StorageError: one line that names the file and what the system said.

    A temporary name PATH.tmp.UUID is told as PATH: the other means nothing to a reader.
    """
    if isinstance(fault, StorageError):
        return fault
    text = str(fault)
    number = getattr(fault, "errno", None) or next(iter(re.findall(r"errno = (\d+)", text)), None)
    reason = os.strerror(int(number)) if number else text.strip("'\" ") or type(fault).__name__
    return StorageError(f"{str(path).split('.tmp.')[0]}: {reason}")


def together(comm, error: HpcqkeError | None) -> None:
    """Raise on every rank what any rank met (the lowest rank's word); return if none did.

    Collective. The error raised has ``collective = True``: no rank is left waiting for another.
    """
    if not agree(comm, error is not None)[0]:
        return
    words = comm.allgather(None if error is None else (type(error), error.args))
    kind, arguments = next(filter(None, words))
    shared = kind(*arguments)
    shared.collective = True
    raise shared from error


def on_root(comm, action: Callable[[], T]) -> T:
    """What rank 0's action returns, on all ranks; its error on all ranks. Collective."""
    result, error = None, None
    if comm.rank == 0:
        try:
            result = action()
        except HpcqkeError as fault:
            error = fault
    together(comm, error)
    return comm.bcast(result)


def on_each(comm, path: str | Path, action: Callable[[], T]) -> T:
    """What each rank's action returns; StorageError on all ranks if it fails on any. Collective."""
    result, error = None, None
    try:
        result = action()
    except (StorageError, *FILE_FAULTS) as fault:
        error = storage_error(path, fault)
    together(comm, error)
    return result
