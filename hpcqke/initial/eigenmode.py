"""The growing eigenmode  psi_b(z) = a_b exp(i k z),  k = 2 pi n/L,  of the linearised equations.

a is the eigenvector with the largest growth rate gamma over all directions and species, its size
given by ``amplitude`` = alpha in Delta U_osc(t) = 2 k^2 L alpha^2 (exp(2 gamma t) - 1)/mu: Eq. (12)
of the paper with the longitudinal part, which is of the same order, added.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke import units
from hpcqke.analysis.eigenmode import eigenmode
from hpcqke.analysis.linear import LinearSystem
from hpcqke.initial.base import Background, Recipe
from hpcqke.schema import integer, number


class Eigenmode(Recipe):
    """The fastest growing eigenmode with one Fourier number."""

    name = "eigenmode"

    @dataclass(frozen=True, kw_only=True)
    class Config(Background):
        """Fourier number and size."""

        n: int = integer(doc="Fourier number, of either sign; |n| <= cells/2")
        amplitude: float = number(above=0, maximum=1, doc="alpha of the energy it moves")

    @classmethod
    def psi(cls, config: Any, ps: Any, case: Any, z: np.ndarray) -> np.ndarray:
        """psi_b(z) = a_b exp(2 pi i n z/L)."""
        k = 2 * np.pi * config.n / ps.z.length
        pz, _, pz_bar, _ = config.beams(ps.momentum.v)
        polarization = np.array([pz, pz_bar][: ps.particles])
        mu = units.configs(case)["self_interaction"].mu
        spread = config.momentum_width is not None  # then the sum over |p| of the profile is one
        weight = ps.momentum.v_weight * (1.0 if spread else ps.momentum.p_weight.sum())
        system = LinearSystem(ps.momentum.v, weight, polarization, mu)
        amplitudes, _ = eigenmode(system, k, config.amplitude)
        return amplitudes[:, :, None] * np.exp(1j * k * z)
