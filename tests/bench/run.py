"""Rates of whole runs driven by PETSc TS:  python tests/bench/run.py   (or under mpirun -n N)

Million (z, direction) cell right-hand sides per second and core; a cell is rho and rho-bar. The
minimum of several segments is taken; the kernel's share of the same run is printed beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.integrate import Integrator, Progress

SEGMENTS = 5


def case_of(cells: int, directions: int, integrator: str, flavors: int = 2):
    """A box with a uniform rule of directions and both species."""
    return make_case(
        {
            "name": "bench",
            "grid": {
                "z": {"length": 0.1 * cells, "cells": cells},
                "momentum": {"rule": "uniform", "count": directions},
            },
            "flavors": {"count": flavors, "antineutrinos": True},
            "terms": {"advection": {}, "self_interaction": {}},
            "initial": {
                "recipe": "modes",
                "polarization": [0.5] * directions,
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1e6, "integrator": integrator, "step": 0.05},
        }
    )


def smooth(species: str, z, momentum, direction):
    """Any smooth rho: the work does not depend on it."""
    n = smooth.flavors
    wave = 0.01 * np.cos(2 * np.pi * z / (z[-1] - z[0] + 0.1))[:, None, None, None, None]
    shape = (z.size, momentum.size, direction.size, n, n)
    return np.broadcast_to(0.5 * np.eye(n) + wave * np.ones((n, n)), shape).astype(complex)


def rate(cells: int, directions: int, integrator: str, flavors: int = 2, options=()):
    """(through TS, in the kernel), in Mcell/s/core."""
    smooth.flavors = flavors
    case = case_of(cells, directions, integrator, flavors)
    with hpcqke.Simulation(case) as sim:
        sim.set_state(smooth)
        ranks, equation = sim.ps.size, sim.equation
        run = Integrator(case.time, sim.ps, equation, lambda now, vec: False, list(options))
        now = Progress(0.0, 0, run.first_step, 0.0)
        run.begin(now, sim.vec)
        run.advance(0.5)
        steps = max(5, int(2e7 / (cells * directions)))
        best = np.inf
        calls, kernels = equation.calls, equation.seconds["kernels"]
        for _ in range(SEGMENTS):
            before, start = equation.calls, perf_counter()
            run.advance(now.t + 0.05 * steps)
            best = min(best, (perf_counter() - start) / (equation.calls - before))
        each = (equation.seconds["kernels"] - kernels) / (equation.calls - calls)
        run.destroy()
    work = 1e-6 * cells * directions / ranks
    return work / best, work / each


def main() -> None:
    world = MPI.COMM_WORLD
    for cells, directions, integrator, flavors in (
        (1000, 16, "rk4", 2),
        (1000, 100, "rk4", 2),
        (1000, 16, "rk5dp", 2),
        (1000, 100, "rk5dp", 2),
        (1000, 16, "rk4", 3),
    ):
        fused = rate(cells, directions, integrator, flavors)
        stock = rate(cells, directions, integrator, flavors, ["-ts_type", "rk"])
        if world.rank == 0:
            print(
                f"{integrator:6s} {flavors} flavors {cells} x {directions:3d} on {world.size}: "
                f"{fused[0]:6.1f} Mcell/s/core through TS ({fused[1]:6.1f} in the fused kernels), "
                f"stock TSRK {stock[0]:6.1f} ({stock[1]:6.1f} in the kernels)",
                flush=True,
            )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
