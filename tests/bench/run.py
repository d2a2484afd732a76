"""Rates of whole runs driven by PETSc TS:  python tests/bench/run.py   (or mpirun -n N ...)

Million (z, direction) cell right-hand sides per second and core; a cell is rho and rho-bar. Beside
it the same steps as bare calls of the kernels, in turns with those through TS, and the resident
memory that the run has added. The best of several tries: seconds of the processor on one rank, of
the wall clock on several, where rank 0 first does the same alone.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke import parallel
from hpcqke.case import make_case
from hpcqke.integrate import Integrator, Progress

STEP = 0.05
SECONDS = 0.2  # of one try
TRIES = 5
RUNS = (  # z cells, directions: 0.2, 1 and 64 MB of 2 flavors
    ("L2", 200, 16),
    ("1-2 MB", 1000, 16),
    ("DRAM", 10000, 100),
)


def case_of(cells: int, directions: int, integrator: str, flavors: int = 2, **control):
    """A box with a uniform rule of directions and both species; order 8."""
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
            "time": {"end": 1e6, "integrator": integrator, **(control or {"step": STEP})},
        }
    )


def smooth(n: int):
    """Any smooth rho of n flavors: the work does not depend on it."""

    def state(species: str, z, momentum, direction):
        wave = 0.01 * np.cos(2 * np.pi * z / (z[-1] - z[0] + 0.1))[:, None, None, None, None]
        shape = (z.size, momentum.size, direction.size, n, n)
        return np.broadcast_to(0.5 * np.eye(n) + wave * np.ones((n, n)), shape).astype(complex)

    return state


def resident() -> int:
    """Bytes of memory in use, after what is free has been given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Bench:
    """One run: ``rate`` through TS and ``bare`` (Mcell/s/core), us per step, bytes per cell."""

    def __init__(
        self,
        cells: int,
        directions: int,
        integrator: str,
        flavors: int = 2,
        comm=None,
        options=(),
        tries: int = TRIES,
        **control,
    ) -> None:
        self.clock = process_time if (comm or MPI.COMM_WORLD).size == 1 else perf_counter
        before = resident()
        case = case_of(cells, directions, integrator, flavors, **control)
        with hpcqke.Simulation(case, comm) as sim:
            sim.set_state(smooth(flavors))
            self.equation, ranks = sim.equation, sim.ps.size
            hook = lambda now, vec: False  # noqa: E731
            self.run = Integrator(case.time, sim.ps, sim.equation, hook, list(options))
            self.now = Progress(0.0, 0, self.run.first_step, 0.0)
            self.run.begin(self.now, sim.vec)
            self.run.advance(10 * STEP)
            self.bytes = (resident() - before) * ranks / (cells * directions)
            first = self._try(10 if tries else 1)[0]
            steps = max(2, min(20000, int(SECONDS / first)))
            found = [(*self._try(steps), self._bare(steps)) for _ in range(tries)]
            self.run.destroy()
        if not found:
            return
        self.per_step, per_call, bare = (min(column) for column in zip(*found, strict=True))
        work = 1e-6 * cells * directions / ranks
        self.rate, self.bare = work / per_call, work / bare

    def _try(self, steps: int) -> tuple[float, float]:
        """Seconds of a step, and of a right-hand side."""
        calls, done, start = self.equation.calls, self.now.step, self.clock()
        self.run.advance(self.now.t + steps * STEP)
        spent = self.clock() - start
        return spent / (self.now.step - done), spent / (self.equation.calls - calls)

    def _bare(self, steps: int) -> float:
        """Seconds of a right-hand side if nothing but the kernels is called; inf if they are not.

        Steps of (almost) no time: the state stays what it is.
        """
        plan = self.run.fused and self.run.fused._plan
        kernels = getattr(plan and plan.stages, "steps", None)
        if kernels is None:
            return np.inf
        mu, known = self.equation.strengths([0.0] * len(plan.c)), getattr(plan, "fsal", False)
        start = self.clock()
        for _ in range(steps):
            kernels.run(1e-30, mu, known)
        return (self.clock() - start) / steps / (len(mu) - known)


