"""Upwind differences and open ends: the same bits on any number of ranks and for every split."""

from functools import cache

import numpy as np
import pytest
from layouts import case_of, evolve, splits
from mpi4py import MPI

SIZE = MPI.COMM_WORLD.size
GAS = {
    "recipe": "distribution",
    "populations": [{"angular": "gaussian", "width": 0.7}, {"species": "nubar", "density": 0.6}],
    "perturbation": "velocity",
    "amplitude": 0.1,
}
KINDS = {
    "periodic": {"order": 5, "boundary": "periodic"},
    "inflow": {"order": 5, "boundary": ["inflow", "outflow"]},
    "mirrors": {"order": 3, "boundary": ["reflecting", "inflow"]},
    "nine cells": {"order": 5, "boundary": ["inflow", "reflecting"], "cells": 9},
}


def run(directions: str, flavors: int, kind: str, comm, split=(0, 0)):
    numbers = KINDS[kind]
    case = case_of(
        directions, flavors, True, initial=GAS, time__integrator="rk5dp", time__tolerance=1e-6,
        grid__z__boundary=numbers["boundary"], grid__z__cells=numbers.get("cells", 37),
        terms__advection__order=numbers["order"],
        grid__z__ranks=0 if kind == "nine cells" else split[0],  # more than one would ask for
        grid__momentum__ranks=split[1],
    )  # fmt: skip
    return evolve(case, comm)


@cache
def alone(*what: str | int):
    return run(*what, MPI.COMM_SELF)


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize(
    ("directions", "flavors", "kind"),
    [
        ("four beams", 2, "periodic"),
        ("sixteen", 2, "inflow"),
        ("four beams", 3, "mirrors"),
        ("sixteen", 2, "nine cells"),
        ("three momenta", 2, "mirrors"),
    ],
)
def test_same_bits(directions, flavors, kind, split):
    if directions == "three momenta" and split[1] > 3:
        return  # more ranks along momentum than momenta are refused
    together = run(directions, flavors, kind, MPI.COMM_WORLD, split)
    for mine, theirs in zip(together[:3], alone(directions, flavors, kind)[:3], strict=True):
        assert np.asarray(mine, float).tobytes() == np.asarray(theirs, float).tobytes()
    row, expected = together[3], alone(directions, flavors, kind)[3]
    assert row.keys() == expected.keys()
    assert ("flux_left" in row) == (kind != "periodic")
    for name, value in expected.items():
        assert np.asarray(row[name], float).tobytes() == np.asarray(value, float).tobytes(), name
