"""hpcqke: the quantum kinetic equation of mixed neutrinos, in parallel.

    case = hpcqke.load_case("two_beam", {"grid.z.cells": 4000})
    run = hpcqke.Simulation(case).run()
    data = hpcqke.open_run(run.path)

The names are fetched when they are first used: importing hpcqke costs nothing and starts no MPI.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "load_case": "hpcqke.case",
    "Simulation": "hpcqke.simulation",
    "open_run": "hpcqke.analysis",
}

__all__ = ["Simulation", "__version__", "load_case", "open_run"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'hpcqke' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
