"""The ledger on any number of ranks along z, whichever way the stages go: the same bits."""

from functools import cache

import numpy as np
import pytest
from layouts import case_of, evolve
from mpi4py import MPI

FIXED = {"time__integrator": "rk4", "time__step": 0.05}
CASES = {  # directions, flavors, cells, the rest
    "few cells": ("twenty", 2, 37, FIXED),
    "following": ("twenty", 2, 700, {**FIXED, "time__end": 1.0}),
    "adaptive": ("sixteen", 2, 37, {"time__integrator": "rk5dp", "time__tolerance": 1e-6}),
    "three flavors": ("three momenta", 3, 37, {"time__integrator": "rk8vr", "time__step": 0.1}),
    "beams": ("four beams", 2, 37, FIXED),
}


def run(name: str, comm):
    """(rho, (t, step, dt), row) at the end."""
    directions, flavors, cells, rest = CASES[name]
    case = case_of(directions, flavors, True, grid__z__cells=cells, terms__ledger={}, **rest)
    return evolve(case, comm)[1:]


@cache
def alone(name: str):
    return run(name, MPI.COMM_SELF)


@pytest.mark.parametrize("name", CASES)
def test_same_bits(name):
    """State, K of each direction and every other diagnostic."""
    rho, when, row = run(name, MPI.COMM_WORLD)
    rho1, when1, row1 = alone(name)
    assert rho.tobytes() == rho1.tobytes()
    assert when == when1
    for key in row1:
        assert np.asarray(row[key], float).tobytes() == np.asarray(row1[key], float).tobytes(), key
    assert abs(row["energy_kinetic_direction"]).max() > 0
