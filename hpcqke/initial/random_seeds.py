"""Random seeds  P^c(z) = a_0 + 2 sum_{n=1}^{nmax} a_n cos(phi_n + 2 pi n z/L),  c = x, y  (Eq. 13).

a_n is normal with standard deviation sigma, phi_n uniform in [0, 2 pi), independent for every beam
and component; P^z is the uniform background.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.initial.base import Background, Recipe
from hpcqke.schema import integer, number


class RandomSeeds(Recipe):
    """Random Fourier seeds of the off-diagonal elements (Eq. 13)."""

    name = "random"

    @dataclass(frozen=True, kw_only=True)
    class Config(Background):
        """Spectrum, size and seed of the noise."""

        nmax: int = integer(minimum=0, doc="highest Fourier number with a seed; <= cells/2")
        sigma: float = number(minimum=0, maximum=1, doc="standard deviation of each amplitude")
        seed: int = integer(1, minimum=0, doc="the same seed gives the same noise on any ranks")

    @classmethod
    def psi(cls, config: Any, ps: Any, case: Any, z: np.ndarray) -> np.ndarray:
        """Drawn from one counter-based stream, the same on every rank."""
        draw = np.random.Generator(np.random.Philox(config.seed))
        shape = (ps.particles, ps.nv, 2, config.nmax + 1)
        amplitude = config.sigma * draw.standard_normal(shape)
        phase = 2 * np.pi * draw.random(shape)
        return fourier_seeds(amplitude, phase, z, ps.z.length)


def fourier_seeds(amplitude: np.ndarray, phase: np.ndarray, z: np.ndarray, length: float):
    """psi(z) of amplitudes and phases (species, direction, (x, y), n): Eq. 13.

    Summed n by n, element by element, so that a point's value does not depend on its neighbours.
    """
    c = np.repeat(amplitude[..., :1], z.size, axis=-1)
    for n in range(1, amplitude.shape[-1]):
        wave = np.cos(phase[..., n, None] + 2 * np.pi * n / length * z)
        c += 2 * amplitude[..., n, None] * wave
    return c[:, :, 0] + 1j * c[:, :, 1]
