"""The energy that refraction hands to each direction, kept beside rho: `hpcqke.ledger`.

Eq. (1) alone changes the refractive energy U with nothing to balance it. What it changes by goes
into the momenta, through gradient terms that are too small to act back on flavor. The ledger adds
up for each direction the work of the weak force, K_v, without a momentum grid:

    dK_v/dt = v S_v - d_v[(1 - v^2) S_v],   S_v = int Tr(Omega_v d_z rho_v) dz,   K + U = const

with the other sign for antineutrinos. It is the first order in mu/|p| of Eq. (16).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpcqke.terms.base import REGISTRY, Term


class Ledger(Term):
    """Kinetic energy of each direction beside Eq. (1), which closes K + U; no momentum grid."""

    name = "ledger"
    kind = "ledger"
    conserves = ("number", "flavor", "polarization_norm")

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """Nothing to choose: the section switches it on."""

    @classmethod
    def check(cls, config: Any, case: Any) -> Iterator[tuple[Any, ...]]:
        """Explicit Runge-Kutta steps of Eq. (1), mu and matter the same at every z."""
        on = dict(case.terms.items())
        for name in ("advection", "self_interaction"):
            if name not in on:
                yield f"terms.{name}", "missing; the ledger needs it"
        if "advection" in on and on["advection"].order % 2:
            needs = "must be even with terms.ledger: differences that are skew, of a periodic box"
            yield "terms.advection.order", needs, on["advection"].order
        for name in on:
            if REGISTRY[name].kind in ("gradient", "source"):
                yield f"terms.{name}", "must be left out with terms.ledger"
        for name in ("self_interaction", "matter"):
            profile = getattr(on.get(name), "profile", "constant")
            if profile != "constant" and on[name].along == "z":
                yield f"terms.{name}.along", 'must be "t" with terms.ledger', "z"
        momentum, time = case.grid.momentum, case.time
        if momentum.azimuths > 1:
            yield "grid.momentum.azimuths", "must be 1 with terms.ledger", momentum.azimuths
        if momentum.ranks > 1:
            yield "grid.momentum.ranks", "must be 0 or 1 with terms.ledger", momentum.ranks
        if momentum.offset_range is not None:
            needs = "must be left out with terms.ledger, which knows no spectrum"
            yield "grid.momentum.offset_range", needs, momentum.offset_range
        if time.relaxation:
            yield "time.relaxation", "must be false with terms.ledger", time.relaxation
        if not time.integrator.startswith(("rk", "bm")):  # a splitting refuses it itself
            needs = "must be an explicit Runge-Kutta one with terms.ledger"
            yield "time.integrator", needs, time.integrator
