"""Neutrinos by species and flavor: density, angular distribution, spectrum; and a small seed.

    rho_aa(p, v) = n_a f_a(v) S_a(p),   sum over all modes = n_a

`hpcqke.initial.angular` has f by name, `spectrum` S, `perturbation` what is seeded on top. With
``net`` rho stands for rho - rhobar, the lepton number, and may be negative.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke import frequencies
from hpcqke.errors import CaseError
from hpcqke.grids import MomentumGrid
from hpcqke.initial import angular, perturbation
from hpcqke.initial import spectrum as spectra
from hpcqke.initial.base import Recipe
from hpcqke.schema import boolean, choice, integer, number, numbers, tables
from hpcqke.state import FLAVORS, PAIR_NAMES


@dataclass(frozen=True, kw_only=True)
class Population:
    """Neutrinos of one species and flavor; those with the same two add up."""

    species: str = choice("nu", "nubar", default="nu", doc="neutrinos or antineutrinos")
    flavor: str = choice("e", "x", "mu", "tau", default="e", doc="e, x of two flavors")
    density: float = number(1.0, minimum=0, doc="sum over all modes, but for legendre and table")
    angular: str = choice(*angular.KEYS, default="isotropic", doc="distribution in v")
    center: float | None = number(
        None, minimum=-1, maximum=1, doc="gaussian: v of its peak; 1 if left out"
    )
    width: float | None = number(None, above=0, doc="gaussian: standard deviation in v")
    flux_factor: float | None = number(
        None, minimum=-0.9999, maximum=0.9999, doc="linear, maximum-entropy: mean v"
    )
    kappa: float | None = number(
        None, minimum=-1e4, maximum=1e4, doc="von-mises: of exp(kappa v)"
    )
    coefficients: tuple[float, ...] | None = numbers(
        None, doc="legendre: of P_0, P_1, ...; taken as they are"
    )
    values: tuple[float, ...] | None = numbers(
        None, doc="table: one for each v, in their order; taken as they are"
    )
    spectrum: str = choice(*spectra.KEYS, default="uniform", doc="distribution over the |p|")
    spectrum_range: tuple[float, float] | None = numbers(
        None, length=2, doc="box: lowest and highest |p|"
    )
    temperature: float | None = number(None, above=0, doc="fermi-dirac: T, in the unit of |p|")
    eta: float | None = number(None, doc="fermi-dirac: mu/T; 0 if left out")
    spectrum_values: tuple[float, ...] | None = numbers(
        None, minimum=0, doc="table: one for each |p|, in their order"
    )


class Distribution(Recipe):
    """Densities, angular distributions and spectra of each species and flavor, with a seed."""

    name = "distribution"

    @dataclass(frozen=True, kw_only=True)
    class Config(Recipe.Config):
        """The populations, a table [[initial.populations]] each, and the seed."""

        populations: tuple[Population, ...] = tables(Population, doc="species and flavors")
        net: bool = boolean(False, doc="rho stands for rho - rhobar and may be negative")
        perturbation: str = choice(*perturbation.KEYS, default="none", doc="what is seeded")
        amplitude: float | None = number(None, minimum=-1, maximum=1, doc="e, size of the seed")
        width: float | None = number(None, above=0, unit="1/mu", doc="bump: e exp(-z^2/2 width^2)")
        wave_number: int | None = integer(
            None, minimum=1, maximum=2**31 - 1, doc="sinusoid: periods in the box"
        )
        nmax: int | None = integer(None, minimum=1, doc="random: highest n; <= cells/2")
        seed: int | None = integer(None, minimum=0, doc="random: of the phases; 1 if left out")
        perturbed: str = choice(
            "both", "nu", "nubar", default="both", doc="the species that are seeded"
        )
        pairs: tuple[float, float, float] | None = numbers(
            None, length=3, doc="weight of the seed in emu, etau, mutau; 1 each if left out"
        )

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """The keys of each named shape, no others; no negative numbers of neutrinos."""
        optional = ("center", "eta", "seed")
        wanted = perturbation.KEYS[config.perturbation]
        yield from _wanted(config, "perturbation", wanted, perturbation.KEYS, optional, "")
        if config.pairs is not None and case.flavors.count != 3:
            yield "pairs", "must be left out for 2 flavors", config.pairs
        if config.net and case.flavors.antineutrinos:
            yield "net", "needs flavors.antineutrinos = false", config.net
        if config.perturbed == "nubar" and not case.flavors.antineutrinos:
            yield "perturbed", "needs flavors.antineutrinos = true", config.perturbed
        for i, one in enumerate(config.populations):
            path = f"populations[{i}]."
            for key, known in (("angular", angular.KEYS), ("spectrum", spectra.KEYS)):
                yield from _wanted(one, key, known[getattr(one, key)], known, optional, path)
            flavors = FLAVORS[case.flavors.count]
            if one.flavor not in flavors:
                yield f"{path}flavor", f"must be one of {', '.join(flavors)}", one.flavor
            if one.species == "nubar" and not case.flavors.antineutrinos:
                yield f"{path}species", "needs flavors.antineutrinos = true", one.species
        if (grid := _whole_grid(case)) is not None:
            yield from cls._check_values(config, grid)

    @staticmethod
    def _check_values(config: Any, grid: MomentumGrid) -> Iterator[tuple[Any, ...]]:
        v = grid.v[: grid.v.size // grid.azimuths]
        for i, one in enumerate(config.populations):
            path = f"populations[{i}]."
            if one.values is not None and len(one.values) != v.size:
                yield f"{path}values", f"must have {v.size} numbers, one a direction", one.values
                continue
            count = len(one.spectrum_values or ())
            if one.spectrum == "table" and count and count != grid.p.size:
                allowed = f"must have {grid.p.size} numbers, one a momentum"
                yield f"{path}spectrum_values", allowed, one.spectrum_values
            box = one.spectrum == "box" and one.spectrum_range is not None
            if box and not spectra.spectrum("box", one, grid).any():
                yield f"{path}spectrum_range", "must have a momentum in it", one.spectrum_range
            given = all(getattr(one, k) is not None for k in angular.KEYS[one.angular][-1:])
            if not given or config.net:
                continue
            f = angular.shape(one.angular, one, v)(v)
            if f.min() < 0:
                at = v[f.argmin()]
                allowed = f"is negative at v = {at:g} ({f.min():.3g}): must be >= 0, or net = true"
                yield f"{path}angular", allowed, one.angular

    @classmethod
    def diagonal(cls, config: Any, case: Any, grid: MomentumGrid) -> np.ndarray:
        """rho_aa without its seed on any momentum grid: (species, |p|, direction, N_f).

        ``grid`` may be finer than the case's own; only spectra of tables need the same |p|.
        """
        own = MomentumGrid.from_case(case.grid.momentum)
        directions = own.v[: own.v.size // own.azimuths]
        species, flavors = case.flavors.antineutrinos + 1, FLAVORS[case.flavors.count]
        n = np.zeros((species, grid.p.size, grid.v.size, len(flavors)))
        for one in config.populations:
            f = angular.shape(one.angular, one, directions)(grid.v)
            S = spectra.spectrum(one.spectrum, one, grid)
            part = n[int(one.species == "nubar"), ..., flavors.index(one.flavor)]
            part += one.density * S[:, None] * f
        return n

    @classmethod
    def fill(cls, config: Any, ps: Any, case: Any) -> np.ndarray:
        """rho of this rank's part."""
        own = ps.own
        n = cls.diagonal(config, case, ps.momentum)[:, own[1], own[2]]
        z, v = ps.z.z[own[0]], ps.momentum.v[own[2]]
        a = perturbation.amplitude(config, z, v, ps.z.length)
        most = float(ps.comm.allreduce(np.sqrt(a[0] ** 2 + a[1] ** 2).max(), op=_maximum()))
        if most > 1:
            text = f"the seeds add up to {most:g}, must be <= 1"
            raise CaseError([f"initial.amplitude = {config.amplitude}: {text}"])
        weights = config.pairs or (1.0,) * len(PAIR_NAMES[ps.N])
        nothing = tuple(np.zeros((1, 1)) for _ in a)
        A = np.zeros((ps.rows, *n.shape[1:3], ps.S, ps.C))
        for s, name in enumerate(ps.species[: ps.particles]):
            seeded = config.perturbed in ("both", name)
            A[..., s, :] = perturbation.turned(n[s], a if seeded else nothing, weights)
        return A


def _wanted(one: Any, name: str, wanted: Any, known: dict, optional: Any, path: str) -> Iterator:
    """A line for each key of ``known`` that is missing or does not belong to ``name``'s choice."""
    choice = getattr(one, name)
    for key in dict.fromkeys(key for keys in known.values() for key in keys):
        value = getattr(one, key)
        if value is None and key in wanted and key not in optional:
            yield f"{path}{key}", f'missing; {name} = "{choice}" needs it'
        elif value is not None and key not in wanted:
            yield f"{path}{key}", f'must be left out, {name} = "{choice}" has none', value


def _whole_grid(case: Any) -> MomentumGrid | None:
    """The grid of the directions and momenta, None if the case does not say them."""
    momentum = case.grid.momentum
    listed = momentum.directions is not None
    if listed == (momentum.rule is not None) or (not listed and momentum.count is None):
        return None
    if momentum.offset_range is not None and momentum.offset_cells is None:
        return None
    return MomentumGrid.from_case(frequencies.complete(case))


def _maximum() -> Any:
    from mpi4py import MPI

    return MPI.MAX
