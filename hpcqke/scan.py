"""hpcqke scan CASE -s key=a,b,c: one run per combination, and a table that an array job indexes."""

from __future__ import annotations

import itertools
from pathlib import Path

from hpcqke.atomic import write_atomic
from hpcqke.case import load_case
from hpcqke.errors import EXIT, CaseError


def combinations(settings: list[str]) -> list[list[str]]:
    """["a=1,2", "b=x"] -> [["a=1", "b=x"], ["a=2", "b=x"]]; commas inside [] or "" do not split."""
    choices = []
    for setting in settings:
        key, sep, values = setting.partition("=")
        if not sep:
            raise CaseError([f"-s {setting}: must be section.key=value,value,..."])
        choices.append([f"{key}={value}" for value in split_values(values)])
    return [list(c) for c in itertools.product(*choices)]


def split_values(text: str) -> list[str]:
    """Split at commas that are outside brackets and quotes."""
    values, depth, quote, start = [], 0, "", 0
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "," and depth == 0:
            values.append(text[start:i])
            start = i + 1
    return [*values, text[start:]]


def scan_case(options, petsc: list[str]) -> int:
    """Check every combination, write the table DIR/scan.tsv, and run them all, or only --index."""
    from hpcqke import parallel

    comm = parallel.world()
    base = Path(options.output or f"scans/{Path(options.case).stem}")
    runs, faults = [], []
    for i, settings in enumerate(combinations(options.settings)):
        folder = base / f"{i:04d}"
        try:
            case = load_case(options.case, [*settings, f"output.directory={folder}"])
            runs.append((i, folder, settings, case))
        except CaseError as error:
            faults += [f"run {i} ({' '.join(settings)}): {fault}" for fault in error.faults]
    if options.index is not None and not 0 <= options.index < len(runs) + len(faults):
        faults.append(f"--index {options.index}: must be from 0 to {len(runs) - 1}")
    if faults:
        raise CaseError(faults)
    if comm.rank == 0:
        base.mkdir(parents=True, exist_ok=True)
        rows = [f"{i}\t{folder}\t{chr(9).join(settings)}\n" for i, folder, settings, _ in runs]
        write_atomic(base / "scan.tsv", "".join(rows).encode())
    code = 0
    for i, _, settings, case in runs:
        if options.index in (None, i):
            if comm.rank == 0:
                print(f"run {i} of {len(runs)}: {' '.join(settings)}", flush=True)
            code = run_one(case, petsc)
            if code == EXIT["resume"]:
                break
    return code


def run_one(case, petsc: list[str]) -> int:
    from hpcqke.simulation import Simulation

    with Simulation(case, petsc_options=petsc) as sim:
        return sim.run().exit_code
