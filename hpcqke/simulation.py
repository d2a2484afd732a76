"""Simulation: a case becomes a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hpcqke import case_checks, parallel, terms, units
from hpcqke.case import Case
from hpcqke.case_sections import SPLITTINGS
from hpcqke.errors import EXIT, CaseError, HpcqkeError
from hpcqke.grids import MomentumGrid, ZGrid
from hpcqke.storage import together


@dataclass(frozen=True)
class Run:
    """A run that has ended: its folder and its status (finished | resume)."""

    path: Path
    status: str

    @property
    def exit_code(self) -> int:
        return EXIT[self.status]


def build_terms(case: Case) -> list:
    """The terms that the case switches on, in the registry's order."""
    configs = units.configs(case)
    return [cls(configs[n]) for n, cls in terms.REGISTRY.items() if n in configs]


def stencil(case: Case) -> int:
    """Ghost rows in z: the widest that a term asks for."""
    return case_checks.stencil(case)


def ranks_along_momentum(case: Case) -> int:
    """Ranks that share the momenta, 0 = any: splittings and ledger want a whole cell on one."""
    whole = case.time.integrator in SPLITTINGS or "ledger" in case.terms
    return 1 if whole else case.grid.momentum.ranks


def stencil_p(case: Case) -> int:
    """Ghost columns in momentum: the widest that a term asks for."""
    return max((type(t).stencil_p(t.config) for t in build_terms(case)), default=0)


def corners(case: Case) -> bool:
    """Does a term look at ghost columns of ghost rows?"""
    return any(type(t).needs_corners(t.config) for t in build_terms(case))


class Simulation:
    """One case on one communicator.

        sim = Simulation(load_case("two_beam"))
        sim.set_state(f)              # optional
        run = sim.run()

    ``comm``: an mpi4py communicator (default COMM_WORLD). ``petsc_options``: a list such as
    ["-ts_monitor"], applied last. `CaseError` if this number of ranks cannot be laid out.
    """

    def __init__(self, case: Case, comm=None, petsc_options: Sequence[str] = ()) -> None:
        from hpcqke.equation import KineticEquation
        from hpcqke.inflow import at_the_ends
        from hpcqke.phase_space import PhaseSpace

        self.case, self.options = case, list(petsc_options)
        parallel.start_petsc(self.options)
        grid = case.grid
        z = ZGrid(grid.z.length, grid.z.cells, grid.z.boundary)
        momentum = MomentumGrid.from_case(grid.momentum)
        self.ps = PhaseSpace(
            z,
            momentum,
            case.flavors.count,
            2 if case.flavors.antineutrinos else 1,
            stencil(case),
            grid.z.ranks,
            ranks_along_momentum(case),
            comm,
            stencil_p(case),
            "gradient" in case.terms and case.terms["gradient"].mode == "tracer",
            corners(case),
        )
        self.equation = KineticEquation(self.ps, build_terms(case))
        if z.ends and "inflow" in z.ends:
            self.equation.upwind.set_inflow(at_the_ends(case, self.ps))
        self.vec = self.ps.create_vec()
        self._is_set = False

    def set_state(self, function: Callable) -> None:
        """Initial rho from ``function(species, z, momentum, direction)``.

        See `hpcqke.initial.function.evaluate` for what it gets and returns. `CaseError` on all
        ranks if any rank's result cannot be used. What comes in at an open end stays the case's.
        """
        from hpcqke.initial.function import evaluate

        error = result = None
        try:
            result = evaluate(function, self.ps)
        except CaseError as fault:
            error = fault
        together(self.ps.comm, error)
        self._put(result)

    def _put(self, natural) -> None:
        self.ps.array(self.vec)[...] = self.ps.from_natural(natural)
        self._is_set = True

    def _initial_state(self) -> None:
        from hpcqke import initial

        recipe = initial.REGISTRY[self.case.initial.recipe]
        error = result = None
        try:
            result = recipe.fill(self.case.initial, self.ps, self.case)
        except CaseError as fault:
            error = fault
        together(self.ps.comm, error)
        self._put(result)

    def rhs(self, t: float = 0.0):
        """d_t rho of the present state, own part, in the shape of `state`."""
        import numpy as np

        X = self.ps.array(self.vec, readonly=True)
        F = np.zeros_like(X)
        self.equation.evaluate(t, self.vec, X, F)
        return self.ps.to_natural(F)

    def state(self):
        """A copy of the present rho: (rows, momenta, directions, species, component), own part."""
        # with one direction the natural order is that of the vector, and a view of it
        return self.ps.to_natural(self.ps.array(self.vec, readonly=True)).copy()

    def run(self, restart: str = "auto", quiet: bool = False) -> Run:
        """Run to the end (or until asked to stop) and return the `Run`.

        ``restart``: "auto" goes on from the newest whole checkpoint in the run folder if there is
        one, "never" begins anew and sets an earlier run aside, a path goes on from that checkpoint.
        """
        from hpcqke.conduct import conduct

        return conduct(self, restart, quiet)

    def destroy(self) -> None:
        """Free PETSc's objects and the communicators (collective)."""
        self.vec.destroy()
        self.ps.destroy()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, kind, *_) -> None:
        if kind is None or issubclass(kind, HpcqkeError):  # others may have met one rank only
            self.destroy()