def boxes():
    """(name, (cells, directions, integrator, flavors), step control) of the table."""
    for flavors in (2, 3):
        for integrator, control in (("rk4", {}), ("rk5dp", {}), ("rk5dp", {"tolerance": 1e-7})):
            for name, cells, directions in RUNS:
                n = cells if flavors == 2 or name != "DRAM" else cells // 2
                yield name, (n, directions, integrator, flavors), control


def table(world) -> None:
    """The sizes of RUNS, with rk4 and rk5dp, steps given or controlled."""
    alone = []
    if world.size > 1:  # all ranks make them: Open MPI 4 wants communicators in the same order
        tries = TRIES if world.rank == 0 else 0
        for _, box, control in boxes():
            alone.append(Bench(*box, MPI.COMM_SELF, tries=tries, **control))
        world.Barrier()
    for i, (name, box, control) in enumerate(boxes()):
        here, (cells, directions, integrator, flavors) = Bench(*box, **control), box
        if world.rank == 0:
            share = f", {here.rate / alone[i].rate:4.0%} of one rank alone" if alone else ""
            print(
                f"{integrator:5s} {'adaptive' if control else 'fixed':8s} {flavors} flavors "
                f"{name:6s} {cells:5d} x {directions:3d} on {world.size}: {here.rate:6.1f} "
                f"Mcell/s/core through TS, bare {here.bare:6.1f} ({here.bare / here.rate:.2f}), "
                f"{here.bytes:4.0f} bytes/cell{share}",
                flush=True,
            )


def stock() -> None:
    """What PETSc's own TSRK makes of it."""
    for integrator in ("rk4", "rk5dp"):
        found = Bench(1000, 16, integrator, options=["-ts_type", "rk"])
        print(f"{integrator:5s} stock TSRK, 1000 x 16: {found.rate:6.1f} Mcell/s", flush=True)


def fixed_cost() -> None:
    """What a step costs beside its cells: the smallest box, with and without TS."""
    tiny = Bench(16, 2, "rk4")
    kernels = 1e6 * 4 * 32e-6 / tiny.bare
    print(
        f"fixed cost: {1e6 * tiny.per_step:.2f} us a step of 16 x 2 cells, of which "
        f"{kernels:.2f} us in the kernels",
        flush=True,
    )


def two_beams() -> None:
    """Seconds to a relative error of 1e-6 at t = 20 (case two_beam_modes)."""

    def end(cells: int, integrator: str, **control):
        settings = {"grid.z.cells": cells, "time.integrator": integrator}
        settings |= {f"time.{key}": value for key, value in control.items()}
        case, best = hpcqke.load_case("two_beam_modes", settings), np.inf
        with hpcqke.Simulation(case, MPI.COMM_SELF) as sim:
            for _ in range(1 if cells > 2000 else TRIES):
                sim._initial_state()
                run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
                now = Progress(0.0, 0, run.first_step, 0.0)
                run.begin(now, sim.vec)
                start = process_time()
                run.advance(20.0)
                best = min(best, process_time() - start)
                run.destroy()
            return sim.state(), best, now.step

    exact = end(2800, "rk8vr", step=0.01)[0]
    for cells, integrator, control in (
        (560, "rk4", {"step": 20 / 1120}),
        (1400, "rk4", {"step": 20 / 1120}),
        (560, "rk5dp", {"tolerance": 1e-8}),
    ):
        rho, seconds, steps = end(cells, integrator, **control)
        error = np.linalg.norm(rho - exact[:: 2800 // cells]) / np.linalg.norm(rho)
        print(
            f"two beams to t = 20, {cells} cells, {integrator} {control}: "
            f"{1e3 * seconds:.1f} ms, {steps} steps, error {error:.1e}",
            flush=True,
        )


def main() -> None:
    world = MPI.COMM_WORLD
    parallel.start_petsc()  # by all ranks, before rank 0 runs alone
    table(world)
    if world.size == 1:
        stock()
        fixed_cost()
        two_beams()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
