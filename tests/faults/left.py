"""What a run that went wrong has left behind, and what it must be worth."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "restart"))
from flat_space import FlatSpace
from runs import command as command
from runs import different as different

from hpcqke.checkpoint import Checkpoints

DRIVER = str(Path(__file__).with_name("driver.py"))
NEVER = 10**9


def run(folder: Path, *settings: str, site="hook", what="exit3", rank=-1, step=NEVER) -> list[str]:
    """Arguments of `python` for a run of the small case with a fault, or without one."""
    return [DRIVER, site, what, str(rank), str(step), str(folder), *settings]


def status(folder: Path) -> str:
    """The whole line of STATUS, "" if there is none."""
    path = folder / "STATUS"
    return path.read_text().strip() if path.exists() else ""


def newest_step(folder: Path) -> int:
    """The step of the newest checkpoint, which is whole and finite; -1 if there is none."""

    def complain(line: str) -> None:
        raise AssertionError(line)

    space = FlatSpace(nz=60, momenta=1, directions=4, species=1, components=4)
    found = Checkpoints(space, folder / "checkpoints", 2, say=complain).load()
    if found is None:
        return -1
    state, meta = found
    assert np.isfinite(state).all()
    return meta["step"]


def ends_like(whole: Path, folder: Path, mpirun, *settings: str, ranks: int = 0) -> None:
    """Started again, the run finishes with the bits of one that was not disturbed."""
    done = mpirun(ranks, run(folder, *settings))
    assert done.returncode == 0, done.stderr
    assert status(folder).startswith("finished ")
    assert not different(whole, folder)
