"""Azimuth bins and the term of Eq. (18) on any number of ranks and every split: bits and ledger."""

from functools import cache

import numpy as np
import pytest
from layouts import gathered, splits
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.diagnostics import Diagnostics
from hpcqke.integrate import Integrator, Progress

SIZE = MPI.COMM_WORLD.size
LENGTH = 6.0
GAS = {"rule": "uniform", "count": 3, "offset_range": [-18.0, 18.0], "offset_cells": 9, "p0": 20.0}
CASES = {
    "no gradient": (2, {"rule": "gauss-legendre", "count": 4, "azimuths": 4}, None),
    "few directions": (3, {"directions": [0.5, -0.2], "azimuths": 3}, None),
    "gradient": (2, {**GAS, "azimuths": 3}, {}),
    "eq18": (3, {**GAS, "azimuths": 3}, {"eq18": "printed"}),
    "eq18 as printed": (2, {**GAS, "azimuths": 4}, {"eq18": "printed", "eq18_in_bracket": False}),
    "eq18 tracer": (2, {**GAS, "azimuths": 3}, {"eq18": "spinors", "mode": "tracer"}),
}


def case_of(name: str, **layout):
    """Neutrinos and antineutrinos with vacuum oscillations and matter, where these may be."""
    flavors, momentum, gradient = CASES[name]
    terms = {"advection": {"order": 4}, "self_interaction": {"mu": 1.3}}
    terms["matter"] = {"profile": "cosine", "potential": 0.3, "amplitude": 0.8, "wave_number": 1}
    if gradient is not None:
        terms["gradient"] = gradient
    if flavors == 2:
        terms["vacuum"] = {"mass_splittings": [3.0], "theta": 0.4}
    tracer = (gradient or {}).get("mode") == "tracer"
    table = {
        "name": "azimuth bits",
        "grid": {"z": {"length": LENGTH, "cells": 21}, "momentum": momentum},
        "flavors": {"count": flavors, "antineutrinos": not tracer},
        "terms": terms,
        "initial": {"recipe": "tilted", "momentum_width": 2.0},
        "time": {"end": 0.2, "tolerance": 1e-6},
    }
    return make_case(table, layout)


def smooth(flavors: int):
    """Hermitian matrices that vary with z, v and phi, small at the ends of the window."""
    draw = np.random.default_rng(3)
    a = draw.normal(size=(2, 3, 4, flavors, flavors)) * (1 + 0.5j)
    a = a + a.conj().swapaxes(-1, -2)

    def rho(species, z, q, v, phi):
        n, across = np.arange(3), np.sqrt(1 - v**2)
        angular = np.stack([np.ones_like(v), v, across * np.cos(phi), across * np.sin(phi)])
        waves = np.cos(
            2 * np.pi / LENGTH * z[:, None, None] * n[:, None] + np.add.outer(n, [0, 1, 2, 3])
        )
        g = np.exp(-(q**2) / 8.0) / 30
        # not by matrix products, whose bits depend on the size of a rank's part
        matrices = a[0 if species == "nu" else 1]
        out = np.zeros((z.size, q.size, v.size, flavors, flavors), complex)
        for m in range(3):
            for k in range(4):
                factor = waves[:, m, k, None, None] * g[:, None] * angular[k]
                out += factor[..., None, None] * matrices[m, k]
        return out

    return rho


def evolve(name: str, comm, **layout):
    """(slope, rho, rows of the ledger, (t, step, dt)) at the end."""
    case = case_of(name, **layout)
    with hpcqke.Simulation(case, comm=comm) as sim:
        sim.set_state(smooth(case.flavors.count))
        rate = gathered(sim.ps, sim.rhs())
        diagnostics = Diagnostics(sim.equation, 8)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(0.0, 0, integrator.first_step, 0.0)
        integrator.begin(now, sim.vec)
        rows = [sim.ps.comm.bcast(diagnostics.row(0.0, 0, sim.vec))]
        integrator.advance(case.time.end)
        rows.append(sim.ps.comm.bcast(diagnostics.row(now.t, now.step, sim.vec)))
        rho = gathered(sim.ps, sim.state())
        integrator.destroy()
        diagnostics.destroy()
    return rate, rho, rows, (now.t, now.step, now.dt)


@cache
def alone(name: str):
    return evolve(name, MPI.COMM_SELF)


def same_bits(a, b) -> bool:
    return np.asarray(a, float).tobytes() == np.asarray(b, float).tobytes()


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", CASES)
def test_same_bits_and_a_closed_ledger(name, split):
    layout = {"grid.z.ranks": split[0], "grid.momentum.ranks": split[1]}
    rate, rho, rows, when = evolve(name, MPI.COMM_WORLD, **layout)
    rate1, rho1, rows1, when1 = alone(name)
    assert same_bits(rate, rate1)
    assert same_bits(rho, rho1)
    assert when == when1
    assert not [key for key in rows1[1] if not same_bits(rows[1][key], rows1[1][key])]
    drift = rows[1]["energy_total"] - rows[0]["energy_total"]
    if name in ("gradient", "eq18"):
        assert abs(drift) < 1e-13 * abs(rows[0]["energy_refractive"])
