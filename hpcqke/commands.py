"""What each command of the command line does. Every function returns an exit code."""

from __future__ import annotations

from pathlib import Path

from hpcqke import parallel, signals
from hpcqke.errors import CaseError


def load(options):
    """The case of a command, read by rank 0 and handed to all ranks; faults on all ranks."""
    from hpcqke.case import load_case

    settings = list(options.settings)
    if getattr(options, "output", None) and options.command == "run":
        settings.append(f"output.directory={options.output}")
    comm = parallel.world()
    case = faults = None
    if comm.rank == 0:
        try:
            case = load_case(options.case, settings)
        except CaseError as error:
            faults = error.faults
    case, faults = comm.bcast((case, faults))
    if faults:
        raise CaseError(faults)
    return case


def run(options, petsc: list[str]) -> int:
    """hpcqke run CASE."""
    case = load(options)
    if options.restart not in ("auto", "never") and not Path(options.restart).exists():
        raise CaseError([f"--restart {options.restart}: must be auto, never or a checkpoint file"])
    parallel.start_petsc(petsc)
    signals.install()
    from hpcqke.simulation import Simulation

    with Simulation(case, petsc_options=petsc) as sim:
        return sim.run(options.restart).exit_code


def info(options, petsc: list[str]) -> int:
    """hpcqke info CASE."""
    from hpcqke.info import describe

    case = load(options)
    print(describe(case, options.ranks))
    return 0


def stability(options, petsc: list[str]) -> int:
    """hpcqke stability CASE."""
    from hpcqke.analysis import stability as backend

    return backend.command(load(options), png=options.png, netcdf=options.netcdf)


def plot(options, petsc: list[str]) -> int:
    """hpcqke plot RUN."""
    from hpcqke.analysis.plots import plot_run

    for path in plot_run(options.run):
        print(path)
    return 0


def verify(options, petsc: list[str]) -> int:
    """hpcqke verify RUN."""
    from hpcqke.verify import verify_run

    return verify_run(Path(options.run))


def check(options, petsc: list[str]) -> int:
    """hpcqke check."""
    from hpcqke.check import check as backend

    return backend()


def scan(options, petsc: list[str]) -> int:
    """hpcqke scan CASE -s key=a,b,c."""
    from hpcqke.scan import scan_case

    return scan_case(options, petsc)


def cases(options, petsc: list[str]) -> int:
    """hpcqke cases."""
    from hpcqke.case import shipped_cases

    for name, (_, line) in shipped_cases().items():
        print(f"{name:18s} {line}")
    return 0
