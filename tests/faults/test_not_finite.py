"""NaN and Inf, put into the state of a run: it stops, says where, and leaves no bad checkpoint."""

import math
import re

import pytest
from left import ends_like, newest_step, run, status

LENGTH, CELLS, DIRECTIONS = 25.132741228718345, 60, (1.0, 0.5, -0.5, -1.0)
COMPONENTS = ("P0", "Px", "Py", "Pz")
STEPPERS = {
    "rk4": ("time.integrator=rk4",),
    "rk5dp": ("time.integrator=rk5dp", "time.tolerance=1e-8"),
    "midpoint": ("time.integrator=midpoint",),
    "gauss2": ("time.integrator=gauss2",),
    "bm6": ("time.integrator=bm6",),
}
GUARD = 10  # steps from one look at the state to the next
PLACES = [("nan", 0, 0, 1), ("inf", 37, 2, 3), ("-inf", 59, 3, 0)]  # value, cell, direction, P
LINE = re.compile(
    r"not finite at t = (?P<t>\S+), step (?P<step>\d+): z = (?P<z>\S+) \(cell (?P<cell>\d+)\), "
    r"momentum = 1, direction = (?P<v>\S+) \((?P<d>\d+)\), species nu, "
    r"component (?P<c>\w+) = (?P<value>\S+)"
)
SELDOM = ("output.series_every=2.0", "output.fields_every=2.0", "checkpoint.every=2.0")


def fault(place) -> str:
    value, cell, direction, component = place
    return f"state:{value}:{cell}:0:{direction}:0:{component}"


def said(done, folder) -> re.Match:
    """The one line, which STATUS repeats; exit code 3 on all ranks together."""
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "finite" in line]
    assert len(lines) == 1, done.stderr
    found = LINE.fullmatch(lines[0])
    assert found, lines[0]
    assert status(folder) == f"failed {lines[0]}"
    return found


def check_place(found: re.Match, place) -> None:
    value, cell, direction, component = place
    assert int(found["cell"]) == cell
    assert math.isclose(float(found["z"]), LENGTH * (cell / CELLS - 0.5), rel_tol=1e-6)
    assert (int(found["d"]), float(found["v"])) == (direction, DIRECTIONS[direction])
    assert found["c"] == COMPONENTS[component]
    assert found["value"] == value


@pytest.mark.parametrize("ranks", [0, 3])
@pytest.mark.parametrize("place", PLACES, ids=[p[0] for p in PLACES])
@pytest.mark.parametrize("stepper", STEPPERS)
def test_in_the_state_at_a_look(stepper, place, ranks, tmp_path, mpirun):
    """Put in after step 20, when the guard looks: the place that is named is the place."""
    folder = tmp_path / "run"
    args = run(folder, *STEPPERS[stepper], what=fault(place), step=20)
    found = said(mpirun(ranks, args, timeout=60), folder)
    check_place(found, place)
    assert int(found["step"]) == 20
    assert 0 < newest_step(folder) < 20


@pytest.mark.parametrize(("step", "ranks"), [(21, 0), (25, 2), (28, 3)])
@pytest.mark.parametrize("site", ["hook", "stage"])
def test_between_two_looks(site, step, ranks, tmp_path, mpirun):
    """With a fixed step it has spread by the next look; no more than that."""
    folder = tmp_path / "run"
    args = run(folder, *SELDOM, site=site, what=fault(PLACES[0]), step=step)
    found = said(mpirun(ranks, args, timeout=60), folder)
    assert step <= int(found["step"]) <= step + GUARD
    assert newest_step(folder) <= step


@pytest.mark.parametrize("stepper", ["rk5dp", "midpoint", "gauss2"])
def test_the_next_step_fails(stepper, tmp_path, mpirun):
    """No step control, Newton's method or fixed point goes on from it: it says at once where."""
    folder = tmp_path / "run"
    args = run(folder, *STEPPERS[stepper], *SELDOM, what=fault(PLACES[1]), step=11)
    found = said(mpirun(2, args, timeout=60), folder)
    check_place(found, PLACES[1])
    assert int(found["step"]) == 11


def test_in_a_stage_that_is_tried_again(tmp_path, mpirun):
    """A value that was bad in one try of an adaptive step: the step is done again, smaller."""
    folder = tmp_path / "run"
    args = run(folder, *STEPPERS["rk5dp"], site="stage", what=fault(PLACES[0]), step=9)
    assert mpirun(2, args, timeout=60).returncode == 0
    assert newest_step(folder) > 9


@pytest.mark.parametrize("ranks", [0, 2])
def test_the_run_goes_on_from_before(ranks, tmp_path, mpirun):
    """Its checkpoint is from before the fault: started again, it ends as if nothing had been."""
    whole, folder = tmp_path / "whole", tmp_path / "run"
    assert mpirun(0, run(whole)).returncode == 0
    done = mpirun(ranks, run(folder, what=fault(PLACES[2]), step=37), timeout=60)
    said(done, folder)
    ends_like(whole, folder, mpirun, ranks=ranks)
