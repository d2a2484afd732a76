"""Refraction on electrons  H_mat = lambda(z) diag(1, 0, ...),  lambda = sqrt(2) G_F (n_e- - n_e+).

It stands with the same sign in the commutators of rho and rhobar (convention of Sigl and Raffelt).
Neutral currents add -(lambda/2)(n_n/n_e) times the unit matrix, which commutes with rho: forces and
energies have it, the commutator does not.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hpcqke.schema import choice, integer, number, numbers
from hpcqke.terms.base import HamiltonianTerm

KEYS = {
    "constant": ("potential",),
    "cosine": ("potential", "amplitude", "wave_number"),
    "exponential": ("potential", "scale_height"),
    "table": ("z", "values"),
}
"""The keys of each profile; potential may be left out beside an amplitude."""


class Matter(HamiltonianTerm):
    """Refraction on electrons  i [rho, H_mat],  H_mat = lambda(z) diag(1, 0, ...)."""

    name = "matter"
    conserves = ("number", "polarization_norm", "energy_kinetic")

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """lambda(z) as one of the profiles."""

        profile: str = choice(*KEYS, default="constant", doc="how lambda depends on z")
        potential: float | None = number(
            None, unit="mu", doc="lambda; of a cosine its mean, of an exponential that at z = 0"
        )
        amplitude: float | None = number(
            None, unit="mu", doc="cosine: potential + amplitude cos(2 pi wave_number z/L)"
        )
        wave_number: int | None = integer(
            None, minimum=1, maximum=2**31 - 1, doc="cosine: periods in the box"
        )
        scale_height: float | None = number(
            None, above=0, unit="1/mu", doc="exponential: potential exp(-z/scale_height)"
        )
        z: tuple[float, ...] | None = numbers(
            None, unit="1/mu", doc="table: points, growing, from -L/2 or before to L/2 or beyond"
        )
        values: tuple[float, ...] | None = numbers(
            None, unit="mu", doc="table: lambda at these points, straight lines between them"
        )
        neutrons_per_electron: float = number(
            0.0, minimum=0, doc="n_n/(n_e- - n_e+): neutral currents, for forces and energies only"
        )

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """The keys of the profile, no others; a table that reaches over the box."""
        wanted = KEYS[config.profile]
        for key in dict.fromkeys(key for keys in KEYS.values() for key in keys):
            value = getattr(config, key)
            optional = key == "potential" and config.profile == "cosine"
            if value is not None and key not in wanted:
                yield key, f'must be left out, profile = "{config.profile}" has none', value
            elif value is None and key in wanted and not optional:
                yield key, f'missing; profile = "{config.profile}" needs it'
        if config.profile == "table" and config.z is not None:
            yield from cls._check_table(config, case.grid.z.length)

    @staticmethod
    def _check_table(config: Any, length: float) -> Iterator[tuple[Any, ...]]:
        z, values = config.z, config.values
        if any(b <= a for a, b in pairwise(z)):
            yield "z", "must grow from each point to the next", z
        elif not z[0] <= -length / 2 < length / 2 <= z[-1]:
            yield "z", f"must reach over the box, from {-length / 2:g} to {length / 2:g}", z
        if values is not None and len(values) != len(z):
            yield "values", f"must have {len(z)} numbers, one a point of z", values

    def profile(self, z: np.ndarray, length: float) -> np.ndarray:
        """lambda at the points z of a box of this length.

        Point by point with the functions of `math`: vectorised ones may round differently with the
        place in an array, and so with the number of ranks.
        """
        c = self.config
        if c.profile == "constant":
            return np.full(len(z), c.potential)
        if c.profile == "table":
            return np.interp(z, c.z, c.values)
        if c.profile == "cosine":
            k, mean = 2 * math.pi * c.wave_number / length, c.potential or 0.0
            return np.array([mean + c.amplitude * math.cos(k * float(x)) for x in z])
        return np.array([c.potential * math.exp(-float(x) / c.scale_height) for x in z])

    def _components(self, ps: Any, ee: np.ndarray, unit: np.ndarray) -> np.ndarray:
        """ee diag(1, 0, ...) + unit times the unit matrix, in components."""
        h = np.zeros((ee.size, ps.C))
        if ps.N == 2:
            h[:, 0], h[:, 3] = ee + 2 * unit, ee
        else:
            h[:, :3] = unit[:, None]
            h[:, 0] += ee
        return h

    def potential(self, ps: Any, z: np.ndarray) -> np.ndarray:
        """V(z), neutral currents included: components (len(z), N_f^2); -V for antineutrinos."""
        ee = self.profile(z, ps.z.length)
        return self._components(ps, ee, -0.5 * self.config.neutrons_per_electron * ee)

    def mean(self, ps: Any) -> np.ndarray:
        """lambda diag(1, 0, ...) of own rows."""
        ee = self.profile(ps.positions(), ps.z.length)
        return self._components(ps, ee, np.zeros_like(ee))

    def max_rate(self, ps: Any) -> float:
        """max |lambda|: the frequency with which the off-diagonal elements turn."""
        return float(np.abs(self.profile(ps.z.z, ps.z.length)).max())
