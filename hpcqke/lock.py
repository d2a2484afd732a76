"""One job at a time in a run folder: flock on DIR/run.lock, dropped by the kernel at any end."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from hpcqke.errors import CaseError
from hpcqke.storage import together

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class RunLock:
    """Held from construction until `release` or the end of the process, however it ends.

    Collective if `comm` is given (rank 0 holds the lock), else for a single process. Makes the
    directory. A job killed a moment ago may need a moment to die: waits up to `patience` seconds.
    Raises CaseError on all ranks if another job holds it, or if the directory cannot be used.
    """

    def __init__(self, directory: str | Path, comm=None, patience: float = 1.0) -> None:
        self.path = Path(directory) / "run.lock"
        self._handle: int | None = None
        error = None
        if comm is None or comm.rank == 0:
            try:
                self._take(patience)
            except CaseError as fault:
                error = fault
        if comm is not None:
            together(comm, error)
        elif error is not None:
            raise error

    def _take(self, patience: float) -> None:
        key = f"output.directory = {str(self.path.parent)!r}"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as fault:
            raise CaseError([f"{key}: {fault.strerror} ({self.path})"]) from fault
        deadline = time.monotonic() + patience
        while not self._locked():
            if time.monotonic() >= deadline:
                holder = self.path.read_text(errors="replace").split() or ["?", "?"]
                self.release()
                raise CaseError([f"{key}: in use by process {holder[-1]} on {holder[0]}"])
            time.sleep(0.05)
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"{socket.gethostname()} {os.getpid()}\n".encode())

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            # A file system without locks (some Lustre mounts): better to run than to refuse.
            return fault.errno in _NO_LOCKS
        return True

    def release(self) -> None:
        """Let the next job in. The file stays: removing it could remove another job's lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
