"""Boxes whose steps are timed through the Integrator, as runs drive it; nothing is written."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import process_time

import hpcqke
from hpcqke.calibration import smooth
from hpcqke.case import make_case
from hpcqke.integrate import Integrator, Progress

STEP = 0.05


def box(cells: int, directions: int, integrator: str, flavors: int = 2, ranks=(0, 0)):
    """nu and nubar streaming (order 8) in a uniform rule of directions; fixed steps."""
    return make_case(
        {
            "name": "box",
            "grid": {
                "z": {"length": 0.1 * cells, "cells": cells, "ranks": ranks[0]},
                "momentum": {"rule": "uniform", "count": directions, "ranks": ranks[1]},
            },
            "flavors": {"count": flavors, "antineutrinos": True},
            "terms": {"advection": {}, "self_interaction": {}},
            "initial": {
                "recipe": "modes",
                "polarization": [0.5] * directions,
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1e6, "integrator": integrator, "step": STEP},
        }
    )


@contextmanager
def stepping(case, comm=None) -> Iterator[tuple[Callable, object]]:
    """(advance by n steps, the equation) of a simulation on ``comm``. Collective."""
    with hpcqke.Simulation(case, comm) as sim:
        sim.set_state(smooth(case.flavors.count, case.grid.z.length))
        run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(0.0, 0, run.first_step, 0.0)
        run.begin(now, sim.vec)
        yield lambda n: run.advance(now.t + n * case.time.step), sim.equation
        run.destroy()


def rate(case, seconds: float, tries: int = 5) -> float:
    """Mcell/s/core on one rank: the best of several tries that take ``seconds`` in all.

    Seconds are those of the processor: others on the machine take part of the clock's.
    """
    with stepping(case) as (advance, equation):
        advance(3)
        steps, best = 1, float("inf")
        spent = 0.0
        while spent < seconds:
            calls, begun = equation.calls, process_time()
            advance(steps)
            took = process_time() - begun
            best, spent = min(best, took / (equation.calls - calls)), spent + took
            steps = max(steps, min(2 * steps, int(seconds / tries * steps / max(took, 1e-9))))
        ps = equation.ps
        return 1e-6 * ps.nz * ps.np * ps.nv / best


def bytes_per_cell(case) -> float:
    """Memory that a run of ``case`` adds to this process until it steps, by its cells."""
    before = resident()
    with stepping(case) as (advance, equation):
        advance(2)
        return (resident() - before) / (equation.ps.nz * equation.ps.np * equation.ps.nv)


def resident() -> int:
    """Bytes of memory that this process holds, after what is free was given back."""
    gc.collect()
    with suppress(AttributeError):  # a C library that does it by itself
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
