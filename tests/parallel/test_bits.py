"""The same bits on any number of ranks and for every split of z x momentum."""

from functools import cache

import numpy as np
import pytest
from layouts import case_of, evolve, splits
from mpi4py import MPI

from hpcqke.errors import CaseError

SIZE = MPI.COMM_WORLD.size
STEPPING = {
    "rk4": {"time__integrator": "rk4", "time__step": 0.05},
    "rk3bs adaptive": {"time__integrator": "rk3bs", "time__tolerance": 1e-5},
    "rk5dp adaptive": {"time__integrator": "rk5dp", "time__tolerance": 1e-7},
    "rk8vr adaptive": {"time__integrator": "rk8vr", "time__tolerance": 1e-7},
    "gauss2": {"time__integrator": "gauss2", "time__step": 0.05},
    "filtered": {
        "time__integrator": "rk5dp",
        "time__step": 0.05,
        "terms__advection__filter": 0.1,
        "terms__advection__order": 6,
    },
}
MOST = {"two beams": 2, "four beams": 4, "sixteen": 16, "twenty": 3, "three momenta": 3}


@cache
def alone(directions: str, flavors: int, antineutrinos: bool, stepping: str):
    """The same run on one rank (every rank makes it for itself)."""
    return evolve(case_of(directions, flavors, antineutrinos, **STEPPING[stepping]), MPI.COMM_SELF)


def same_bits(a, b) -> bool:
    return np.asarray(a, float).tobytes() == np.asarray(b, float).tobytes()


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize(
    ("directions", "flavors", "antineutrinos", "stepping"),
    [
        ("two beams", 2, False, "rk5dp adaptive"),
        ("two beams", 2, False, "rk4"),
        ("four beams", 2, True, "rk3bs adaptive"),
        ("four beams", 3, True, "gauss2"),
        ("four beams", 3, False, "rk5dp adaptive"),
        ("sixteen", 2, True, "rk4"),
        ("sixteen", 2, True, "rk8vr adaptive"),
        ("sixteen", 3, True, "filtered"),
        ("twenty", 2, True, "rk5dp adaptive"),
        ("three momenta", 2, True, "rk5dp adaptive"),
    ],
)
def test_same_bits(directions, flavors, antineutrinos, stepping, split):
    """Right-hand side, state, time, step and every diagnostic."""
    if split[1] > MOST[directions]:
        with pytest.raises(CaseError, match=r"grid.momentum.ranks"):
            evolve(
                case_of(directions, flavors, antineutrinos, grid__momentum__ranks=split[1]),
                MPI.COMM_WORLD,
            )
        return
    settings = {**STEPPING[stepping], "grid__z__ranks": split[0], "grid__momentum__ranks": split[1]}
    case = case_of(directions, flavors, antineutrinos, **settings)
    rate, rho, when, row = evolve(case, MPI.COMM_WORLD)
    rate1, rho1, when1, row1 = alone(directions, flavors, antineutrinos, stepping)
    assert same_bits(rate, rate1)
    assert same_bits(rho, rho1)
    assert when == when1
    different = [name for name in row1 if not same_bits(row[name], row1[name])]
    assert not different
    assert np.abs(rate).max() > 0.01


def test_a_repeated_run_has_the_same_bits():
    """Twice the same, on all ranks."""
    case = case_of("sixteen", **STEPPING["rk5dp adaptive"])
    first, second = evolve(case, MPI.COMM_WORLD), evolve(case, MPI.COMM_WORLD)
    assert same_bits(first[1], second[1])
    assert first[2] == second[2]


def test_the_implicit_midpoint_agrees_to_rounding():
    """Krylov sums depend on the ranks: 1e-11 relative, not bits."""
    case = case_of("four beams", time__integrator="midpoint", time__step=0.05)
    rho = evolve(case, MPI.COMM_WORLD)[1]
    rho1 = evolve(case, MPI.COMM_SELF)[1]
    assert np.abs(rho - rho1).max() < 1e-11
