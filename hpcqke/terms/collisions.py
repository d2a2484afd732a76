"""Collisions  C = 1/2 {diag(Gamma), rho_eq - rho} + 1/2 {diag(kappa), <rho> - rho}.

Emission and absorption with the rates Gamma_a of the flavors relax the occupations to rho_eq and
damp the entry ab by (Gamma_a + Gamma_b)/2. Isotropic elastic scattering with the rates kappa_a does
the same towards <rho>, the average over all directions at fixed |p|; it keeps sum rho. Neutrinos
and antineutrinos have rates of their own, the same form of C and no terms between them (convention
of Sigl and Raffelt, nothing is conjugated). With rho diagonal this is the classical Boltzmann
equation, d_t f_a = Gamma_a (f_eq,a - f_a) + kappa_a (<f_a> - f_a).

The first part keeps rho and 1 - rho positive for any rates, and the entropy of rho relative to
equilibrium never falls by it. The second does so if kappa is the same for all flavors, or rho
diagonal; otherwise it is the usual form of a flavor-dependent rate, which is not bound to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke import frequencies
from hpcqke.schema import numbers_by_momentum
from hpcqke.terms.base import SourceTerm

KEYS = ("absorption", "equilibrium", "scattering")


class Collisions(SourceTerm):
    """Emission, absorption, scattering  1/2 {Gamma, rho_eq - rho} + 1/2 {kappa, <rho> - rho}."""

    name = "collisions"

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Rates and equilibrium, a number for each flavor, or a list of such lists."""

        absorption: tuple[Any, ...] | None = numbers_by_momentum(
            None, minimum=0, unit="mu", doc="Gamma of each flavor, or a list of them for each |p|"
        )
        absorption_bar: tuple[Any, ...] | None = numbers_by_momentum(
            None, minimum=0, unit="mu", doc="the same of antineutrinos; absorption if left out"
        )
        equilibrium: tuple[Any, ...] | None = numbers_by_momentum(
            None, minimum=0, doc="rho_eq,aa that absorption and emission lead to; 0: no emission"
        )
        equilibrium_bar: tuple[Any, ...] | None = numbers_by_momentum(
            None, minimum=0, doc="the same of antineutrinos; equilibrium if left out"
        )
        scattering: tuple[Any, ...] | None = numbers_by_momentum(
            None, minimum=0, unit="mu", doc="kappa of each flavor, isotropic and elastic"
        )
        scattering_bar: tuple[Any, ...] | None = numbers_by_momentum(
            None, minimum=0, unit="mu", doc="the same of antineutrinos; scattering if left out"
        )

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """One number a flavor, one list a momentum; what belongs together."""
        given = {key: getattr(config, key) for k in KEYS for key in (k, f"{k}_bar")}
        if given["absorption"] is None and given["scattering"] is None:
            yield "absorption", "missing; must be a rate for each flavor, or give scattering"
        if given["absorption"] is not None and given["equilibrium"] is None:
            yield "equilibrium", "missing; absorption needs it (0 for each flavor: no emission)"
        if given["equilibrium"] is not None and given["absorption"] is None:
            yield "equilibrium", "must be left out without absorption", given["equilibrium"]
        for key in KEYS:
            bar = given[f"{key}_bar"]
            if bar is not None and given[key] is None:
                yield f"{key}_bar", f"must be left out without {key}", bar
            elif bar is not None and not case.flavors.antineutrinos:
                yield f"{key}_bar", "needs flavors.antineutrinos = true", bar
        for key, values in given.items():
            if values is not None:
                yield from cls._check_size(key, values, case)
        if case.time.relaxation:
            yield "time.relaxation", "must be false with collisions, which change the energy", True
        gradient = case.terms.get("gradient")
        if gradient is not None and gradient.mode == "tracer":
            allowed = 'must be "full" with collisions: the tracer has no flavor to be absorbed by'
            yield "terms.gradient.mode", allowed, gradient.mode

    @staticmethod
    def _check_size(key: str, values: tuple, case: Any) -> Iterator[tuple[Any, ...]]:
        momentum, flavors = case.grid.momentum, case.flavors.count
        found = frequencies.bins(momentum)
        momenta = len(found[0] if found else momentum.momenta)
        if momentum.offset_range is not None:
            momenta = momentum.offset_cells
        lists = values if isinstance(values[0], tuple) else (values,)
        if any(len(one) != flavors for one in lists):
            yield key, f"must have {flavors} numbers, one a flavor, in each list", values
        elif lists is values and len(lists) != momenta:
            yield key, f"must have {momenta} lists, one a momentum, or be one list", values

    def prepare(self, ps: Any) -> None:
        """Set up the kernel for this rank's momenta."""
        from hpcqke.collision_flow import CollisionFlow  # reading a case needs no kernels

        absorption, scattering = collision_rates(self.config, ps.momentum, ps.N, ps.S)
        self._rates = absorption, equilibrium(self.config, ps.momentum, ps.N, ps.S)
        self._flow = CollisionFlow(ps, *self._rates, scattering)

    def add_source(self, t: float, X: np.ndarray, F: np.ndarray) -> None:
        """F += C[rho]."""
        self._flow.add(X, F)

    def number_rate(self, ps: Any, occupied: np.ndarray) -> np.ndarray:
        """int sum Gamma_a (rho_eq - rho)_aa dz, (species, flavor); scattering adds nothing.

        ``occupied``: int rho_aa dz of every mode, (momentum, direction, species, flavor).
        """
        absorption, wanted = (a.swapaxes(0, 1)[:, None] for a in self._rates)
        rate = absorption * (wanted * ps.z.length - occupied)
        return np.einsum("pd,pdsa->sa", ps.momentum.weight, rate)

    def max_rate(self, ps: Any) -> float:
        """The largest Gamma + kappa."""
        sides = [
            sum(np.max(values) for key in KEYS[::2] if (values := _side(self.config, key, bar)))
            for bar in (False, True)
        ]
        return float(max(sides))


def collision_rates(
    config: Any, grid: Any, flavors: int, species: int
) -> tuple[np.ndarray, np.ndarray]:
    """(Gamma, kappa) of a `Collisions.Config`, each (species, momentum, flavor), 0 if left out.

    ``grid`` is the `MomentumGrid`; ``species`` 1 (nu) or 2 (nu, nubar).
    """
    return tuple(_table(config, key, grid.p.size, flavors, species) for key in KEYS[::2])


def equilibrium(config: Any, grid: Any, flavors: int, species: int) -> np.ndarray:
    """rho_eq,aa of a `Collisions.Config`, (species, momentum, flavor)."""
    return _table(config, "equilibrium", grid.p.size, flavors, species)


def _side(config: Any, key: str, bar: bool) -> tuple | None:
    """The values of neutrinos or, `bar`, of antineutrinos."""
    own = getattr(config, f"{key}_bar") if bar else None
    return getattr(config, key) if own is None else own


def _table(config: Any, key: str, momenta: int, flavors: int, species: int) -> np.ndarray:
    sides = [_side(config, key, bool(s)) for s in range(species)]
    return np.array([np.broadcast_to(v if v else 0.0, (momenta, flavors)) for v in sides], float)
