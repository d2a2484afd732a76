"""``hpcqke check``: one table that says what is wrong with an installation, and the cure.

Under ``mpirun -n N`` it also writes and reads a file in parallel, in the current folder. Every line
is announced before it is tried: where a broken library ends the program, the last line names it.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ONE_STACK = "mpi4py, petsc4py, h5py from one place: jobs/bootstrap.sh, modules, Spack, conda"
REBUILD = "jobs/bootstrap.sh, or: pip install --no-build-isolation --no-deps ."
LAUNCHERS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")


class Failed(Exception):
    """A finding that needs a cure: Failed(what was found, the cure)."""


def python() -> str:
    """The interpreter."""
    return f"{'.'.join(map(str, sys.version_info[:3]))}  {sys.prefix}"


def numpy() -> str:
    """numpy and tomli_w; has something switched subnormal numbers off for the whole process?"""
    import numpy as np
    import tomli_w  # noqa: F401  every run writes its complete case

    if np.float64(5e-324) * np.float64(1.0) == 0.0:
        raise Failed("subnormal numbers become zero", "find the library built with -ffast-math")
    return np.__version__


def mpi() -> str:
    """mpi4py and the MPI library behind it; were we started by this MPI's mpirun?"""
    import mpi4py
    from mpi4py import MPI

    library = " ".join(MPI.Get_library_version().split(",")[0].split())
    started = max((int(os.environ.get(name, 1)) for name in LAUNCHERS), default=1)
    if started > 1 and MPI.COMM_WORLD.size == 1:
        raise Failed(f"{library}, but mpirun is another MPI's", ONE_STACK)
    return f"{mpi4py.__version__}  {library}, {MPI.COMM_WORLD.size} rank(s)"


def petsc() -> str:
    """petsc4py: version, scalar type, size of an integer."""
    import petsc4py

    from hpcqke.parallel import start_petsc

    kind = start_petsc()
    scalar, bits = kind.ScalarType.__name__, 8 * kind.IntType().itemsize
    found = f"{petsc4py.__version__}  PETSc {'.'.join(map(str, kind.Sys.getVersion()))}, "
    found += f"scalars {scalar}, {bits}-bit integers"
    if scalar != "float64":
        raise Failed(found, "a PETSc with real double scalars; unset PETSC_DIR and PETSC_ARCH")
    return found


def hdf5() -> str:
    """h5py and HDF5: built with MPI?"""
    os.environ.setdefault("H5PY_ALWAYS_USE_MPI", "1")
    import h5py

    found = f"{h5py.__version__}  HDF5 {h5py.version.hdf5_version}, {Path(h5py.__file__).parent}"
    if not h5py.get_config().mpi:
        raise Failed(found + ", serial", "pip uninstall h5py in this environment; " + ONE_STACK)
    return found + ", parallel"


def one_mpi() -> str:
    """Do mpi4py, petsc4py and h5py share one MPI library, and does mpirun belong to it?"""
    maps = Path("/proc/self/maps")
    loaded = maps.read_text() if maps.exists() else ""
    files = {os.path.realpath(f) for f in re.findall(r"/\S*/libmpi(?:ch|_intel)?\.so\S*", loaded)}
    if len(files) > 1:
        raise Failed("several: " + " ".join(sorted(files)), ONE_STACK)
    mpirun = shutil.which("mpirun") or shutil.which("mpiexec") or shutil.which("srun")
    if mpirun is None:
        raise Failed("no mpirun on the PATH", "apt-get install openmpi-bin, or load the MPI module")
    return f"{' '.join(files) or 'cannot tell here'}, {mpirun}"


def parallel_file() -> str:
    """Each rank writes its part of a file and reads its neighbour's, through MPI-IO."""
    import h5py
    import numpy as np

    from hpcqke.parallel import world

    comm = world()
    if comm.size == 1:
        return "not tried on one rank: mpirun -n 2 hpcqke check"
    path = f".hpcqke-check-{comm.bcast(os.getpid())}.h5"
    why = None
    if comm.rank == 0:
        try:
            Path(path).touch()
        except OSError as error:
            why = error.strerror
    if why := comm.bcast(why):
        raise Failed(f"cannot write into {Path.cwd()}: {why}", "start it in a folder of yours")
    mine, theirs = comm.rank, (comm.rank + 1) % comm.size
    try:
        with h5py.File(path, "w", driver="mpio", comm=comm) as file:
            dataset = file.create_dataset("x", (comm.size, 1000), "f8")
            with dataset.collective:
                dataset[mine] = np.full(1000, float(mine))
        with h5py.File(path, "r", driver="mpio", comm=comm) as file:
            dataset = file["x"]
            with dataset.collective:
                good = bool(np.all(dataset[theirs] == theirs))
    finally:
        comm.Barrier()
        if comm.rank == 0:
            Path(path).unlink(missing_ok=True)
    if not comm.allreduce(good, op=_both):
        raise Failed("what was read is not what was written", "another file system, or another MPI")
    return f"{comm.size} ranks wrote and read {Path.cwd()}"


