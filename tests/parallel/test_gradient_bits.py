"""The gradient terms on any number of ranks and every split of z x momentum: bits and ledger."""

from functools import cache

import numpy as np
import pytest
from layouts import gathered, splits
from mpi4py import MPI

import hpcqke
from hpcqke.diagnostics import Diagnostics
from hpcqke.integrate import Integrator, Progress

SIZE = MPI.COMM_WORLD.size
CASES = {
    "on axis": ("gradient", {"grid.z.cells": 40, "grid.momentum.offset_cells": 24}),
    "on axis, order 4": (
        "gradient",
        {"grid.z.cells": 40, "grid.momentum.offset_cells": 24, "terms.gradient.order": 4},
    ),
    "axisymmetric": (
        "axisymmetric",
        {"grid.z.cells": 20, "grid.momentum.count": 12, "grid.momentum.offset_cells": 10},
    ),
    "tracer": (
        "axisymmetric",
        {
            "grid.z.cells": 20,
            "grid.momentum.count": 9,
            "grid.momentum.offset_cells": 10,
            "terms.gradient.mode": "tracer",
        },
    ),
}
AXIS = ("on axis", "on axis, order 4")
STEPPING = {
    "fixed": {"time.end": 1.0},
    "adaptive": {"time.end": 1.0, "time.tolerance": 1e-6},
    "gauss2": {"time.end": 1.0, "time.integrator": "gauss2"},
}


def evolve(name: str, stepping: str, comm, **layout):
    """(rho, rows of the ledger, (t, step)) at the end."""
    base, settings = CASES[name]
    return advanced(hpcqke.load_case(base, {**settings, **STEPPING[stepping], **layout}), comm)


def advanced(case, comm):
    """(rho, first and last row of the ledger, (t, step, dt)) of a case at t = 1."""
    with hpcqke.Simulation(case, comm=comm) as sim:
        sim._initial_state()
        diagnostics = Diagnostics(sim.equation, 8)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(0.0, 0, integrator.first_step, 0.0)
        integrator.begin(now, sim.vec)
        rows = [sim.ps.comm.bcast(diagnostics.row(0.0, 0, sim.vec))]
        for until in (0.4, 1.0):
            integrator.advance(until)
        rows.append(sim.ps.comm.bcast(diagnostics.row(now.t, now.step, sim.vec)))
        rho = gathered(sim.ps, sim.state())
        integrator.destroy()
        diagnostics.destroy()
    return rho, rows, (now.t, now.step, now.dt)


@cache
def alone(name: str, stepping: str):
    return evolve(name, stepping, MPI.COMM_SELF)


def same_bits(a, b) -> bool:
    return np.asarray(a, float).tobytes() == np.asarray(b, float).tobytes()


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("stepping", STEPPING)
@pytest.mark.parametrize("name", CASES)
def test_same_bits_and_a_closed_ledger(name, stepping, split):
    layout = {"grid.z.ranks": split[0], "grid.momentum.ranks": split[1]}
    rho, rows, when = evolve(name, stepping, MPI.COMM_WORLD, **layout)
    rho1, rows1, when1 = alone(name, stepping)
    assert same_bits(rho, rho1)
    assert when == when1
    assert not [key for key in rows1[1] if not same_bits(rows[1][key], rows1[1][key])]
    if stepping == "gauss2" and name not in AXIS:
        return  # no relaxation to make up for what these windows' tails let out
    drift = rows[1]["energy_total"] - rows[0]["energy_total"]
    assert abs(drift) < 1e-13 * abs(rows[0]["energy_refractive"])
