"""States and runs on any communicator, for comparing them bit by bit."""

from __future__ import annotations

import numpy as np

import hpcqke
from hpcqke.diagnostics import Diagnostics
from hpcqke.integrate import Integrator, Progress

DIRECTIONS = {
    "two beams": {},
    "four beams": {
        "grid.momentum.directions": [1.0, 0.5, -0.5, -1.0],
        "initial.polarization": [0.4, 0.2, -0.25, -0.35],
    },
    "sixteen": {"grid.momentum.rule": "gauss-legendre", "grid.momentum.count": 16},
    "twenty": {"grid.momentum.rule": "uniform", "grid.momentum.count": 20},
    "three momenta": {
        "grid.momentum.rule": "gauss-legendre",
        "grid.momentum.count": 12,
        "grid.momentum.momenta": [1.0, 2.0, 3.5],
        "grid.momentum.momenta_weights": [0.25, 0.5, 0.25],
    },
}


def case_of(directions: str, flavors: int = 2, antineutrinos: bool = True, **overrides):
    """A small box with listed directions; its state comes from `some_state`."""
    table = {
        "name": "bits",
        "grid": {"z": {"length": 20.0, "cells": 37}, "momentum": {}},
        "flavors": {"count": flavors, "antineutrinos": antineutrinos},
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {"recipe": "modes", "modes": [{"direction": 0, "n": 1, "re": 0.01}]},
        "time": {"end": 2.0},
        "output": {"directory": "never-used"},
    }
    if directions == "two beams":
        table["grid"]["momentum"]["directions"] = [1.0, -1.0]
    settings = dict(DIRECTIONS[directions])
    count = settings.get("grid.momentum.count", 2)
    settings.setdefault("initial.polarization", [0.1] * count)
    settings.update({key.replace("__", "."): value for key, value in overrides.items()})
    from hpcqke.case import make_case

    return make_case(table, settings)


def some_state(species, z, momentum, direction):
    """Smooth, different at every point, for any number of flavors (here 2 or 3 by the global)."""
    n = some_state.flavors
    grid = np.meshgrid(z, momentum, direction, indexing="ij")
    zz, pp, vv = (g[..., None, None] for g in grid)
    i, j = np.arange(n)[:, None], np.arange(n)[None, :]
    shift = 0.3 if species == "nubar" else 0.0
    k = 2 * np.pi / 20.0
    wave = np.cos(k * (1 + i + j) * zz + 0.3 * vv + shift) + 0.1 * np.sin(
        3 * k * zz * (1 + abs(i - j))
    )
    real = 0.05 * (wave + wave.swapaxes(-1, -2)) / pp
    imaginary = 0.02 * np.sin(k * zz * (1 + i + j) + vv) * np.sign(j - i) * np.ones_like(pp)
    return real + 1j * imaginary + np.eye(n) * (0.4 + 0.2 * vv * (1 - 2 * (i == 0))) * (1 - shift)


def gathered(ps, natural: np.ndarray) -> np.ndarray:
    """The whole (z, momentum, direction, ...) array on every rank."""
    full = np.zeros((ps.nz, ps.np, ps.nv, *natural.shape[3:]))
    for own, part in ps.comm.allgather((ps.own, natural)):
        full[own] = part
    return full


def evolve(case, comm):
    """(rhs, rho, (t, step, dt), row): after the first evaluation and at the end of the run."""
    some_state.flavors = case.flavors.count
    with hpcqke.Simulation(case, comm=comm) as sim:
        sim.set_state(some_state)
        rate = gathered(sim.ps, sim.rhs())
        diagnostics = Diagnostics(sim.equation, 8)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(case.time.start, 0, integrator.first_step, case.time.start)
        integrator.begin(now, sim.vec)
        for until in (0.7, case.time.end):
            integrator.advance(until)
        rho = gathered(sim.ps, sim.state())
        row = sim.ps.comm.bcast(diagnostics.row(now.t, now.step, sim.vec))
        integrator.destroy()
        diagnostics.destroy()
    return rate, rho, (now.t, now.step, now.dt), row


def splits(size: int) -> list[tuple[int, int]]:
    """Every (ranks along z, ranks along momentum)."""
    return [(size // p, p) for p in range(1, size + 1) if size % p == 0]
