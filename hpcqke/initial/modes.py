"""Listed Fourier modes  psi_d(z) = sum_n c_n exp(2 pi i n z/L),  psi = P^x + i P^y."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.initial.base import Background, Recipe
from hpcqke.schema import choice, integer, number, tables
from hpcqke.state import SPECIES


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One term c exp(2 pi i n z/L), c = re + i im, of one direction."""

    direction: int = integer(minimum=0, doc="index in the list of directions, from 0")
    n: int = integer(doc="Fourier number, of either sign; |n| <= cells/2")
    re: float = number(0.0, doc="real part of the amplitude")
    im: float = number(0.0, doc="imaginary part of the amplitude")
    species: str = choice("nu", "nubar", default="nu", doc="neutrinos or antineutrinos")


class Modes(Recipe):
    """Listed Fourier modes of the off-diagonal elements."""

    name = "modes"

    @dataclass(frozen=True, kw_only=True)
    class Config(Background):
        """The modes, a table [[initial.modes]] each."""

        modes: tuple[Mode, ...] = tables(Mode, doc="added up where they share direction and n")

    @classmethod
    def psi(cls, config: Any, ps: Any, case: Any, z: np.ndarray) -> np.ndarray:
        """The listed modes added up."""
        psi = np.zeros((ps.particles, ps.nv, z.size), dtype=complex)
        for mode in config.modes:
            wave = np.exp(2j * np.pi * mode.n / ps.z.length * z)
            psi[SPECIES.index(mode.species), mode.direction] += complex(mode.re, mode.im) * wave
        return psi
