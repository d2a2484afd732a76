"""Vacuum oscillations  H_vac = U M^2 U^dagger/(2|p|),  i [rho, H_vac] and i [rhobar, -H_vac].

The convention is that of Sigl and Raffelt: rho_ab = <a_b^dagger a_a>, rhobar_ab = <b_a^dagger b_b>.
Both transform as rho -> U rho U^dagger: antineutrinos have -H_vac and nothing is conjugated. U is
the mixing matrix of the Particle Data Group, |nu_a> = sum_i U*_ai |nu_i>. M^2 = diag(0, dm21, dm31)
is counted from the first mass; a negative dm31 (two flavors: dm2) is the inverted ordering.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke import state
from hpcqke.schema import number, numbers
from hpcqke.terms.base import HamiltonianTerm

ANGLES = {2: ("theta",), 3: ("theta12", "theta13", "theta23")}


def mixing_matrix(theta12: float, theta13: float, theta23: float, delta: float) -> np.ndarray:
    """U of three flavors, R23(theta23) U13(theta13, delta) R12(theta12), angles in rad."""
    c12, s12 = np.cos(theta12), np.sin(theta12)
    c13, s13 = np.cos(theta13), np.sin(theta13)
    c23, s23 = np.cos(theta23), np.sin(theta23)
    phase = np.exp(1j * delta)
    first = np.array([[1, 0, 0], [0, c23, s23], [0, -s23, c23]], dtype=complex)
    second = np.array([[c13, 0, s13 / phase], [0, 1, 0], [-s13 * phase, 0, c13]])
    third = np.array([[c12, s12, 0], [-s12, c12, 0], [0, 0, 1]], dtype=complex)
    return first @ second @ third


def _angle(doc: str) -> Any:
    return number(None, minimum=0, maximum=1.5708, unit="rad", doc=doc)


class Vacuum(HamiltonianTerm):
    """Oscillations in vacuum  i [rho, H_vac],  H_vac = U M^2 U^dagger/(2|p|), -H_vac for nubar."""

    name = "vacuum"
    conserves = ("number", "polarization_norm", "energy_kinetic")

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Masses and mixing angles."""

        mass_splittings: tuple[float, ...] = numbers(
            unit="mu^2", doc="[dm2] of two flavors, [dm21, dm31] of three; negative: inverted"
        )
        theta: float | None = _angle("mixing angle of two flavors")
        theta12: float | None = _angle("mixing angle of three flavors")
        theta13: float | None = _angle("mixing angle of three flavors")
        theta23: float | None = _angle("mixing angle of three flavors")
        delta_cp: float | None = number(
            None, minimum=-6.2832, maximum=6.2832, unit="rad", doc="CP phase; 0 if left out"
        )

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """The keys of so many flavors, no others; |p| > 0."""
        flavors = case.flavors.count
        wanted = ANGLES[flavors]
        if len(config.mass_splittings) != flavors - 1:
            allowed = f"must have {flavors - 1} number{'s' * (flavors - 2)} for {flavors} flavors"
            yield "mass_splittings", allowed, config.mass_splittings
        for key in (*ANGLES[2], *ANGLES[3], "delta_cp"):
            value = getattr(config, key)
            if value is None and key in wanted:
                yield key, f"missing; must be an angle in rad, for {flavors} flavors"
            elif value is not None and key not in (*wanted, "delta_cp" if flavors == 3 else ""):
                yield key, f"must be left out for {flavors} flavors", value
        momentum = case.grid.momentum
        if momentum.offset_range is not None and momentum.p0 + momentum.offset_range[0] < 0:
            least = -momentum.offset_range[0]
            allowed = f"must be >= {least:g}, so that |p| > 0 in dm2/(2|p|)"
            yield "grid.momentum.p0", allowed, momentum.p0

    def mass_matrix(self) -> np.ndarray:
        """U M^2 U^dagger, complex (N_f, N_f)."""
        c = self.config
        if len(c.mass_splittings) == 1:
            cos, sin = np.cos(c.theta), np.sin(c.theta)
            U = np.array([[cos, sin], [-sin, cos]], dtype=complex)
        else:
            U = mixing_matrix(c.theta12, c.theta13, c.theta23, c.delta_cp or 0.0)
        return (U * np.array([0.0, *c.mass_splittings])) @ U.conj().T

    def matrix(self, p: np.ndarray) -> np.ndarray:
        """H_vac at the momenta |p| > 0, with its trace: components (len(p), N_f^2)."""
        return state.from_matrix(self.mass_matrix()) / (2.0 * np.asarray(p, dtype=float)[:, None])

    def mode(self, ps: Any) -> np.ndarray:
        """H_vac of neutrinos, -H_vac of antineutrinos, without the trace, which commutes.

        Species beyond these two are tracers, which have no flavor to turn.
        """
        momenta, directions = ps.own[1], ps.own[2]
        H = state.without_trace(self.matrix(ps.momentum.magnitude[momenta]))
        shape = (H.shape[0], directions.stop - directions.start)
        parts = [ps.pack_modes(np.broadcast_to(column[:, None], shape)) for column in H.T]
        one = np.stack(parts, axis=1)
        sides = [one, -one][: ps.particles] + [np.zeros_like(one)] * (ps.S - ps.particles)
        return np.concatenate(sides, axis=1)

    def max_rate(self, ps: Any) -> float:
        """The largest difference of M^2/(2|p|): the fastest oscillation."""
        masses = (0.0, *self.config.mass_splittings)
        return float((max(masses) - min(masses)) / (2.0 * ps.momentum.magnitude.min()))