def _both(a: bool, b: bool) -> bool:
    return a and b


def kernels() -> str:
    """The compiled kernels and the instruction set they have chosen."""
    names = ("kinetic", "reference", "guard", "integrals")
    found = [importlib.import_module(f"hpcqke.kernels.{name}") for name in names]
    return f"{found[0].isa()}  {Path(found[0].__file__).parent}"


def analysis() -> str:
    """What reads the files and draws; a run itself does without."""
    names = ("xarray", "h5netcdf", "matplotlib")
    return ", ".join(f"{name} {importlib.import_module(name).__version__}" for name in names)


def source() -> str:
    """Version of hpcqke and, in a clone, its commit."""
    from importlib.metadata import version

    where = Path(__file__).resolve().parent.parent
    git = ["git", "-C", str(where), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(git, capture_output=True, text=True, timeout=5, check=True)
        commit = done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        commit = ""
    return f"{version('hpcqke')} {commit} {where}"


READERS = "apt-get install python3-xarray python3-h5netcdf python3-matplotlib"

ROWS: list[tuple[str, Callable[[], str], str, tuple[str, ...]]] = [
    ("hpcqke", source, REBUILD, ()),
    ("python", python, "", ()),
    ("numpy", numpy, "apt-get install python3-numpy python3-tomli-w", ()),
    ("mpi4py", mpi, ONE_STACK, ()),
    ("petsc4py", petsc, ONE_STACK, ("mpi4py",)),
    ("h5py", hdf5, ONE_STACK, ("mpi4py",)),
    ("one MPI", one_mpi, ONE_STACK, ("mpi4py", "petsc4py", "h5py")),
    ("parallel file", parallel_file, "a folder that all nodes share", ("mpi4py", "h5py")),
    ("kernels", kernels, REBUILD, ("numpy",)),
    ("analysis", analysis, READERS, ("numpy",)),
]
"""Name, what looks, the cure if it raises, and the rows it builds on."""


def check() -> int:
    """Print the table (rank 0 only); returns 0 if everything is usable on every rank, else 1."""
    bad: dict[str, str] = {}
    for name, look, cure, needs in ROWS:
        say(f"{name:14s}", end="", flush=True)
        lacking = sorted(set(needs) & _anywhere(set(bad)))
        try:
            if lacking:
                bad[name] = f"needs {', '.join(lacking)}"
                say(f"--    {bad[name]}")
            else:
                say("ok    " + look())
        except Failed as found:
            bad[name], cure = found.args
            say(f"FAIL  {bad[name]}\n{'':20s}cure: {cure}")
        except Exception as why:
            bad[name] = f"{type(why).__name__}: {why}".splitlines()[0]
            say(f"FAIL  {bad[name]}\n{'':20s}cure: {cure}")
    everywhere = _anywhere(set(bad))
    for name in sorted(everywhere - set(bad)):
        say(f"{name} cannot be used on another rank")
    say(f"{len(everywhere)} of {len(ROWS)} fail" if everywhere else "everything is usable")
    return int(bool(everywhere))


def _anywhere(names: set[str]) -> set[str]:
    """The union of the ranks' sets; this rank's own where MPI has not been started."""
    mpi4py = sys.modules.get("mpi4py.MPI")
    if mpi4py is None or mpi4py.COMM_WORLD.size == 1:
        return names
    return set().union(*mpi4py.COMM_WORLD.allgather(names))


def say(text: str, **options) -> None:
    """Print on rank 0, without starting MPI before its own line of the table."""
    ranks = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")
    if int(next((os.environ[name] for name in ranks if name in os.environ), 0)) == 0:
        print(text, **options)


if __name__ == "__main__":
    sys.exit(check())
