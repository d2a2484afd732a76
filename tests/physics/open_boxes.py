"""Open boxes for tests: a case, its state at some times, what its ends say."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.diagnostics import Diagnostics
from hpcqke.integrate import Integrator, Progress


def case_of(z, momentum, terms, populations, end: float, order: int = 5, **sections):
    """Tables of sections: densities by angle, their seed in `initial`; rk4."""
    initial = sections.pop("initial", {})
    return make_case({
        "name": "open",
        "grid": {"z": {"boundary": ["inflow", "outflow"], **z}, "momentum": momentum},
        "terms": {"advection": {"order": order}, **terms},
        "initial": {"recipe": "distribution", "populations": populations, **initial},
        "time": {"end": end, "integrator": "rk4", "step": 0.05, **sections.pop("time", {})},
        **sections,
    })  # fmt: skip


def beams(densities, **keys) -> dict:
    """A population by a table over the directions."""
    return {"angular": "table", "values": list(densities), **keys}


class Flow:
    """A run without files: `to` a time, `rho` of all rows there, `row` of diagnostics."""

    def __init__(self, sim) -> None:
        self.sim, self.case = sim, sim.case
        self.z = sim.ps.z.z + sim.ps.z.length / 2  # from the left end
        self.diagnostics = Diagnostics(sim.equation, 8)
        self.diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        self._integrator = Integrator(sim.case.time, sim.ps, sim.equation, lambda now, vec: False)
        start = sim.case.time.start
        self.now = Progress(start, 0, self._integrator.first_step, start)
        self._integrator.begin(self.now, sim.vec)

    def to(self, t: float) -> Flow:
        self._integrator.advance(t)
        return self

    @property
    def rho(self) -> np.ndarray:
        """(z, momentum, direction, species, component)."""
        return self.sim.state()

    def at(self, z) -> np.ndarray:
        """rho at these distances from the left end, by the polynomial through eight rows."""
        rho, found = self.rho, []
        for place in np.atleast_1d(z):
            first = int(np.clip(np.searchsorted(self.z, place) - 4, 0, len(self.z) - 8))
            nodes = self.z[first : first + 8]
            weights = [
                np.prod([(place - b) / (a - b) for b in nodes if b != a]) for a in nodes
            ]
            found.append(np.einsum("z,z...->...", weights, rho[first : first + 8]))
        return np.array(found)

    def row(self) -> dict:
        return self.diagnostics.row(self.now.t, self.now.step, self.sim.vec)

    def destroy(self) -> None:
        self._integrator.destroy()
        self.diagnostics.destroy()


@contextmanager
def flow(case, start=None):
    """A `Flow` on one rank, from the recipe or from a function for `set_state`."""
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        if start is None:
            sim._initial_state()
        else:
            sim.set_state(start)
        one = Flow(sim)
        yield one
        one.destroy()
