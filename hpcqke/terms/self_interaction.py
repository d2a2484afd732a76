"""Neutrino-neutrino refraction  Omega_p = mu sum_p' (1 - n.n') (rho_p' - rho_bar_p').

In axial symmetry n.n' is v v'; with azimuth bins the transverse parts are `hpcqke.channels`.
mu may be a function of t, like that of neutrinos that stream away from their source,

    dE/dt = (d_t mu/mu) U,

or of z, with U = 1/2 int mu(z) [...] dz; its gradient is part of the force then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.schema import choice, number
from hpcqke.terms import profile
from hpcqke.terms.base import HamiltonianTerm


class SelfInteraction(HamiltonianTerm):
    """Refraction on the other neutrinos  i [rho, Omega],  Omega = mu (M - v F)."""

    name = "self_interaction"
    conserves = ("number", "flavor", "polarization_norm")

    @dataclass(frozen=True, kw_only=True)
    class Config(profile.ProfileConfig):
        """Strength of the interaction."""

        mu: float = number(
            1.0,
            minimum=0,
            unit="mu",
            doc="sqrt(2) G_F n, 1 in box units; of a profile that at z = 0 or t = 0; times a table",
        )
        number_density: float | None = number(
            None, minimum=0, unit="1/cm^3", doc="n of mu, in place of mu, in units of cm"
        )
        profile: str = choice(
            "constant",
            "exponential",
            "table",
            default="constant",
            doc="how mu depends on z or t",
        )

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """The keys of the profile, no others; nothing negative; no Eq. (18) with mu(z)."""
        yield from profile.check(config, case)
        if config.values is not None and min(config.values) < 0:
            yield "values", "must not be negative", config.values
        if config.number_density is not None and config.mu != 1.0:
            yield "mu", "must be left out with number_density", config.mu
        gradient = dict(case.terms.items()).get("gradient")
        if config.along == "z" and config.profile != "constant" and gradient is not None:
            if gradient.eq18 != "none":
                needs = 'must be "none" with a terms.self_interaction.profile along z'
                yield "terms.gradient.eq18", needs, gradient.eq18

    def __init__(self, config: Any):
        super().__init__(config)
        table = config.profile == "table"
        self._unit = config.mu if table else 1.0
        self._of = profile.Profile(config, 1.0 if table else config.mu, 1.0)

    @property
    def in_time(self) -> bool:
        """Is mu a function of t?"""
        return self.config.along == "t"

    def strength(self, t: float) -> float:
        """mu(t); 1 if `strength_along` has the whole of it."""
        if self.config.profile == "constant":
            return self.config.mu
        return self._unit * self._of(t) if self.in_time else 1.0

    def strength_rate(self, t: float) -> float:
        """d_t mu."""
        return self._unit * self._of.slope(t) if self.in_time else 0.0

    def strength_along(self, z: np.ndarray) -> np.ndarray | None:
        """mu(z), None if it is the same everywhere."""
        if self.in_time or self.config.profile == "constant":
            return None
        return self._unit * self._of.along(z)

    def max_rate(self, ps: Any) -> float:
        """mu sum_p w max(1 - n.n') for unit polarizations: a bound on |Omega|."""
        grid = ps.momentum
        cosine = 1.0 if grid.azimuths > 1 else abs(grid.v).max()
        mu = self._unit * self._of.most(ps.z.z)
        return float(mu * grid.weight.sum() * (1 + cosine))
