"""What comes in at the open ends of a box: a recipe of initial data, evaluated at the ends."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from hpcqke import initial
from hpcqke.phase_space import PhaseSpace


class AtTheEnds:
    """A phase space of two rows, z = -L/2 and z = L/2, as recipes want to see it."""

    def __init__(self, ps: PhaseSpace) -> None:
        self._ps = ps
        ends = 0.5 * ps.z.length * np.array([-1.0, 1.0])
        self.z = SimpleNamespace(z=ends, length=ps.z.length, cells=ps.nz)
        self.z_range, self.rows = (0, 2), 2
        self.own = (slice(0, 2), *ps.own[1:])

    def __getattr__(self, name: str):
        return getattr(self._ps, name)


def at_the_ends(case, ps: PhaseSpace) -> np.ndarray:
    """rho at z = -L/2 and L/2 by [inflow], else by [initial]: (2, doubles in a row). Collective.

    `CaseError` if the recipe cannot be used.
    """
    config = case.inflow if case.inflow is not None else case.initial
    ends = AtTheEnds(ps)
    natural = initial.REGISTRY[config.recipe].fill(config, ends, case)
    return ps.from_natural(natural)
