"""Portable seeds  P^c(z) = a_0 + 2 sum_{n=1}^{nmax} a_n cos(phi_n + 2 pi n z/L),  c = x, y.

The random numbers are the stream of Park and Miller:
x <- 16807 x mod (2^31 - 1), u = x/(2^31 - 1); beams +, -, components x, y, n = 0..nmax draw
u1, u2, u3: a_n = sigma sqrt(-2 ln u1) cos(2 pi u2), phi_n = 2 pi u3 (phi_0 is not used).
Any language can repeat it to the last digits: this is what tests compare with.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.initial.base import Background, Recipe
from hpcqke.initial.random_seeds import fourier_seeds
from hpcqke.schema import integer, number


class Lcg(Recipe):
    """Fourier seeds of Eq. 13 from a portable random stream, for comparison between codes."""

    name = "lcg"

    @dataclass(frozen=True, kw_only=True)
    class Config(Background):
        """Spectrum, size and seed of the noise."""

        nmax: int = integer(minimum=0, doc="highest Fourier number with a seed; <= cells/2")
        sigma: float = number(minimum=0, maximum=1, doc="standard deviation of each amplitude")
        seed: int = integer(1, minimum=1, maximum=2**31 - 2, doc="first x of the stream")

    @classmethod
    def psi(cls, config: Any, ps: Any, case: Any, z: np.ndarray) -> np.ndarray:
        """Neutrinos first, then antineutrinos; directions in the order of the case."""
        shape = (ps.particles, ps.nv, 2, config.nmax + 1)
        u = uniform_stream(config.seed, 3 * int(np.prod(shape))).reshape(*shape, 3)
        amplitude = config.sigma * np.sqrt(-2 * np.log(u[..., 0])) * np.cos(2 * np.pi * u[..., 1])
        phase = 2 * np.pi * u[..., 2]
        return fourier_seeds(amplitude, phase, z, ps.z.length)


def uniform_stream(seed: int, count: int) -> np.ndarray:
    """The next ``count`` numbers u = x/(2^31 - 1) of x <- 16807 x mod (2^31 - 1)."""
    u, x, m = np.empty(count), seed, 2**31 - 1
    for i in range(count):
        x = 16807 * x % m
        u[i] = x / m
    return u
