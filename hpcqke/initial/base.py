"""What every recipe shares: its registry, and the uniform background it perturbs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hpcqke.errors import CaseError
from hpcqke.schema import number, numbers, text

REGISTRY: dict[str, type["Recipe"]] = {}
"""Every recipe by name, in the order in which initial/__init__.py imports them."""


class Recipe:
    """Initial data of one kind; a subclass with a `name` is in the registry by itself.

    `name` is what `initial.recipe` says; the first line of the docstring is what `hpcqke info`
    prints.
    """

    name: ClassVar[str]

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Fields made with the helpers of hpcqke.schema, after `recipe` itself."""

        recipe: str = text(doc="the name of the recipe")

    def __init_subclass__(cls, **keywords: Any):
        super().__init_subclass__(**keywords)
        if "name" in cls.__dict__:
            if cls.name in REGISTRY:
                raise TypeError(f"two recipes are called {cls.name!r}")
            REGISTRY[cls.name] = cls

    @classmethod
    def doc(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """Faults that no single key shows: (key, allowed[, value]), the key without `initial.`."""
        yield from ()

    @classmethod
    def fill(cls, config: Any, ps: Any, case: Any) -> np.ndarray:
        """rho of this rank's part: (rows, momenta, directions, species, component)."""
        if ps.N != 2:
            text = "is for flavors.count = 2; three start from a file or Simulation.set_state"
            raise CaseError([f"initial.recipe = {config.recipe!r}: {text}"])
        d0, d1 = ps.direction_range
        z = ps.z.z[slice(*ps.z_range)]
        pz, p0, pz_bar, p0_bar = config.beams(ps.momentum.v)
        A = np.zeros((ps.rows, ps.momentum_range[1] - ps.momentum_range[0], d1 - d0, ps.S, ps.C))
        for s, (length, along) in enumerate(((p0, pz), (p0_bar, pz_bar))[: ps.particles]):
            A[..., s, 0] = np.asarray(length)[d0:d1]
            A[..., s, 3] = np.asarray(along)[d0:d1]
        psi = cls.psi(config, ps, case, z)[:, d0:d1]
        psi, n = psi.transpose(2, 1, 0)[:, None], ps.particles
        A[..., :n, 1], A[..., :n, 2] = psi.real, psi.imag
        if config.momentum_width is not None:
            A *= profile(ps.momentum, config.momentum_width)[slice(*ps.momentum_range)]
        return A

    @classmethod
    def psi(cls, config: Any, ps: Any, case: Any, z: np.ndarray) -> np.ndarray:
        """psi = P^x + i P^y at the points z: complex (species, direction, z), all directions."""
        raise NotImplementedError


def profile(momentum: Any, width: float) -> np.ndarray:
    """exp(-q^2/2 width^2), its sum with the weights being one: (momentum, 1, 1, 1)."""
    g = np.exp(-((momentum.p / width) ** 2) / 2)
    return (g / np.sum(g * momentum.p_weight))[:, None, None, None]


@dataclass(frozen=True, kw_only=True)
class Background(Recipe.Config):
    """Uniform P^z and P0 of each direction: two beams by zeta, any list by polarization."""

    zeta_plus: float | None = number(
        None, minimum=-1, maximum=1, doc="P^z of the direction with v > 0; two directions only"
    )
    zeta_minus: float | None = number(
        None, minimum=-1, maximum=1, doc="P^z of the direction with v < 0; two directions only"
    )
    polarization: tuple[float, ...] | None = numbers(
        None, doc="P^z of each direction v, in their order; the same at every azimuth"
    )
    polarization_bar: tuple[float, ...] | None = numbers(
        None, doc="the same of antineutrinos; 0 if left out"
    )
    P0: tuple[float, ...] | None = numbers(
        None, minimum=0, doc="P0 of each direction; |P^z| if left out"
    )
    P0_bar: tuple[float, ...] | None = numbers(
        None, minimum=0, doc="the same of antineutrinos; |P^z| if left out"
    )
    momentum_width: float | None = number(
        None,
        above=0,
        unit="mu",
        doc="width of a Gaussian in q = |p| - p0; none: the same in each bin",
    )

    def beams(self, directions: Any) -> tuple[tuple[float, ...], ...]:
        """(P^z, P0, P^z of antineutrinos, P0 of antineutrinos), each one number a direction.

        `directions` are the velocities v in [-1, 1]; with zeta one is positive and one negative.
        """
        count = len(directions)  # with azimuths a multiple of what is listed
        if self.polarization is not None:
            pz = self.polarization
        else:
            pz = tuple(self.zeta_plus if v > 0 else self.zeta_minus for v in directions)
        pz_bar = self.polarization_bar or (0.0,) * count
        p0 = self.P0 or tuple(abs(x) for x in pz)
        p0_bar = self.P0_bar or tuple(abs(x) for x in pz_bar)
        return tuple(tuple(x) * (count // len(x)) for x in (pz, p0, pz_bar, p0_bar))
