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
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpcqke.momentum_operator import MomentumOperator, finite_volumes, on_axis
from hpcqke.schema import boolean, choice
from hpcqke.terms.base import Term


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
        """Form "arakawa" is one whole; finite volumes have one order."""
        if config.order != 2 and case.grid.momentum.rule == "uniform":
            yield "order", 'must be 2 with rule = "uniform"', config.order
        if config.form != "arakawa":
            return
        if config.mode == "tracer":
            yield "form", 'must be "split" with mode = "tracer"', config.form
        for part in ("weak_force", "group_velocity"):
            if not getattr(config, part):
                yield part, 'must be true with form = "arakawa"', False

    @property
    def with_advection(self) -> bool:
        """Does the term contain -v d_z rho?"""
        return self.config.form == "arakawa"

    def operator(self, momentum: Any) -> MomentumOperator:
        """X on the momentum grid."""
        if momentum.v_edges is not None:
            return finite_volumes(momentum.p_edges, momentum.v_edges, momentum.p0)
        return on_axis(momentum.p, momentum.v, self.config.order)

    def max_rate(self, ps: Any) -> float:
        """mu n (d_z) (d_q): a bound for unit polarizations."""
        dq = abs(ps.momentum.p[1] - ps.momentum.p[0]) if ps.momentum.p.size > 1 else float("inf")
        return 4.0 / (dq * ps.z.dz)
