"""The stages of a step one by one, at once, and following each other through z: the same bits."""

from functools import cache

import numpy as np
import pytest
from layouts import case_of, evolve
from mpi4py import MPI

from hpcqke import stages

SIZE = MPI.COMM_WORLD.size
STEPPING = {
    "rk4": {"time__integrator": "rk4", "time__step": 0.05},
    "rk4 stretched": {
        "time__integrator": "rk4",
        "time__step": 0.05,
        "time__relaxation": True,
        "terms__advection__order": 6,
    },
    "rk3bs": {"time__integrator": "rk3bs", "time__tolerance": 1e-5},
    "rk5dp": {"time__integrator": "rk5dp", "time__tolerance": 1e-7},
    "rk5dp fixed": {"time__integrator": "rk5dp", "time__step": 0.05},
    "rk8vr": {
        "time__integrator": "rk8vr",
        "time__tolerance": 1e-7,
        "terms__advection__order": 4,
        "terms__advection__filter": 0.1,
    },
}
EXTERNAL = {
    "terms__vacuum": {"mass_splittings": [0.8], "theta": 0.3},
    "terms__matter": {"profile": "cosine", "potential": 0.7, "amplitude": 0.4, "wave_number": 2},
}


def run(directions: str, stepping: str, comm, follow):
    """(rho, (t, step, dt), (the way of the stages)) of a run with 150 cells."""
    taken, way = [], stages.way
    stages.way = lambda equation, count: taken.append(follow) or follow
    try:
        case = case_of(directions, grid__z__cells=150, **EXTERNAL, **STEPPING[stepping])
        _, rho, when, _ = evolve(case, comm)
    finally:
        stages.way = way
    assert taken == [follow]
    return rho.tobytes(), when


@cache
def one_by_one(directions: str, stepping: str):
    """On one rank (every rank makes it for itself)."""
    return run(directions, stepping, MPI.COMM_SELF, None)


@pytest.mark.parametrize("stepping", STEPPING)
@pytest.mark.parametrize("directions", ["two beams", "twenty"])
def test_following_each_other_has_the_bits_of_one_by_one(directions, stepping):
    """On all ranks in z, and on one rank, where there is a third way."""
    expected = one_by_one(directions, stepping)
    assert run(directions, stepping, MPI.COMM_WORLD, True) == expected
    assert run(directions, stepping, MPI.COMM_SELF, True) == expected
    assert run(directions, stepping, MPI.COMM_SELF, False) == expected
    assert np.isfinite(np.frombuffer(expected[0])).all()


class Sizes:
    """What `way` looks at."""

    def __init__(self, nz: int, ranks_z: int, row: int, width: int = 4, all_in_kernel: bool = True):
        self.ps, self.nz, self.ranks_z, self.row = self, nz, ranks_z, row
        self.width, self.all_in_kernel = width, all_in_kernel


def test_the_way_goes_by_the_size_of_the_box():
    """Large: follow each other; small on one rank: at once; small parts: one by one."""
    assert stages.way(Sizes(1000, 1, 128), 4) is True
    assert stages.way(Sizes(200, 1, 128), 4) is False
    assert stages.way(Sizes(100, 1, 12800), 4) is False
    assert stages.way(Sizes(1000, 2, 16), 4) is True
    assert stages.way(Sizes(1000, 8, 12800), 4) is None
    assert stages.way(Sizes(1000, 8, 128), 4) is True
    assert stages.way(Sizes(1000, 8, 128), 13) is None
    assert stages.way(Sizes(120, 8, 16), 4) is None
    assert stages.way(Sizes(8, 1, 2), 13) is False
    assert stages.way(Sizes(1000, 1, 12800, all_in_kernel=False), 4) is None
    assert stages.way(Sizes(1000, 1, 12800, width=0), 4) is True
