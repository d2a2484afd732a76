"""What the gradient terms cost:  python tests/bench/gradient.py

Million cell right-hand sides per second and core of whole runs driven by PETSc TS: without the
gradient terms, with them, and with relaxation, on the same grid with the same method, and the
ratios to the first; below them the microseconds of a slope, by part. The runs take turns, and the
fastest few steps of each count.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.integrate import Integrator, Progress

ROUNDS, TURNS, STEPS = 4, 40, 2  # short turns, some of which nothing interrupts
GRIDS = (
    ("gradient", {}),
    ("gradient", {"terms.gradient.order": 4}),
    ("axisymmetric", {}),
    ("axisymmetric", {"terms.gradient.mode": "tracer"}),
)


class Run:
    """A run that goes on by a few steps at a time."""

    def __init__(self, base: str, settings: dict) -> None:
        self.case = case = hpcqke.load_case(base, {**settings, "time.end": 1e6})
        self.sim = hpcqke.Simulation(case)
        self.sim._initial_state()
        self.equation = self.sim.equation
        self.run = Integrator(case.time, self.sim.ps, self.equation, lambda now, vec: False)
        self.now = Progress(0.0, 0, self.run.first_step, 0.0)
        self.run.begin(self.now, self.sim.vec)
        self.run.advance(5 * case.time.step)
        self.best, self.parts = np.inf, {}
        ps = self.sim.ps
        self.cells = 1e-6 * ps.nz * ps.np * ps.nv / ps.size

    def turn(self) -> None:
        """A few steps; keeps the shortest time of a slope and of its parts."""
        equation = self.equation
        calls, before, start = equation.calls, dict(equation.seconds), perf_counter()
        self.run.advance(self.now.t + STEPS * self.case.time.step)
        seconds = perf_counter() - start
        calls = equation.calls - calls
        self.best = min(self.best, seconds / calls)
        for name, total in equation.seconds.items():
            part = (total - before.get(name, 0.0)) / calls
            self.parts[name] = min(self.parts.get(name, np.inf), part)

    @property
    def rate(self) -> float:
        """Mcell/s/core."""
        return self.cells / self.best

    def close(self) -> None:
        self.run.destroy()
        self.sim.__exit__(None, None, None)


def compare(base: str, grid: dict, integrator: str) -> list[Run]:
    """Without the terms, with them, with relaxation: runs that took turns, each to be closed."""
    method = {"time.integrator": integrator, "time.step": 0.02}
    off = {"terms.gradient": None, "time.relaxation": None}
    kept = {k: v for k, v in grid.items() if not k.startswith("terms.gradient")}
    settings = ({**kept, **off}, {**grid, "time.relaxation": False}, grid)
    runs = [Run(base, {**each, **method}) for each in settings]
    for _ in range(ROUNDS):
        for run in runs:
            for _ in range(TURNS):
                run.turn()
    for run in runs:
        run.close()
    return runs


def report(base: str, grid: dict, integrator: str) -> None:
    """Two lines for one case and method."""
    runs = compare(base, grid, integrator)
    without, plain, relaxed = (run.rate for run in runs)
    parts = ", ".join(f"{name} {1e6 * s:.0f}" for name, s in runs[2].parts.items())
    whole, rest = (1e6 * run.best for run in (runs[1], runs[2]))
    if MPI.COMM_WORLD.rank == 0:
        print(
            f"{base} {grid or ''} {integrator}: without {without:.1f}, with {plain:.1f} "
            f"(x {without / plain:.2f}), with relaxation {relaxed:.1f} "
            f"(x {without / relaxed:.2f}) Mcell/s/core\n"
            f"    us a slope: {whole:.0f}, with relaxation {rest:.0f}; {parts}",
            flush=True,
        )


def main() -> None:
    for base, grid in GRIDS:
        for integrator in ("rk4", "rk5dp"):
            report(base, grid, integrator)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
