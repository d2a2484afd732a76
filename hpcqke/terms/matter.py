"""Refraction on electrons  H_mat = lambda diag(1, 0, ...),  lambda = sqrt(2) G_F (n_e- - n_e+).

It stands with the same sign in the commutators of rho and rhobar (convention of Sigl and Raffelt).
Neutral currents add -(lambda/2)(n_n/n_e) times the unit matrix, which commutes with rho: forces and
energies have it, the commutator does not. lambda is a function of z or of t, `terms.profile`; one
of t gives or takes energy,  dE/dt = int sum Tr d_tV (rho - rhobar) dz.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.schema import choice, integer, number
from hpcqke.terms import profile
from hpcqke.terms.base import HamiltonianTerm


class Matter(HamiltonianTerm):
    """Refraction on electrons  i [rho, H_mat],  H_mat = lambda(z or t) diag(1, 0, ...)."""

    name = "matter"
    conserves = ("number", "polarization_norm", "energy_kinetic")

    @dataclass(frozen=True, kw_only=True)
    class Config(profile.ProfileConfig):
        """lambda as one of the profiles."""

        profile: str = choice(
            *dict.fromkeys(name for name, _ in profile.KEYS),
            default="constant",
            doc="how lambda depends on z or t",
        )
        potential: float | None = number(
            None, unit="mu", doc="lambda, of a profile that at z = 0 or t = 0, of a cosine its mean"
        )
        amplitude: float | None = number(
            None, unit="mu", doc="cosine: potential + amplitude cos(2 pi wave_number z/L)"
        )
        wave_number: int | None = integer(
            None, minimum=1, maximum=2**31 - 1, doc="cosine in z: periods in the box"
        )
        period: float | None = number(
            None, above=0, unit="1/mu", doc="cosine in t: potential + amplitude cos(2 pi t/period)"
        )
        slope: float | None = number(None, unit="mu^2", doc="linear: potential + slope z (or t)")
        density: float | None = number(
            None, minimum=0, unit="g/cm^3", doc="in place of potential, in units of cm"
        )
        electron_fraction: float | None = number(
            None, minimum=0, maximum=1, doc="Y_e of densities: lambda = sqrt(2) G_F N_A Y_e density"
        )
        neutrons_per_electron: float = number(
            0.0, minimum=0, doc="n_n/(n_e- - n_e+): neutral currents, for forces and energies only"
        )

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """The keys of the profile, no others; lambda itself where the profile has it."""
        yield from profile.check(config, case)
        name, other = "potential", "density"
        if config.electron_fraction is not None:  # then all numbers of the profile are densities
            name, other = other, name
        if getattr(config, other) is not None:
            needs = "electron_fraction" if other == "density" else "without electron_fraction"
            yield other, f"needs {needs}" if other == "density" else f"is {needs}", (
                getattr(config, other)
            )
        value = getattr(config, name)
        if config.profile == "table" and value is not None:
            yield name, 'must be left out with profile = "table"', value
        elif config.profile not in ("table", "cosine") and value is None:
            yield name, f'missing; profile = "{config.profile}" needs it'

    @property
    def varies(self) -> bool:
        """Is lambda a function of t?"""
        return self.config.along == "t"

    def __init__(self, config: Any):
        super().__init__(config)
        self._length, self._of, self._unit = 0.0, None, None

    def _profile(self, ps: Any) -> profile.Profile:
        if self._of is None or self._length != ps.z.length:
            self._length = ps.z.length
            self._of = profile.Profile(self.config, self.config.potential or 0.0, self._length)
        return self._of

    def strengths(self, ps: Any, z: np.ndarray, t: float = 0.0) -> np.ndarray:
        """lambda at the points z and the time t."""
        of = self._profile(ps)
        return np.full(len(z), of(t)) if self.varies else of.along(z)

    def _components(self, ps: Any, ee: np.ndarray, unit: np.ndarray) -> np.ndarray:
        """ee diag(1, 0, ...) + unit times the unit matrix, in components."""
        h = np.zeros((ee.size, ps.C))
        if ps.N == 2:
            h[:, 0], h[:, 3] = ee + 2 * unit, ee
        else:
            h[:, :3] = unit[:, None]
            h[:, 0] += ee
        return h

    def _whole(self, ps: Any, ee: np.ndarray) -> np.ndarray:
        return self._components(ps, ee, -0.5 * self.config.neutrons_per_electron * ee)

    def potential(self, ps: Any, z: np.ndarray, t: float = 0.0) -> np.ndarray:
        """V(t, z), neutral currents included: components (len(z), N_f^2); -V for antineutrinos."""
        return self._whole(ps, self.strengths(ps, z, t))

    def potential_rate(self, ps: Any, z: np.ndarray, t: float) -> np.ndarray | None:
        """d_t V, None if it does not depend on time."""
        slope = self._profile(ps).slope(t) if self.varies else None
        return None if slope is None else self._whole(ps, np.full(len(z), slope))

    def mean(self, ps: Any, t: float = 0.0) -> np.ndarray:
        """lambda diag(1, 0, ...) of own rows."""
        if self.varies:  # at each evaluation: one product of what stays the same
            if self._unit is None or len(self._unit) != ps.rows:
                ones = np.ones(ps.rows)
                self._unit = self._components(ps, ones, np.zeros_like(ones))
            return self._profile(ps)(t) * self._unit
        ee = self.strengths(ps, ps.positions(), t)
        return self._components(ps, ee, np.zeros_like(ee))

    def max_rate(self, ps: Any) -> float:
        """max |lambda|: the frequency with which the off-diagonal elements turn."""
        return self._profile(ps).most(ps.z.z)
