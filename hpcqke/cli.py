"""The command line: hpcqke run, info, stability, plot, compare, verify, check, scan, cases."""

from __future__ import annotations

import argparse
import sys

from hpcqke import parallel, signals


class Parser(argparse.ArgumentParser):
    """One that speaks on rank 0 only."""

    def _print_message(self, message, file=None) -> None:
        if not parallel.launched_rank():
            super()._print_message(message, file)


def parser() -> Parser:
    """All commands and their options."""
    top = Parser(
        prog="hpcqke",
        description="Quantum kinetics of mixed neutrinos, in parallel over z and momentum.",
        epilog="Run on several ranks with: mpirun -n 4 hpcqke run CASE",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="store_true", help="print the version and end")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, text: str, *, case: bool = False, run: bool = False):
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if case:
            sub.add_argument(
                "case", metavar="CASE", help="a TOML file or the name of a shipped case"
            )
            sub.add_argument(
                "-s",
                dest="settings",
                metavar="SECTION.KEY=VALUE",
                action="append",
                default=[],
                help="set a key of the case (can be repeated)",
            )
        if run:
            sub.add_argument("run", metavar="RUN", help="a run folder")
        return sub

    run = command("run", "run a case", case=True)
    run.add_argument("--output", metavar="DIR", help="the run folder (default: output.directory)")
    run.add_argument(
        "--restart",
        metavar="auto|never|FILE",
        default="auto",
        help="auto: go on from the run folder's newest whole checkpoint, if any (default); "
        "never: begin anew, an earlier run is set aside; FILE: go on from this checkpoint",
    )
    info = command(
        "info", "grid, ranks, memory, time step, run time, disk space; leaves no files", case=True
    )
    info.add_argument(
        "-n", dest="ranks", type=int, metavar="N", help="for N ranks (default: those it runs on)"
    )
    stability = command(
        "stability", "growth rates of the linearised equations, crossings, is the box enough?",
        case=True,
    )
    stability.add_argument("--png", metavar="FILE", help="draw rates and distribution into FILE")
    stability.add_argument("--netcdf", metavar="FILE", help="write all that was computed to FILE")
    command("plot", "draw the pictures of a run", run=True)
    compare = command("compare", "in what do two runs differ, cases and results?")
    for name in ("A", "B"):
        compare.add_argument(name.lower(), metavar=name, help="a run folder")
    compare.add_argument("--png", metavar="FILE", help="draw the differences into FILE")
    command("verify", "are a run's files whole?", run=True)
    command("check", "is this installation in order? (also under mpirun)")
    scan = command("scan", "one run per combination of -s section.key=a,b,c", case=True)
    scan.add_argument("--output", metavar="DIR", help="folder of the runs (default: scans/CASE)")
    scan.add_argument("--index", type=int, metavar="I", help="do run I of the table only")
    command("cases", "the shipped cases, a line each")
    return top


def split_options(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What stands before and after ``--``: ours, and PETSc's."""
    if "--" not in arguments:
        return arguments, []
    i = arguments.index("--")
    return arguments[:i], arguments[i + 1 :]


def dispatch(arguments: list[str]) -> int:
    """Parse and do; returns the exit code."""
    ours, petsc = split_options(arguments)
    top = parser()
    options = top.parse_args(ours)
    if options.version:
        import hpcqke

        print(f"hpcqke {hpcqke.__version__}")
        return 0
    if options.command is None:
        top.print_help()
        return 2
    if petsc and options.command not in ("run", "scan"):
        top.error(f"{petsc[0]}: options after -- are PETSc's, which {options.command} does not use")
    from hpcqke import commands

    return getattr(commands, options.command)(options, petsc)


def main() -> None:
    """The console script."""
    signals.install()
    parallel.run_main(lambda: dispatch(sys.argv[1:]))
