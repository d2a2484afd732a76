"""Random seeds  P^c(z) = a_0 + 2 sum_{n=1}^{nmax} a_n cos(phi_n + 2 pi n z/L),  c = x, y   [Eq. 13].

a_n is normal with standard deviation sigma, phi_n uniform in [0, 2 pi), independent for every beam
and component; P^z is the uniform background.
"""

from dataclasses import dataclass

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
