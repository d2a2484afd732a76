"""Gradient terms  1/2{d_z Omega, d_pz rho} - 1/2{d_pz Omega, d_z rho}   [Eq. 16 of the paper].

With Omega0 = mu [(M + Tr M) - v (F + Tr F)] of Eq. (17) these return to the kinetic energy what
Eq. (1) takes out of the refractive energy: K + U, the number, the flavor matrix and (on the axis)
the momentum are conserved exactly by a time step that keeps quadratic quantities. With one of the
two parts switched off, for study, K + U is not conserved. The split form

    d_t rho = ... + X(rho o d_z Omega) - d_z(rho o X Omega),   a o b = (ab + ba)/2,   X = d/dp_z

is the default, with the X of `hpcqke.momentum_operator` and the d_z of the advection. For
antineutrinos both terms have the opposite sign. Form "arakawa" conserves int Tr rho^2 too:

    d_t rho = i [rho, h] + (J1 + J2 + J3)/3           with the whole h, kinetic energy included,
    J1 = d_z h o X rho - X h o d_z rho,   J2 = d_z(h o X rho) - X(h o d_z rho),
    J3 = X(rho o d_z h) - d_z(rho o X h)

in place of the split terms and of the advection. J2 averages d_z rho over neighbouring bins, which
spreads the tails of a spectrum: this form wants finer bins and wider windows than the split one.

With azimuth bins Omega0 has the transverse fluxes as well, and there is the extra term of Eq. (18)

    d Omega_p = c18 mu [(n_x d_z F_y - n_y d_z F_x)/|p| + n_x d_z G_y - n_y d_z G_x]

with G_i = sum (n_i/|p|) (rho + rhobar). Its factor c18 is a choice, `eq18`. The paper has Omega0
alone in the anticommutators: then K + U + U1 is conserved up to second order in the gradients only;
with the whole Omega there, the default, exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpcqke.momentum_operator import MomentumOperator, finite_volumes, on_axis
from hpcqke.schema import boolean, choice
from hpcqke.terms.base import Term

COEFFICIENTS = {"none": 0.0, "printed": 1.0, "supplement": 0.5, "spinors": -0.5}
"""c18, the factor of the extra term: Eq. (18) as printed, half of it from (S17), and what
left-handed spinors give. The energy that it carries, U1, is accounted for with any factor."""


class Gradient(Term):
    """Weak force and group velocity of Eq. (16), which trade refractive with kinetic energy."""

    name = "gradient"
    kind = "gradient"
    conserves = ("number", "flavor")

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Order of the differences in momentum, and the two parts."""

        mode: str = choice(
            "full",
            "tracer",
            default="full",
            doc="full: Eq. (16); tracer: flavor by Eq. (1), its momentum response beside it",
        )
        form: str = choice(
            "split",
            "arakawa",
            default="split",
            doc="split: keeps number and energy; arakawa: and Tr rho^2, advection included",
        )
        order: int = choice(2, 4, default=2, doc="order of the differences along |p|, v = +-1")
        weak_force: bool = boolean(True, doc="the force 1/2{d_z Omega, d_pz rho}")
        group_velocity: bool = boolean(True, doc="the correction -1/2{d_pz Omega, d_z rho}")
        eq18: str = choice(
            *COEFFICIENTS,
            default="none",
            doc="the term of Eq. (18), times +1 (printed), +1/2 (supplement), -1/2 (spinors)",
        )
        eq18_in_bracket: bool = boolean(
            True, doc="also in the anticommutators, which keeps the energy; false: as printed"
        )

    @property
    def c18(self) -> float:
        """The coefficient of the extra term of Eq. (18)."""
        return COEFFICIENTS[self.config.eq18]

    @classmethod
    def derivatives_z(cls, config: Any) -> int:
        """Eq. (18) has d_z of a field in Omega, of which the bracket takes d_z."""
        return 1 if config.eq18 == "none" else 2

    @classmethod
    def stencil_p(cls, config: Any) -> int:
        """Half the order."""
        return config.order // 2

    @classmethod
    def needs_corners(cls, config: Any) -> bool:
        """J2 has differences along z and momentum of the same product."""
        return config.form == "arakawa"

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """Finite volumes have one order; "arakawa" is one whole; Eq. (18) needs azimuths."""
        momentum = case.grid.momentum
        if config.order != 2 and momentum.rule == "uniform":
            yield "order", 'must be 2 with rule = "uniform"', config.order
        if config.form == "arakawa":
            yield from cls._check_arakawa(config, momentum)
        if config.eq18 != "none":
            yield from cls._check_eq18(momentum)

    @staticmethod
    def _check_arakawa(config: Any, momentum: Any) -> Iterator[tuple[Any, ...]]:
        if config.mode == "tracer":
            yield "form", 'must be "split" with mode = "tracer"', config.form
        if momentum.azimuths > 1:
            yield "form", 'must be "split" with azimuths', config.form
        for part in ("weak_force", "group_velocity"):
            if not getattr(config, part):
                yield part, 'must be true with form = "arakawa"', False

    @staticmethod
    def _check_eq18(momentum: Any) -> Iterator[tuple[Any, ...]]:
        """It vanishes in axial symmetry, and on the axis."""
        if momentum.azimuths < 3:
            needs = "must be >= 3 with terms.gradient.eq18, which is 0 in axial symmetry"
            yield "grid.momentum.azimuths", needs, momentum.azimuths
        if momentum.directions is not None:
            needs = 'must be left out with terms.gradient.eq18, which needs rule = "uniform"'
            yield "grid.momentum.directions", needs, momentum.directions

    @property
    def with_advection(self) -> bool:
        """Does the term contain -v d_z rho?"""
        return self.config.form == "arakawa"

    def operator(self, momentum: Any) -> MomentumOperator:
        """X on the momentum grid."""
        if momentum.v_edges is not None:
            cells = finite_volumes(momentum.p_edges, momentum.v_edges, momentum.p0)
            return cells.repeated(momentum.azimuths)
        return on_axis(momentum.p, momentum.v, self.config.order)

    def max_rate(self, ps: Any) -> float:
        """mu n (d_z) (d_q): a bound for unit polarizations."""
        dq = abs(ps.momentum.p[1] - ps.momentum.p[0]) if ps.momentum.p.size > 1 else float("inf")
        return 4.0 / (dq * ps.z.dz)
