"""A file is there whole or not at all: write beside it, fsync, rename, fsync the directory.

The name written to is PATH.tmp.UUID; whoever finds one whose writer is dead may remove it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from hpcqke.storage import FILE_FAULTS, storage_error

_NO_RESERVATION = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


def temporary(path: str | Path) -> Path:
    """A name beside `path` that no one else writes to."""
    return Path(f"{path}.tmp.{uuid4().hex}")


def remove_stale(directory: str | Path, pattern: str = "*") -> None:
    """Remove what dead writers of files like `pattern` left; only for the directory's owner."""
    for path in Path(directory).glob(f"{pattern}.tmp.*"):
        path.unlink(missing_ok=True)


def sync(path: str | Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reserve(path: str | Path, size: int) -> None:
    """Claim `size` bytes of disk for `path`, made if missing: a full disk is an OSError here.

    HDF5 must not be the one to meet it: after a failed close it crashes when Python ends.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as fault:
        if fault.errno not in _NO_RESERVATION:
            raise
    finally:
        os.close(handle)


def commit(written: Path, path: str | Path) -> None:
    """Give a finished temporary file its name, durably. Raises OSError."""
    sync(written)
    os.replace(written, path)
    sync(Path(path).parent)


def write_atomic(path: str | Path, content: bytes | Callable[[Path], None]) -> None:
    """Write `path` whole or leave what was there: bytes, or a function that fills the given path.

    Raises StorageError (one line) on any failure of the file system; nothing is left behind.
    """
    path = Path(path)
    written = temporary(path)
    try:
        if callable(content):
            content(written)
        else:
            with open(written, "xb") as stream:
                stream.write(content)
        commit(written, path)
    except FILE_FAULTS as fault:
        discard(written)
        raise storage_error(path, fault) from fault


def discard(path: Path) -> None:
    """Remove a temporary file; that it cannot be removed is no second failure."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass
