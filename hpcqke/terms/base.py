"""A physics term: the name of its section, its config, its stencils, what it adds and conserves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

REGISTRY: dict[str, type["Term"]] = {}
"""Every term by name, in the order in which terms/__init__.py imports them."""


class Term:
    """One term of the kinetic equation; a subclass with a `name` is in the registry by itself.

    `name` is the TOML section [terms.NAME]; the first line of the docstring is what `hpcqke info`
    prints; `conserves` names the integrals that the term alone keeps. Terms see arrays and the
    phase space's sizes, never a PETSc vector, a rank or a file.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    conserves: ClassVar[tuple[str, ...]] = ()

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Fields made with the helpers of hpcqke.schema."""

    def __init_subclass__(cls, **keywords: Any):
        super().__init_subclass__(**keywords)
        if "name" in cls.__dict__:
            if cls.name in REGISTRY:
                raise TypeError(f"two terms are called {cls.name!r}")
            REGISTRY[cls.name] = cls

    def __init__(self, config: Any):
        self.config = config

    @classmethod
    def doc(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def stencil_z(cls, config: Any) -> int:
        """Cells needed on each side along z."""
        return 0

    @classmethod
    def derivatives_z(cls, config: Any) -> int:
        """How many times in a row the term takes d_z: the ghost rows are that many stencils."""
        return 1

    @classmethod
    def stencil_p(cls, config: Any) -> int:
        """Modes needed on each side along the momentum axis."""
        return 0

    @classmethod
    def needs_corners(cls, config: Any) -> bool:
        """Whether it looks along momentum from cells next door along z, or the reverse."""
        return False

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """Faults that no single key shows: (key, or section.key of another, allowed[, value])."""
        yield from ()

    def max_rate(self, ps: Any) -> float:
        """The fastest rate of the term (1/time): the time step is limited by its inverse."""
        return 0.0


class TransportTerm(Term):
    """Adds a derivative along z."""

    kind = "transport"

    def scheme(self) -> tuple[int, float]:
        """Order of the difference (2, 4, 6, 8 central; 1, 3, 5 upwind) and strength of the filter.
        """
        raise NotImplementedError


class HamiltonianTerm(Term):
    """Adds to h(t, z, p) = mu (M - v F) + mean(t, z) + mode(p), in components of a matrix."""

    kind = "hamiltonian"
    varies: bool = False
    """Do `mean` and `potential` depend on t? Then `mean` is asked for at each evaluation."""

    def strength(self, t: float) -> float:
        """What it adds to mu, the factor of the momentum sums."""
        return 0.0

    def strength_rate(self, t: float) -> float:
        """d_t of `strength`."""
        return 0.0

    def strength_along(self, z: np.ndarray) -> np.ndarray | None:
        """A factor of mu that depends on z, (len(z),), or None."""
        return None

    def mean(self, ps: Any, t: float) -> np.ndarray | None:
        """What it adds for all momenta at time t: (rows, N_f^2), or None."""
        return None

    def mode(self, ps: Any) -> np.ndarray | None:
        """What it adds at every z: (blocks, species*N_f^2, lanes), or None."""
        return None

    def potential(self, ps: Any, z: np.ndarray, t: float = 0.0) -> np.ndarray | None:
        """V(t, z) with its trace, (len(z), N_f^2), whose energy is int sum Tr V (rho - rhobar)."""
        return None

    def potential_rate(self, ps: Any, z: np.ndarray, t: float) -> np.ndarray | None:
        """d_t V, None if it does not depend on time."""
        return None

    def matrix(self, p: np.ndarray) -> np.ndarray | None:
        """H(|p|) with its trace, (len(p), N_f^2), whose energy is int sum Tr H (rho + rhobar)."""
        return None


class SourceTerm(Term):
    """Adds to d_t rho directly (collisions, emission)."""

    kind = "source"

    def prepare(self, ps: Any) -> None:
        """Called once, before the first `add_source`."""

    def add_source(self, t: float, X: np.ndarray, F: np.ndarray) -> None:
        """F += source(t, X); both are (rows, doubles in a row)."""
        raise NotImplementedError

    def number_rate(self, ps: Any, occupied: np.ndarray) -> np.ndarray | None:
        """What it adds to d_t int sum rho_aa dz, (species, flavor), or None.

        ``occupied``: int rho_aa dz of every mode, (momentum, direction, species, flavor).
        """
        return None
