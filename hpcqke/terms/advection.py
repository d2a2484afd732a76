"""Free streaming  d_t rho = -v d_z rho.

Even orders are central differences, which keep the norm; odd ones are upwind-biased differences in
flux form, which damp what they do not resolve and serve open boxes as well (`hpcqke.upwind`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.grids import CENTRAL, UPWIND
from hpcqke.schema import choice, number
from hpcqke.terms.base import TransportTerm


class Advection(TransportTerm):
    """Free streaming  -v d_z rho, by central or upwind-biased differences."""

    name = "advection"
    conserves = ("number", "flavor", "energy_kinetic")

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Order of the difference and strength of the Kreiss-Oliger filter."""

        order: int = choice(1, 2, 3, 4, 5, 6, 8, default=8, doc=(
            "order of the difference in z: even central, odd upwind-biased (open boxes)"))
        filter: float = number(0.0, minimum=0, maximum=1, doc="filter strength, 0 = none")

    @classmethod
    def stencil_z(cls, config: Any) -> int:
        """Half the order: D_z f = (1/dz) sum_{m=1}^{order/2} c_m (f_{+m} - f_{-m}).

        Odd orders need (order + 1)/2, and `order` rows to extrapolate from where a rank has one.
        """
        return max(1, config.order - 1) if config.order % 2 else config.order // 2

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """Odd orders at open ends; what is made for even ones."""
        order = config.order
        if order % 2 == 0:
            if case.grid.z.boundary != "periodic":
                yield "order", 'must be 1, 3 or 5 (upwind), grid.z.boundary is not periodic', order
            return
        if config.filter:
            yield "filter", "must be 0 with odd orders, which damp by themselves", config.filter
        if "gradient" in case.terms.keys():
            yield "order", "must be even with the gradient term", order
        if case.time.relaxation:
            yield "time.relaxation", "must be false with odd orders, which damp", True

    def scheme(self) -> tuple[int, float]:
        """(order, filter strength)."""
        return self.config.order, self.config.filter

    def max_rate(self, ps: Any) -> float:
        """max |v| k_eff/dz: the largest eigenvalue of v D_z."""
        x, order = np.linspace(0, np.pi, 2001), self.config.order
        if order % 2:
            waves = (c * np.exp(1j * m * x) for m, c in enumerate(UPWIND[order], -(order // 2)))
            k_eff = np.abs((1 - np.exp(-1j * x)) * sum(waves))
        else:
            k_eff = sum(2 * c * np.sin(m * x) for m, c in enumerate(CENTRAL[order], 1))
        return float(np.abs(ps.momentum.v).max() * k_eff.max() / ps.z.dz)
