"""Where a file comes from: program, libraries, machine, command. Never fails."""

from __future__ import annotations

import shlex
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hpcqke

_STARTED = datetime.now(UTC).isoformat(timespec="seconds")


def provenance(ranks: int = 1) -> dict[str, Any]:
    """Version, git hash, library versions, host, ranks, command line and start time (UTC).

    What cannot be found out is the string "unknown".
    """
    found: dict[str, Any] = {
        "program": "hpcqke",
        "version": hpcqke.__version__,
        "git": _known(_git_hash),
        "command": shlex.join(sys.argv),
        "host": _known(socket.gethostname),
        "ranks": ranks,
        "started": _STARTED,
        "python": sys.version.split()[0],
    }
    found.update({name: _known(ask) for name, ask in _LIBRARIES.items()})
    return found


def _known(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except Exception:
        return "unknown"  # a run is worth more than a line about where it came from


def _git_hash() -> str:
    """The checked-out commit, read from .git itself: no program is started under MPI."""
    top = Path(hpcqke.__file__).resolve().parents[1]
    git = top / ".git"
    if git.is_file():  # a worktree: "gitdir: PATH"
        git = (top / git.read_text().split(":", 1)[1].strip()).resolve()
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head
    name = head.split(":", 1)[1].strip()
    common = git / "commondir"
    places = [git, (git / common.read_text().strip()).resolve()] if common.exists() else [git]
    for place in places:
        if (place / name).exists():
            return (place / name).read_text().strip()
    for line in (places[-1] / "packed-refs").read_text().splitlines():
        if line.endswith(f" {name}"):
            return line.split()[0]
    return "unknown"


def _petsc() -> str:
    petsc = sys.modules["petsc4py.PETSc"]  # asking must not be what starts it
    return ".".join(map(str, petsc.Sys.getVersion()))


def _mpi() -> str:
    from mpi4py import MPI

    return " ".join(MPI.Get_library_version().split(",")[0].split()).strip("\x00 ")


def _hdf5() -> str:
    import h5py

    return h5py.version.hdf5_version


def _version(module: str) -> Callable[[], str]:
    return lambda: __import__(module).__version__


_LIBRARIES = {
    "numpy": _version("numpy"),
    "petsc": _petsc,
    "petsc4py": _version("petsc4py"),
    "mpi": _mpi,
    "mpi4py": _version("mpi4py"),
    "h5py": _version("h5py"),
    "hdf5": _hdf5,
}
