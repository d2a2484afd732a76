"""What each command of the command line does. Every function returns an exit code."""

from __future__ import annotations

from pathlib import Path

from hpcqke import parallel, signals
from hpcqke.errors import EXIT, CaseError
from hpcqke.storage import on_root


def read(options, *, here: bool = True):
    """The case that the options name; `CaseError` with a line for every fault."""
    from hpcqke.case import load_case

    settings = list(options.settings)
    if getattr(options, "output", None) and options.command == "run":
        settings.append(f"output.directory={options.output}")
    case = load_case(options.case, settings, here=here)
    restart = getattr(options, "restart", "auto")
    if here and restart not in ("auto", "never") and not Path(restart).exists():
        raise CaseError([f"--restart {restart}: must be auto, never or a checkpoint file"])
    return case


def load(options):
    """The case of a command, the same on all ranks; `CaseError` on all ranks.

    A malformed case is refused before MPI is started: every rank reads the text, finds the same
    faults, and rank 0 tells them. What depends on the machine rank 0 decides for all.
    """
    rank = parallel.launched_rank()
    if rank is None:
        return read(options)
    try:
        read(options, here=False)
    except CaseError:
        if rank > 0:
            parallel.follow(EXIT["input"])
        read(options)
    return on_root(parallel.world(), lambda: read(options))


def run(options, petsc: list[str]) -> int:
    """hpcqke run CASE."""
    case = load(options)
    parallel.start_petsc(petsc, "theta" if case.time.integrator == "midpoint" else "rk")
    signals.install()
    from hpcqke.simulation import Simulation

    with Simulation(case, petsc_options=petsc) as sim:
        return sim.run(options.restart).exit_code


def info(options, petsc: list[str]) -> int:
    """hpcqke info CASE."""
    from hpcqke.info import describe

    case = load(options)
    if options.ranks is not None and options.ranks < 1:
        raise CaseError([f"-n {options.ranks}: must be at least 1"])
    text = describe(case, options.ranks)
    if not parallel.launched_rank():
        print(text)
    return 0


def stability(options, petsc: list[str]) -> int:
    """hpcqke stability CASE."""
    from hpcqke.analysis import stability as backend

    case = load(options)
    if parallel.launched_rank():
        return 0  # one rank does it all
    return backend.command(case, png=options.png, netcdf=options.netcdf)


def plot(options, petsc: list[str]) -> int:
    """hpcqke plot RUN."""
    from hpcqke.analysis.plots import plot_run

    for path in plot_run(options.run):
        print(path)
    return 0


def compare(options, petsc: list[str]) -> int:
    """hpcqke compare A B."""
    from hpcqke.analysis import compare_report as backend

    if parallel.launched_rank():
        return 0  # one rank does it all
    return backend.command(options.a, options.b, options.png)


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

    if petsc:
        parallel.start_petsc(petsc, "rk")
    return scan_case(options, petsc)


def cases(options, petsc: list[str]) -> int:
    """hpcqke cases."""
    from hpcqke.case import shipped_cases

    if not parallel.launched_rank():
        for name, (_, line) in shipped_cases().items():
            print(f"{name:18s} {line}")
    return 0
