"""The splitting integrators: the same bits on any number of ranks along z."""

from functools import cache

import numpy as np
import pytest
from layouts import case_of, evolve
from mpi4py import MPI

MATTER = {"profile": "cosine", "potential": 0.4, "amplitude": 0.3, "wave_number": 2}
VACUUM = {"mass_splittings": [0.8], "theta": 0.3}
CASES = {  # directions, flavors, antineutrinos, the rest
    "pair": ("two beams", 2, False, {"time__step": 0.3}),
    "pair, nubar": ("two beams", 2, True, {"time__step": 0.3}),
    "long steps": ("four beams", 2, True, {"time__step": 6.0, "time__end": 6.0}),
    "three flavors": ("four beams", 3, True, {"time__step": 0.25}),
    "everything": (
        "three momenta",
        2,
        True,
        {"time__step": 0.25, "terms__matter": MATTER, "terms__vacuum": VACUUM},
    ),
    "bm4": ("sixteen", 2, True, {"time__step": 0.25, "time__integrator": "bm4"}),
}


def run(name: str, comm):
    directions, flavors, antineutrinos, rest = CASES[name]
    settings = {"time__integrator": "bm6", **rest}
    return evolve(case_of(directions, flavors, antineutrinos, **settings), comm)


@cache
def alone(name: str):
    """On one rank; every rank makes it for itself."""
    return run(name, MPI.COMM_SELF)


@pytest.mark.parametrize("name", CASES)
def test_same_bits(name):
    """State, time, step and every diagnostic; ghosts may reach over several ranks."""
    _, rho, when, row = run(name, MPI.COMM_WORLD)
    _, rho1, when1, row1 = alone(name)
    assert rho.tobytes() == rho1.tobytes()
    assert when == when1
    different = [
        key
        for key in row1
        if np.asarray(row[key], float).tobytes() != np.asarray(row1[key], float).tobytes()
    ]
    assert not different
    assert np.isfinite(rho).all()


def test_a_long_step_reaches_over_ranks():
    """The step of 5.3 needs more ghosts than one of four ranks has rows."""
    from hpcqke.splitting import coefficients, interpolation

    first, _ = interpolation(np.array([-5.3 * max(coefficients("bm6")[0]) / (20 / 37)]))
    assert -first[0] > 37 // 4
