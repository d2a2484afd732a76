"""An error or sys.exit on one of three ranks ends all of them soon, with one traceback."""

from pathlib import Path

import pytest

DRIVER = str(Path(__file__).with_name("driver.py"))
LIMIT = 10.0  # s, the start of the run included

# site, what, rank, after step: what a run does in order, on the first, a middle and the last rank
ONE_RANK = [
    ("set_state", "ValueError", 1, 0),
    ("initial", "MemoryError", 2, 0),
    ("begin", "KeyboardInterrupt", 0, 0),
    ("stage", "ValueError", 0, 5),
    ("stage", "MemoryError", 1, 7),
    ("stage", "KeyboardInterrupt", 2, 12),
    ("stage", "exit3", 1, 9),
    ("ghosts", "ValueError", 2, 11),
    ("rhs", "ValueError", 1, 8),
    ("hook", "ValueError", 2, 10),
    ("hook", "exit3", 0, 3),
    ("hook", "exit0", 2, 3),
    ("row", "ValueError", 0, 8),
    ("append", "MemoryError", 1, 8),
    ("append", "exit3", 2, 14),
    ("checkpoint", "ValueError", 2, 14),
    ("end", "KeyboardInterrupt", 1, 50),
]
PETSC = [("begin", "Error", 2, 0), ("stage", "Error", 1, 5)]


def check(done, folder: Path, what: str) -> None:
    status = (folder / "STATUS").read_text() if (folder / "STATUS").exists() else ""
    if what.startswith("exit"):
        assert done.returncode == (int(what[4:]) or 1), done.stderr
        assert "Traceback" not in done.stderr
    else:
        assert done.returncode == 1, done.stderr
        assert done.stderr.count("Traceback (most recent call last)") == 1, done.stderr
        assert f"{what}: " in done.stderr
    assert not status or status.startswith("failed "), status


@pytest.mark.parametrize(("site", "what", "rank", "step"), [*ONE_RANK, *PETSC])
def test_on_one_of_three(site, what, rank, step, tmp_path, mpirun):
    extra = ["time.integrator=midpoint"] if site == "rhs" else []
    folder = tmp_path / "run"
    done = mpirun(3, [DRIVER, site, what, rank, step, folder, *extra], timeout=20)
    check(done, folder, what)
    assert (folder / "STATUS").exists() or site == "set_state"  # that is before the run
    assert done.seconds < LIMIT


@pytest.mark.parametrize("what", ["ValueError", "KeyboardInterrupt", "exit3"])
@pytest.mark.parametrize("ranks", [0, 3])
def test_on_all(what, ranks, tmp_path, mpirun):
    """All ranks meet it: still one traceback."""
    folder = tmp_path / "run"
    done = mpirun(ranks, [DRIVER, "stage", what, -1, 5, folder], timeout=20)
    check(done, folder, what)
    assert done.seconds < LIMIT
