"""Runs that several acceptance tests read: made once, by the program itself."""

from __future__ import annotations

from functools import cache
from tempfile import mkdtemp

import hpcqke
from hpcqke.analysis import open_run


@cache
def _finished(name: str, overrides: tuple):
    folder = mkdtemp(prefix=f"hpcqke-{name}-")
    case = hpcqke.load_case(name, {**dict(overrides), "output.directory": folder})
    with hpcqke.Simulation(case) as sim:
        run = sim.run(quiet=True)
    assert run.status == "finished"
    return open_run(run.path)


def finished(name: str, **overrides):
    """The run of a shipped case with keys changed: finished("two_beam", time__end=5.0)."""
    pairs = tuple((key.replace("__", "."), value) for key, value in overrides.items())
    return _finished(name, pairs)


def steps(cells: int, step: float, end: float, integrator: str = "rk5dp", order: int = 8) -> dict:
    """The overrides that most rows of the acceptance table are given with."""
    return {
        "grid__z__cells": cells,
        "time__step": step,
        "time__end": end,
        "time__integrator": integrator,
        "terms__advection__order": order,
        "output__series_every": 1.0,
        "output__fields_every": end,
    }


def at(run, name: str, t: float) -> float:
    """A scalar of the series at exactly the time t."""
    return float(run.series[name].sel(time=t))
