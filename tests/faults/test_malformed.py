"""Malformed cases: exit code 2, one line a fault with the key and the nearest valid name.

Each goes through `load_case` in this process, and through `python -m hpcqke run` as a user does.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
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


def run(case: Malformed, folder: Path, launcher: tuple[str, ...] = ()) -> tuple[int, str, float]:
    """(exit code, stderr, seconds) of the real command in `folder`, the best of up to three."""
    command = [*launcher, sys.executable, "-m", "hpcqke", "run", case.case]
    for override in case.overrides:
        command += ["-s", override]
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True,
                              timeout=60, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
        if seconds < LIMIT:  # a busy machine is no fault of the program
            break
    return done.returncode, done.stderr.decode(), seconds


def environment() -> dict[str, str]:
    """Python's own copy of the environment, without what MPI may have set in C."""
    root = str(Path(__file__).parents[2])
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(
        filter(None, (root, os.environ.get("PYTHONPATH"))))}


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


def test_command(tmp_path):
    """Every case through the command: exit code, the same lines, nothing else, nothing written."""
    def one(numbered: tuple[int, Malformed]) -> tuple[int, str, float, list[str]]:
        folder = tmp_path / str(numbered[0])
        done = run(numbered[1], folder)
        return (*done, contents(folder))

    expected = []
    for i, case in enumerate(CASES):
        folder = tmp_path / str(i)
        folder.mkdir()
        case.write(folder)
        expected.append((faults_in_process(case, folder), contents(folder)))
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(one, enumerate(CASES)))

    wrong = []
    for name, (lines, before), (code, stderr, seconds, after) in zip(
            NAMES, expected, results, strict=True):
        good = code == 2 and stderr.splitlines() == lines and after == before and seconds < LIMIT
        if not good:
            wrong.append(f"{name}: exit {code}, {seconds:.2f} s, {stderr[:500]}")
    slowest = max(seconds for _, _, seconds, _ in results)
    print(f"\n{len(CASES)} malformed cases, {len(wrong)} wrong, slowest {slowest:.2f} s")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", UNDER_MPI, ids=[case.name for case in UNDER_MPI])
def test_three_ranks(case, tmp_path):
    """Three ranks say the same, once."""
    case.write(tmp_path)
    lines = faults_in_process(case, tmp_path)
    before = contents(tmp_path)
    code, stderr, seconds = run(case, tmp_path, ("mpirun", "-n", "3"))
    said = [line for line in stderr.splitlines() if line in lines]
    assert code == 2, stderr
    assert said == lines, stderr
    assert "Traceback" not in stderr
    assert contents(tmp_path) == before
    assert seconds < LIMIT
