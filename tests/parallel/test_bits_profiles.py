"""Matter and mu of t and of z, frequencies: the same bits on any ranks and for every split."""

from functools import cache

import pytest
from layouts import case_of, evolve, splits
from mpi4py import MPI
from test_bits_vacuum_matter import MIXING, MOST, same_bits

SIZE = MPI.COMM_WORLD.size
MATTER = {
    "linear": {"profile": "linear", "along": "t", "potential": 0.7, "slope": -0.4},
    "cosine": {"profile": "cosine", "along": "t", "amplitude": 0.9, "period": 1.7},
    "table": {"profile": "table", "along": "t", "t": [0.0, 0.6, 2.0], "values": [0.1, 1.3, 0.2]},
    "place": {"profile": "linear", "potential": 0.5, "slope": 0.03},
}
MU = {
    "t": {"mu": 1.4, "profile": "exponential", "along": "t", "decay_time": 2.5, "floor": 0.4},
    "z": {"mu": 1.4, "profile": "exponential", "scale_height": 9.0},
    "table": {"profile": "table", "z": [-10.0, -1.1, 10.0], "values": [0.4, 1.7, 0.9]},
}
KINDS = [
    ("two beams", 2, "linear", "t"),
    ("four beams", 3, "cosine", "z"),
    ("sixteen", 2, "table", "table"),
    ("three momenta", 3, "place", "t"),
    ("three momenta", 2, "cosine", "z"),
]


def case(directions: str, flavors: int, matter: str, mu: str, **layout):
    """Streaming, vacuum, matter and self-interaction."""
    return case_of(
        directions,
        flavors,
        terms__vacuum=MIXING[flavors],
        terms__matter=MATTER[matter],
        terms__self_interaction=MU[mu],
        time__tolerance=1e-6,
        **layout,
    )


@cache
def alone(*kind):
    return evolve(case(*kind), MPI.COMM_SELF)


def compare(found, reference) -> None:
    """Right-hand side, state, time and step, every diagnostic."""
    rate, rho, when, row = found
    rate1, rho1, when1, row1 = reference
    assert same_bits(rate, rate1)
    assert same_bits(rho, rho1)
    assert when == when1
    assert not [name for name in row1 if not same_bits(row[name], row1[name])]


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: "-".join(map(str, k)))
def test_same_bits(kind, split):
    if split[1] > MOST[kind[0]]:
        return  # refused, see test_bits_vacuum_matter
    layout = {"grid__z__ranks": split[0], "grid__momentum__ranks": split[1]}
    found = evolve(case(*kind, **layout), MPI.COMM_WORLD)
    compare(found, alone(*kind))
    in_time = "t" in (kind[3], MATTER[kind[2]].get("along"))
    assert (abs(found[3]["energy_given_rate"]) > 1e-6) == in_time


BINS = {"grid.momentum.offset_range": [-5.0, 5.0], "grid.momentum.offset_cells": 10}


def with_gradient(**layout):
    """The gradient terms with mu(z), on bins in |p|."""
    keys = {key.replace(".", "__"): value for key, value in BINS.items()}
    return case_of("two beams", 2, terms__self_interaction=MU["table"], terms__gradient={},
                   terms__advection={"order": 4}, time__integrator="rk4", time__step=0.05,
                   time__end=1.0, **keys, **layout)  # fmt: skip


@cache
def gradient_alone():
    return evolve(with_gradient(), MPI.COMM_SELF)


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
def test_same_bits_with_gradient_terms(split):
    layout = {"grid__z__ranks": split[0], "grid__momentum__ranks": split[1]}
    compare(evolve(with_gradient(**layout), MPI.COMM_WORLD), gradient_alone())
