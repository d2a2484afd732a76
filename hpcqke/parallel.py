"""MPI and PETSc: started once, decisions taken together, and one ending for all ranks."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from time import monotonic, sleep

# Debian's h5py picks its serial build outside mpirun (and under srun) unless it is told.
os.environ.setdefault("H5PY_ALWAYS_USE_MPI", "1")


def world():
    """MPI.COMM_WORLD (starts MPI on the first call)."""
    from mpi4py import MPI

    return MPI.COMM_WORLD


def start_petsc(options: Sequence[str] = ()):
    """Start PETSc with the user's options; returns the ``petsc4py.PETSc`` module.

    PETSc's own signal handler is left out: signals belong to `hpcqke.signals`.
    Options given after the first start are inserted into PETSc's database.
    """
    import petsc4py

    if "petsc4py.PETSc" not in sys.modules:
        petsc4py.init(["hpcqke", "-no_signal_handler", *options])
        from petsc4py import PETSc
    else:
        from petsc4py import PETSc

        if options:
            PETSc.Options().insertString(" ".join(options))
    return PETSc


def agree(comm, *flags: int) -> tuple[int, ...]:
    """The largest value of each flag over all ranks: one collective for all decisions of a step."""
    if comm.size == 1:
        return tuple(int(f) for f in flags)
    import numpy as np
    from mpi4py import MPI

    mine = np.array(flags, dtype=np.int64)
    comm.Allreduce(MPI.IN_PLACE, mine, MPI.MAX)
    return tuple(int(f) for f in mine)


def _mpi_is_up() -> bool:
    if "mpi4py.MPI" not in sys.modules:
        return False
    from mpi4py import MPI

    return MPI.Is_initialized() and not MPI.Is_finalized()


def abort(code: int) -> None:
    """End every rank now: an error on one rank must never leave the others waiting."""
    sys.stdout.flush()
    sys.stderr.flush()
    if _mpi_is_up() and world().size > 1:
        world().Abort(code)
    os._exit(code)  # no finalizers: after a failed write HDF5 would crash in its own


def _all_arrive(seconds: float) -> bool:
    """Do all ranks come here within ``seconds``? True also without MPI."""
    if not _mpi_is_up() or world().size == 1:
        return True
    request = world().Ibarrier()
    deadline = monotonic() + seconds
    while not request.Test():
        if monotonic() > deadline:
            return False
        sleep(0.002)
    return True


def run_main(main: Callable[[], int]) -> None:
    """Run ``main`` so that whatever happens on one rank ends all ranks with one exit code.

    An error that all ranks met together (bad input, a full disk) is printed by rank 0 and ends
    without MPI_Abort. Anything that only some ranks met, an uncaught exception or ``sys.exit`` on
    one of them, aborts the communicator: to wait for the others would be to hang.
    """
    from hpcqke.errors import EXIT, HpcqkeError

    code, text = EXIT["bug"], ""
    try:
        code = main()
    except HpcqkeError as error:
        code, text = error.exit_code, str(error)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        abort(code)
    together = _all_arrive(5.0)
    if text and (not together or not _mpi_is_up() or world().rank == 0):
        print(text, file=sys.stderr, flush=True)
    if not together:
        abort(code or EXIT["bug"])
    sys.stdout.flush()
    sys.stderr.flush()
    if code == EXIT["storage"]:
        abort(code)  # HDF5 would crash in its own finalizers after a failed close
    sys.exit(code)
