"""The growing eigenmode  psi(z) = amplitude Q exp(2 pi i n z/L)  of the linearised equations.

Q is the eigenvector with the largest growth rate, over all directions (and species).
"""

from dataclasses import dataclass

from hpcqke.initial.base import Background, Recipe
from hpcqke.schema import integer, number


class Eigenmode(Recipe):
    """The fastest growing eigenmode with one Fourier number."""

    name = "eigenmode"

    @dataclass(frozen=True, kw_only=True)
    class Config(Background):
        """Fourier number and size."""

        n: int = integer(doc="Fourier number, of either sign; |n| <= cells/2")
        amplitude: float = number(above=0, maximum=1, doc="size of the eigenvector")
