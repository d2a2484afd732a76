"""Vacuum and matter: the same bits on any number of ranks and for every split of z x momentum."""

from functools import cache

import numpy as np
import pytest
from layouts import case_of, evolve, splits
from mpi4py import MPI

from hpcqke.errors import CaseError

SIZE = MPI.COMM_WORLD.size
MIXING = {
    2: {"theta": 0.3, "mass_splittings": [1.3]},
    3: {
        "mass_splittings": [0.3, -1.3],
        **{"theta12": 0.58, "theta13": 0.15, "theta23": 0.85, "delta_cp": 4.0},
    },
}
PROFILES = {
    "constant": {"potential": 0.7},
    "cosine": {"profile": "cosine", "potential": 0.2, "amplitude": 0.9, "wave_number": 3},
    "exponential": {"profile": "exponential", "potential": 0.5, "scale_height": 7.0},
    "table": {"profile": "table", "z": [-10.0, -3.1, 10.0], "values": [0.1, 1.3, 0.2]},
}
MOST = {"two beams": 2, "four beams": 4, "sixteen": 16, "twenty": 3, "three momenta": 3}


def case(directions: str, flavors: int, profile: str, relaxation: bool = False, **layout):
    """Streaming, self-interaction, vacuum and matter, with neutral currents in the energy."""
    return case_of(
        directions,
        flavors,
        terms__vacuum=MIXING[flavors],
        terms__matter={**PROFILES[profile], "neutrons_per_electron": 1.2},
        time__integrator="rk5dp",
        time__tolerance=1e-6,
        time__relaxation=relaxation,
        **layout,
    )


@cache
def alone(*kind):
    return evolve(case(*kind), MPI.COMM_SELF)


def same_bits(a, b) -> bool:
    return np.asarray(a, float).tobytes() == np.asarray(b, float).tobytes()


def test_more_ranks_along_momentum_than_parts_are_refused():
    """Two beams have two parts."""
    if SIZE > MOST["two beams"]:
        with pytest.raises(CaseError, match=r"grid.momentum.ranks"):
            evolve(case("two beams", 2, "constant", grid__momentum__ranks=SIZE), MPI.COMM_WORLD)


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize(
    "kind",
    [
        ("two beams", 2, "constant"),
        ("four beams", 3, "cosine"),
        ("sixteen", 2, "exponential"),
        ("twenty", 3, "table"),
        ("three momenta", 2, "cosine"),
        ("three momenta", 2, "constant", True),
        ("three momenta", 3, "exponential"),
    ],
    ids=lambda k: "-".join(map(str, k)),
)
def test_same_bits(kind, split):
    """Right-hand side, state, time, step and every diagnostic, the two energies among them."""
    if split[1] > MOST[kind[0]]:
        return  # refused: test_more_ranks_along_momentum_than_parts_are_refused
    layout = {"grid__z__ranks": split[0], "grid__momentum__ranks": split[1]}
    rate, rho, when, row = evolve(case(*kind, **layout), MPI.COMM_WORLD)
    rate1, rho1, when1, row1 = alone(*kind)
    assert same_bits(rate, rate1)
    assert same_bits(rho, rho1)
    assert when == when1
    assert not [name for name in row1 if not same_bits(row[name], row1[name])]
    assert abs(row["energy_vacuum"]) > 0.01
    assert abs(row["energy_matter"]) > 0.01
