"""MPI and PETSc: started once, decisions taken together, and one ending for all ranks."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import NoReturn

from hpcqke import signals
from hpcqke.errors import EXIT, CaseError, HpcqkeError

# Debian's h5py picks its serial build outside mpirun (and under srun) unless it is told.
os.environ.setdefault("H5PY_ALWAYS_USE_MPI", "1")
# Open MPI's shared file pointers, which nothing here uses, make a semaphore of the file's name
# that is one for the whole machine (two users' fields.nc would meet in it) or a lock file (which
# hangs on a full disk). This way does neither.
os.environ.setdefault("OMPI_MCA_sharedfp", "individual")

# Where launchers tell a process its rank: Open MPI, MPICH and Intel, PMIx, Cray, Slurm, Flux.
_RANK = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "PALS_RANKID", "ALPS_APP_PE")
_RANK += ("SLURM_PROCID", "FLUX_TASK_RANK")


def world():
    """MPI.COMM_WORLD (starts MPI on the first call)."""
    from mpi4py import MPI

    return MPI.COMM_WORLD


def start_petsc(options: Sequence[str] = (), ts_type: str = ""):
    """Start PETSc with the user's options; returns the ``petsc4py.PETSc`` module.

    PETSc's own signal handler is left out: signals belong to `hpcqke.signals`.
    Options given after the first start are inserted into PETSc's database. With a ``ts_type`` they
    are tried out on a TS of this type: `CaseError` for a value that PETSc does not take.
    """
    import petsc4py

    for before, word in zip(("", *options), options, strict=False):
        if not _is_option(word) and not _is_option(before):
            raise CaseError([f"{word}: must be a PETSc option, -name or -name value"])
    if "petsc4py.PETSc" not in sys.modules:
        try:
            petsc4py.init(["hpcqke", "-no_signal_handler", *options])
        except RuntimeError as error:
            raise _refused(options, error) from error
        from petsc4py import PETSc
    else:
        from petsc4py import PETSc

        if options:
            PETSc.Options().insertString(" ".join(options))
    if options and ts_type:
        _try_out(PETSc, options, ts_type)
    return PETSc


def _is_option(word: str) -> bool:
    """As PETSc sees it: a dash and then no number."""
    return word[:1] == "-" and word[1:2] not in ("", ".", *"0123456789")


def _refused(options: Sequence[str], error: RuntimeError) -> CaseError:
    """PETSc's last line says what is wrong; what stands before it is where in PETSc that was."""
    why = str(error).strip().splitlines()[-1].partition("] ")
    return CaseError([f"-- {' '.join(options)}: refused by PETSc: {why[2] or why[0]}"])


def _try_out(PETSc, options: Sequence[str], ts_type: str) -> None:
    ts = PETSc.TS().create(PETSc.COMM_WORLD)
    ts.setType(ts_type)
    try:
        ts.setFromOptions()
    except PETSc.Error as error:
        raise _refused(options, error) from error
    checks = (("-ts_dt must be positive", ts.getTimeStep() > 0),)
    checks += (("-ts_max_steps must not be negative", ts.getMaxSteps() >= 0),)
    faults = [f"-- {' '.join(options)}: {fault}" for fault, is_well in checks if not is_well]
    if faults:
        raise CaseError(faults)
    ts.destroy()


def agree(comm, *flags: int) -> tuple[int, ...]:
    """The largest value of each flag over all ranks: one collective for all decisions of a step."""
    if comm.size == 1:
        return tuple(int(f) for f in flags)
    import numpy as np
    from mpi4py import MPI

    mine = np.array(flags, dtype=np.int64)
    comm.Allreduce(MPI.IN_PLACE, mine, MPI.MAX)
    return tuple(int(f) for f in mine)


def launched_rank() -> int | None:
    """This process's rank as mpirun or the batch system says it before MPI is up; None: neither."""
    return next((int(os.environ[k]) for k in _RANK if os.environ.get(k, "").isdigit()), None)


def _mpi_is_up() -> bool:
    if "mpi4py.MPI" not in sys.modules:
        return False
    from mpi4py import MPI

    return MPI.Is_initialized() and not MPI.Is_finalized()


def _rank() -> int:
    return world().rank if _mpi_is_up() else launched_rank() or 0


def follow(code: int) -> NoReturn:
    """End this rank with ``code`` a moment after rank 0, which met the same and speaks for all.

    For faults met before MPI is up. The moment is short: mpirun waits a second for every straggler.
    """
    sleep(0.05)
    raise SystemExit(code)


def _flush() -> None:
    """Flush the terminal; one that is gone (a closed pipe, a full disk) fails no run."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except OSError:
        pass
    _flush()


def abort(code: int) -> NoReturn:
    """End every rank now: an error on one rank must never leave the others waiting."""
    _flush()
    if _mpi_is_up() and world().size > 1:
        world().Abort(code)
    os._exit(code)  # no finalizers: after a failed write HDF5 would crash in its own


def all_arrive(seconds: float = 3.0) -> bool:
    """Do all ranks come here within ``seconds``? True also without MPI.

    Asked before anything collective is done about an error that perhaps only this rank has met.
    """
    if not _mpi_is_up() or world().size == 1:
        return True
    request = world().Ibarrier()
    deadline = monotonic() + seconds
    while not request.Test():
        if monotonic() > deadline:
            return False
        sleep(0.002)
    return True


def _report_bug() -> NoReturn:
    """Print the traceback and end all ranks. If all have met it, the lowest speaks first."""
    text = traceback.format_exc()
    if _rank():
        signals.restore()  # so that the end of the job ends this rank before it repeats the words
        sleep(0.5 + 0.05 * min(_rank(), 20))
    _say(text.rstrip())
    abort(EXIT["bug"])


def _keep_hdf5_quiet() -> None:
    """After a failed write h5py prints tracebacks when its objects go; that error was told."""

    def hook(inner, told):
        return lambda *args: None if told in repr(args) else inner(*args)

    sys.excepthook = hook(sys.excepthook, "Can't decrement id ref count")
    sys.unraisablehook = hook(sys.unraisablehook, "h5py")


def run_main(main: Callable[[], int]) -> NoReturn:
    """Run ``main`` so that whatever happens on one rank ends all ranks with one exit code.

    An error that all ranks met together (bad input, a full disk) is printed by rank 0 and ends
    without MPI_Abort. Anything that only some ranks met, an uncaught exception or ``sys.exit`` on
    one of them, aborts the communicator: to wait for the others would be to hang.
    """
    code, text = EXIT["bug"], ""
    _keep_hdf5_quiet()
    try:
        code = main()
    except HpcqkeError as error:
        code, text = error.exit_code, str(error)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        _report_bug()
    together = all_arrive()
    if not together:
        _say(text or f"rank {_rank()} has ended alone, with exit code {code}: all ranks are ended")
        abort(code or EXIT["bug"])
    if text and _rank() == 0:
        _say(text)
    _flush()
    if code == EXIT["storage"]:
        abort(code)  # HDF5 would crash in its own finalizers after a failed close
    if code not in (EXIT["finished"], EXIT["resume"]):
        signals.restore()  # mpirun ends the other ranks by SIGTERM as soon as one has ended
    sys.exit(code)
