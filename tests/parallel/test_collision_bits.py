"""Collisions: the same bits on any number of ranks and for every split of z x momentum."""

from functools import cache

import numpy as np
import pytest
from layouts import case_of, evolve, splits
from mpi4py import MPI

SIZE = MPI.COMM_WORLD.size
MOST = {"two beams": 2, "four beams": 4, "five": 5, "sixteen": 16, "twenty": 3, "three momenta": 3}
FIVE = {
    "grid__momentum__directions": [1.0, 0.4, 0.1, -0.5, -0.9],
    "initial__polarization": [0.1] * 5,
}
"""Lanes of padding, unless several ranks share the directions."""
RATES = {
    2: {"absorption": [0.9, 0.1], "equilibrium": [0.7, 0.3], "scattering": [0.4, 0.8]},
    3: {
        "absorption": [0.9, 0.1, 0.2],
        "equilibrium": [0.7, 0.3, 0.4],
        "scattering": [0.4, 0.8, 0.3],
    },
}


def case(directions: str, flavors: int, **layout):
    """Streaming, self-interaction and collisions with rates that differ in everything."""
    rates, extra = dict(RATES[flavors]), {}
    rates["absorption_bar"] = [0.5 * x for x in rates["absorption"]]
    rates["scattering_bar"] = rates["scattering"][::-1]
    if directions == "three momenta":
        rates["absorption"] = [[p * x for x in rates["absorption"]] for p in (0.5, 1.0, 2.0)]
    if directions == "five":
        directions, extra = "four beams", FIVE
    return case_of(
        directions,
        flavors,
        terms__collisions=rates,
        time__integrator="rk5dp",
        time__tolerance=1e-6,
        **extra,
        **layout,
    )


@cache
def alone(*kind):
    return evolve(case(*kind), MPI.COMM_SELF)


def same_bits(a, b) -> bool:
    return np.asarray(a, float).tobytes() == np.asarray(b, float).tobytes()


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize(
    "kind",
    [
        ("two beams", 2),
        ("four beams", 3),
        ("five", 2),
        ("sixteen", 2),
        ("sixteen", 3),
        ("twenty", 2),
        ("three momenta", 2),
        ("three momenta", 3),
    ],
    ids=lambda k: "-".join(map(str, k)),
)
def test_same_bits(kind, split):
    """Right-hand side, state, time, step and every diagnostic."""
    if split[1] > MOST[kind[0]]:
        return  # refused: test_bits_vacuum_matter
    layout = {"grid__z__ranks": split[0], "grid__momentum__ranks": split[1]}
    rate, rho, when, row = evolve(case(*kind, **layout), MPI.COMM_WORLD)
    rate1, rho1, when1, row1 = alone(*kind)
    assert same_bits(rate, rate1)
    assert same_bits(rho, rho1)
    assert when == when1
    assert not [name for name in row1 if not same_bits(row[name], row1[name])]
    assert np.abs(row["number_rate"]).max() > 0.01
