"""Free streaming  d_t rho = -v d_z rho."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.grids import CENTRAL
from hpcqke.schema import choice, number
from hpcqke.terms.base import TransportTerm


class Advection(TransportTerm):
    """Free streaming  -v d_z rho, by central differences."""

    name = "advection"
    conserves = ("number", "flavor", "energy_kinetic")

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Order of the central difference and strength of the Kreiss-Oliger filter."""

        order: int = choice(2, 4, 6, 8, default=8, doc="order of the central difference in z")
        filter: float = number(0.0, minimum=0, maximum=1, doc="filter strength, 0 = none")

    @classmethod
    def stencil_z(cls, config: Any) -> int:
        """Half the order: D_z f = (1/dz) sum_{m=1}^{order/2} c_m (f_{+m} - f_{-m})."""
        return config.order // 2

    def scheme(self) -> tuple[int, float]:
        """(order, filter strength)."""
        return self.config.order, self.config.filter

    def max_rate(self, ps: Any) -> float:
        """max |v| k_eff/dz: the largest eigenvalue of v D_z."""
        x = np.linspace(0, np.pi, 2001)
        k_eff = sum(2 * c * np.sin(m * x) for m, c in enumerate(CENTRAL[self.config.order], 1))
        return float(np.abs(ps.momentum.v).max() * k_eff.max() / ps.z.dz)
