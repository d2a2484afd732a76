"""Malformed cases: exit code 2, one line a fault with the key and the nearest valid name.

Each goes through `load_case` in this process, and through `python -m hpcqke run` as a user does.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from launch import Finished, Launcher
from malformed_base import GOOD, Malformed, toml
from malformed_cases import CASES

from hpcqke.case import load_case
from hpcqke.errors import CaseError

NAMES = [f"{i:03d} {case.name}" for i, case in enumerate(CASES)]
LIMIT = 2.0
UNDER_MPI = CASES[::20]


def faults_in_process(case: Malformed, folder: Path) -> list[str]:
    """The lines of load_case, called in `folder`."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        with pytest.raises(CaseError) as caught:
            load_case(case.case, case.overrides)
    finally:
        os.chdir(here)
    assert caught.value.exit_code == 2
    return caught.value.faults


def run(case: Malformed, folder: Path, mpirun: Launcher, ranks: int) -> Finished:
    """The real command in `folder`; ranks = 0 is without mpirun."""
    command = ["-m", "hpcqke", "run", case.case]
    for override in case.overrides:
        command += ["-s", override]
    return mpirun(ranks, command, timeout=60, cwd=folder)


def fair_seconds(case: Malformed, folder: Path, mpirun: Launcher, ranks: int) -> float:
    """Seconds of the command on a busy machine: the best of a few, less what MPI alone takes."""
    bare = ["-c", "import mpi4py.MPI; raise SystemExit(2)"]
    alone = min(mpirun(ranks, bare, timeout=60).seconds for _ in range(3))
    return min(run(case, folder, mpirun, ranks).seconds for _ in range(4)) - alone


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_there_are_enough():
    assert len(CASES) >= 110
    assert len({(case.name, case.text, case.case) for case in CASES}) == len(CASES)


def test_the_good_case_is_good(tmp_path):
    (tmp_path / "good.toml").write_bytes(toml({}))
    assert load_case(tmp_path / "good.toml").grid.z.cells == int(GOOD["grid.z"]["cells"])


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_load_case(case, tmp_path):
    case.write(tmp_path)
    before = contents(tmp_path)
    lines = faults_in_process(case, tmp_path)
    assert contents(tmp_path) == before
    assert len(lines) == len(case.faults), "\n".join(lines)
    for line in lines:
        assert line.isprintable()
        assert len(line) < 600
    for fault in case.faults:
        key, _, near = fault.partition(" ~ ")
        found = [line for line in lines if line.startswith((f"{key}: ", f"{key} = "))]
        assert found, f"no line for {key} in\n" + "\n".join(lines)
        assert not near or found[0].endswith(f'; did you mean "{near}"?'), found[0]


def test_command(tmp_path, mpirun, figure):
    """Every case through the command: exit code, the same lines, nothing else, nothing written."""
    expected = []
    for i, case in enumerate(CASES):
        folder = tmp_path / str(i)
        folder.mkdir()
        case.write(folder)
        expected.append((faults_in_process(case, folder), contents(folder)))
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(
            lambda i: run(CASES[i], tmp_path / str(i), mpirun, ranks=0), range(len(CASES))))

    wrong = []
    order = sorted(range(len(CASES)), key=lambda i: results[i].seconds)
    slowest, how = results[order[-1]].seconds, "wall time"
    if slowest >= LIMIT:
        how = f"less MPI's own start; at first {slowest:.2f} s, on a busy machine"
        slowest = max(fair_seconds(CASES[i], tmp_path / str(i), mpirun, 0) for i in order[-3:])
    for i, (lines, before) in enumerate(expected):
        done, after = results[i], contents(tmp_path / str(i))
        same = (done.returncode, done.stderr.splitlines(), done.stdout, after) == (
            2, lines, "", before)
        if not same:
            wrong.append(f"{NAMES[i]}: exit {done.returncode}, {done.seconds:.2f} s, "
                         f"{done.stdout[:200]}{done.stderr[:500]}")
    figure("malformed cases", f"{len(CASES)} tried, {len(wrong)} wrong, slowest {slowest:.2f} s "
           f"({how}); must be 0 wrong, < {LIMIT:g} s")
    assert not wrong, "\n".join(wrong)
    assert slowest < LIMIT


@pytest.mark.parametrize("case", UNDER_MPI, ids=[case.name for case in UNDER_MPI])
def test_three_ranks(case, tmp_path, mpirun):
    """Three ranks say the same, once, and end together."""
    case.write(tmp_path)
    lines = faults_in_process(case, tmp_path)
    before = contents(tmp_path)
    done = run(case, tmp_path, mpirun, ranks=3)
    said = [line for line in done.stderr.splitlines() if line in lines]
    assert done.returncode == 2, done.stderr
    assert said == lines, done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path) == before
    assert done.seconds < LIMIT or fair_seconds(case, tmp_path, mpirun, ranks=3) < LIMIT
