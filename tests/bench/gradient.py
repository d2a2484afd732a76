"""What the gradient terms cost:  python tests/bench/gradient.py

Million cell updates per second and core of whole runs driven by PETSc TS, with and without the
gradient terms on the same grid, and their ratio (same step, same method; minima of segments).
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.integrate import Integrator, Progress

SEGMENTS = 6


def rate(base: str, settings: dict, steps: int) -> float:
    """Mcell updates/s/core."""
    case = hpcqke.load_case(base, {**settings, "time.end": 1e6})
    with hpcqke.Simulation(case) as sim:
        sim._initial_state()
        run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(0.0, 0, run.first_step, 0.0)
        run.begin(now, sim.vec)
        run.advance(5 * case.time.step)
        best = np.inf
        for _ in range(SEGMENTS):
            calls, start = sim.equation.calls, perf_counter()
            run.advance(now.t + steps * case.time.step)
            best = min(best, (perf_counter() - start) / (sim.equation.calls - calls))
        run.destroy()
        ps = sim.ps
        return 1e-6 * ps.nz * ps.np * ps.nv / best / ps.size


def main() -> None:
    off = {"terms.gradient": None, "time.relaxation": None}
    for base, grid in (
        ("gradient", {}),
        ("gradient", {"terms.gradient.order": 4}),
        ("axisymmetric", {}),
    ):
        for integrator in ("rk4", "rk5dp"):
            method = {"time.integrator": integrator, "time.step": 0.02}
            without = rate(base, {**method, **{k: v for k, v in off.items()}}, 20)
            plain = rate(base, {**grid, **method, "time.relaxation": False}, 20)
            relaxed = rate(base, {**grid, **method}, 20)
            if MPI.COMM_WORLD.rank == 0:
                print(
                    f"{base} {grid or ''} {integrator}: without {without:.1f}, with {plain:.1f} "
                    f"(x {without / plain:.2f}), with relaxation {relaxed:.1f} "
                    f"(x {without / relaxed:.2f}) Mcell updates/s/core",
                    flush=True,
                )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
