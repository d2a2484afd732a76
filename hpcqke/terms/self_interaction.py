"""Neutrino-neutrino refraction  Omega_p = mu sum_p' (1 - n.n') (rho_p' - rho_bar_p').

In axial symmetry n.n' is v v'; with azimuth bins the transverse parts are `hpcqke.channels`.
"""

from dataclasses import dataclass
from typing import Any

from hpcqke.schema import number
from hpcqke.terms.base import HamiltonianTerm


class SelfInteraction(HamiltonianTerm):
    """Refraction on the other neutrinos  i [rho, Omega],  Omega = mu (M - v F)."""

    name = "self_interaction"
    conserves = ("number", "flavor", "polarization_norm")

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Strength of the interaction."""

        mu: float = number(1.0, minimum=0, unit="mu", doc="sqrt(2) G_F n; 1 in box units")

    def strength(self, t: float) -> float:
        """mu."""
        return self.config.mu

    def max_rate(self, ps: Any) -> float:
        """mu sum_p w max(1 - n.n') for unit polarizations: a bound on |Omega|."""
        grid = ps.momentum
        cosine = 1.0 if grid.azimuths > 1 else abs(grid.v).max()
        return float(self.config.mu * grid.weight.sum() * (1 + cosine))
