"""Checks of a case against this machine: memory, the file it starts from, the run folder."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpcqke.case_checks import directions, momenta
from hpcqke.case_sections import Sections
from hpcqke.faults import Faults
from hpcqke.schema import Unusable

VECTORS = {"rk3bs": 5, "rk4": 3, "rk5dp": 5, "rk8vr": 4, "midpoint": 8, "gauss2": 9}
VECTORS |= {"bm4": 5, "bm6": 5}
"""State vectors that an integrator keeps at least: the solution, its stages, work."""

Found = Iterator[tuple[Any, ...]]


def check(case: Sections, faults: Faults) -> None:
    """Add a line for everything that this machine can't do."""
    for one in (fits_in_memory, starts_from_a_file, folder_can_be_written):
        try:
            for key, allowed, *value in one(case):
                faults.add(key, allowed, *value)
        except Unusable:
            continue


def state_bytes(case: Sections) -> int:
    """Bytes of one state vector: cells x momenta x directions x species x N_f^2 float64."""
    modes = case.grid.z.cells * momenta(case) * directions(case)
    species = 2 if case.flavors.antineutrinos else 1
    return 8 * modes * species * case.flavors.count**2


def fits_in_memory(case: Sections) -> Found:
    need = state_bytes(case) * VECTORS[case.time.integrator]
    have = nodes() * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if need > have:
        yield ("grid.z.cells", f"must be fewer: with these modes the run needs {need / 1e9:.3g} GB "
               f"of memory, {nodes()} machine(s) like this have {have / 1e9:.3g} GB",
               case.grid.z.cells)


def nodes() -> int:
    """The machines of this job, as far as the batch system or mpirun says; 1 if nobody does."""
    found = [os.environ.get(key, "") for key in ("SLURM_JOB_NUM_NODES", "PBS_NUM_NODES")]
    size = os.environ.get("OMPI_COMM_WORLD_SIZE", "")
    local = os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE", "")
    if size.isdigit() and local.isdigit() and int(local) > 0:
        found.append(str(-(-int(size) // int(local))))
    return max([int(n) for n in found if n.isdigit()], default=1) or 1


def starts_from_a_file(case: Sections) -> Found:
    path = vars(case.initial).get("path")
    if path is None:
        return
    try:
        if not Path(path).exists():
            yield "initial.path", "no such file", path
        elif not Path(path).is_file():
            yield "initial.path", "is not a regular file", path
        elif not os.access(path, os.R_OK):
            yield "initial.path", "can't be read: permission denied", path
    except OSError as error:
        yield "initial.path", f"can't be looked at: {error.strerror}", path


def folder_can_be_written(case: Sections) -> Found:
    """Nothing is made here: only what is there already is looked at."""
    directory = case.output.directory
    if directory is None:
        return
    try:
        there = nearest_existing(Path(directory).absolute())
        if not there.is_dir():
            yield "output.directory", f"must be a folder, but {there} is none", directory
        elif not os.access(there, os.W_OK | os.X_OK):
            yield "output.directory", f"can't be written: no permission in {there}", directory
    except OSError as error:
        yield "output.directory", f"can't be looked at: {error.strerror}", directory


def nearest_existing(path: Path) -> Path:
    """The path itself or the first folder above it that is there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return nearest_existing(path.parent)
    return path
