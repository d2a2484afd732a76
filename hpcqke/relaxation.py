"""Relaxation: a Runge-Kutta step stretched so that it keeps the energy exactly.

The energy is quadratic: E(rho + g D) = E + g L + g^2 Q along the step D = rho' - rho, with
    L = K(D) + E_vacuum(D) + E_matter(D) + mu sum [B(M,dM) - B(F,dF)],
    Q = (mu/2) sum [B(dM,dM) - B(dF,dF)],
(and the same of U1, the energy of the extra term of Eq. 18, which is quadratic as well),
so g = -L/Q gives E(rho + g D) = E(rho) to rounding; the new time is t + g h (Ketcheson 2019).
g - 1 is of the order of the method's error, about 1e-5; g = 1 where E is kept to rounding already.
"""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.momentum_sums import MomentumSums
from hpcqke.refractive_energy import FLUXES, bilinear, curl, derivative, interaction
from hpcqke.species_view import kinetic_kernel
from hpcqke.sums import ordered_sum

ROUNDING = 8e-16


class Relaxation:
    """Finds the factor of each step. ``lands(t)``: does a segment end at t?"""

    def __init__(self, equation, lands) -> None:
        self.equation, self.lands = equation, lands
        ps = equation.ps
        weight = ps.pack_modes((ps.momentum.weight * equation.energy)[ps.own[1:]])
        self._order = equation.transport.scheme()[0] if equation.transport else 0
        self._kinetic = MomentumSums(ps, kinetic_kernel(ps, weight, equation.energy_shares))

    def factor(self, t: float, y: np.ndarray, step: np.ndarray) -> float:
        """g of the step D from y (own rows of both); the same on all ranks. Collective."""
        equation, ps = self.equation, self.equation.ps
        C, external = ps.C, equation.external
        sums, change = equation.momentum_sums(y), equation.momentum_sums(step)
        size = np.abs(bilinear(sums, sums))[:, : FLUXES.stop].sum(axis=1)
        M, dM = sums[:, 0], change[:, 0]
        linear1, quadratic1 = self._extra(sums, change)
        kinetic_rows = self._kinetic.finish(self._kinetic.start(step))[:, :C]
        rows = np.stack(
            [
                interaction(sums, change) + linear1,
                0.5 * interaction(change, change) + quadratic1,
                size,
                state.trace(kinetic_rows) + external.density(dM),
                np.abs(external.density(M)),
            ],
            axis=-1,
        )
        if equation.along_z is not None:  # mu(z)
            rows[:, :3] *= equation.along_z[slice(*ps.z_range), None]
        totals = ps.z.dz * ordered_sum(rows, ps.z_comm)
        linear, quadratic, size = equation.strength(t) * totals[:3]
        linear += totals[3] + external.of_modes(step)
        size += totals[4] + abs(external.of_modes(y))
        if abs(linear + quadratic) <= ROUNDING * size or quadratic == 0:
            return 1.0
        factor = -linear / quadratic
        return factor if abs(factor - 1) < 0.1 else 1.0

    def _extra(self, sums: np.ndarray, change: np.ndarray):
        """The linear and the quadratic part of U1/mu of own rows; U1 needs all rows of F."""
        c18 = self.equation.c18
        if not c18:
            return 0.0, 0.0
        ps, own = self.equation.ps, slice(*self.equation.ps.z_range)
        both = np.concatenate(ps.z_comm.allgather(np.concatenate([sums, change], axis=1)))
        gradient = derivative(both, self._order, ps.z.dz)[own]
        dz_sums, dz_change = np.split(gradient, 2, axis=1)
        linear = curl(sums, dz_change) + curl(change, dz_sums)
        return c18 * linear, c18 * curl(change, dz_change)
